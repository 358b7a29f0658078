"""The classic networks, small to study and large to remember: LeNet-5, AlexNet, VGG6 and SimpleConvNet.

Each is the network up to its last hidden layer, or with `classes` up to the scores before softmax. Pictures are
`(N, H, W, C)`, already scaled. The notes that they come from are written for PyTorch: where a table of theirs gives a
number of parameters, a test holds the network to it.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import keras
from keras import layers, ops

# The numpy layer's (facetracker/from_scratch/normalisation.py); Keras's own defaults are 0.99 and 1e-3.
NORM_MOMENTUM = 0.9
NORM_EPSILON = 1e-5

Shape = tuple[int, int, int]


def lenet5(input_shape: Shape = (32, 32, 1), classes: int | None = None, dtype: str = "float32") -> keras.Model:
    """LeNet-5 (LeCun and others 1998) with ReLU and max pooling: 6 and 16 filters of 5x5, 120 and 84 neurons."""
    inputs = keras.Input(input_shape, dtype=dtype, name="pictures")
    x = inputs
    for number, filters in enumerate((6, 16), start=1):
        x = layers.Conv2D(filters, 5, activation="relu", dtype=dtype, name=f"conv{number}")(x)
        x = layers.MaxPooling2D(2, dtype=dtype, name=f"pool{number}")(x)
    x = layers.Flatten(dtype=dtype, name="flat")(x)
    x = layers.Dense(120, activation="relu", dtype=dtype, name="dense1")(x)
    x = layers.Dense(84, activation="relu", dtype=dtype, name="dense2")(x)
    return _finished(inputs, x, classes, dtype, "lenet5")


def lenet5_224(input_shape: Shape = (224, 224, 3), classes: int | None = None, dtype: str = "float32") -> keras.Model:
    """The notes' LeNet for photos: 16 and 32 filters of 5x5, 512 neurons; nearly all of it is one matrix.

    The notes define a ReLU behind the 512 neurons and forget to call it; here it is called.
    """
    inputs = keras.Input(input_shape, dtype=dtype, name="pictures")
    x = inputs
    for number, filters in enumerate((16, 32), start=1):
        x = layers.Conv2D(filters, 5, activation="relu", dtype=dtype, name=f"conv{number}")(x)
        x = layers.MaxPooling2D(2, dtype=dtype, name=f"pool{number}")(x)
    x = layers.Flatten(dtype=dtype, name="flat")(x)
    x = layers.Dense(512, activation="relu", dtype=dtype, name="dense1")(x)
    return _finished(inputs, x, classes, dtype, "lenet5_224")


def alexnet(
    input_shape: Shape = (256, 256, 3), classes: int | None = None, dropout: float = 0.5, dtype: str = "float32"
) -> keras.Model:
    """The notes' AlexNet: five convolutions, pooled to 6x6 whatever the size, 4096 and 512 neurons."""
    inputs = keras.Input(input_shape, dtype=dtype, name="pictures")
    x = layers.ZeroPadding2D(2, dtype=dtype)(inputs)  # not padding="same": with a stride that pads on two sides only
    x = layers.Conv2D(64, 11, strides=4, activation="relu", dtype=dtype, name="conv1")(x)
    x = layers.MaxPooling2D(3, 2, dtype=dtype, name="pool1")(x)
    x = layers.Conv2D(192, 5, padding="same", activation="relu", dtype=dtype, name="conv2")(x)
    x = layers.MaxPooling2D(3, 2, dtype=dtype, name="pool2")(x)
    for number, filters in enumerate((384, 256, 256), start=3):
        x = layers.Conv2D(filters, 3, padding="same", activation="relu", dtype=dtype, name=f"conv{number}")(x)
    x = layers.MaxPooling2D(3, 2, dtype=dtype, name="pool5")(x)
    x = PoolTo(6, dtype=dtype, name="pool_to_6")(x)
    x = layers.Flatten(dtype=dtype, name="flat")(x)
    x = layers.Dropout(dropout, dtype=dtype, name="dropout1")(x)
    x = layers.Dense(4096, activation="relu", dtype=dtype, name="dense1")(x)
    x = layers.Dropout(dropout, dtype=dtype, name="dropout2")(x)
    x = layers.Dense(512, activation="relu", dtype=dtype, name="dense2")(x)
    return _finished(inputs, x, classes, dtype, "alexnet")


