"""Zones: how they are written, and what lies in them."""

from __future__ import annotations

import cv2
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from facetracker.core.errors import FaceTrackerError
from facetracker.inference.events.events import Noticing
from facetracker.inference.events.view import draw_zones
from facetracker.inference.events.zones import Zone, parse_zone, parse_zones

SHARES = st.floats(0, 1, width=16)


@given(st.lists(st.tuples(SHARES, SHARES), min_size=3, max_size=8), SHARES, SHARES)
def test_depth_is_what_opencv_measures(corners, x, y):
    zone, size = Zone("any", tuple(corners)), (640, 480)
    outline = (np.array(corners) * size).astype(np.float32)
    expected = cv2.pointPolygonTest(outline, (x * 640, y * 480), True)
    depth = zone.depth((x * 640, y * 480), *size)
    assert abs(depth) == pytest.approx(abs(expected), abs=0.1)
    if abs(expected) > 0.1:
        assert (depth > 0) == (expected > 0)


def test_a_rectangle_and_a_polygon():
    assert parse_zone("by the door=0.5,0,1,1").corners == ((0.5, 0), (1, 0), (1, 1), (0.5, 1))
    assert parse_zone("sofa=0,0,1,0,0.5,1").corners == ((0, 0), (1, 0), (0.5, 1))
    assert [zone.name for zone in parse_zones(["a=0,0,1,1", "b=0,0,1,1"])] == ["a", "b"]


@pytest.mark.parametrize(
    "text",
    ["desk", "=0,0,1,1", "desk=", "desk=0,0,1", "desk=0,0,1,1,1", "desk=0,0,2,1", "desk=nan,0,1,1", "desk=a,b,c,d",
     "desk=0.5,0,0.5,1", "desk=0,0.9,1,0.2", "desk=0,0,0.5,0.5,1,1", "$(x)=0,0,1,1", "a\nb=0,0,1,1", "desk=-0.1,0,1,1"],
)  # fmt: skip
def test_mistakes_are_told_with_an_example(text):
    with pytest.raises(FaceTrackerError, match="--zone"):
        parse_zone(text)


def test_two_zones_of_one_name_are_refused():
    with pytest.raises(FaceTrackerError, match="two zones"):
        parse_zones(["desk=0,0,1,1", "desk=0,0,0.5,1"])


def test_zones_are_drawn_where_they_are_also_in_the_mirror():
    noticing = Noticing(zones=[parse_zone("desk=0,0,0.25,1")])
    grey = np.full((240, 320, 3), 60, np.uint8)
    plain, mirrored = draw_zones(grey, noticing), draw_zones(grey, noticing, mirror=True)
    assert (grey == 60).all()
    assert plain[100, 40].mean() > 62
    assert plain[100, 280].mean() == 60
    assert mirrored[100, 280].mean() > 62
    assert mirrored[100, 40].mean() == 60
    assert draw_zones(grey, Noticing()) is grey
