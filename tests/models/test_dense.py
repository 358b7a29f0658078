"""The dense head: cells, assignment, loss, and boxes out of outputs as the runtime reads them."""

from __future__ import annotations

import numpy as np
import pytest
from keras import ops

from facetracker.core.boxes import IGNORED
from facetracker.inference.decode import decode_dense, grid
from facetracker.models.assign import assign
from facetracker.models.heads.base import suppress
from facetracker.models.heads.dense import DenseHead, boxes_of, cells

SIZE = (96, 128)


def perfect(truth_pixels, sure: float = 0.98):
    """Outputs that answer every true box `(M, 4)` from the cell nearest to its middle, on the grid of its size."""
    centres, strides = (np.array(value) for value in cells(*SIZE))
    scores = np.full((1, len(centres), 1), 0.001, np.float32)
    offsets = np.full((1, len(centres), 4), 2.0, np.float32)
    for box in truth_pixels:
        inside = (centres > box[:2]).all(1) & (centres < box[2:]).all(1)
        distance = np.abs(centres - (box[:2] + box[2:]) / 2).sum(1)
        cell = np.where(inside, distance, 1e9).argmin()
        stride = strides[cell, 0]
        scores[0, cell] = sure
        offsets[0, cell] = np.concatenate([centres[cell] - box[:2], box[2:] - centres[cell]]) / stride
    return {"scores": scores, "offsets": offsets}


TRUTH = np.array([[10.0, 12.0, 40.0, 50.0], [60.0, 20.0, 110.0, 88.0]], np.float32)
SCALE = np.array([128, 96, 128, 96], np.float32)


def padded(boxes, classes, most=4):
    rows = np.zeros((1, most, 4), np.float32)
    kinds = np.full((1, most), -1.0, np.float32)
    rows[0, : len(boxes)] = boxes / SCALE
    kinds[0, : len(boxes)] = classes
    return {"boxes": rows, "classes": kinds}


def test_cells_are_those_of_the_runtime():
    centres, strides = cells(*SIZE)
    expected_centres, expected_strides = grid(*SIZE, (8, 16, 32))
    np.testing.assert_array_equal(centres, expected_centres)
    np.testing.assert_array_equal(strides, expected_strides)


def test_decode_finds_what_the_runtime_finds():
    rng = np.random.default_rng(3)
    count = len(np.array(cells(*SIZE)[0]))
    outputs = {
        "scores": rng.random((2, count, 2)).astype(np.float32),
        "offsets": rng.uniform(0.2, 4, (2, count, 4)).astype(np.float32),
    }
    boxes, scores, classes = (
        np.array(value) for value in DenseHead(2).decode(outputs, SIZE, threshold=0.6, iou_threshold=0.4, most=150)
    )
    for i in range(2):
        expected = decode_dense(outputs["scores"][i], outputs["offsets"][i], *SIZE, threshold=0.6, iou_threshold=0.4)
        found = int((classes[i] >= 0).sum())
        assert found == len(expected[0]) > 3
        np.testing.assert_allclose(boxes[i, :found], expected[0], atol=1e-5)
        np.testing.assert_allclose(scores[i, :found], expected[1], atol=1e-6)
        np.testing.assert_array_equal(classes[i, :found], expected[2])
        assert not boxes[i, found:].any()


def test_suppress_keeps_a_box_that_only_a_dropped_one_covered():
    boxes = np.array([[[0, 0, 10, 10], [3, 0, 13, 10], [6, 0, 16, 10]]], np.float32)
    scores = np.array([[0.9, 0.8, 0.7]], np.float32)
    kept, kept_scores, classes = suppress(boxes, scores, np.zeros((1, 3), np.int32), 0.5, 0.4, most=5)
    np.testing.assert_allclose(np.array(kept_scores)[0], [0.9, 0.7, 0, 0, 0], atol=1e-6)
    np.testing.assert_array_equal(np.array(kept)[0, 1], [6, 0, 16, 10])
    np.testing.assert_array_equal(np.array(classes)[0], [0, 0, -1, -1, -1])


