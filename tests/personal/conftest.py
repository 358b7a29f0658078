"""Drawn people's photos, labelled as one person would: the whole head, a fixed way away from the scene's own box."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from own_style import DRAWN

from facetracker.core.example import Example
from facetracker.core.photo import write_jpeg
from facetracker.inference.detector import Detector
from facetracker.labels.labelme import write_labels
from facetracker.scenes import Scene


@pytest.fixture(scope="session")
def person(tmp_path_factory) -> Path:
    """Twelve photos of 1280x720 with the faces that the starter sees, drawn in the style `DRAWN`, and one without."""
    folder = tmp_path_factory.mktemp("person")
    detector = Detector(threshold=0.3)
    count = 0
    for seed in range(60):
        scene = Scene(width=1280, height=720, faces=1, seed=seed)
        picture = scene.frame(seed % 7).picture
        found = detector.detect(picture)
        if len(found) != 1 or count == 12:
            continue
        count += 1
        photo = write_jpeg(folder / "images" / f"{seed:03d}.jpg", picture)
        boxes = np.clip(DRAWN.apply(found.boxes), 0, 1)
        write_labels(folder / "labels" / f"{photo.stem}.json", Example(photo, 1280, 720, boxes, ("face",)))
    assert count == 12
    empty = write_jpeg(folder / "images" / "empty.jpg", Scene(width=1280, height=720, faces=0, seed=1).frame(0).picture)
    write_labels(folder / "labels" / "empty.json", Example(empty, 1280, 720))
    return folder
