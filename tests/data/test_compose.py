"""Composed training pictures: repeatable, labels that follow the pixels, nothing that is gone still labelled."""

from __future__ import annotations

from dataclasses import replace

import cv2
import numpy as np
import pytest

from facetracker.core.boxes import IGNORED
from facetracker.core.errors import BadFile
from facetracker.data.compose.compose import (
    Composer,
    Composition,
    Photo,
    _mirrored,
    height_and_width,
    pad_faces,
    pad_targets,
)
from facetracker.data.compose.recipe import ComposeRecipe

RED = (30, 30, 220)  # BGR


def photo(width: int, height: int, boxes, weight: float = 1.0, **options) -> Photo:
    """A grey photo whose faces are red discs in their boxes (normalised)."""
    picture = np.full((height, width, 3), 128, np.uint8)
    boxes = np.array(boxes, np.float32).reshape(-1, 4)
    for box in boxes * [width, height, width, height]:
        middle = (int((box[0] + box[2]) / 2), int((box[1] + box[3]) / 2))
        cv2.ellipse(picture, middle, (int((box[2] - box[0]) / 2), int((box[3] - box[1]) / 2)), 0, 0, 360, RED, -1)
    _, data = cv2.imencode(".jpg", picture, [cv2.IMWRITE_JPEG_QUALITY, 95])
    return Photo(data.tobytes(), boxes, np.zeros(len(boxes), np.int32), weight, **options)


PHOTOS = [
    photo(200, 160, [(0.3, 0.2, 0.6, 0.7)]),
    photo(160, 200, [(0.1, 0.1, 0.4, 0.35), (0.5, 0.5, 0.9, 0.8)]),
    photo(240, 120, []),
    photo(120, 120, [(0.05, 0.05, 0.95, 0.95)], pasteable=True, may_enlarge=False),
]
CALM = ComposeRecipe(lookalike=0, grey=0, blur=0, dark=0, jpeg=0, coarse=0)


def test_the_same_number_is_the_same_picture_in_any_order():
    first, second = Composer(PHOTOS, seed=3), Composer(PHOTOS, seed=3, cache_bytes=1 << 20)
    forward = [first.compose(i, 64) for i in range(12)]
    backward = [second.compose(i, 64) for i in reversed(range(12))][::-1]
    for mine, other in zip(forward, backward, strict=True):
        for a, b in zip(mine, other, strict=True):
            np.testing.assert_array_equal(a, b)
    assert (Composer(PHOTOS, seed=4).compose(0, 64)[0] != forward[0][0]).any()


@pytest.mark.parametrize("side", [64, 96])
def test_pictures_and_labels_have_their_shapes(side):
    composer = Composer(PHOTOS)
    for i in range(40):
        picture, boxes, classes = composer.compose(i, side)
        assert picture.shape == (side, side, 3)
        assert picture.dtype == np.uint8
        assert boxes.shape == (len(classes), 4)
        assert (boxes >= 0).all()
        assert (boxes <= 1).all()
        assert (boxes[:, 2:] > boxes[:, :2]).all()
        assert set(classes) <= {0, IGNORED}


@pytest.mark.parametrize("kind", ["view", "mosaic", "paste", "whole"])
def test_labels_follow_the_pixels(kind):
    """In the middle of every labelled face is the red of the disc; and no red is far from every box."""
    shares = {"mosaic": 0.0, "paste": 0.0, "whole": 0.0, "scenery": 0.0}
    shares |= {kind: 1.0} if kind != "view" else {}
    recipe = ComposeRecipe(**{**CALM.__dict__, **shares})
    composer = Composer(PHOTOS, recipe=recipe)
    faces = 0
    for i in range(60):
        picture, boxes, classes = composer.compose(i, 96)
        red = (picture[..., 0].astype(int) - picture[..., 2]) > 70  # more than any tint does to grey
        near = np.zeros((96, 96), bool)
        for box, cls in zip(boxes * 96, classes, strict=True):
            x1, y1, x2, y2 = box
            near[max(0, int(y1) - 3) : int(y2) + 4, max(0, int(x1) - 3) : int(x2) + 4] = True
            if cls == 0 and min(x2 - x1, y2 - y1) > 8:
                faces += 1
                inner = red[int(y1 * 0.6 + y2 * 0.4) : int(y1 * 0.4 + y2 * 0.6) + 1, int((x1 + x2) / 2)]
                assert inner.mean() > 0.5, (i, box)
        assert (red & ~near).sum() <= 12, i
    assert faces > 20


