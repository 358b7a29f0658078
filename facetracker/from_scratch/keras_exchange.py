"""The same weights for the same network in Keras, in both directions, as lists of plain arrays.

Keras is not imported: `model.set_weights(to_keras_weights(network))` and
`from_keras_weights(network, model.get_weights())`. The two keep the same numbers in another order:

| | here | Keras |
|---|---|---|
| filters | (F, C, height, width) | (height, width, C, F) |
| pictures | (N, C, H, W) | (N, H, W, C) |
| rows of the first affine layer | C, H, W as laid flat here | H, W, C as laid flat there |
| batch normalisation | gamma, beta; running mean, variance | gamma, beta, mean, variance in one list |

Two traps for whoever builds the twin: `padding="same"` with stride 2 pads only below and right in Keras, here both
sides (so: ZeroPadding2D(1) and "valid"); and Keras's batch normalisation has other defaults for momentum and epsilon.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np

from facetracker.from_scratch.affine import Affine
from facetracker.from_scratch.convolution import Convolution
from facetracker.from_scratch.network import Network


def to_keras_weights(network: Network) -> list[np.ndarray]:
    """All weights as `keras.Model.set_weights` takes them for the twin of this network."""
    return [np.ascontiguousarray(_to_keras(name, array, channels)) for name, array, channels in _in_order(network)]


def from_keras_weights(network: Network, weights: Sequence[np.ndarray]) -> None:
    """Take over what the twin's `get_weights` gave; a list that does not fit changes nothing."""
    own = list(_in_order(network))
    if len(own) != len(weights):
        raise ValueError(f"the network has {len(own)} arrays, Keras gave {len(weights)}")
    converted = []
    for (name, array, channels), given in zip(own, weights, strict=True):
        if _to_keras(name, array, channels).shape != np.shape(given):
            expected = _to_keras(name, array, channels).shape
            raise ValueError(f"{name} is {expected} in Keras's order, the array given is {np.shape(given)}")
        converted.append(_from_keras(np.asarray(given), array.shape, channels))
    for (_, array, _), values in zip(own, converted, strict=True):
        array[...] = values


def to_keras_gradients(network: Network, gradients: dict[str, np.ndarray]) -> list[np.ndarray]:
    """Gradients in the order and layout of the twin's `trainable_weights`."""
    return [_to_keras(name, gradients[name], channels) for name, _, channels in _in_order(network) if name in gradients]


def _in_order(network: Network) -> Iterator[tuple[str, np.ndarray, int]]:
    """Name, array and, for the affine layer that lays pictures flat, their channels (else 0), in Keras's order."""
    channels = 0
    for name, layer in network.layers.items():
        if isinstance(layer, Convolution):
            channels = len(layer.parameters["W"])
        for key, array in layer.parameters.items():
            flattens = isinstance(layer, Affine) and key == "W"
            yield f"{name}.{key}", array, channels if flattens else 0
        for key, array in layer.running.items():
            yield f"{name}.running.{key}", array, 0
        if isinstance(layer, Affine):
            channels = 0  # from here on everything is flat already


def _to_keras(name: str, array: np.ndarray, channels: int) -> np.ndarray:
    if array.ndim == 4:
        return array.transpose(2, 3, 1, 0)  # (F, C, height, width) -> (height, width, C, F)
    if channels:  # rows in the order C, H*W -> H*W, C
        return array.reshape(channels, -1, array.shape[1]).swapaxes(0, 1).reshape(array.shape)
    return array


def _from_keras(array: np.ndarray, shape: tuple[int, ...], channels: int) -> np.ndarray:
    if len(shape) == 4:
        return array.transpose(3, 2, 0, 1)  # (height, width, C, F) -> (F, C, height, width)
    if channels:
        return array.reshape(-1, channels, shape[1]).swapaxes(0, 1).reshape(shape)
    return array
