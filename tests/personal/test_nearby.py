"""Photos that look alike are drawn alike; where no lesson is near, the common style holds."""

from __future__ import annotations

import numpy as np

from facetracker.inference.style import Style, learn_style
from facetracker.personal.nearby import NearbyStyle
from facetracker.personal.teacher import FacePairs

GREY = np.zeros(192, np.float32)
LEFT, RIGHT = [0.1, 0.3, 0.3, 0.6], [0.7, 0.3, 0.9, 0.6]
NARROW, WIDE = Style(0, 0, 0, 0), Style(-0.2, -0.2, 0.2, 0.2)


def lessons(count: int) -> list[tuple[np.ndarray, FacePairs]]:
    """Somebody draws faces on the left narrow, and those on the right wide."""
    made = []
    for box, style in ((LEFT, NARROW), (RIGHT, WIDE)):
        found = np.array([box], np.float32)
        made += [(GREY, FacePairs(found, style.apply(found), np.ones(1, np.float32)))] * count
    return made


def nearby(count: int) -> NearbyStyle:
    made = lessons(count)
    found, drawn = (np.concatenate([getattr(pairs, name) for _, pairs in made]) for name in ("found", "drawn"))
    return NearbyStyle(learn_style(found, drawn), made)


def test_each_side_is_drawn_as_its_own_lessons_were():
    style, boxes = nearby(6), np.array([LEFT, RIGHT], np.float32)
    drawn = style.apply(boxes, GREY)
    np.testing.assert_allclose(drawn[0], NARROW.apply(boxes[:1])[0], atol=0.01)
    np.testing.assert_allclose(drawn[1], WIDE.apply(boxes[1:])[0], atol=0.01)


def test_far_from_every_lesson_the_common_style_holds():
    style, box = nearby(6), np.array([[0.4, 0.9, 0.42, 0.93]], np.float32)
    np.testing.assert_allclose(style.apply(box, GREY), style.style.apply(box), atol=1e-4)
    other = np.full(192, 3.0, np.float32)
    np.testing.assert_allclose(style.apply(np.array([LEFT], np.float32), other), style.style.apply([LEFT]), atol=1e-4)


def test_two_lessons_are_too_few_to_compare():
    style, box = nearby(1), np.array([LEFT], np.float32)
    np.testing.assert_array_equal(style.apply(box, GREY), style.style.apply(box))
    assert style.apply(np.zeros((0, 4), np.float32), GREY).shape == (0, 4)
