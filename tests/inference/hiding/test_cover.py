"""What is laid over a face, in a picture and in a film's planes."""

from __future__ import annotations

import cv2
import numpy as np
import pytest

from facetracker.core.errors import FaceTrackerError
from facetracker.core.faces import Faces
from facetracker.inference.hiding.cover import Cover, hidden_by, hide_faces

BOX = np.array([[100.0, 60.0, 180.0, 160.0]])
WAYS = ["blur", "pixelate", "box"]


def noise(seed=0):
    return np.random.default_rng(seed).integers(0, 256, (240, 320, 3), np.uint8)


def planes_of(picture):
    flat = cv2.cvtColor(picture, cv2.COLOR_BGR2YUV_I420)
    high, wide = picture.shape[:2]
    blue, red = (part.copy() for part in flat[high:].reshape(2, high // 2, wide // 2))
    return flat[:high].copy(), blue, red


def detail(part):
    return np.abs(np.diff(part.astype(int), axis=1)).mean()


@pytest.mark.parametrize("how", WAYS)
def test_what_is_covered_keeps_no_detail_and_the_rest_every_bit(how):
    picture, before = noise(), noise()
    Cover(how).on_bgr(picture, BOX)
    assert detail(picture[70:150, 110:170]) < 0.06 * detail(before[70:150, 110:170])
    changed = (picture != before).any(axis=2)
    rows, columns = np.nonzero(changed)
    assert rows.min() >= 60 - 15 - 1
    assert rows.max() <= 160 + 15
    assert columns.min() >= 100 - 12 - 1
    assert columns.max() <= 180 + 12
    assert not changed[46, 90]  # a corner, outside the oval


@pytest.mark.parametrize("how", WAYS)
def test_planes_are_covered_in_the_same_places(how):
    picture = noise()
    planes, before = planes_of(picture), planes_of(picture)
    Cover(how).on_planes(planes, BOX)
    Cover(how).on_bgr(picture, BOX)
    bright = (planes[0] != before[0]).mean()
    assert bright == pytest.approx((picture != noise()).any(axis=2).mean(), rel=0.03)
    for plane, old in zip(planes[1:], before[1:], strict=True):
        assert (plane != old).mean() == pytest.approx(bright, rel=0.1)
        assert detail(plane[35:75, 55:85]) < 0.15 * detail(old[35:75, 55:85])


@pytest.mark.parametrize("how", WAYS)
@pytest.mark.parametrize(
    "box",
    [
        *([335, 60, 435, 160], [400, 60, 450, 120], [-115, 60, -15, 160]),  # beside it, the first one at its very edge
        *([100, 255, 180, 355], [100, 400, 180, 450], [100, -115, 180, -15]),
        *([-50, -50, -10, -10], [310, 230, 400, 300], [-40, 20, 30, 90], [5, 5, 5, 5], [0, 0, 1, 1]),
        [-99, -99, 999, 999],
    ],
)
def test_boxes_anywhere(how, box):
    picture = noise()
    planes = planes_of(picture)
    Cover(how).on_bgr(picture, [box])
    Cover(how).on_planes(planes, [box])


def test_a_picture_is_laid_over_the_face_and_what_shines_through_is_blurred():
    sticker = np.zeros((40, 40, 4), np.uint8)
    sticker[10:30, :, :3], sticker[10:30, :, 3] = (0, 200, 255), 255
    picture, before = noise(), noise()
    Cover("picture", sticker).on_bgr(picture, BOX)
    assert (picture[110, 140] == (0, 200, 255)).all()
    top = np.s_[56:72, 125:155]  # the sticker is clear there
    assert detail(picture[top]) < 0.1 * detail(before[top])
    planes = planes_of(before)
    Cover("picture", sticker).on_planes(planes, BOX)
    yellow = planes_of(np.full((2, 2, 3), (0, 200, 255), np.uint8))
    assert abs(int(planes[0][110, 140]) - int(yellow[0][0, 0])) <= 2
    assert detail(planes[0][top]) < 0.1 * detail(planes_of(before)[0][top])


def test_a_small_face_loses_as_much():
    picture = noise()
    Cover("pixelate").on_bgr(picture, [[50, 50, 62, 62]])
    inside = picture[52:60, 52:60].reshape(-1, 3)
    assert len(np.unique(inside, axis=0)) <= 9


def test_one_way_at_a_time():
    assert hidden_by(True, False) == "blur"
    assert hidden_by(False, False) is None
    with pytest.raises(FaceTrackerError, match="exclude"):
        hidden_by(True, True)
    with pytest.raises(FaceTrackerError, match="one must be given"):
        Cover("picture")


def drawn_oval(box, width, height):
    """The pixels of the oval a third wider and higher than the box, one by one."""
    x1, y1, x2, y2 = box
    wide, high = max(1, round(1.3 * (x2 - x1))), max(1, round(1.3 * (y2 - y1)))
    left, top = round((x1 + x2 - 1.3 * (x2 - x1)) / 2), round((y1 + y2 - 1.3 * (y2 - y1)) / 2)
    mask = np.zeros((height, width), bool)
    for row in range(max(0, top), min(height, top + high)):
        for column in range(max(0, left), min(width, left + wide)):
            across = (2 * (column - left) + 1) / wide - 1
            down = (2 * (row - top) + 1) / high - 1
            mask[row, column] = across**2 + down**2 <= 1
    return mask


@pytest.mark.parametrize(
    "box", [[100, 60, 180, 160], [-20, -20, 40, 30], [290, 200, 340, 260], [50.4, 50.6, 61.2, 73.9], [7, 7, 8, 8]]
)
def test_a_box_covers_the_very_pixels_of_its_oval(box):
    white = np.full((240, 320, 3), 255, np.uint8)
    Cover("box").on_bgr(white, [box])
    np.testing.assert_array_equal((white == 0).all(axis=2), drawn_oval(box, 320, 240))
    planes = tuple(np.full(shape, 200, np.uint8) for shape in ((240, 320), (120, 160), (120, 160)))
    Cover("box").on_planes(planes, [box])
    whole = drawn_oval(box, 320, 240)
    np.testing.assert_array_equal(planes[0] == 16, whole)
    touched = whole.reshape(120, 2, 160, 2).any(axis=(1, 3))
    for plane in planes[1:]:
        assert set(np.unique(plane)) <= {128, 200}
        assert (plane == 128)[touched].mean() > 0.75
        around = cv2.dilate(touched.astype(np.uint8), np.ones((3, 3), np.uint8)) > 0
        assert not (plane == 128)[~around].any()


@pytest.mark.parametrize(("how", "cells"), [("blur", 5), ("pixelate", 7)])
def test_of_a_face_so_many_tones_are_left_and_no_more(how, cells):
    picture = noise()
    part = picture.copy()
    Cover(how).on_bgr(part, BOX)
    x1, y1, x2, y2 = (int(side) for side in BOX[0])
    wide, high = round(1.3 * (x2 - x1)), round(1.3 * (y2 - y1))
    left, top = round((x1 + x2 - 1.3 * (x2 - x1)) / 2), round((y1 + y2 - 1.3 * (y2 - y1)) / 2)
    cut = picture[top : top + high, left : left + wide]
    tones = cv2.resize(cut, (cells, cells), interpolation=cv2.INTER_AREA)
    back = cv2.INTER_NEAREST if how == "pixelate" else cv2.INTER_CUBIC
    wanted = cv2.resize(tones, (wide, high), interpolation=back)
    mask = drawn_oval(BOX[0], 320, 240)
    np.testing.assert_array_equal(part[mask], wanted[mask[top : top + high, left : left + wide]])


@pytest.mark.parametrize(("size", "across"), [(2, 1), (3, 1), (5, 2), (12, 5)])
def test_a_tone_is_never_smaller_than_three_pixels(size, across):
    """A box of `size` pixels has an oval of 1.3 times that; fewer tones fit into it."""
    picture = noise()
    Cover("pixelate").on_bgr(picture, [[100, 100, 100 + size, 100 + size]])
    mask = drawn_oval([100, 100, 100 + size, 100 + size], 320, 240)
    assert len(np.unique(picture[mask].reshape(-1, 3), axis=0)) <= across**2


@pytest.mark.parametrize("box", [[101, 61, 180, 160], [-31, -41, 52, 63], [281, 191, 340, 290]])
@pytest.mark.parametrize("alpha", [None, 0, 127, 128, 255])
def test_the_picture_over_a_face_lies_where_it_covers_and_nowhere_else(box, alpha):
    channels = [np.full((16, 16), value, np.uint8) for value in (10, 200, 60)]
    if alpha is not None:
        channels.append(np.full((16, 16), alpha, np.uint8))
    over = np.dstack(channels)
    picture, blurred = noise(), noise()
    Cover("picture", over).on_bgr(picture, [box])
    Cover("blur").on_bgr(blurred, [box])
    covers = alpha is None or alpha > 127
    x1, y1 = max(0, box[0]), max(0, box[1])
    x2, y2 = min(320, box[2]), min(240, box[3])
    if covers:
        assert (picture[y1:y2, x1:x2] == (10, 200, 60)).all()
    else:
        np.testing.assert_array_equal(picture, blurred)
    planes, plain = planes_of(noise()), planes_of(noise())
    Cover("picture", over).on_planes(planes, [box])
    Cover("blur").on_planes(plain, [box])
    tone = planes_of(np.full((2, 2, 3), (10, 200, 60), np.uint8))
    for plane, other, wanted, step in zip(planes, plain, tone, (1, 2, 2), strict=True):
        inside = np.s_[-(-y1 // step) : y2 // step, -(-x1 // step) : x2 // step]
        if covers:
            assert np.abs(plane[inside].astype(int) - int(wanted[0, 0])).max() <= 2
        else:
            np.testing.assert_array_equal(plane, other)


def test_what_is_hidden_is_in_the_faces_own_pixels():
    picture, same = noise(), noise()
    faces = Faces.from_pixels(BOX.astype(np.float32), 320, 240, scores=np.ones(1, np.float32))
    hide_faces(picture, faces)
    Cover("blur").on_bgr(same, faces.pixels)
    np.testing.assert_array_equal(picture, same)
    assert hidden_by(False, True) == "pixelate"
    with pytest.raises(FaceTrackerError, match="one must be given"):
        Cover("blur", same)
