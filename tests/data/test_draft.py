"""Drafts: cuts, turns and colours that are noted first give the pixels and boxes of doing them one by one."""

from __future__ import annotations

import numpy as np
import pytest

from facetracker.data.augment.draft import RAMP, WORTH_KEEPING, Draft, DraftPhoto, look_up

NOISE = np.random.default_rng(0).integers(0, 256, (60, 80, 3), np.uint8)


def marked(left: int, top: int, right: int, bottom: int) -> tuple[np.ndarray, np.ndarray]:
    """A black photo with one white box, and its row."""
    picture = np.zeros((60, 80, 3), np.uint8)
    picture[top:bottom, left:right] = 255
    return picture, np.array([[left / 80, top / 60, right / 80, bottom / 60, 7]], np.float32)


@pytest.mark.parametrize("smallest", [40, 3], ids=["large parts", "small parts"])
def test_any_order_of_cuts_and_turns_gives_the_pixels_of_doing_them_at_once(smallest: int):
    dice = np.random.default_rng(smallest)
    photo = DraftPhoto(NOISE)
    turned = 0
    for _ in range(60):
        draft, done = Draft(photo, np.zeros((0, 5), np.float32)), NOISE
        for step in dice.permutation(["cut", "mirror", "upend", "cut", "mirror", "none"]):
            height, width = done.shape[:2]
            if step == "mirror":
                draft.mirror()
                done = done[:, ::-1]
            elif step == "upend":
                draft.upend()
                done = done[::-1]
            elif step == "cut":
                wide, high = (int(dice.integers(min(smallest, size), size + 1)) for size in (width, height))
                left, top = int(dice.integers(width - wide + 1)), int(dice.integers(height - high + 1))
                draft.cut(left, top, left + wide, top + high)
                done = done[top : top + high, left : left + wide]
            turned += draft.mirrored or draft.upended
        assert (draft.width, draft.height) == (done.shape[1], done.shape[0])
        assert np.array_equal(draft.pixels(), done)
    assert turned > 60


def test_the_photo_is_turned_whole_only_where_it_is_not_much_larger_than_the_part():
    photo = DraftPhoto(NOISE)
    tall = int(60 / WORTH_KEEPING) - 1
    small, large = photo.part(0, 0, 80, tall, True, False), photo.part(0, 0, 80, 50, True, False)
    assert np.array_equal(small, large[:tall])
    assert photo.part(0, 10, 80, 50, True, False).base is large.base
    assert small.base is not large.base


def test_boxes_stay_on_their_faces_and_keep_their_number():
    picture, rows = marked(20, 12, 36, 30)
    draft = Draft(DraftPhoto(picture), rows)
    draft.mirror()
    draft.cut(30, 5, 75, 45)
    draft.upend()
    shown = draft.pixels()
    down, across = np.nonzero(shown[:, :, 0])
    seen = [across.min() / 45, down.min() / 40, (across.max() + 1) / 45, (down.max() + 1) / 40]
    np.testing.assert_allclose(draft.boxes, [seen], atol=1e-6)
    assert draft.owners == [7]


def test_a_box_that_is_cut_keeps_its_whole_size():
    picture, rows = marked(20, 12, 36, 30)
    draft = Draft(DraftPhoto(picture), rows)
    draft.cut(28, 0, 68, 60)
    np.testing.assert_allclose(draft.boxes, [[-8 / 40, 12 / 60, 8 / 40, 30 / 60]], atol=1e-6)


@pytest.mark.parametrize("channels", ["alike", "each its own"])
def test_colours_are_looked_up_and_the_photo_stays_as_it_is(channels: str):
    table = np.random.default_rng(1).integers(0, 256, (256, 3), np.uint8)
    if channels == "alike":
        table[:] = table[:, :1]
    before = NOISE.copy()
    draft = Draft(DraftPhoto(NOISE), np.zeros((0, 5), np.float32))
    draft.cut(5, 6, 65, 50)
    draft.mirror()
    draft.table = table.reshape(RAMP.shape)
    wanted = np.stack([table[:, c][NOISE[6:50, 5:65, c]] for c in range(3)], axis=2)
    assert np.array_equal(draft.pixels(), wanted[:, ::-1])
    assert np.array_equal(look_up(NOISE, table)[6:50, 5:65], wanted)
    assert np.array_equal(before, NOISE)
