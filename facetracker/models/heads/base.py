"""What every head has in common: one interface, whatever the network's last layers look like."""

from __future__ import annotations

from typing import Any, NamedTuple

import keras
from keras import ops

from facetracker.models.losses import pairwise_iou


class Mean(NamedTuple):
    """A mean and how much it counts for: enough to make the true mean of an epoch out of those of its batches."""

    value: Any
    weight: Any

    @classmethod
    def of(cls, values, weights) -> Mean:
        """The weighted mean of values; 0 where nothing counts."""
        weight = ops.sum(weights)
        return cls(ops.sum(values * weights) / ops.maximum(weight, 1e-6), weight)


class Losses(NamedTuple):
    """A batch's losses and scores under the tutorial's names."""

    class_loss: Mean
    regress_loss: Mean
    mean_iou: Mean
    class_accuracy: Mean


class Head(keras.layers.Layer):
    """Features to `outputs`, and from there to a `loss` and, with `decode`, to boxes.

    Targets are `{"boxes": (B, M, 4) normalised xyxy, "classes": (B, M)}`, padded with zeros and -1.
    """

    strides: tuple[int, ...] | None = None  # of the features the head wants; None: the last ones only

    def __init__(self, classes: int = 1, **options):
        super().__init__(**options)
        self.classes = classes

    def loss(self, targets, outputs, size: tuple[int, int]) -> Losses:
        """Losses of a batch whose pictures are `size` (height, width) pixels."""
        raise NotImplementedError(f"{type(self).__name__} is a head without a loss")

    def decode(
        self, outputs, size: tuple[int, int], threshold: float = 0.5, iou_threshold: float = 0.5, most: int = 64
    ):
        """Boxes `(B, most, 4)` normalised, scores `(B, most)`, classes `(B, most)`; padded with zeros, 0 and -1."""
        raise NotImplementedError(f"{type(self).__name__} is a head that cannot decode")

    @staticmethod
    def presence(best_scores, faces) -> Mean:
        """Share of pictures where "is there a face at all" is answered rightly at 0.5.

        `best_scores` `(B,)`: the highest of each picture; `faces` `(B, M)`: 1 for each true face, 0 for padding.
        """
        said, true = best_scores >= 0.5, ops.max(faces, axis=1) > 0
        right = ops.cast(ops.equal(said, true), "float32")
        return Mean.of(right, ops.ones_like(right))

    def get_config(self):
        return {**super().get_config(), "classes": self.classes}


def suppress(boxes, scores, classes, threshold: float, iou_threshold: float, most: int, candidates: int = 300):
    """The best box of every heap of overlapping ones, best score first, of any class.

    Boxes `(B, A, 4)`, scores `(B, A)`, classes `(B, A)`; gives `(B, most, 4)`, `(B, most)`, `(B, most)` padded with
    zeros, 0 and -1. Only the best `candidates` boxes of a picture are looked at.
    """
    count = min(candidates, scores.shape[1]) if scores.shape[1] else candidates
    scores, order = ops.top_k(scores, count)
    boxes = ops.take_along_axis(boxes, order[..., None], axis=1)
    classes = ops.take_along_axis(classes, order, axis=1)
    # Boxes come best first: (B, N, N), 1 where the second one is better than the first and lies on it.
    better = ops.tril(ops.cast(pairwise_iou(boxes, boxes) > iou_threshold, "float32"), k=-1)
    sure = ops.cast(scores >= threshold, "float32")

    # A box stays unless a better one that stays lies on it. Asked of all boxes at once until no answer changes: after
    # round n at least the first n are right, and heaps of faces are a few boxes deep, so a few rounds do.
    def judge(kept, before):
        covered = ops.einsum("bij,bj->bi", better, kept) > 0.5
        return ops.where(covered, 0.0, sure), kept

    start = (sure, ops.zeros_like(sure) - 1.0)
    kept, _ = ops.while_loop(lambda kept, before: ops.any(kept != before), judge, start, maximum_iterations=count + 1)
    scores, order = ops.top_k(scores * kept, min(most, count))
    shown = ops.cast(scores > 0, "float32")
    boxes = ops.take_along_axis(boxes, order[..., None], axis=1) * shown[..., None]
    classes = ops.where(scores > 0, ops.take_along_axis(classes, order, axis=1), -1)
    spare = most - min(most, count)
    return (
        ops.pad(boxes, [[0, 0], [0, spare], [0, 0]]),
        ops.pad(scores, [[0, 0], [0, spare]]),
        ops.pad(classes, [[0, 0], [0, spare]], constant_values=-1),
    )
