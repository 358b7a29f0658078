"""A network of five small convolutions, trained and saved in seconds: what files and states are tried with."""

from __future__ import annotations


def add_smallest_backbone() -> None:
    """Make it known under the name `smallest`."""
    import keras

    from facetracker.models import backbones

    def smallest() -> keras.Model:
        x = inputs = keras.Input((None, None, 3))
        features = []
        for number in range(5):
            x = keras.layers.Conv2D(4, 3, 2, padding="same", activation="relu", name=f"conv{number}")(x)
            features.append(x)
        return keras.Model(inputs, features)

    levels = ("conv2", "conv3", "conv4")
    backbones.BACKBONES["smallest"] = backbones.Backbone("smallest", smallest, 64, "unit", levels, pretrained=False)
