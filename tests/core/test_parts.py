"""The parts of a frame that a network trained on crops looks at."""

from __future__ import annotations

import itertools

import numpy as np
import pytest

from facetracker.core.boxes import as_boxes
from facetracker.core.parts import part_around, parts_of, side_of

BLANK = np.zeros((480, 640, 3), np.uint8)


@pytest.mark.parametrize(
    ("crop", "size", "side"),
    [
        (450, (640, 480), 450),
        (450, (320, 240), 240),
        (0.9375, (640, 480), 450),
        (0.9375, (1280, 720), 675),
        (1, (9, 7), 7),
    ],
)
def test_how_much_is_seen_at_once(crop, size, side):
    assert side_of(crop, *size) == side


@pytest.mark.parametrize(
    ("crop", "size", "count"),
    [
        (450, (640, 480), 2),
        (450, (480, 640), 2),
        (450, (450, 450), 1),
        (0.9375, (1280, 720), 4),
        (450, (1280, 720), 21),
        (450, (320, 240), 2),
    ],
)
def test_parts_cover_a_frame_and_overlap(crop, size, count):
    width, height = size
    seen = np.zeros((height, width), int)
    parts = parts_of(crop, width, height, 64, seen)
    assert len(parts) == count
    for part in parts:
        assert part.cut().shape == (part.side, part.side)
        part.cut()[:] += 1
    assert (seen > 0).mean() > 0.93  # what sticks out by less than a quarter of a part is let go
    for part, after in itertools.pairwise(parts):
        if after.top == part.top:
            assert after.left - part.left <= 0.5 * part.side


def test_boxes_go_back_to_the_frame():
    part = parts_of(450, 640, 480, 64, BLANK)[1]
    pixels = np.array([200.0, 100.0, 300.0, 200.0])
    inside = (pixels - [part.left, part.top] * 2) / part.side
    expected = pixels / [640, 480, 640, 480]
    np.testing.assert_allclose(part.to_picture(as_boxes([inside]))[0], expected, atol=1e-6)


def test_a_box_is_cut_only_where_the_frame_goes_on():
    first, last = parts_of(450, 640, 450, 64, BLANK)
    at_left, at_right = [0.0, 0.2, 0.5, 0.7], [0.5, 0.2, 1.0, 0.7]
    assert (first.cuts(at_left), first.cuts(at_right)) == (False, True)
    assert (last.cuts(at_left), last.cuts(at_right)) == (True, False)


def test_the_part_around_a_face_stays_in_the_frame():
    assert part_around(450, 1280, 720, [0.4, 0.4, 0.6, 0.6]) == (415, 135, 450)
    assert part_around(450, 1280, 720, [0.9, 0.9, 1.0, 1.0]) == (830, 270, 450)
    assert part_around(450, 1280, 720, [0.0, 0.0, 0.1, 0.1]) == (0, 0, 450)
