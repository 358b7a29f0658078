"""How to know that a backward pass is right: measure the slope, and compare.

A derivative is a slope: move one number a little up, then a little down, and see how much the result changes. That
needs two forward passes for each number, hopeless for training, but it needs no thinking either, so it cannot
make the mistakes that a hand-written backward pass can. In float64 a right backward pass agrees to 1e-7 or better; a
wrong one is off in the first digits.
"""

from __future__ import annotations

import copy
from collections.abc import Callable

import numpy as np

from facetracker.from_scratch.layer import Layer
from facetracker.from_scratch.network import Network


def numerical_gradient(f: Callable[[], float], x: np.ndarray, step: float = 1e-5) -> np.ndarray:
    """The slope of `f()` with respect to every number of `x`, which `f` reads; `x` is left as it was.

    Both sides, (f(x+step) - f(x-step)) / (2*step): the error then falls with the square of the step. A step much
    smaller than 1e-5 loses against rounding.
    """
    if x.dtype != np.float64:
        raise ValueError(f"measuring a slope needs float64; in {x.dtype} rounding drowns it")
    gradient = np.zeros_like(x)
    for place in np.ndindex(x.shape):
        before = x[place]
        x[place] = before + step
        above = f()
        x[place] = before - step
        below = f()
        x[place] = before
        gradient[place] = (above - below) / (2 * step)
    return gradient


def relative_error(a: np.ndarray, b: np.ndarray) -> float:
    """How far two gradients lie apart, relative to how long they are: |a - b| / (|a| + |b|), 0 if both are zero."""
    length = np.linalg.norm(a) + np.linalg.norm(b)
    return float(np.linalg.norm(a - b) / length) if length > 0 else 0.0


def check_layer(layer: Layer, x: np.ndarray, training: bool = True, seed: int = 0) -> dict[str, float]:
    """The relative error of a layer's backward pass for its input (`x`) and for each of its parameters.

    The loss is a fixed random weighting of all outputs. Keep `x` away from bends (zero for ReLU, equal neighbours for
    max pooling): there a slope has two answers.
    """
    # Every forward pass runs on a copy of the untouched layer: the same dropout each time, the same running averages.
    weighting = np.random.default_rng(seed).standard_normal(copy.deepcopy(layer).forward(x, training).shape)

    def loss() -> float:
        return float((copy.deepcopy(layer).forward(x, training) * weighting).sum())

    measured = {name: numerical_gradient(loss, array) for name, array in {"x": x, **layer.parameters}.items()}
    worked = copy.deepcopy(layer)
    worked.forward(x, training)
    computed = {"x": worked.backward(weighting), **worked.gradients}
    return {name: relative_error(computed[name], slope) for name, slope in measured.items()}


def check_network(network: Network, x: np.ndarray, targets: np.ndarray, numbers: int | None = None) -> dict[str, float]:
    """The relative error of a whole network's gradients, loss included, for each of its parameters.

    `numbers` limits the check to the first so many numbers of each parameter: all of a large network would take days.
    A parameter without influence (a bias that batch normalisation takes off again) shows a large error: both gradients
    are nothing but rounding.
    """

    def loss() -> float:
        copied = copy.deepcopy(network)
        return copied.loss_layer.forward(copied.forward(x, training=True), targets)

    _, computed = copy.deepcopy(network).loss_and_gradients(x, targets)
    return {
        name: relative_error(
            computed[name].reshape(-1)[:numbers],
            numerical_gradient(loss, array.reshape(-1)[:numbers]),  # a view: what is changed in it, the network sees
        )
        for name, array in network.parameters.items()
    }
