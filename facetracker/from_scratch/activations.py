"""The bend between two straight layers; without it, many layers could say no more than one."""

from __future__ import annotations

import numpy as np

from facetracker.from_scratch.layer import Layer


class ReLU(Layer):
    """Keeps what is positive, makes the rest zero; any shape, the same shape out."""

    def __init__(self) -> None:
        super().__init__()
        self._positive: np.ndarray | None = None

    def forward(self, x: np.ndarray, training: bool = False) -> np.ndarray:
        self._positive = x > 0 if training else None
        return np.maximum(x, 0)

    def backward(self, dout: np.ndarray) -> np.ndarray:
        if self._positive is None:
            raise RuntimeError("backward() needs a forward() with training=True before it")
        # A new array: changing `dout` in place would change the gradient of the layer above as well.
        return dout * self._positive
