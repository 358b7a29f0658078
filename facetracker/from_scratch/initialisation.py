"""The numbers a network starts with."""

from __future__ import annotations

import numpy as np

Spread = float | str  # a deviation, or "relu" or "sigmoid" for the one that fits what comes behind


def deviation(spread: Spread, inputs: int) -> float:
    """The deviation of new weights, `inputs` being how many numbers one neuron adds up.

    "relu" (also called He) is sqrt(2 / inputs), "sigmoid" (also called Xavier) sqrt(1 / inputs): then what comes out of
    a layer is as large as what went in, however many layers there are. A fixed number such as 0.01 is fine for a
    network of one or two layers; in a deep one the signal dies on its way through.
    """
    known = {"relu": 2, "he": 2, "sigmoid": 1, "xavier": 1}
    if not isinstance(spread, str):
        return float(spread)
    if spread.lower() not in known:
        raise ValueError(f"no spread of weights is called {spread!r}: a number, or one of {', '.join(known)}")
    return float(np.sqrt(known[spread.lower()] / inputs))


def new_filters(
    random: np.random.Generator, filters: int, channels: int, size: int, dtype: np.dtype, spread: Spread = "relu"
) -> tuple[np.ndarray, np.ndarray]:
    """The weights (F, C, size, size) and the bias (F,) of a new convolution."""
    weights = random.standard_normal((filters, channels, size, size)) * deviation(spread, channels * size * size)
    return weights.astype(dtype), np.zeros(filters, dtype)


def new_neurons(
    random: np.random.Generator, inputs: int, outputs: int, dtype: np.dtype, spread: Spread = "relu"
) -> tuple[np.ndarray, np.ndarray]:
    """The weights (D, M) and the bias (M,) of a new fully connected layer."""
    weights = random.standard_normal((inputs, outputs)) * deviation(spread, inputs)
    return weights.astype(dtype), np.zeros(outputs, dtype)
