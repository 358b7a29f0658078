"""Decoding equals the slow and obvious way, and costs nothing when there is nothing."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from facetracker.core.boxes import iou
from facetracker.inference.decode import (
    MOST_CANDIDATES,
    Decoded,
    best_of_parts,
    decode_dense,
    decode_single,
    grid,
    nothing,
)


def obvious(scores, offsets, height, width, strides, threshold, iou_threshold):
    """Cell by cell, then greedy suppression box by box."""
    found, cell = [], 0
    for stride in strides:
        for row in range(height // stride):
            for column in range(width // stride):
                best = int(scores[cell].argmax())
                if scores[cell, best] >= threshold:
                    x, y = (column + 0.5) * stride, (row + 0.5) * stride
                    left, top, right, bottom = offsets[cell] * stride
                    box = ((x - left) / width, (y - top) / height, (x + right) / width, (y + bottom) / height)
                    found.append((float(scores[cell, best]), box, best))
                cell += 1
    kept = []
    for one in sorted(found, key=lambda one: -one[0]):
        if all(iou([one[1]], [other[1]])[0, 0] <= iou_threshold for other in kept):
            kept.append(one)
    return kept


@settings(max_examples=40, deadline=None)
@given(st.integers(0, 2**31), st.integers(1, 3), st.integers(1, 4), st.integers(1, 4), st.floats(0.2, 0.95))
def test_dense_equals_the_obvious_way(seed, classes, rows, columns, threshold):
    random = np.random.default_rng(seed)
    height, width, strides = 32 * rows, 32 * columns, (8, 16, 32)
    cells = sum((height // s) * (width // s) for s in strides)
    scores = random.random((cells, classes)).astype(np.float32)
    offsets = random.uniform(0.2, 3, (cells, 4)).astype(np.float32)
    boxes, found, names, _ = decode_dense(scores, offsets, height, width, strides, threshold, 0.4)
    wanted = obvious(scores, offsets, height, width, strides, threshold, 0.4)
    assert len(boxes) == len(found) == len(names) == len(wanted)
    np.testing.assert_allclose(found, [one[0] for one in wanted])
    np.testing.assert_allclose(boxes, np.reshape([one[1] for one in wanted], (-1, 4)), atol=1e-5)
    assert names.tolist() == [one[2] for one in wanted]


def test_only_the_best_candidates_are_compared():
    cells = len(grid(320, 320, (8, 16, 32))[0])
    assert cells > MOST_CANDIDATES
    scores = np.linspace(0.6, 0.9, cells, dtype=np.float32)[:, None]
    boxes, found, *_ = decode_dense(scores, np.full((cells, 4), 0.1, np.float32), 320, 320, threshold=0.5)
    assert len(boxes) == MOST_CANDIDATES
    assert found.min() > 0.6


def test_nothing_above_the_threshold_is_no_box():
    for boxes, scores, classes, _ in (
        decode_dense(np.zeros((84, 1), np.float32), np.ones((84, 4), np.float32), 64, 64),
        decode_single(np.array([0.2]), np.array([0.1, 0.1, 0.5, 0.5]), 0.5),
        decode_single(np.array([0.9]), np.array([0.5, 0.1, 0.5, 0.5]), 0.5),  # no area
        decode_single(np.array([np.nan]), np.array([0.1, 0.1, 0.5, 0.5]), 0.5),
    ):
        assert boxes.shape == (0, 4)
        assert scores.shape == classes.shape == (0,)


def test_single_takes_the_best_class():
    boxes, scores, classes, _ = decode_single(np.array([0.6, 0.8]), np.array([0.1, 0.2, 0.5, 0.6]), 0.5)
    np.testing.assert_allclose(boxes, [[0.1, 0.2, 0.5, 0.6]])
    assert scores.tolist() == pytest.approx([0.8])
    assert classes.tolist() == [1]


def test_outputs_of_another_size_are_refused():
    with pytest.raises(ValueError, match="cells"):
        decode_dense(np.ones((85, 1), np.float32), np.ones((85, 4), np.float32), 64, 64)


def test_landmarks_stay_with_their_faces():
    scores, landmarks = np.zeros((84, 1), np.float32), np.zeros((84, 10), np.float32)
    scores[[9, 70], 0] = 0.7, 0.9  # a cell of stride 8 (row 1, column 1), one of stride 16 (row 1, column 2)
    landmarks[9], landmarks[70] = np.linspace(-1, 1, 10), 0.5
    found = decode_dense(scores, np.ones((84, 4), np.float32), 64, 64, landmarks=landmarks)
    assert found.scores == pytest.approx([0.9, 0.7])
    np.testing.assert_allclose(found.landmarks[0] * 64, np.tile([48.0, 32.0], (5, 1)))
    np.testing.assert_allclose(found.landmarks[1] * 64, landmarks[9].reshape(5, 2) * 8 + [12, 12], atol=1e-5)
    none = decode_dense(np.zeros((84, 1), np.float32), np.ones((84, 4), np.float32), 64, 64, landmarks=landmarks)
    assert none.landmarks.shape == (0, 5, 2)
    assert decode_dense(scores, np.ones((84, 4), np.float32), 64, 64).landmarks is None


def test_a_score_of_exactly_the_threshold_counts():
    scores = np.zeros((84, 1), np.float32)
    scores[9] = 0.5
    assert len(decode_dense(scores, np.ones((84, 4), np.float32), 64, 64, threshold=0.5).boxes) == 1
    assert len(decode_single(np.array([0.5]), np.array([0.1, 0.1, 0.5, 0.5]), 0.5).boxes) == 1


def test_without_a_word_boxes_that_overlap_by_more_than_half_are_one():
    scores, offsets = np.zeros((84, 1), np.float32), np.full((84, 4), 4.0, np.float32)
    scores[[18, 19], 0] = 0.9, 0.8  # 64 pixels wide, 8 apart: 0.78
    assert decode_dense(scores, offsets, 64, 64).scores == pytest.approx([0.9])
    scores[19], scores[20] = 0, 0.8
    offsets[[18, 20]] = 1.0  # 16 wide, 16 apart
    assert decode_dense(scores, offsets, 64, 64).scores == pytest.approx([0.9, 0.8])


def test_without_a_word_strides_are_8_16_and_32():
    scores, offsets = np.zeros((84, 1), np.float32), np.full((84, 4), 0.5, np.float32)
    for cell, box in ((0, [0, 0, 8, 8]), (64, [0, 0, 16, 16]), (80, [0, 0, 32, 32]), (83, [32, 32, 64, 64])):
        scores[:] = 0
        scores[cell] = 0.9
        np.testing.assert_allclose(decode_dense(scores, offsets, 64, 64).boxes[0] * 64, box)


def test_a_size_that_no_stride_divides_has_cells_to_its_edges():
    centres, sides = grid(9, 17, (8, 16))
    assert centres.tolist() == [[4, 4], [12, 4], [20, 4], [4, 12], [12, 12], [20, 12], [8, 8], [24, 8]]
    assert sides.ravel().tolist() == [8] * 6 + [16] * 2


@pytest.mark.parametrize("extra", [0, 1])
def test_as_many_candidates_as_are_compared_at_most_are_all_kept(extra):
    count = MOST_CANDIDATES + extra
    cells = len(grid(320, 320, (8, 16, 32))[0])
    scores = np.zeros((cells, 1), np.float32)
    scores[:count, 0] = np.linspace(0.9, 0.6, count)
    found = decode_dense(scores, np.full((cells, 4), 0.1, np.float32), 320, 320, threshold=0.5)
    assert len(found.boxes) == MOST_CANDIDATES
    assert found.scores.min() == pytest.approx(scores[MOST_CANDIDATES - 1, 0])


@pytest.mark.parametrize(
    "box", [[0.5, 0.1, 0.5, 0.5], [0.1, 0.5, 0.5, 0.5], [0.6, 0.1, 0.5, 0.5], [0.1, 0.6, 0.5, 0.5]]
)
def test_a_box_without_width_or_height_is_none(box):
    found = decode_single(np.array([0.9]), np.array(box), 0.5)
    assert found.boxes.shape == (0, 4)
    assert found.landmarks is None
    assert len(decode_single(np.array([0.9]), np.array([0.7, 0.1, 0.8, 0.2]), 0.5).boxes) == 1
    assert len(decode_single(np.array([0.9]), np.array([0.1, 0.7, 0.2, 0.8]), 0.5).boxes) == 1


def test_single_gives_one_score_wherever_its_class_stands():
    for best in range(4):
        scores = np.full(4, 0.1)
        scores[best] = 0.7
        found = decode_single(scores, np.array([0.1, 0.2, 0.5, 0.6]), 0.5)
        assert found.scores == pytest.approx([0.7])
        assert found.classes.tolist() == [best]


def one(box, score) -> Decoded:
    return Decoded(np.array([box], np.float32), np.array([score], np.float32), np.array([0]))


def test_of_several_parts_the_face_on_which_they_agree_is_taken():
    face, near, alone = [0.1, 0.1, 0.5, 0.5], [0.12, 0.1, 0.52, 0.5], [0.6, 0.6, 0.9, 0.9]
    none = nothing()
    assert best_of_parts([none, none], [False, False]).boxes.shape == (0, 4)
    assert best_of_parts([none, one(face, 0.6)], [False, True]).scores == pytest.approx([0.6])
    found = [one(alone, 0.8), none, one(face, 0.6), one(near, 0.7)]
    assert best_of_parts(found, [False] * 4).boxes == pytest.approx(np.array([near]), abs=1e-6)
    # Alone, the surest; half of it where the edge of its part has cut it.
    apart = [one(alone, 0.8), one(face, 0.7)]
    assert best_of_parts(apart, [False, False]).scores == pytest.approx([0.8])
    assert best_of_parts(apart, [True, False]).scores == pytest.approx([0.7])
    assert best_of_parts([one(alone, 0.9), one(face, 0.5)], [True, False]).scores == pytest.approx([0.9])
    assert best_of_parts([none, *apart], [False, True, False]).scores == pytest.approx([0.7])


@settings(max_examples=40, deadline=None)
@given(st.integers(0, 2**31), st.integers(1, 6))
def test_a_part_is_worth_what_the_others_say_of_its_box(seed, count):
    random = np.random.default_rng(seed)
    boxes = np.sort(random.random((count, 2, 2)), axis=1).reshape(count, 4).astype(np.float32)
    scores, cut = random.random(count).astype(np.float32), random.random(count) < 0.5
    worth = [
        scores[i] * sum(scores[j] * iou(boxes[[i]], boxes[[j]])[0, 0] for j in range(count)) * (0.5 if cut[i] else 1)
        for i in range(count)
    ]
    found = best_of_parts([one(box, score) for box, score in zip(boxes, scores, strict=True)], cut.tolist())
    assert found.scores[0] == scores[int(np.argmax(worth))]
