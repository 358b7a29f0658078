"""Layers in a row, with the loss at the end."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from facetracker.from_scratch.layer import Layer
from facetracker.from_scratch.loss import SoftmaxWithLoss, as_class_numbers, softmax
from facetracker.from_scratch.storage import load_arrays, save_arrays


class Network:
    """A classifier: pictures (N, C, H, W) in, scores (N, K) out; the class is where the score is largest.

    `layers` are named, and so are the parameters: `parameters["conv1.W"]` is the array of the layer `conv1` itself,
    not a copy, so an optimizer that changes it changes the network.
    """

    def __init__(self, layers: dict[str, Layer], dtype: np.dtype | type = np.float32) -> None:
        self.layers = layers
        self.dtype = np.dtype(dtype)
        self.loss_layer = SoftmaxWithLoss()
        next(iter(layers.values())).needs_input_gradient = False

    @property
    def parameters(self) -> dict[str, np.ndarray]:
        """What training changes, as `layer.parameter`."""
        return {
            f"{name}.{key}": array for name, layer in self.layers.items() for key, array in layer.parameters.items()
        }

    @property
    def running(self) -> dict[str, np.ndarray]:
        """The running averages of the batch normalisations, as `layer.running.mean` and `layer.running.variance`."""
        return {
            f"{name}.running.{key}": array
            for name, layer in self.layers.items()
            for key, array in layer.running.items()
        }

    def count_parameters(self) -> int:
        """How many numbers training can change."""
        return sum(array.size for array in self.parameters.values())

    def forward(self, x: np.ndarray, training: bool = False) -> np.ndarray:
        """The scores (N, K) of the pictures `x` (N, C, H, W), floats from 0 to 1."""
        if not np.issubdtype(x.dtype, np.floating):
            raise ValueError(f"pictures are floats from 0 to 1, not {x.dtype}: from_photos() makes them from photos")
        x = x.astype(self.dtype, copy=False)
        for layer in self.layers.values():
            x = layer.forward(x, training)
        return x

    def loss_and_gradients(self, x: np.ndarray, targets: np.ndarray) -> tuple[float, dict[str, np.ndarray]]:
        """One pass forward and one back: the loss of the batch, and a gradient for every one of `parameters`."""
        loss = self.loss_layer.forward(self.forward(x, training=True), targets)
        dout = self.loss_layer.backward()
        for layer in reversed(self.layers.values()):
            dout = layer.backward(dout)
        gradients = {f"{name}.{key}": g for name, layer in self.layers.items() for key, g in layer.gradients.items()}
        return loss, gradients

    def predict(self, x: np.ndarray, batch_size: int = 64) -> np.ndarray:
        """The probabilities (N, K) of the pictures `x`, worked off in batches so that memory stays small."""
        batches = [softmax(self.forward(x[i : i + batch_size])) for i in range(0, len(x), batch_size)]
        return np.concatenate(batches) if batches else np.zeros((0, 0), self.dtype)

    def accuracy(self, x: np.ndarray, targets: np.ndarray, batch_size: int = 64) -> float:
        """The share of the pictures whose most probable class is the right one; every picture counts."""
        if len(x) == 0:
            raise ValueError("there is no accuracy of no pictures")
        return float((self.predict(x, batch_size).argmax(axis=1) == as_class_numbers(targets)).mean())

    def save(self, path: str | Path) -> Path:
        """Write all parameters and running averages into one file of numpy's kind `.npz`; it may be called anything."""
        return save_arrays(path, {**self.parameters, **self.running})

    def load(self, path: str | Path) -> None:
        """Take over what `save` wrote, or a pickle of the study notes' `save_params`.

        A file of another network is refused, and then nothing changes. The notes' pickles hold no running averages:
        a network with batch normalisation needs a few batches of `forward(x, training=True)` behind it.
        """
        own = {**self.parameters, **self.running}
        for name, array in load_arrays(path, {name: array.shape for name, array in own.items()}).items():
            own[name][...] = array
