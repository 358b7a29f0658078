"""The one metric that Keras does not have: the true means of an epoch, of everything a tracker logs."""

from __future__ import annotations

from typing import Any

import keras
from keras import ops

from facetracker.models.heads.base import Losses


class EpochMeans(keras.metrics.Metric):
    """Means of all losses and scores, and `total_loss = regress_loss + share * class_loss`, over an epoch.

    Every value counts by its own weight, so the size of a batch does not matter, nor how many of its pictures hold a
    face. All sums lie in one variable: a metric for each would add some seventy small operations to every step.
    """

    def __init__(self, share: float, name: str = "means"):
        super().__init__(name=name)
        self._share = share
        self.sums = self.add_variable((2, len(Losses._fields)), "zeros", name="sums")

    def update_state(self, losses: Losses) -> None:
        """Add a batch."""
        weights = ops.stack([loss.weight for loss in losses])
        values = ops.stack([loss.value for loss in losses])
        self.sums.assign_add(ops.stack([values * weights, weights]))

    def result(self) -> dict[str, Any]:
        """The means so far under their names; 0 where nothing counted."""
        means = self.sums[0] / ops.maximum(self.sums[1], 1e-9)
        found = {name: means[place] for place, name in enumerate(Losses._fields)}
        return {"total_loss": found["regress_loss"] + self._share * found["class_loss"], **found}
