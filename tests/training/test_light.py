import numpy as np
import pytest

from facetracker.training import light as module
from facetracker.training.light import light

SIDE = 96


@pytest.fixture
def batch():
    """A bright square at 20..50 x 30..60, a second target row that is padding, a third that is ignored (-2)."""
    pictures = np.full((1, SIDE, SIDE, 3), 114, np.uint8)
    pictures[0, 30:60, 20:50] = [250, 20, 20]
    boxes = np.array([[[20, 30, 50, 60], [0, 0, 0, 0], [20, 30, 50, 60]]], np.float32) / SIDE
    return pictures, boxes, np.array([[0, -1, -2]], np.int32)


def test_boxes_follow_the_pixels(batch, monkeypatch):
    monkeypatch.setattr(module, "GREYED", 0.0)
    moved = 0
    for seed in range(60):
        pictures, boxes, _ = light(*batch, [0, seed, 0])
        red = pictures[0, ..., 0].astype(int) - pictures[0, ..., 1] > 100
        rows, columns = np.where(red)
        seen = [columns.min(), rows.min(), columns.max() + 1, rows.max() + 1]
        assert boxes[0, 0] * SIDE == pytest.approx(seen, abs=1.1)
        moved += not np.allclose(boxes[0, 0], batch[1][0, 0])
    assert moved > 50


def test_padding_stays_zero_and_ignored_boxes_move_along(batch):
    _, boxes, kinds = light(*batch, [0, 1, 0])
    assert np.array_equal(kinds, batch[2])
    assert (boxes[0, 1] == 0).all()
    assert np.array_equal(boxes[0, 2], boxes[0, 0])


def test_a_face_is_never_cut(pool):
    area = (pool.boxes[..., 2:] - pool.boxes[..., :2]).prod(axis=-1)
    for seed in range(30):
        _, boxes, _ = light(pool.pictures, pool.boxes, pool.classes, [0, seed])
        new = (boxes[..., 2:] - boxes[..., :2]).prod(axis=-1)
        real = pool.classes >= 0
        assert (new[real] > 0.8 * area[real] / module.ZOOM**2).all()
        assert boxes.min() >= 0
        assert boxes.max() <= 1


def test_the_seed_alone_decides(pool):
    arrays = (pool.pictures, pool.boxes, pool.classes)
    one, again, other = light(*arrays, [1, 2, 3]), light(*arrays, [1, 2, 3]), light(*arrays, [1, 2, 4])
    assert np.array_equal(one[0], again[0])
    assert np.array_equal(one[1], again[1])
    assert not np.array_equal(one[0], other[0])


def test_the_input_is_left_alone(pool):
    before = pool.pictures.copy()
    light(pool.pictures, pool.boxes, pool.classes, [5])
    assert np.array_equal(pool.pictures, before)


def test_some_pictures_lose_their_colour(pool, monkeypatch):
    monkeypatch.setattr(module, "GREYED", 1.0)
    pictures, _, _ = light(pool.pictures, pool.boxes, pool.classes, [5])
    assert (np.ptp(pictures, axis=-1) == 0).all()
