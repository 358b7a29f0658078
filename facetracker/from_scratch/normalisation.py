"""Batch normalisation: give every channel mean 0 and variance 1, then let the network choose again."""

from __future__ import annotations

import numpy as np

from facetracker.from_scratch.layer import Layer


class BatchNormalisation(Layer):
    """Normalises each channel of (N, C, H, W), or each feature of (N, C); the shape stays.

    `gamma` and `beta`, both (C,), are the scale and the shift that the network learns. While training the mean and the
    variance are those of the batch, over all its pictures **and all their pixels**: one pair a channel, because a
    filter is one and the same at every place. Used on a single photo there is no batch; then the running averages
    serve, which training kept: running = momentum * running + (1 - momentum) * batch.
    """

    def __init__(self, gamma: np.ndarray, beta: np.ndarray, momentum: float = 0.9, epsilon: float = 1e-5) -> None:
        super().__init__()
        self.parameters = {"gamma": gamma, "beta": beta}
        self.running = {"mean": np.zeros_like(gamma), "variance": np.ones_like(gamma)}
        self.momentum = momentum
        self.epsilon = epsilon  # keeps a channel that is the same everywhere from dividing by zero
        self._normalised: np.ndarray | None = None
        self._deviation: np.ndarray | None = None

    def forward(self, x: np.ndarray, training: bool = False) -> np.ndarray:
        gamma, beta = self.parameters["gamma"], self.parameters["beta"]
        flat = x.reshape(len(x), len(gamma), -1)  # (N, C, H*W)
        if not training:
            self._normalised = None
            scale = gamma / np.sqrt(self.running["variance"] + self.epsilon)  # (C,)
            shift = beta - self.running["mean"] * scale
            return (flat * scale[:, np.newaxis] + shift[:, np.newaxis]).reshape(x.shape)
        count = flat.size // len(gamma)  # N*H*W numbers a channel
        mean = _channel_sum(flat) / count  # (C,)
        normalised = flat - mean[:, np.newaxis]  # (N, C, H*W)
        variance = _channel_dot(normalised, normalised) / count  # (C,)
        deviation = np.sqrt(variance + self.epsilon)
        normalised /= deviation[:, np.newaxis]
        for name, value in (("mean", mean), ("variance", variance)):
            self.running[name] *= self.momentum
            self.running[name] += (1 - self.momentum) * value
        self._normalised, self._deviation = normalised, deviation
        return (normalised * gamma[:, np.newaxis] + beta[:, np.newaxis]).reshape(x.shape)

    def backward(self, dout: np.ndarray) -> np.ndarray:
        if self._normalised is None or self._deviation is None:
            raise RuntimeError("backward() needs a forward() with training=True before it")
        gamma = self.parameters["gamma"]
        shape = dout.shape
        dout = dout.reshape(self._normalised.shape)  # (N, C, H*W)
        count = dout.size // len(gamma)
        dbeta = _channel_sum(dout)  # (C,)
        dgamma = _channel_dot(dout, self._normalised)  # (C,)
        self.gradients = {"gamma": dgamma, "beta": dbeta}
        # A number moves its own output, and through the mean and the variance of its channel all the others too.
        # Worked out, the way through the mean takes off dbeta/count, that through the variance
        # normalised * dgamma/count; gamma/deviation is the scale of it all.
        dx = self._normalised * (-dgamma / count)[:, np.newaxis]
        dx += dout
        dx -= (dbeta / count)[:, np.newaxis]
        dx *= (gamma / self._deviation)[:, np.newaxis]
        return dx.reshape(shape)


def _channel_sum(x: np.ndarray) -> np.ndarray:
    """The sum of each channel of (N, C, P): (C,)."""
    return x.sum(axis=2).sum(axis=0)


def _channel_dot(a: np.ndarray, b: np.ndarray) -> np.ndarray:
    """The sum of a*b over each channel of (N, C, P): (C,); as dot products, without the array a*b in between."""
    return np.vecdot(a, b).sum(axis=0)
