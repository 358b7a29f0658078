"""The losses against their formulas, and the tutorial's rules about pictures without a face."""

from __future__ import annotations

import numpy as np
import pytest

from facetracker.core import boxes as numpy_boxes
from facetracker.models.heads.single import SingleHead, largest_face
from facetracker.models.losses import binary_loss, box_similarity, corner_loss, pair_iou, pairwise_iou, varifocal_loss

A = np.array([[0.1, 0.2, 0.5, 0.6], [0.0, 0.0, 0.3, 0.3]], np.float32)
B = np.array([[0.2, 0.2, 0.5, 0.8], [0.6, 0.6, 0.9, 0.9], [0.0, 0.0, 0.3, 0.3]], np.float32)


def test_iou_is_that_of_the_ground_floor():
    np.testing.assert_allclose(pairwise_iou(A[None], B[None])[0], numpy_boxes.iou(A, B), atol=1e-6)
    np.testing.assert_allclose(pair_iou(A, B[:2]), np.diag(numpy_boxes.iou(A, B[:2])), atol=1e-6)


def test_iou_of_swapped_corners_is_zero():
    swapped = A[:, [2, 3, 0, 1]]
    np.testing.assert_array_equal(pairwise_iou(A[None], swapped[None]), np.zeros((1, 2, 2)))


def test_corner_loss_is_the_tutorials():
    # (0.1 - 0.2)^2 + 0, then width 0.4 - 0.3 and height 0.4 - 0.6.
    assert float(corner_loss(A[0], B[0])) == pytest.approx(0.01 + 0.01 + 0.04, abs=1e-6)


def test_similarity_is_one_for_equal_boxes_and_negative_far_away():
    np.testing.assert_allclose(box_similarity(A, A), 1.0, atol=1e-3)
    assert float(box_similarity(A[:1], np.array([[0.8, 0.8, 0.9, 0.9]], np.float32))[0]) < 0


def test_binary_loss_is_stable_far_from_zero():
    loss = np.array(binary_loss(np.array([0.0, 1.0, 0.0]), np.array([200.0, -200.0, 0.0], np.float32)))
    np.testing.assert_allclose(loss, [200.0, 200.0, np.log(2)], rtol=1e-5)


def test_varifocal_loss_forgives_easy_background():
    logits = np.array([-6.0, 2.0], np.float32)
    easy, hard = np.array(varifocal_loss(np.zeros(2, np.float32), logits))
    assert easy < 1e-7 < 1.0 < hard


def test_largest_face_is_the_one_to_learn(targets):
    box, kind = largest_face(targets)
    np.testing.assert_array_equal(kind, [0, 0, -1, 0])
    np.testing.assert_allclose(box[1], [0.5, 0.4, 0.95, 0.95])
    np.testing.assert_array_equal(box[2], np.zeros(4))


def losses_of(box_outputs, scores, targets, **options):
    outputs = {"classes": np.array(scores, np.float32), "boxes": np.array(box_outputs, np.float32)}
    return SingleHead(**options).loss(targets, outputs, (120, 120))


def test_only_pictures_with_a_face_count_for_the_box(targets):
    truth = np.array(largest_face(targets)[0])
    away = truth.copy()
    away[:, 2] += 0.1
    away[2] = (0.1, 0.2, 0.9, 0.7)  # the picture without a face: whatever is said here costs nothing
    losses = losses_of(away, np.full((4, 1), 0.5), targets)
    assert float(losses.regress_loss.value) == pytest.approx(0.01, abs=1e-6)
    assert float(losses.regress_loss.weight) == 3
    assert float(losses.class_loss.value) == pytest.approx(np.log(2), abs=1e-5)
    assert float(losses.class_loss.weight) == 4


def test_twice_the_batch_is_the_same_loss(targets):
    rng = np.random.default_rng(0)
    boxes, scores = rng.random((4, 4)), rng.random((4, 1))
    once = losses_of(boxes, scores, targets)
    double = {name: np.concatenate([values, values]) for name, values in targets.items()}
    twice = losses_of(np.concatenate([boxes] * 2), np.concatenate([scores] * 2), double)
    for name in ("class_loss", "regress_loss", "mean_iou", "class_accuracy"):
        assert float(getattr(once, name).value) == pytest.approx(float(getattr(twice, name).value), abs=1e-6)


def test_no_face_in_the_whole_batch_is_no_box_loss():
    empty = {"boxes": np.zeros((2, 3, 4), np.float32), "classes": np.full((2, 3), -1.0, np.float32)}
    losses = losses_of(np.full((2, 4), 0.5), np.full((2, 1), 0.1), empty)
    assert float(losses.regress_loss.value) == 0
    assert float(losses.class_accuracy.value) == 1


def test_ciou_is_the_other_choice(targets):
    truth = np.array(largest_face(targets)[0])
    scores = np.full((4, 1), 0.9)
    assert float(losses_of(truth, scores, targets, regress_loss="ciou").regress_loss.value) < 1e-2
    far = np.tile(np.array([0.9, 0.9, 0.95, 0.95]), (4, 1))
    assert float(losses_of(far, scores, targets, regress_loss="ciou").regress_loss.value) > 1


def test_class_accuracy_asks_for_the_right_class(targets):
    two = {"boxes": targets["boxes"], "classes": np.where(targets["classes"] == 0, 1.0, -1.0).astype(np.float32)}
    scores = np.array([[0.1, 0.9], [0.9, 0.8], [0.1, 0.2], [0.2, 0.3]])
    losses = losses_of(np.full((4, 4), 0.5), scores, two, classes=2)
    assert float(losses.class_accuracy.value) == 0.5  # right, wrong class, right (none), missed
