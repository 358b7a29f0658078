"""The two networks of the study rooms."""

from __future__ import annotations

import numpy as np

from facetracker.from_scratch.activations import ReLU
from facetracker.from_scratch.affine import Affine
from facetracker.from_scratch.convolution import Convolution
from facetracker.from_scratch.dropout import Dropout
from facetracker.from_scratch.initialisation import new_filters, new_neurons
from facetracker.from_scratch.layer import Layer
from facetracker.from_scratch.network import Network
from facetracker.from_scratch.normalisation import BatchNormalisation
from facetracker.from_scratch.pooling import MaxPooling
from facetracker.from_scratch.windows import output_size


class SimpleConvNet(Network):
    """One convolution and two fully connected layers: the smallest network that deserves the name.

    convolution - ReLU - max pooling 2x2 - affine - ReLU - affine. For 28x28 grey pictures the defaults give 30 filters
    of 5x5, 24x24 pixels after the convolution and 12x12 after pooling.
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
        dtype: np.dtype | type = np.float32,
        seed: int = 0,
    ) -> None:
        random = np.random.default_rng(seed)
        dtype = np.dtype(dtype)
        channels, height, width = input_shape
        pooled_h = output_size(output_size(height, filter_size, stride, pad), 2, 2)
        pooled_w = output_size(output_size(width, filter_size, stride, pad), 2, 2)
        flat = filters * pooled_h * pooled_w
        super().__init__(
            {
                "conv1": Convolution(*new_filters(random, filters, channels, filter_size, dtype), stride, pad),
                "relu1": ReLU(),
                "pool1": MaxPooling(2),
                "affine1": Affine(*new_neurons(random, flat, hidden, dtype)),
                "relu2": ReLU(),
                "affine2": Affine(*new_neurons(random, hidden, classes, dtype)),
            },
            dtype,
        )


class VGG6(Network):
    """Four convolutions with batch normalisation and two fully connected layers, for photos of faces.

    16, 32, 32 and 64 filters of 3x3; a pooling after the second and the fourth. With 224x224 pixels the sides are 112,
    112, 56 (pooled), 28, 14, 7 (pooled). Three of the four convolutions walk with stride 2.
    """

    # filters, stride, whether a pooling follows
    BLOCKS = ((16, 2, False), (32, 1, True), (32, 2, False), (64, 2, True))

    def __init__(
        self,
        input_shape: tuple[int, int, int] = (3, 224, 224),
        hidden: int = 50,
        classes: int = 2,
        dropout: float = 0.5,
        dtype: np.dtype | type = np.float32,
        seed: int = 0,
    ) -> None:
        random = np.random.default_rng(seed)
        dtype = np.dtype(dtype)
        channels, height, width = input_shape
        layers: dict[str, Layer] = {}
        for number, (filters, stride, pooled) in enumerate(self.BLOCKS, start=1):
            layers[f"conv{number}"] = Convolution(*new_filters(random, filters, channels, 3, dtype), stride, pad=1)
            layers[f"norm{number}"] = BatchNormalisation(np.ones(filters, dtype), np.zeros(filters, dtype))
            layers[f"relu{number}"] = ReLU()
            channels = filters
            height, width = output_size(height, 3, stride, pad=1), output_size(width, 3, stride, pad=1)
            if pooled:
                layers[f"pool{number}"] = MaxPooling(2)
                height, width = output_size(height, 2, 2), output_size(width, 2, 2)
        layers["affine1"] = Affine(*new_neurons(random, channels * height * width, hidden, dtype))
        # Without a bend between them two affine layers are only one.
        layers["relu5"] = ReLU()
        layers["dropout"] = Dropout(dropout, seed)
        layers["affine2"] = Affine(*new_neurons(random, hidden, classes, dtype))
        super().__init__(layers, dtype)
