"""The two networks of the study rooms."""

from __future__ import annotations

import numpy as np

from facetracker.from_scratch.activations import ReLU
from facetracker.from_scratch.affine import Affine
from facetracker.from_scratch.convolution import Convolution
from facetracker.from_scratch.dropout import Dropout
from facetracker.from_scratch.initialisation import Spread, new_filters, new_neurons
from facetracker.from_scratch.layer import Layer
from facetracker.from_scratch.network import Network
from facetracker.from_scratch.normalisation import BatchNormalisation
from facetracker.from_scratch.pooling import MaxPooling
from facetracker.from_scratch.windows import output_size


class Row:
    """Layers in a row, each made to fit what comes out of the one before it: `shape` (C, H, W), without the N."""

    def __init__(self, input_shape: tuple[int, int, int], dtype: np.dtype | type, seed: int, spread: Spread) -> None:
        self.random, self.dtype, self.spread = np.random.default_rng(seed), np.dtype(dtype), spread
        self.shape = input_shape
        self.layers: dict[str, Layer] = {}

    def convolution(self, name: str, filters: int, size: int, stride: int, pad: int) -> None:
        """New filters over all channels."""
        channels, height, width = self.shape
        weights_and_bias = new_filters(self.random, filters, channels, size, self.dtype, self.spread)
        self.layers[name] = Convolution(*weights_and_bias, stride, pad)
        self.shape = (filters, output_size(height, size, stride, pad), output_size(width, size, stride, pad))

    def normalisation(self, name: str) -> None:
        """Batch normalisation of every channel; it begins by changing nothing but mean and spread."""
        channels = self.shape[0]
        self.layers[name] = BatchNormalisation(np.ones(channels, self.dtype), np.zeros(channels, self.dtype))

    def pooling(self, name: str) -> None:
        """The largest of 2x2."""
        channels, height, width = self.shape
        self.layers[name] = MaxPooling(2)
        self.shape = (channels, output_size(height, 2, 2), output_size(width, 2, 2))

    def affine(self, name: str, neurons: int) -> None:
        """New neurons, each looking at everything that comes in, laid flat."""
        inputs = int(np.prod(self.shape))
        self.layers[name] = Affine(*new_neurons(self.random, inputs, neurons, self.dtype, self.spread))
        self.shape = (neurons, 1, 1)


class SimpleConvNet(Network):
    """One convolution and two fully connected layers: the smallest network that deserves the name.

    convolution - ReLU - max pooling 2x2 - affine - ReLU - affine. For 28x28 grey pictures the defaults give 30 filters
    of 5x5, 24x24 pixels after the convolution and 12x12 after pooling. `weight_init_std` is the deviation of the first
    weights: small enough that one sees in the filters what training has drawn; or "relu", or "sigmoid".
    """

    def __init__(
        self,
        input_shape: tuple[int, int, int] = (1, 28, 28),
        filters: int = 30,
        filter_size: int = 5,
        stride: int = 1,
        pad: int = 0,
        hidden: int = 100,
        classes: int = 10,
        weight_init_std: Spread = 0.01,
        dtype: np.dtype | type = np.float32,
        seed: int = 0,
    ) -> None:
        row = Row(input_shape, dtype, seed, weight_init_std)
        row.convolution("conv1", filters, filter_size, stride, pad)
        row.layers["relu1"] = ReLU()
        row.pooling("pool1")
        row.affine("affine1", hidden)
        row.layers["relu2"] = ReLU()
        row.affine("affine2", classes)
        super().__init__(row.layers, row.dtype)


class VGG6(Network):
    """Four convolutions with batch normalisation and two fully connected layers, for photos of faces.

    16, 32, 32 and 64 filters of 3x3; a pooling after the second and the fourth. With 224x224 pixels the sides are 112,
    112, 56 (pooled), 28, 14, 7 (pooled). Three of the four convolutions walk with stride 2.

    Two things are not as the notes have them, because their network gave one answer for every photo: batch
    normalisation has one mean a channel, not one a pixel (a batch of 32 says little of a single pixel, and their own
    gamma and beta never reached the layers), and used on one photo it takes the running averages, not the photo's own;
    between the two fully connected layers stand a ReLU and dropout, which the notes had commented out: without a bend
    two such layers are one.
    """

    # filters, stride, whether a pooling follows
    BLOCKS = ((16, 2, False), (32, 1, True), (32, 2, False), (64, 2, True))

    def __init__(
        self,
        input_shape: tuple[int, int, int] = (3, 224, 224),
        hidden: int = 50,
        classes: int = 2,
        dropout: float = 0.5,
        weight_init_std: Spread = "relu",
        dtype: np.dtype | type = np.float32,
        seed: int = 0,
    ) -> None:
        row = Row(input_shape, dtype, seed, weight_init_std)
        for number, (filters, stride, pooled) in enumerate(self.BLOCKS, start=1):
            row.convolution(f"conv{number}", filters, 3, stride, pad=1)
            row.normalisation(f"norm{number}")
            row.layers[f"relu{number}"] = ReLU()
            if pooled:
                row.pooling(f"pool{number}")
        row.affine("affine1", hidden)
        row.layers["relu5"] = ReLU()
        row.layers["dropout"] = Dropout(dropout, seed)
        row.affine("affine2", classes)
        super().__init__(row.layers, row.dtype)
