"""Losses in keras.ops: they run and differentiate on every backend."""

from __future__ import annotations

import keras
from keras import ops


def corner_loss(truth, boxes):
    """The tutorial's localization loss: squared distance of the first corner plus squared difference in size.

    Boxes `(..., 4)` xyxy; gives `(...)`.
    """
    corner = ops.sum(ops.square(truth[..., :2] - boxes[..., :2]), axis=-1)
    size = ops.square(truth[..., 2:] - truth[..., :2] - boxes[..., 2:] + boxes[..., :2])
    return corner + ops.sum(size, axis=-1)


def box_similarity(truth, boxes):
    """Complete IoU of boxes `(..., 4)` xyxy, pair by pair: 1 where they are the same, below 0 where far apart."""
    return keras.utils.bounding_boxes.compute_ciou(boxes, truth, "xyxy")


def pairwise_iou(a, b):
    """Intersection over union of every pair: boxes `(B, N, 4)` and `(B, M, 4)` give `(B, N, M)`."""
    left, top, right, bottom = (a[..., i : i + 1] for i in range(4))
    b_left, b_top, b_right, b_bottom = (b[..., None, :, i] for i in range(4))
    width = ops.maximum(ops.minimum(right, b_right) - ops.maximum(left, b_left), 0.0)
    height = ops.maximum(ops.minimum(bottom, b_bottom) - ops.maximum(top, b_top), 0.0)
    shared = width * height
    area = ops.maximum(right - left, 0.0) * ops.maximum(bottom - top, 0.0)
    b_area = ops.maximum(b_right - b_left, 0.0) * ops.maximum(b_bottom - b_top, 0.0)
    return shared / ops.maximum(area + b_area - shared, 1e-9)


def pair_iou(a, b):
    """Intersection over union of boxes `(..., 4)` xyxy, pair by pair: `(...)`."""
    width_height = ops.maximum(ops.minimum(a[..., 2:], b[..., 2:]) - ops.maximum(a[..., :2], b[..., :2]), 0.0)
    shared = ops.prod(width_height, axis=-1)
    both = area(a) + area(b) - shared
    return shared / ops.maximum(both, 1e-9)


def area(boxes):
    """Area of boxes `(..., 4)` xyxy; 0 for one whose corners are swapped."""
    return ops.prod(ops.maximum(boxes[..., 2:] - boxes[..., :2], 0.0), axis=-1)


def binary_loss(target, logits):
    """Cross entropy of probabilities `target` with `logits`, number by number, stable far from 0."""
    return ops.maximum(logits, 0.0) - logits * target + ops.log1p(ops.exp(-ops.abs(logits)))


def varifocal_loss(target, logits, easy: float = 0.75, power: float = 2.0):
    """Cross entropy where faces count by how well they can be boxed and background by how face-like it looks.

    After VarifocalNet (Zhang et al. 2021). `target` and `logits` `(..., K)`; gives the same shape.
    """
    looks = ops.stop_gradient(ops.sigmoid(logits))
    weight = ops.where(target > 0, target, easy * ops.power(looks, power))
    return weight * binary_loss(target, logits)
