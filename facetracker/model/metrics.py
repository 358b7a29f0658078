"""The one metric that Keras does not have."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import keras


class TotalLoss(keras.metrics.Metric):
    """`regress_loss + share * class_loss` of everything seen in the epoch, whatever the size of its batches.

    The mean of the batches' totals would count a picture with a face the more, the fewer its batch holds.
    """

    def __init__(self, regress: Callable[[], Any], classes: Callable[[], Any], share: float, name: str = "total_loss"):
        super().__init__(name=name)
        # The means' own `result`, not the means: as parts of this metric their variables would be counted twice.
        self._regress, self._classes, self._share = regress, classes, share

    def update_state(self, *args: Any, **kwargs: Any) -> None:
        """Nothing to note: it is made of the two means."""

    def result(self) -> Any:
        return self._regress() + self._share * self._classes()
