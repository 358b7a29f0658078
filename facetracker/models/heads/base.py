"""What every head has in common: one interface, whatever the network's last layers look like."""

from __future__ import annotations

from typing import Any, NamedTuple

import keras
from keras import ops


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
