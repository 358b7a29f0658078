"""The own head's cells agree on a box before it is drawn."""

from __future__ import annotations

import numpy as np
import pytest

pytest.importorskip("tensorflow")

from facetracker.models.own_head import STRIDES, agreed

ROWS, COLUMNS = 4, 6
BOX = (20.0, 10.0, 70.0, 50.0)


def offsets() -> np.ndarray:
    """What every cell of both grids says of the same box, `(1, A, 4)` in strides."""
    grids = []
    for stride in STRIDES:
        y, x = np.mgrid[: ROWS * 16 // stride, : COLUMNS * 16 // stride]
        x, y = (x + 0.5) * stride, (y + 0.5) * stride
        grids.append(np.stack([x - BOX[0], y - BOX[1], BOX[2] - x, BOX[3] - y], axis=-1).reshape(-1, 4) / stride)
    return np.concatenate(grids)[None].astype(np.float32)


def test_cells_that_say_the_same_change_nothing():
    said = offsets()
    sure = np.random.default_rng(0).random((1, said.shape[1], 1), np.float32)
    np.testing.assert_allclose(agreed(said, sure, ROWS, COLUMNS), said, atol=1e-5)


def test_a_sure_neighbour_counts_and_a_doubtful_one_does_not():
    said, sure = offsets(), np.full((1, 30, 1), 0.01, np.float32)
    cell, neighbour, far = 8, 9, 20
    wrong = said.copy()
    wrong[0, [neighbour, far], 2] += 0.4
    sure[0, [cell, far]] = 0.9
    doubtful = agreed(wrong, sure, ROWS, COLUMNS)[0, cell] - said[0, cell]
    np.testing.assert_allclose(doubtful, 0, atol=1e-3)
    sure[0, neighbour] = 0.9
    half = agreed(wrong, sure, ROWS, COLUMNS)[0, cell] - said[0, cell]
    np.testing.assert_allclose(half, [0, 0, 0.2, 0], atol=1e-3)
