"""What a person will see: the score that picks the epoch, and the threshold that goes into the file."""

from __future__ import annotations

import numpy as np
import pytest

from facetracker.core.boxes import IGNORED, as_boxes
from facetracker.labels.collection import Collection
from facetracker.models import FaceTracker
from facetracker.training.seen import ValAnswer, ValPhotos, answer, choose_threshold, sum_up

LEFT, RIGHT, HALF = [0.0, 0.0, 0.4, 0.4], [0.5, 0.5, 0.9, 0.9], [0.0, 0.0, 0.4, 0.2]


def one(faces, *boxes):
    """A photo with so many faces and (score, IoU) boxes."""
    scores, ious = zip(*boxes, strict=True) if boxes else ((), ())
    return ValAnswer(faces, np.array(scores, float), np.array(ious, float))


@pytest.mark.parametrize(
    ("answers", "threshold"),
    [
        ([one(1, (0.7, 0.9)), one(1, (0.5, 0.9), (0.1, 0.0))], 0.3),  # half-way from 0.5 to 0.1
        ([one(1, (0.9, 0.9)) for _ in range(5)], 0.45),
        ([one(1, (0.9, 0.9), (0.8, 0.0))], 0.65),  # never above
        ([one(1, (0.21, 0.9), (0.05, 0.0))], 0.2),  # never below
        ([one(1, (0.5, 0.9)), one(0, (0.6, 0.0))], 0.45),  # surer of what is no face: faces come first
        ([one(1, (0.7, 0.9), (0.3, 0.0)), one(1, (0.12, 0.9))], 0.5),  # that no threshold finds has no say
        ([one(1)], 0.2),
        ([], 0.2),
    ],
)
def test_the_threshold(answers, threshold):
    assert choose_threshold(answers) == pytest.approx(threshold)


def test_nearly_all_faces_are_found_and_hardly_a_second_box():
    dice = np.random.default_rng(0)
    answers = [one(1, (dice.uniform(0.4, 0.9), 0.9), (dice.uniform(0.0, 0.2), 0.0)) for _ in range(300)]
    threshold = choose_threshold(answers)
    assert sum_up(answers, threshold).found >= 0.98
    assert np.mean([photo.scores[1] >= threshold for photo in answers]) <= 0.03


def test_what_is_seen_counts_fit_misses_and_second_boxes():
    assert sum_up([one(1, (0.9, 0.8))], 0.5).seen == pytest.approx(0.8)
    assert sum_up([one(1, (0.9, 0.8), (0.6, 0.0))], 0.5).seen == pytest.approx(0.4)
    missed = sum_up([one(1, (0.4, 0.8))], 0.5)
    assert (missed.seen, missed.found, missed.overlap) == (0.0, 0.0, pytest.approx(0.8))
    assert sum_up([one(0), one(0, (0.9, 0.0))], 0.5).seen == pytest.approx(0.5)
    assert sum_up([], 0.5).seen == 0.0


def test_each_box_takes_a_free_face_of_its_class():
    truth, kinds = as_boxes([LEFT, RIGHT]), np.array([0, 1])
    found, scores = as_boxes([LEFT, HALF, RIGHT]), np.array([0.9, 0.8, 0.7])
    judged = answer(found, scores, np.array([0, 0, 0]), truth, kinds)
    np.testing.assert_allclose(judged.ious, [1.0, 0.0, 0.0], atol=1e-6)
    assert judged.faces == 2
    looked_away = answer(found, scores, np.array([0, 0, 0]), truth, np.array([0, IGNORED]))
    assert (looked_away.faces, looked_away.scores.tolist()) == (1, [0.9, 0.8])


@pytest.mark.parametrize("head", ["single", "dense"])
def test_val_photos_are_seen_as_a_frame_will_be(photos_folder, head):
    from facetracker.inference.detector import Detector
    from facetracker.training.seen import FAINTEST, Trained

    val = Collection.open(photos_folder, "val")
    tracker = FaceTracker("tiny", head, image_size=64)
    photos = ValPhotos(val, ["face"], tracker)
    assert len(photos.inputs) == len(val) == 8
    seen = photos.judge()
    detector = Detector(Trained(tracker), FAINTEST)
    alone = []
    for example in val:
        found = detector.detect(example.picture())
        kinds = np.zeros(len(example), int)
        alone.append(answer(found.boxes, found.scores, found.classes, example.boxes, kinds))
    expected = sum_up(alone, choose_threshold(alone))
    assert seen.overlap == pytest.approx(expected.overlap, abs=1e-4)
    assert seen.threshold == pytest.approx(expected.threshold, abs=2e-3)
