"""Faces cut off by the picture's edge: one is, the picture keeps its size, boxes stay on what they mark."""

from __future__ import annotations

import numpy as np
import pytest

from facetracker.data.compose.placing import VISIBLE, cut_off_a_face

SIDE = 160
FACES = {
    "left": [20, 60, 60, 110],
    "right": [110, 60, 150, 110],
    "middle": [50, 50, 110, 110],
    "whole picture": [2, 2, 158, 158],
}


def one_face(box) -> tuple[np.ndarray, np.ndarray]:
    """A black picture with a white face, and its box."""
    picture = np.zeros((SIDE, SIDE, 3), np.uint8)
    x1, y1, x2, y2 = box
    picture[y1:y2, x1:x2] = 255
    return picture, np.array([box], np.float32)


@pytest.mark.parametrize("where", FACES)
def test_the_edge_runs_through_the_face(where):
    for seed in range(30):
        part, boxes = cut_off_a_face(np.random.default_rng(seed), *one_face(FACES[where]))
        assert part.shape == (SIDE, SIDE, 3)
        inside = boxes[0].clip(0, SIDE)
        across = 0 if boxes[0][0] < -0.5 or boxes[0][2] > SIDE + 0.5 else 1
        visible = (inside[across + 2] - inside[across]) / (boxes[0][across + 2] - boxes[0][across])
        # A pixel of the old picture is up to two wide now, and half of a picture always stays.
        assert VISIBLE[0] - 0.05 < visible < 1.0


@pytest.mark.parametrize("where", ["left", "right", "middle"])
def test_the_box_stays_on_the_face(where):
    for seed in range(30):
        part, boxes = cut_off_a_face(np.random.default_rng(seed), *one_face(FACES[where]))
        rows, columns = np.nonzero(part[..., 0] > 127)
        seen = [columns.min(), rows.min(), columns.max() + 1, rows.max() + 1]
        np.testing.assert_allclose(boxes[0].clip(0, SIDE), seen, atol=2.0)


def test_nothing_changes_without_a_face_that_is_large_enough():
    picture = np.zeros((SIDE, SIDE, 3), np.uint8)
    for boxes in (np.zeros((0, 4), np.float32), np.array([[5, 5, 13, 13]], np.float32)):
        part, same = cut_off_a_face(np.random.default_rng(0), picture, boxes)
        assert part is picture
        np.testing.assert_array_equal(same, boxes)
