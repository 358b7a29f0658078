"""Decoding equals the slow and obvious way, and costs nothing when there is nothing."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from facetracker.core.boxes import iou
from facetracker.inference.decode import MOST_CANDIDATES, decode_dense, decode_single, grid


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
