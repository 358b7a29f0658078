"""Drawn faces are faces to a detector that was trained on real ones (YuNet)."""

from __future__ import annotations

import cv2
import numpy as np
import pytest

from facetracker.core import boxes
from facetracker.scenes import Scene, photo

pytestmark = pytest.mark.shared


@pytest.fixture(scope="module")
def yunet(shared):
    return cv2.FaceDetectorYN.create(str(shared / "peers" / "yunet_n_dynamic.onnx"), "", (320, 320), 0.6)


def judged(detector, frame) -> tuple[list[float], int]:
    """The best IoU for each face of which most can be seen, and how many boxes are on no face."""
    height, width = frame.picture.shape[:2]
    detector.setInputSize((width, height))
    found = detector.detect(frame.picture)[1]
    found = np.zeros((0, 4), np.float32) if found is None else found[:, :4]
    there = boxes.from_pixels(np.hstack([found[:, :2], found[:, :2] + found[:, 2:]]), width, height)
    overlap = boxes.iou(frame.boxes, there)
    best = overlap.max(axis=1, initial=0)
    return best[frame.visible > 0.6].tolist(), int((overlap.max(axis=0, initial=0) < 0.2).sum())


@pytest.mark.parametrize(
    ("settings", "wanted"),
    [
        ({}, 0.99),
        ({"faces": 3}, 0.99),
        ({"faces": 8}, 0.98),
        ({"faces": 3, "crossing": True}, 0.97),
        ({"leaving": True}, 0.97),
        ({"width": 320, "height": 240}, 0.98),
        ({"faces": 3, "masks": True}, 0.95),
    ],
)
def test_faces_are_found_where_the_truth_says(yunet, settings, wanted):
    scenes = [Scene(seed=seed, **settings) for seed in range(24 // settings.get("faces", 2))]
    results = [judged(yunet, scene.frame(index)) for scene in scenes for index in (0, 91, 200)]
    best = [value for values, _ in results for value in values]
    assert np.mean([value >= 0.4 for value in best]) >= wanted
    assert np.median(best) > 0.8
    assert sum(extra for _, extra in results) == 0


def test_faces_on_photos_are_found_and_empty_rooms_are_empty(yunet):
    results = [judged(yunet, photo(3, index)) for index in range(30)]
    best = [value for values, _ in results for value in values]
    assert len(best) > 20
    assert np.mean([value >= 0.4 for value in best]) >= 0.95
    assert sum(extra for _, extra in results) <= 1
