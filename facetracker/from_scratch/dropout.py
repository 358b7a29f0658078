"""Dropout: train a network whose neurons cannot rely on each other."""

from __future__ import annotations

import numpy as np

from facetracker.from_scratch.layer import Layer


class Dropout(Layer):
    """While training each number is made zero with the probability `ratio`; when used, nothing happens.

    This is the *inverted* kind: what survives is divided by the probability of surviving, at training time, so that
    the layer after it sees numbers of the same size on average in both modes, and using costs nothing.
    """

    def __init__(self, ratio: float = 0.5, seed: int = 0) -> None:
        super().__init__()
        if not 0 <= ratio < 1:
            raise ValueError(f"dropout keeps a part of the numbers: 0 <= ratio < 1, not {ratio}")
        self.ratio = ratio
        self._random = np.random.default_rng(seed)
        self._scale: np.ndarray | None = None

    def forward(self, x: np.ndarray, training: bool = False) -> np.ndarray:
        if not training:
            self._scale = None
            return x
        kept = self._random.random(x.shape) >= self.ratio
        self._scale = kept.astype(x.dtype) / x.dtype.type(1 - self.ratio)  # 0, or 1 / (1 - ratio)
        return x * self._scale

    def backward(self, dout: np.ndarray) -> np.ndarray:
        if self._scale is None:
            raise RuntimeError("backward() needs a forward() with training=True before it")
        return dout * self._scale
