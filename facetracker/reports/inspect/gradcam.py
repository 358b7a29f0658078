"""Grad-CAM (Selvaraju and others 2017): where in a picture an answer comes from.

Feature maps near the answer are weighted by how much the answer would grow with them, and added up; what is positive
speaks for the answer. The weight is taken at every place and not, as in the first paper, as the mean over the map: a
dense head's answer comes from one cell, and a mean would spread it (HiResCAM, Draelos and Carin 2020). Done for every
answer that there is: a tracker's class and its box, a classifier's class.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Literal

import cv2
import keras
import numpy as np
import tensorflow as tf
from keras import ops
from numpy.typing import NDArray

from facetracker.models import FaceClassifier, FaceTracker
from facetracker.models.backbones import preprocess
from facetracker.models.classifier import scaled
from facetracker.models.heads.dense import boxes_of, cells

SIDE = 6  # cells


@dataclass(frozen=True)
class Look:
    """One answer: what it is, the map `(H, W)` 0..1 of what speaks for it, and the box `(4,)` it is about, if any."""

    kind: Literal["face", "class", "box"]
    title: str
    heat: NDArray[np.float32]
    box: NDArray[np.float32] | None = None

    def share_in_box(self) -> float | None:
        """How much of the map lies in the box, 0..1, by the centres of its cells; None without a box or a map."""
        whole = float(self.heat.sum())
        if self.box is None or whole <= 0:
            return None
        (left, top, right, bottom), (height, width) = self.box, self.heat.shape
        x, y = (np.arange(width) + 0.5) / width, (np.arange(height) + 0.5) / height
        inside = np.outer((y > top) & (y < bottom), (x > left) & (x < right))
        return float(self.heat[inside].sum()) / whole


def looks(model: FaceTracker | FaceClassifier, picture: NDArray[np.uint8]) -> list[Look]:
    """Grad-CAM of every answer of a model for a picture `(S, S, 3)` RGB at its own size."""
    if isinstance(model, FaceClassifier):
        return [_class_look(model, picture)]
    if model.head_name == "dense":
        return _dense_looks(model, picture)
    return _single_looks(model, picture)


def heat_of(features: Any, gradient: Any) -> NDArray[np.float32]:
    """The map `(h, w)` of features and the answer's gradient, both `(1, h, w, C)`, between 0 and 1."""
    heat = np.maximum(ops.convert_to_numpy(ops.sum(gradient * features, axis=-1))[0], 0)
    return (heat / max(float(heat.max()), 1e-12)).astype(np.float32)


def with_maps(backbone: keras.Model, x: Any) -> keras.Model:
    """The backbone with two outputs: its last feature maps that are at least `SIDE` cells wide, and its own.

    A small picture is 2x2 cells at the end, which says nothing about where; earlier maps are finer and mean less.
    """
    maps = [layer.output for layer in backbone.layers if len(getattr(layer.output, "shape", ())) == 4]
    sides = [min(values.shape[1:3]) for values in keras.Model(backbone.inputs, maps)(x, training=False)]
    fine = [number for number, side in enumerate(sides) if side >= SIDE]
    return keras.Model(backbone.inputs, [maps[fine[-1] if fine else int(np.argmax(sides))], backbone.output])


def _class_look(model: FaceClassifier, picture: NDArray[np.uint8]) -> Look:
    x = ops.cast(scaled(picture[None], model.how_preprocessed), "float32")
    inner = with_maps(model.backbone, x)
    with tf.GradientTape() as tape:
        tape.watch(x)
        features, outputs = inner(x, training=False)
        for layer in model.top:
            outputs = layer(outputs)
        best = int(ops.argmax(outputs[0]))
        score = outputs[0, best]
    share = float(model.to_probability(outputs)[0, best])
    heat = heat_of(features, tape.gradient(score, features))
    return Look("class", f"{model.classes[best].replace('_', ' ')} {share:.2f}", heat)


def _single_looks(model: FaceTracker, picture: NDArray[np.uint8]) -> list[Look]:
    x = ops.cast(preprocess(picture[None], model.how_preprocessed), "float32")
    inner = with_maps(model.backbone, x)
    with tf.GradientTape(persistent=True) as tape:
        tape.watch(x)
        features, last = inner(x, training=False)
        outputs = model.head(last, training=True)
        best = int(ops.argmax(outputs["logits"][0]))
        score = outputs["logits"][0, best]
        # A box is four numbers; what makes it larger is what it holds on to.
        size = ops.sum(outputs["boxes"][0] * ops.convert_to_tensor([-1.0, -1.0, 1.0, 1.0]))
    box = ops.convert_to_numpy(outputs["boxes"])[0]
    name = f"{model.classes[best].replace('_', ' ')} {float(outputs['classes'][0, best]):.2f}"
    return [
        Look("class", f"class: {name}", heat_of(features, tape.gradient(score, features)), box),
        Look("box", "box: its size", heat_of(features, tape.gradient(size, features)), box),
    ]


def _dense_looks(model: FaceTracker, picture: NDArray[np.uint8]) -> list[Look]:
    """The surest cell's score, class and box; features of the grid in which that cell lies."""
    side = picture.shape[0]
    centres, strides = cells(side, side)
    features = model.backbone(preprocess(picture[None], model.how_preprocessed), training=False)
    with tf.GradientTape(persistent=True) as tape:
        for feature in features:
            tape.watch(feature)
        outputs = model.head(list(features), training=True)
        cell = int(ops.argmax(ops.max(outputs["scores"][0], axis=-1)))
        score = outputs["logits"][0, cell, 0]
        reach = ops.sum(ops.log(outputs["offsets"][0, cell]))
        kind = int(ops.argmax(outputs["scores"][0, cell]))
        kinds = outputs["kinds"][0, cell, kind] if "kinds" in outputs else None
    level = int(np.log2(float(ops.convert_to_numpy(strides)[cell, 0]))) - 3
    box = ops.convert_to_numpy(boxes_of(outputs["offsets"], centres, strides))[0, cell] / side
    sure = float(ops.max(outputs["scores"][0, cell]))

    def look(kind: Literal["face", "class", "box"], title: str, target: Any) -> Look:
        gradients = tape.gradient(target, list(features))
        # A coarser grid speaks in the finer ones too: of the grids that do, the cell's own and those above.
        maps = [
            cv2.resize(heat_of(feature, gradient), (side, side), interpolation=cv2.INTER_LINEAR)
            for feature, gradient in zip(features[level:], gradients[level:], strict=True)
            if gradient is not None
        ]
        heat = np.mean(maps, axis=0)
        return Look(kind, title, (heat / max(float(heat.max()), 1e-12)).astype(np.float32), box)

    found = [look("face", f"face {sure:.2f}", score), look("box", "box: its sides", reach)]
    if kinds is not None:
        found.insert(1, look("class", f"class: {model.classes[kind].replace('_', ' ')}", kinds))
    return found
