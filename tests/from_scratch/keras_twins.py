"""`simple_convnet` and `vgg6` in Keras, layer for layer what `facetracker.from_scratch.networks` builds in numpy.

Pictures are (N, H, W, C), floats 0..1; the outputs are scores before softmax, as in the numpy networks.
"""

from __future__ import annotations

import keras
from keras import layers

# The numpy layer's; Keras's own defaults are 0.99 and 1e-3.
NORM_MOMENTUM = 0.9
NORM_EPSILON = 1e-5


def simple_convnet(
    input_shape: tuple[int, int, int] = (28, 28, 1),
    filters: int = 30,
    filter_size: int = 5,
    stride: int = 1,
    pad: int = 0,
    hidden: int = 100,
    classes: int = 10,
    dtype: str = "float32",
) -> keras.Model:
    """One convolution, two dense layers. `input_shape` is (H, W, C)."""
    inputs = keras.Input(input_shape, dtype=dtype)
    x = layers.ZeroPadding2D(pad, dtype=dtype)(inputs)
    x = layers.Conv2D(filters, filter_size, strides=stride, activation="relu", dtype=dtype)(x)
    x = layers.MaxPooling2D(2, dtype=dtype)(x)
    x = layers.Flatten(dtype=dtype)(x)
    x = layers.Dense(hidden, activation="relu", dtype=dtype)(x)
    outputs = layers.Dense(classes, dtype=dtype)(x)
    return keras.Model(inputs, outputs, name="simple_convnet")


def vgg6(
    input_shape: tuple[int, int, int] = (224, 224, 3),
    hidden: int = 50,
    classes: int = 2,
    dropout: float = 0.5,
    dtype: str = "float32",
) -> keras.Model:
    """Four convolutions with batch normalisation, two dense layers. `input_shape` is (H, W, C)."""
    inputs = keras.Input(input_shape, dtype=dtype)
    x = inputs
    for filters, stride, pooled in ((16, 2, False), (32, 1, True), (32, 2, False), (64, 2, True)):
        # Not padding="same": with stride 2 that pads only below and right.
        x = layers.ZeroPadding2D(1, dtype=dtype)(x)
        x = layers.Conv2D(filters, 3, strides=stride, kernel_initializer="he_normal", dtype=dtype)(x)
        x = layers.BatchNormalization(momentum=NORM_MOMENTUM, epsilon=NORM_EPSILON, dtype=dtype)(x)
        x = layers.ReLU(dtype=dtype)(x)
        if pooled:
            x = layers.MaxPooling2D(2, dtype=dtype)(x)
    x = layers.Flatten(dtype=dtype)(x)
    x = layers.Dense(hidden, activation="relu", kernel_initializer="he_normal", dtype=dtype)(x)
    x = layers.Dropout(dropout, dtype=dtype)(x)
    outputs = layers.Dense(classes, kernel_initializer="he_normal", dtype=dtype)(x)
    return keras.Model(inputs, outputs, name="vgg6")
