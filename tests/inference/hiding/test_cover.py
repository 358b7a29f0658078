"""What is laid over a face, in a picture and in a film's planes."""

from __future__ import annotations

import cv2
import numpy as np
import pytest

from facetracker.core.errors import FaceTrackerError
from facetracker.inference.hiding.cover import Cover, hidden_by

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
    [[-50, -50, -10, -10], [310, 230, 400, 300], [-40, 20, 30, 90], [5, 5, 5, 5], [0, 0, 1, 1], [-99, -99, 999, 999]],
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
    with pytest.raises(FaceTrackerError, match="when one is given"):
        Cover("picture")
