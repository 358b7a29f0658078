"""The drawn rooms: every piece of furniture is there to be seen, and stays near its place."""

from __future__ import annotations

import numpy as np
import pytest

from facetracker.scenes import background

PIECES = ("_window", "_shelf", "_poster", "_lamp", "_plant", "_clock", "_curtain")


@pytest.mark.parametrize("piece", PIECES)
def test_a_piece_of_furniture_shows_in_the_room(piece):
    for seed in range(5):
        room = np.full((480, 640, 3), (7, 77, 177), np.uint8)
        getattr(background, piece)(room, np.random.default_rng(seed), 220)
        changed = (room != (7, 77, 177)).any(axis=2)
        assert changed.sum() > 800, f"{piece} with seed {seed} is hardly there"
        assert not changed[:, :100].any()
        assert not changed[:, 500:].any()
