"""Where a photo lies in a view, and what of its boxes is left."""

from __future__ import annotations

import numpy as np

from facetracker.core.boxes import IGNORED
from facetracker.data.compose.placing import fills, placement, turned, visible


def test_a_face_mostly_gone_or_tiny_is_ignored_not_taught():
    boxes = np.array([[0, 0, 20, 20], [-15, 0, 5, 20], [10, 10, 13, 13], [-30, 0, -10, 20]], np.float32)
    left, classes = visible(boxes, np.zeros(4, np.int32), 64, 64)
    np.testing.assert_array_equal(classes, [0, IGNORED, IGNORED])
    np.testing.assert_array_equal(left[1], [0, 0, 5, 20])


def test_a_turned_oval_is_boxed_tightly():
    quarter = np.array([[0.0, -1.0, 100.0], [1.0, 0.0, 0.0]])
    np.testing.assert_allclose(turned(np.array([[10, 20, 30, 60]], np.float32), quarter), [[40, 10, 80, 30]])
    angle = np.pi / 4
    turn = np.array([[np.cos(angle), -np.sin(angle), 0], [np.sin(angle), np.cos(angle), 0]])
    circle = turned(np.array([[-10, -10, 10, 10]], np.float32), turn)
    np.testing.assert_allclose(circle, [[-10, -10, 10, 10]], atol=1e-5)


def test_a_photo_that_covers_the_view_fills_it():
    picture = np.zeros((50, 100, 3), np.uint8)
    assert fills(picture, placement(1.0, (-20, -10), 0.0, (0, 0)), 60, 40)
    assert not fills(picture, placement(1.0, (5, 0), 0.0, (0, 0)), 60, 40)
    assert not fills(picture, placement(1.0, (0, 0), 30.0, (50, 25)), 100, 50)