def test_a_perfect_answer_costs_little_and_a_wrong_one_much():
    head, targets = DenseHead(1), padded(TRUTH, [0, 0])
    good = head.loss(targets, perfect(TRUTH), SIZE)
    assert float(good.mean_iou.value) == pytest.approx(1.0, abs=1e-3)
    assert float(good.class_accuracy.value) == 1
    bad = head.loss(targets, perfect(TRUTH[:, [0, 1, 2, 3]] + 25), SIZE)
    assert float(good.regress_loss.value) < float(bad.regress_loss.value)
    silent = perfect(TRUTH, sure=0.001)
    assert float(head.loss(targets, silent, SIZE).class_loss.value) > float(good.class_loss.value)
    assert float(head.loss(targets, silent, SIZE).class_accuracy.value) == 0


def test_logits_and_scores_give_the_same_loss():
    outputs = perfect(TRUTH)
    logits = np.log(outputs["scores"]) - np.log1p(-outputs["scores"])
    head, targets = DenseHead(1), padded(TRUTH, [0, 0])
    from_scores = head.loss(targets, outputs, SIZE)
    from_logits = head.loss(targets, {**outputs, "logits": logits}, SIZE)
    assert float(from_scores.class_loss.value) == pytest.approx(float(from_logits.class_loss.value), rel=1e-4)


def test_no_face_teaches_background_only():
    losses = DenseHead(1).loss(padded(TRUTH[:0], []), perfect(TRUTH), SIZE)
    assert float(losses.regress_loss.value) == 0
    assert float(losses.class_loss.value) > 1
    assert float(losses.class_accuracy.value) == 0


def answers(truth, classes, kinds=1):
    centres, strides = cells(*SIZE)
    count = len(np.array(centres))
    scores = np.full((1, count), 0.1, np.float32)
    boxes = boxes_of(np.full((1, count, 4), 2.0, np.float32), centres, strides)
    targets = padded(truth, classes)
    return np.array(centres), assign(scores, boxes, centres, targets["boxes"] * SCALE, targets["classes"], kinds)


def test_cells_answer_for_the_face_they_lie_in():
    centres, answer = answers(TRUTH, [0, 0])
    weights = np.array(answer.weights)[0]
    chosen = weights > 0
    assert 2 <= chosen.sum() <= 20
    owner = np.array(answer.boxes)[0][chosen]
    inside = (centres[chosen] > owner[:, :2]).all(1) & (centres[chosen] < owner[:, 2:]).all(1)
    assert inside.all()
    assert {tuple(box) for box in np.round(owner)} == {tuple(box) for box in np.round(TRUTH)}
    np.testing.assert_allclose(np.array(answer.scores)[0, :, 0], weights)
    assert (np.array(answer.ious)[0, :2] > 0.2).all()


def test_a_face_smaller_than_a_cell_is_answered_for():
    tiny = np.array([[64.5, 32.5, 67.5, 35.5]], np.float32)  # between the centres (60, 36) and (68, 36), holds neither
    _, answer = answers(tiny, [0])
    assert (np.array(answer.weights) > 0).any()


def test_classes_are_learnt_apart():
    _, answer = answers(TRUTH, [0, 1], kinds=2)
    scores = np.array(answer.scores)[0]
    boxes = np.array(answer.boxes)[0]
    assert set(np.round(boxes[scores[:, 0] > 0, 0])) == {10}
    assert set(np.round(boxes[scores[:, 1] > 0, 0])) == {60}


def test_a_face_in_doubt_is_a_face():
    """The best class has the face's score, however even the classes are; the others theirs in proportion."""
    head = DenseHead(3)
    shapes = [(1, 8, 8, 16), (1, 4, 4, 16), (1, 2, 2, 16)]
    head.build(shapes)
    features = [np.random.default_rng(i).normal(size=shape).astype(np.float32) for i, shape in enumerate(shapes)]
    outputs = head(features, training=True)
    scores, face = np.array(outputs["scores"]), 1 / (1 + np.exp(-np.array(outputs["logits"])))
    np.testing.assert_allclose(scores.max(axis=-1, keepdims=True), face, rtol=1e-4)
    kinds = np.exp(np.array(outputs["kinds"]))
    np.testing.assert_allclose(
        scores / scores.sum(axis=-1, keepdims=True), kinds / kinds.sum(axis=-1, keepdims=True), rtol=1e-3
    )


