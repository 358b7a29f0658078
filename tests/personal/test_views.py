"""Views of a photo: boxes go with the pixels, there and back, and the face stays to be seen."""

from __future__ import annotations

import numpy as np
import pytest

from facetracker.core.letterbox import letterbox
from facetracker.personal.views import (
    IGNORED,
    NOTHING,
    SEEN,
    ViewPlace,
    random_place,
    random_view,
    usual_input,
    visible,
)

BOXES = np.array([[0.4, 0.3, 0.5, 0.6], [0.0, 0.0, 0.1, 0.2]], np.float32)


def painted(width: int = 640, height: int = 480) -> np.ndarray:
    """Black, with a green rectangle where the first box is."""
    picture = np.zeros((height, width, 3), np.uint8)
    left, top, right, bottom = (BOXES[0] * [width, height, width, height]).round().astype(int)
    picture[top:bottom, left:right] = (0, 255, 0)
    return picture


@pytest.mark.parametrize("mirrored", [False, True])
def test_boxes_go_with_the_pixels_and_come_back(mirrored):
    place = ViewPlace(0.5, 12.0, -7.0, mirrored, 320, 256)
    laid = place.to_view(BOXES, (640, 480))
    rows, columns = np.nonzero(place.lay(painted())[..., 1] > 128)
    expected = laid[0] * [320, 256, 320, 256]
    np.testing.assert_allclose([columns.min(), rows.min(), columns.max() + 1, rows.max() + 1], expected, atol=1.5)
    np.testing.assert_allclose(place.to_photo(laid, (640, 480)), BOXES, atol=1e-5)


def test_laid_as_it_is_a_view_is_what_the_tracker_sees():
    fitted, usual = letterbox(painted(), 320, 256)
    place = ViewPlace(usual.scale, usual.left, usual.top, False, 320, 256)
    np.testing.assert_allclose(place.to_view(BOXES, (640, 480)), usual.to_input(BOXES), atol=1e-6)
    assert np.abs(place.lay(painted()).astype(int) - fitted).mean() < 2


@pytest.mark.parametrize("size", [(640, 480), (1920, 1080), (480, 640)])
def test_a_face_stays_to_be_seen(size):
    rng = np.random.default_rng(0)
    corner = np.array([[0.92, 0.9, 1.0, 1.0]], np.float32)
    for _ in range(40):
        place = random_place(size, (320, 256), corner, rng)
        assert visible(place.to_view(corner, size)).max() >= SEEN - 1e-3


def test_a_face_that_is_cut_off_is_neither_a_face_nor_none():
    rng = np.random.default_rng(3)
    seen = set()
    for _ in range(60):
        _, boxes, classes = random_view(painted(), BOXES, (320, 256), 3, rng)
        assert ((boxes >= 0) & (boxes <= 1)).all()
        assert classes[2] == NOTHING
        seen |= set(classes[:2].tolist())
    assert seen == {0, IGNORED, NOTHING} or seen == {0, IGNORED}


def test_the_usual_input_is_that_of_most_photos():
    assert usual_input([(320, 192), (320, 256), (320, 192)]) == (320, 192)
