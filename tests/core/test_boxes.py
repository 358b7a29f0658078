import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from facetracker.core import boxes as bx

unit = st.floats(0, 1, width=32)
box = st.tuples(unit, unit, unit, unit).map(
    lambda v: [min(v[0], v[2]), min(v[1], v[3]), max(v[0], v[2]), max(v[1], v[3])]
)
box_lists = st.lists(box, max_size=6).map(bx.as_boxes)


def test_no_face_is_an_empty_array_of_four_columns():
    for values in ([], np.zeros((0, 4)), bx.empty()):
        assert bx.as_boxes(values).shape == (0, 4)
        assert bx.as_boxes(values).dtype == np.float32


@pytest.mark.parametrize("function", [bx.areas, bx.sizes, bx.centres, bx.clip])
def test_empties_pass_through(function):
    assert len(function(bx.empty())) == 0


@given(box_lists, st.integers(1, 4000), st.integers(1, 4000))
def test_pixels_and_back_loses_nothing(boxes, width, height):
    back = bx.from_pixels(bx.to_pixels(boxes, width, height), width, height)
    np.testing.assert_allclose(back, boxes, atol=1e-6)


def test_to_pixels_scales_x_by_width_and_y_by_height():
    np.testing.assert_allclose(bx.to_pixels([[0.5, 0.25, 1, 0.5]], 640, 480), [[320, 120, 640, 240]])


def test_iou_of_known_pairs():
    a = [[0, 0, 0.5, 0.5]]
    b = [[0, 0, 0.5, 0.5], [0.25, 0, 0.75, 0.5], [0.6, 0.6, 1, 1], [0.2, 0.2, 0.2, 0.2]]
    np.testing.assert_allclose(bx.iou(a, b), [[1, 1 / 3, 0, 0]], atol=1e-6)
    assert bx.iou(a, bx.empty()).shape == (1, 0)


@given(box_lists, box_lists)
def test_iou_is_symmetric_and_within_bounds(a, b):
    table = bx.iou(a, b)
    np.testing.assert_allclose(table, bx.iou(b, a).T, atol=1e-6)
    assert ((table >= 0) & (table <= 1 + 1e-6)).all()


def test_faults_are_named():
    found = bx.faults([[0, 0, 1, 1], [0.5, 0.5, 0.5, 0.9], [0.2, 0.2, 1.1, 0.9], [np.nan, 0, 1, 1]])
    assert found == [None, "no area", "outside the picture", "not a number"]
    assert bx.faults([[0.2, 0.2, 1.1, 0.9]], tolerance=0.2) == [None]


def test_largest():
    assert bx.largest([[0, 0, 0.1, 0.1], [0, 0, 0.5, 0.5], [0, 0, 0.2, 0.2]]) == 1


def test_suppress_keeps_the_best_of_a_heap_and_all_apart():
    boxes = [[0, 0, 0.5, 0.5], [0.01, 0, 0.51, 0.5], [0.6, 0.6, 0.9, 0.9]]
    assert bx.suppress(boxes, [0.5, 0.9, 0.3]).tolist() == [1, 2]
    assert bx.suppress(bx.empty(), []).tolist() == []


@given(box_lists)
def test_suppressed_survivors_do_not_overlap(boxes):
    kept = boxes[bx.suppress(boxes, np.linspace(1, 0, len(boxes)), 0.5)]
    table = bx.iou(kept, kept)
    np.fill_diagonal(table, 0)
    assert (table <= 0.5).all()


def test_boxes_that_only_touch_share_nothing():
    shared = bx.overlaps([0, 0, 10, 10], [[9, 9, 20, 20], [10, 0, 20, 10]])
    np.testing.assert_array_equal(shared, [[1, 0]])
