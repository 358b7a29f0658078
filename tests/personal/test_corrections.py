"""Corrections: the next frame is better at once, and undo forgets."""

from __future__ import annotations

import time

import numpy as np
import pytest
from own_style import DRAWN

from facetracker.core.boxes import iou
from facetracker.core.photo import read_picture
from facetracker.inference.detector import Detector
from facetracker.personal.corrections import Corrections
from facetracker.personal.photos import read_photos


@pytest.fixture
def photos(person):
    return [photo for photo in read_photos(person).photos if len(photo.boxes)]


def overlap(detector, photos) -> float:
    found = [detector.detect(photo.picture).boxes for photo in photos]
    return float(np.mean([iou(boxes, photo.boxes).max(initial=0) for boxes, photo in zip(found, photos, strict=True)]))


def test_three_corrections_draw_the_next_photos_as_the_person_does(photos):
    mine = Corrections(Detector(threshold=0.3))
    before = overlap(mine, photos[3:])
    for photo in photos[:3]:
        mine.correct(photo.picture, photo.boxes)
    assert before < 0.75
    assert overlap(mine, photos[3:]) > 0.9
    np.testing.assert_allclose(mine.style.numbers, DRAWN.numbers, atol=0.08)


def test_a_correction_is_learnt_within_a_second(photos):
    mine = Corrections(Detector(threshold=0.3))
    began = time.process_time()
    mine.correct(photos[0].picture, photos[0].boxes)
    assert time.process_time() - began < 1.0


def test_undo_forgets_the_last_correction_only(photos):
    mine = Corrections(Detector(threshold=0.3))
    mine.correct(photos[0].picture, photos[0].boxes)
    style, threshold = mine.style, mine.threshold
    mine.correct(photos[1].picture, np.zeros((0, 4)))
    assert mine.undo()
    assert (mine.style, mine.threshold) == (style, threshold)
    assert mine.undo()
    assert mine.detect(photos[0].picture) == Detector(threshold=0.3).detect(photos[0].picture)
    assert not mine.undo()


def test_a_face_that_was_missed_is_found_then(photos):
    mine = Corrections(Detector(threshold=0.99))
    photo = next(photo for photo in photos if not len(mine.detect(photo.picture)))
    mine.correct(photo.picture, photo.boxes)
    assert len(mine.detect(photo.picture)) == 1


def test_what_is_no_face_is_not_shown_again(photos):
    mine = Corrections(Detector(threshold=0.3))
    assert len(mine.detect(photos[0].picture)) == 1
    mine.correct(photos[0].picture, np.zeros((0, 4)))
    assert len(mine.detect(photos[0].picture)) == 0


def test_a_photo_without_a_face_teaches_no_style(person):
    mine = Corrections(Detector(threshold=0.3))
    mine.correct(read_picture(person / "images" / "empty.jpg"), [])
    assert mine.style.numbers == (0, 0, 0, 0)
    assert len(mine) == 1