def test_no_photo_without_faces_or_close_ups_is_no_hindrance():
    composer = Composer(PHOTOS[:2], recipe=ComposeRecipe(paste=1.0, mosaic=0.0))
    assert len(composer.compose(0, 64)[1]) <= 2


def test_nothing_to_compose_from_is_said():
    with pytest.raises(ValueError, match="no photos"):
        Composer([])


def test_a_damaged_photo_is_named():
    broken = Photo(PHOTOS[0].data[:200] + b"\0" * 50, PHOTOS[0].boxes, PHOTOS[0].classes)
    with pytest.raises(BadFile, match="not a readable picture"):
        Composer([Photo(b"no jpeg at all", broken.boxes, broken.classes)]).compose(1, 64)


def test_mirrored_twice_is_as_before():
    points = np.array([[[0.5, 1], [1.5, 1], [1, 2], [0.6, 3], [1.4, 3]]], np.float32)
    picture, boxes = np.arange(48, dtype=np.uint8).reshape(4, 4, 3), np.array([[0, 1, 2, 3]], np.float32)
    view = Composition(picture, boxes, np.zeros(1, np.int32), points)
    once = _mirrored(view)
    np.testing.assert_array_equal(once.boxes, [[2, 1, 4, 3]])
    np.testing.assert_allclose(once.points[0, :3], [[2.5, 1], [3.5, 1], [3, 2]])  # the left eye is the left one
    twice = _mirrored(once)
    np.testing.assert_array_equal(twice.picture, view.picture)
    np.testing.assert_array_equal(twice.boxes, view.boxes)
    np.testing.assert_allclose(twice.points, points, atol=1e-6)


def test_the_size_stands_in_the_header():
    assert height_and_width(PHOTOS[2].data) == (120, 240)
    _, png = cv2.imencode(".png", np.zeros((7, 9, 3), np.uint8))
    assert height_and_width(png.tobytes()) == (7, 9)


def test_targets_are_padded_and_of_too_many_the_largest_stay():
    boxes = [np.array([[0, 0, 0.1, 0.1], [0, 0, 0.5, 0.5], [0, 0, 0.3, 0.3]], np.float32), np.zeros((0, 4), np.float32)]
    targets = pad_targets(boxes, [np.array([0, 1, IGNORED], np.int32), np.zeros(0, np.int32)], most=2)
    np.testing.assert_allclose(targets["boxes"][0, :, 2], [0.5, 0.3])
    np.testing.assert_array_equal(targets["classes"], [[1, IGNORED], [-1, -1]])


def test_landmarks_go_where_their_face_goes():
    where = np.array([[0.3, 0.4], [0.7, 0.4], [0.5, 0.6], [0.3, 0.8], [0.7, 0.8]], np.float32)
    box = np.array([0.3, 0.2, 0.6, 0.7], np.float32)
    known = photo(200, 160, [box], points=(box[:2] + where * (box[2:] - box[:2]))[None])
    close_up = photo(120, 120, [(0.05, 0.05, 0.95, 0.95)], pasteable=True, points=0.05 + 0.9 * where[None])
    recipe = replace(CALM, turn=0.0, cut_off=0.2, mosaic=0.0, paste=0.4)
    composer, whole = Composer([known, close_up, PHOTOS[2]], recipe=recipe), 0
    for number in range(80):
        _, boxes, kinds, points = composer.compose_faces(number, 96)
        assert len(boxes) == len(points)
        for one, kind, spots in zip(boxes, kinds, points, strict=True):
            if kind == IGNORED or one.min() <= 0.001 or one.max() >= 0.999:
                continue  # its box was cut, and shares of it are others now
            np.testing.assert_allclose((spots - one[:2]) / (one[2:] - one[:2]), where, atol=0.03)
            whole += 1
    assert whole > 30


def test_landmarks_are_padded_beside_the_boxes():
    composer = Composer(PHOTOS)
    made = [composer.compose_faces(number, 64) for number in range(6)]
    targets = pad_faces(made)
    count = targets["boxes"].shape[1]
    assert count % 8 == 0
    assert targets["landmarks"].shape == (6, count, 10)
    assert np.isnan(targets["landmarks"]).all()  # nobody knows any
    for row, (_, boxes, *_) in enumerate(made):
        assert (targets["classes"][row] > -1.5).sum() <= count
        np.testing.assert_allclose(np.sort(targets["boxes"][row, : len(boxes), 0]), np.sort(boxes[:, 0]))
