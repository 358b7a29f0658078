"""`nano`: a backbone of our own for a CPU and a browser, about 0.15 million parameters.

A plain stem and units of one depthwise 3x3 and one pointwise convolution with a single batch norm and ReLU behind
both. One norm a unit instead of two is what makes it train a third faster on a CPU, where normalising and activating
cost as much as convolving; all of them fold away on export.
"""

from __future__ import annotations

import keras

from facetracker.models.base import Norm

WIDTHS = (16, 32, 64, 112, 144)
REPEATS = (0, 3, 3, 2)
# Where an own head leaves the network: behind this unit of the stage of stride 16. Two units are left to learn with: on
# five photos of six people that gave an overlap of .866, none .859, for a twentieth more time a frame.
FORK_UNIT = 1
FORK = f"stage{len(REPEATS) - 1}_{FORK_UNIT}_relu"


def conv_norm(x, filters: int, size: int, stride: int, name: str):
    """Convolution without bias, batch norm, ReLU."""
    x = keras.layers.Conv2D(filters, size, stride, padding="same", use_bias=False, name=f"{name}_conv")(x)
    x = Norm(momentum=0.97, name=f"{name}_norm")(x)
    return keras.layers.ReLU(name=f"{name}_relu")(x)


def unit(x, filters: int, stride: int, name: str):
    """Depthwise 3x3, pointwise, batch norm, ReLU; with a shortcut where the shape stays the same."""
    y = keras.layers.DepthwiseConv2D(3, stride, padding="same", use_bias=False, name=f"{name}_depthwise")(x)
    y = keras.layers.Conv2D(filters, 1, use_bias=False, name=f"{name}_pointwise")(y)
    y = Norm(momentum=0.97, name=f"{name}_norm")(y)
    if stride == 1 and x.shape[-1] == filters:
        y = keras.layers.Add(name=f"{name}_add")([x, y])
    return keras.layers.ReLU(name=f"{name}_relu")(y)


def nano(input_shape: tuple[int | None, int | None, int] = (None, None, 3)) -> keras.Model:
    """Pictures `(B, H, W, 3)`, already scaled, to features of strides 4, 8, 16 and 32."""
    inputs = keras.Input(input_shape, name="nano_input")
    x = conv_norm(inputs, WIDTHS[0], 3, 2, "stem")
    features = []
    for stage, (width, repeats) in enumerate(zip(WIDTHS[1:], REPEATS, strict=True), start=1):
        x = unit(x, width, 2, f"stage{stage}_0")
        for i in range(1, repeats + 1):
            x = unit(x, width, 1, f"stage{stage}_{i}")
        features.append(x)
    return keras.Model(inputs, features, name="nano")


def last_units() -> keras.Model:
    """What comes behind the layer `FORK`, to be trained apart: `(B, H, W, 112)` to strides 16 and 32."""
    inputs = x = keras.Input((None, None, WIDTHS[-2]), name="last_units_input")
    for i in range(FORK_UNIT + 1, REPEATS[-2] + 1):
        x = unit(x, WIDTHS[-2], 1, f"stage{len(REPEATS) - 1}_{i}")
    fine, x = x, unit(x, WIDTHS[-1], 2, f"stage{len(REPEATS)}_0")
    for i in range(1, REPEATS[-1] + 1):
        x = unit(x, WIDTHS[-1], 1, f"stage{len(REPEATS)}_{i}")
    return keras.Model(inputs, [fine, x], name="last_units")