def simple_convnet(
    input_shape: Shape = (28, 28, 1),
    classes: int | None = None,
    filters: int = 30,
    filter_size: int = 5,
    stride: int = 1,
    pad: int = 0,
    hidden: int = 100,
    dtype: str = "float32",
) -> keras.Model:
    """One convolution and two dense layers, layer for layer `facetracker.from_scratch.SimpleConvNet`."""
    inputs = keras.Input(input_shape, dtype=dtype, name="pictures")
    x = layers.ZeroPadding2D(pad, dtype=dtype)(inputs)
    x = layers.Conv2D(filters, filter_size, strides=stride, activation="relu", dtype=dtype, name="conv1")(x)
    x = layers.MaxPooling2D(2, dtype=dtype, name="pool1")(x)
    x = layers.Flatten(dtype=dtype, name="flat")(x)
    x = layers.Dense(hidden, activation="relu", dtype=dtype, name="dense1")(x)
    return _finished(inputs, x, classes, dtype, "simple_convnet")


def vgg6(
    input_shape: Shape = (224, 224, 3),
    classes: int | None = None,
    hidden: int = 50,
    dropout: float = 0.5,
    dtype: str = "float32",
) -> keras.Model:
    """Four convolutions with batch norm and two dense layers, layer for layer `facetracker.from_scratch.VGG6`."""
    inputs = keras.Input(input_shape, dtype=dtype, name="pictures")
    x = inputs
    blocks = ((16, 2, False), (32, 1, True), (32, 2, False), (64, 2, True))
    for number, (filters, stride, pooled) in enumerate(blocks, start=1):
        x = layers.ZeroPadding2D(1, dtype=dtype)(x)  # on all sides, as the numpy layer does
        x = layers.Conv2D(
            filters, 3, strides=stride, kernel_initializer="he_normal", dtype=dtype, name=f"conv{number}"
        )(x)
        x = layers.BatchNormalization(momentum=NORM_MOMENTUM, epsilon=NORM_EPSILON, dtype=dtype, name=f"norm{number}")(
            x
        )
        x = layers.ReLU(dtype=dtype, name=f"relu{number}")(x)
        if pooled:
            x = layers.MaxPooling2D(2, dtype=dtype, name=f"pool{number}")(x)
    x = layers.Flatten(dtype=dtype, name="flat")(x)
    x = layers.Dense(hidden, activation="relu", kernel_initializer="he_normal", dtype=dtype, name="dense1")(x)
    x = layers.Dropout(dropout, dtype=dtype, name="dropout")(x)
    return _finished(inputs, x, classes, dtype, "vgg6")


def _finished(inputs, x, classes: int | None, dtype: str, name: str) -> keras.Model:
    if classes is not None:
        x = layers.Dense(classes, kernel_initializer="he_normal", dtype=dtype, name="scores")(x)
    return keras.Model(inputs, x, name=name)


@keras.saving.register_keras_serializable("facetracker")
class PoolTo(keras.layers.Layer):
    """Average pooling to `side` x `side` whatever the size of `(B, H, W, C)`: PyTorch's AdaptiveAvgPool2d.

    Window i reaches from floor(i * H / side) to ceil((i + 1) * H / side), so neighbours may share a row.
    """

    def __init__(self, side: int, **options):
        super().__init__(**options)
        self.side = side

    def call(self, x):
        height, width = x.shape[1:3]
        rows = [ops.mean(x[:, top:bottom], axis=1, keepdims=True) for top, bottom in self._windows(height)]
        x = ops.concatenate(rows, axis=1)
        columns = [ops.mean(x[:, :, left:right], axis=2, keepdims=True) for left, right in self._windows(width)]
        return ops.concatenate(columns, axis=2)

    def compute_output_shape(self, shape):
        return (shape[0], self.side, self.side, shape[3])

    def _windows(self, length: int) -> list[tuple[int, int]]:
        return [(i * length // self.side, -(-(i + 1) * length // self.side)) for i in range(self.side)]

    def get_config(self):
        return {**super().get_config(), "side": self.side}


@dataclass(frozen=True)
class Classic:
    """A classic network: how to build it, the square of pixels it wants, grey (1 channel) or not, its scaling."""

    name: str
    builder: Callable[..., keras.Model]
    image_size: int
    preprocessing: str
    channels: int = 3
    pretrained = False

    def build(self, image_size: int) -> keras.Model:
        """Pictures `(B, image_size, image_size, channels)`, scaled, to the last hidden layer `(B, D)`."""
        # A name of Keras's own making would be another one for every network in the process.
        return self.builder((image_size, image_size, self.channels), dtype=keras.config.dtype_policy().name)


CLASSIC = {
    entry.name: entry
    for entry in (
        Classic("lenet5", lenet5, 32, "grey", channels=1),
        Classic("lenet5_224", lenet5_224, 224, "torch"),
        Classic("alexnet", alexnet, 256, "torch"),
        Classic("vgg6", vgg6, 224, "unit"),
        Classic("simple_convnet", simple_convnet, 28, "grey", channels=1),
    )
}