def test_a_wrong_class_costs_and_leaves_the_box_alone():
    centres, _ = cells(*SIZE)
    shares = np.stack([np.full(len(np.array(centres)), 0.9), np.full(len(np.array(centres)), 0.1)], axis=1)
    right = perfect(TRUTH)
    right["scores"] = np.array(right["scores"]) * (shares / 0.9).astype(np.float32)
    head = DenseHead(2)
    good, bad = (head.loss(padded(TRUTH, kinds), right, SIZE) for kinds in ([0, 0], [1, 1]))
    # The cross entropy of 0.9 and of 0.1, half of it, a face's weight each
    gap = float(bad.class_loss.value - good.class_loss.value)
    assert gap == pytest.approx(0.5 * np.log(9), rel=0.02)
    assert float(bad.regress_loss.value) == pytest.approx(float(good.regress_loss.value))
    assert float(bad.class_accuracy.value) == 1


def test_nothing_is_learnt_where_a_face_is_too_small_to_label():
    centres, answer = answers(TRUTH, [0, IGNORED])
    counts = np.array(answer.counts)[0]
    in_ignored = (centres > TRUTH[1, :2]).all(1) & (centres < TRUTH[1, 2:]).all(1)
    np.testing.assert_array_equal(counts == 0, in_ignored)
    assert not np.array(answer.weights)[0][in_ignored].any()
    assert float(ops.sum(answer.weights)) > 0


def test_landmarks_are_learnt_beside_the_boxes():
    outputs, targets = perfect(TRUTH), padded(TRUTH, [0, 0])
    centres, strides = (np.array(value) for value in cells(*SIZE))
    points = np.full((1, 4, 10), np.nan, np.float32)
    points[0, 0] = np.tile([25.0, 31.0], 5) / np.tile(SCALE[:2], 5)  # nobody knows those of the second face
    right = ((np.tile([25.0, 31.0], 5) - np.tile(centres, 5)) / strides)[None].astype(np.float32)
    head, targets = DenseHead(1, landmarks=True), {**targets, "landmarks": points}
    boxes_alone = float(DenseHead(1).loss(targets, outputs, SIZE).regress_loss.value)
    exact = float(head.loss(targets, {**outputs, "landmarks": right}, SIZE).regress_loss.value)
    beside = float(head.loss(targets, {**outputs, "landmarks": right + 0.5}, SIZE).regress_loss.value)
    assert exact == pytest.approx(boxes_alone, abs=1e-5)
    assert beside > exact + 0.05
    unknown = {**targets, "landmarks": np.full_like(points, np.nan)}
    nowhere = float(head.loss(unknown, {**outputs, "landmarks": right + 9}, SIZE).regress_loss.value)
    assert nowhere == pytest.approx(boxes_alone, abs=1e-5)


def test_a_head_with_landmarks_thinks_once_on_the_finest_grid_and_lets_boxes_lie_beside_their_cell():
    head = DenseHead(1, landmarks=True)
    assert [len(units) for units in head.units] == [1, 2, 2]
    features = [np.zeros((2, 96 // s, 128 // s, 8), np.float32) for s in (8, 16, 32)]
    outputs = head(features)
    assert {name: tuple(value.shape) for name, value in outputs.items()} == {
        "scores": (2, 252, 1),
        "offsets": (2, 252, 4),
        "landmarks": (2, 252, 10),
    }
    assert float(np.array(head.to_reach(np.full((1, 4), -20.0, np.float32))).min()) == pytest.approx(-0.5, abs=1e-4)
    assert DenseHead.from_config(head.get_config()).landmarks
