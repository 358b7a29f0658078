"""The fully connected layer: every number that comes in has a say in every number that goes out."""

from __future__ import annotations

import numpy as np

from facetracker.from_scratch.layer import Layer


class Affine(Layer):
    """`x @ W + b`: (N, D) becomes (N, M). Pictures (N, C, H, W) are laid flat first, D = C*H*W.

    `weights` W is (D, M), `bias` b is (M,).
    """

    def __init__(self, weights: np.ndarray, bias: np.ndarray) -> None:
        super().__init__()
        self.parameters = {"W": weights, "b": bias}
        self._flat: np.ndarray | None = None
        self._input_shape: tuple[int, ...] = ()

    def forward(self, x: np.ndarray, training: bool = False) -> np.ndarray:
        self._input_shape = x.shape
        flat = x.reshape(len(x), -1)  # (N, D)
        self._flat = flat if training else None
        return flat @ self.parameters["W"] + self.parameters["b"]

    def backward(self, dout: np.ndarray) -> np.ndarray:
        if self._flat is None:
            raise RuntimeError("backward() needs a forward() with training=True before it")
        self.gradients = {"W": self._flat.T @ dout, "b": dout.sum(axis=0)}  # (D, N) @ (N, M), and (M,)
        return (dout @ self.parameters["W"].T).reshape(self._input_shape)  # (N, M) @ (M, D), laid out as it came
