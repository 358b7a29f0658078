"""Lookalikes: repeatable, many kinds, never on a face."""

from __future__ import annotations

import numpy as np
import pytest

from facetracker.data.compose.lookalikes import add_lookalike, lookalike


def test_the_same_seed_draws_the_same_and_another_one_another():
    one, two, other = (lookalike(np.random.default_rng(seed)) for seed in (1, 1, 2))
    np.testing.assert_array_equal(one[0], two[0])
    np.testing.assert_array_equal(one[1], two[1])
    assert (one[0] != other[0]).mean() > 0.2


def test_a_lookalike_has_two_eyes_in_a_head_of_another_colour():
    """Seen over many: where eyes are, the drawing differs from the cheek below them."""
    random, differing = np.random.default_rng(0), 0
    for _ in range(40):
        picture, cover = lookalike(random)
        assert picture.shape == (160, 160, 3)
        assert 0.2 < cover.mean() <= 1.0
        eye, cheek = (picture[y - 4 : y + 4, 50:58].reshape(-1, 3).mean(axis=0) for y in (72, 96))
        differing += np.abs(eye - cheek).max() > 30
    assert differing > 25


@pytest.mark.parametrize("side", [96, 256])
def test_it_lies_beside_every_box(side):
    random = np.random.default_rng(5)
    boxes = np.array([[0.1, 0.1, 0.5, 0.6], [0.7, 0.6, 0.95, 0.9]], np.float32) * side
    faces = np.zeros((side, side), bool)
    for x1, y1, x2, y2 in boxes.round().astype(int):
        faces[y1:y2, x1:x2] = True
    added = 0
    for _ in range(60):
        picture = np.full((side, side, 3), 128, np.uint8)
        changed = (add_lookalike(random, picture, boxes) != 128).any(axis=2)
        assert not (changed & faces).any()
        added += changed.any()
    assert added > 30
    full = np.array([[0, 0, side, side]], np.float32)
    assert (add_lookalike(random, np.full((side, side, 3), 128, np.uint8), full) == 128).all()
    assert (add_lookalike(random, np.full((side, side, 3), 128, np.uint8), full[:0]) != 128).any()
