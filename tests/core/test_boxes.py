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


def test_what_is_no_box_is_no_box():
    for values in ([0.5], [1, 2, 3]):
        with pytest.raises(ValueError, match="reshape"):
            bx.as_boxes(values)


def test_boxes_are_cut_at_all_four_sides_and_not_inside():
    boxes = [[-0.5, 0.2, 0.4, 1.5], [0.1, -0.1, 1.1, 0.9], [1.2, 0.3, 1.4, 0.5]]
    expected = [[0, 0.2, 0.4, 1], [0.1, 0, 1, 0.9], [1, 0.3, 1, 0.5]]
    np.testing.assert_array_equal(bx.clip(boxes), np.float32(expected))


def test_centres_areas_and_sizes_by_hand():
    boxes = [[0.25, 0.5, 0.75, 0.625], [0.5, 0.5, 0.25, 0.75]]
    np.testing.assert_array_equal(bx.centres(boxes), [[0.5, 0.5625], [0.375, 0.625]])
    np.testing.assert_array_equal(bx.sizes(boxes), [[0.5, 0.125], [0, 0.25]])
    np.testing.assert_array_equal(bx.areas(boxes), [0.0625, 0])


@pytest.mark.filterwarnings("error")
def test_overlap_by_hand_also_of_tiny_and_of_empty_boxes():
    a = [[0, 0, 0.5, 0.5]]
    b = [[0.25, 0.25, 0.75, 0.75], [0.5, 0, 1, 0.5], [0, 0, 0, 0], [0.75, 0.75, 1, 1]]
    np.testing.assert_array_equal(bx.overlaps(a, b), [[0.0625, 0, 0, 0]])
    np.testing.assert_allclose(bx.iou(a, b), [[0.0625 / 0.4375, 0, 0, 0]])
    np.testing.assert_array_equal(bx.iou([[0.5] * 4], [[0.5] * 4, [0, 0, 0, 0]]), [[0, 0]])
    tiny = [[0.5, 0.5, 0.5625, 0.5625]]
    assert bx.iou(tiny, tiny) == 1


def test_pairs_are_the_largest_first_each_row_and_column_once():
    overlap = np.array([[0.9, 0.8, 0.1], [0.85, 0.3, 0.5], [0.2, 0.7, 0.45]])
    assert bx.best_pairs(overlap, 0.3) == [(0, 0), (2, 1), (1, 2)]
    assert bx.best_pairs(overlap, 0.5) == [(0, 0), (2, 1), (1, 2)], "as large as the least is enough"
    assert bx.best_pairs(overlap, 0.51) == [(0, 0), (2, 1)]
    assert bx.best_pairs(np.full((2, 2), 0.5), 0.4) == [(0, 0), (1, 1)], "of equals the first"
    assert bx.best_pairs(overlap, 0.95) == []


@pytest.mark.parametrize(
    ("box", "tolerance", "fault"),
    [
        ([0, 0, 1, 1], 0, None),
        ([0.1, 0.1, 0.1, 0.5], 0, "no area"),
        ([0.1, 0.5, 0.2, 0.5], 0, "no area"),
        ([0.1, 0.6, 0.2, 0.5], 0, "no area"),
        ([0.1, 0.1, np.nan, 0.5], 0, "not a number"),
        ([-0.125, 0, 1, 1], 0, "outside the picture"),
        ([-0.125, 0, 1, 1], 0.125, None),
        ([0, 0, 1.25, 1], 0.125, "outside the picture"),
        ([0, 0, 1.125, 1], 0.125, None),
    ],
)
def test_each_fault_of_a_box_is_named(box, tolerance, fault):
    assert bx.faults([box], tolerance) == [fault]


def test_suppression_keeps_what_overlaps_just_as_much_as_is_allowed():
    boxes = [[0, 0, 0.5, 1], [0, 0, 1, 1], [0.5, 0, 1, 1], [0.25, 0, 0.5, 1]]
    assert bx.suppress(boxes, [0.9, 0.8, 0.7, 0.6], 0.5).tolist() == [0, 1, 2, 3]
    assert bx.suppress(boxes, [0.9, 0.8, 0.7, 0.6], 0.49).tolist() == [0, 2]
    assert bx.suppress(boxes, [0.5, 0.5, 0.5, 0.5], 0.49).tolist() == [0, 2], "of equals the first"
    assert bx.largest([[0, 0, 0.5, 0.5], [0, 0, 0.5, 0.75], [0.5, 0, 1, 0.75]]) == 1
