"""`FaceClassifier`: which class a picture of a face belongs to, as one Keras model with its preprocessing inside."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import keras
from keras import ops

from facetracker.core.errors import BadFile, FaceTrackerError
from facetracker.core.settings import way_out
from facetracker.models.backbones import BACKBONES, Backbone, find_backbone, preprocess
from facetracker.models.base import FaceNetwork, layers_of
from facetracker.models.classic import CLASSIC, Classic
from facetracker.models.loading import load_model
from facetracker.models.weights import STARTER, arrays_of, of_unit_pictures, put_arrays, read_arrays

# How red, green and blue make grey (ITU-R BT.601), as OpenCV does it.
GREY = (0.299, 0.587, 0.114)


@keras.saving.register_keras_serializable("facetracker")
class FaceClassifier(FaceNetwork):
    """RGB pictures `(B, S, S, 3)`, uint8 or float 0..255, to probabilities `(B, K)` that add up to 1.

    `backbone` is one of the tracker's (`resnet50`, `vgg16`, `nano` ...) with a new top: mean over the picture,
    `hidden` neurons, dropout, softmax. Or a classic network (`lenet5`, `lenet5_224`, `alexnet`, `vgg6`,
    `simple_convnet`), which has its own hidden layers: only the softmax is put on top. `weights`: imagenet, starter
    (the starter's backbone, for nano), none, a `.keras` file, or a `.h5` with a backbone's weights as Keras offers them
    for download. `margin` is the share of a face's longer side that its crop shows around it on each side: whoever cuts
    faces for this network must cut them so. `centre` is the share of a picture's shorter side that is looked at, from
    its middle; None for whole pictures.
    """

    def __init__(
        self,
        backbone: str = "nano",
        classes: Sequence[str] = ("with_mask", "without_mask"),
        image_size: int | None = None,
        weights: str | None = "none",
        hidden: int = 256,
        dropout: float = 0.4,
        margin: float = 0.15,
        centre: float | None = None,
        **options: Any,
    ) -> None:
        super().__init__(**options)
        entry = find_network(backbone)
        if len(classes) < 2:
            raise FaceTrackerError("a classifier needs at least two classes", fix="Name them: with_mask without_mask.")
        self.backbone_name = backbone
        self.classes = tuple(classes)
        self.image_size = image_size or (entry.image_size if isinstance(entry, Classic) else min(entry.image_size, 224))
        self.hidden_width, self.dropout_rate, self.margin, self.centre = hidden, dropout, margin, centre
        self.how_preprocessed = entry.preprocessing
        if (weights == "imagenet" or is_h5(weights)) and not entry.pretrained:
            raise FaceTrackerError(f"{backbone} has no ImageNet weights", fix="Use weights starter or none.")
        with layers_of(self.dtype_policy):
            self.backbone, self.top = self._network(entry, weights)
            self.to_probability = keras.layers.Softmax(dtype="float32", name="to_probability")
        self.build((None, self.image_size, self.image_size, 3))
        self._apply(weights)

    def _network(self, entry: Backbone | Classic, weights: str | None) -> tuple[keras.Model, list[keras.layers.Layer]]:
        scores = keras.layers.Dense(len(self.classes), name="scores")
        if isinstance(entry, Classic):
            try:
                return entry.build(self.image_size), [scores]
            except ValueError:
                raise FaceTrackerError(
                    f"pictures of {self.image_size} pixels are too small for {entry.name}",
                    fix=f"It is made for {entry.image_size}.",
                ) from None
        top = [
            keras.layers.GlobalAveragePooling2D(name="mean"),
            keras.layers.Dense(self.hidden_width, activation="relu", name="hidden"),
            keras.layers.Dropout(self.dropout_rate, name="dropout"),
            scores,
        ]
        return entry.build(None, weights if weights == "imagenet" or is_h5(weights) else None), top

    def build(self, input_shape: Any) -> None:
        channels = 1 if self.how_preprocessed == "grey" else 3
        shape = self.backbone.compute_output_shape((*input_shape[:3], channels))
        for layer in self.top:
            if not layer.built:
                layer.build(shape)
            shape = layer.compute_output_shape(shape)
        self.built = True

    def call(self, pictures: Any, training: bool | None = None) -> Any:
        x = ops.cast(scaled(pictures, self.how_preprocessed), self.compute_dtype)
        x = self.backbone(x, training=training)
        for layer in self.top:
            x = layer(x, training=training) if isinstance(layer, keras.layers.Dropout) else layer(x)
        return self.to_probability(x)

    def _apply(self, weights: str | None) -> None:
        """Put first weights in; a file of another classifier gives its backbone, and its top where that fits."""
        if weights is None or weights in ("none", "imagenet") or is_h5(weights):
            return
        if weights == "starter":
            if self.backbone_name != "nano":
                raise FaceTrackerError(
                    f"the starter's weights are for backbone nano, not {self.backbone_name}",
                    fix="Use weights imagenet or none.",
                )
            put_arrays(self, of_unit_pictures(read_arrays(STARTER)), STARTER, parts=("backbone",))
            return
        path = Path(weights)
        if path.suffix != ".keras" or not path.is_file():
            raise BadFile("no such weights", path=path, fix="There are: imagenet, starter, none, a .keras or .h5 file.")
        put_arrays(self, arrays_of(load_model(path), ("backbone",)), path, parts=("backbone",))

    def get_config(self) -> dict[str, Any]:
        return {
            **super().get_config(),
            "backbone": self.backbone_name,
            "classes": list(self.classes),
            "image_size": self.image_size,
            "hidden": self.hidden_width,
            "dropout": self.dropout_rate,
            "margin": self.margin,
            "centre": self.centre,
        }


def is_h5(weights: str | None) -> bool:
    """Whether weights are a file of a backbone's alone, as Keras's own are downloaded."""
    return weights is not None and weights.endswith(".h5")


def find_network(name: str) -> Backbone | Classic:
    """The registry's backbone or the classic network of that name; an unknown one is an error with the nearest."""
    if name in CLASSIC:
        return CLASSIC[name]
    if name not in BACKBONES:
        raise FaceTrackerError(f"no backbone is called {name}", fix=way_out(name, [*BACKBONES, *CLASSIC]))
    return find_backbone(name)


def scaled(pictures: Any, how: str) -> Any:
    """Pictures `(B, H, W, 3)` 0..255 as the network wants them; `grey` gives `(B, H, W, 1)` of 0..1."""
    if how != "grey":
        return preprocess(pictures, how)
    pictures = ops.cast(pictures, "float32") / 255.0
    return ops.sum(pictures * ops.convert_to_tensor(GREY, "float32"), axis=-1, keepdims=True)
