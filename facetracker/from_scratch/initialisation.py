"""The numbers a network starts with."""

from __future__ import annotations

import numpy as np


def he_normal(random: np.random.Generator, shape: tuple[int, ...], inputs: int, dtype: np.dtype) -> np.ndarray:
    """Random weights with the deviation sqrt(2 / inputs), `inputs` being how many numbers one neuron adds up.

    Then what comes out of a layer with ReLU is as large as what went in, however many layers there are: with smaller
    weights the signal dies on its way through, with larger ones it explodes.
    """
    return (random.standard_normal(shape) * np.sqrt(2 / inputs)).astype(dtype)


def new_filters(
    random: np.random.Generator, filters: int, channels: int, size: int, dtype: np.dtype
) -> tuple[np.ndarray, np.ndarray]:
    """The weights (F, C, size, size) and the bias (F,) of a new convolution."""
    weights = he_normal(random, (filters, channels, size, size), channels * size * size, dtype)
    return weights, np.zeros(filters, dtype)


def new_neurons(
    random: np.random.Generator, inputs: int, outputs: int, dtype: np.dtype
) -> tuple[np.ndarray, np.ndarray]:
    """The weights (D, M) and the bias (M,) of a new fully connected layer."""
    return he_normal(random, (inputs, outputs), inputs, dtype), np.zeros(outputs, dtype)
