"""The tutorial's head: one face a picture, its class and its box from what the backbone saw anywhere."""

from __future__ import annotations

from typing import Literal

import keras
from keras import ops

from facetracker.models.heads.base import Head, Losses, Mean
from facetracker.models.losses import area, binary_loss, box_similarity, corner_loss, pair_iou


@keras.saving.register_keras_serializable("facetracker")
class SingleHead(Head):
    """The last features, their maximum over the picture, to `classes` `(B, K)` and `boxes` `(B, 4)`.

    Both are sigmoids: probabilities, and xyxy normalised to the input. In training there are `logits` `(B, K)` too.
    Of several true faces the largest is the one to learn.
    """

    def __init__(
        self, classes: int = 1, width: int = 2048, regress_loss: Literal["corner", "ciou"] = "corner", **options
    ):
        super().__init__(classes=classes, **options)
        self.width = width
        self.regress_loss = regress_loss
        self.class_pool = keras.layers.GlobalMaxPooling2D(name="class_pool")
        self.class_hidden = keras.layers.Dense(width, activation="relu", name="class_hidden")
        self.class_logit = keras.layers.Dense(classes, name="class_logit")
        self.box_pool = keras.layers.GlobalMaxPooling2D(name="box_pool")
        self.box_hidden = keras.layers.Dense(width, activation="relu", name="box_hidden")
        self.box_logit = keras.layers.Dense(4, name="box_logit")
        # In float32 also where the rest computes in 16 bits: a box of 16 bits is a pixel off at 1000.
        self.to_class = keras.layers.Activation("sigmoid", dtype="float32", name="to_class")
        self.to_box = keras.layers.Activation("sigmoid", dtype="float32", name="to_box")

    def build(self, shape):
        depth = shape[-1]
        for hidden, logit in ((self.class_hidden, self.class_logit), (self.box_hidden, self.box_logit)):
            hidden.build((shape[0], depth))
            logit.build((shape[0], self.width))
        self.built = True

    def call(self, features, training=None):
        logits = self.class_logit(self.class_hidden(self.class_pool(features)))
        boxes = self.to_box(self.box_logit(self.box_hidden(self.box_pool(features))))
        outputs = {"classes": self.to_class(logits), "boxes": boxes}
        if training:
            outputs["logits"] = ops.cast(logits, "float32")
        return outputs

    def loss(self, targets, outputs, size: tuple[int, int]) -> Losses:
        box, kind = largest_face(targets)
        has_face = ops.cast(kind >= 0, "float32")
        wanted = ops.cast(ops.equal(kind[:, None], ops.arange(self.classes, dtype="int32")), "float32")
        scores = outputs["classes"]
        if "logits" in outputs:
            errors = binary_loss(wanted, outputs["logits"])
        else:
            sure = ops.clip(scores, 1e-7, 1 - 1e-7)
            errors = -wanted * ops.log(sure) - (1.0 - wanted) * ops.log1p(-sure)
        away = corner_loss(box, outputs["boxes"])
        if self.regress_loss == "ciou":
            away = 1.0 - box_similarity(box, outputs["boxes"])
        said = ops.max(scores, axis=-1) >= 0.5
        right_kind = ops.logical_or(kind < 0, ops.equal(ops.cast(ops.argmax(scores, axis=-1), "int32"), kind))
        right = ops.cast(ops.logical_and(ops.equal(said, kind >= 0), right_kind), "float32")
        return Losses(
            class_loss=Mean.of(ops.mean(errors, axis=-1), ops.ones_like(has_face)),
            regress_loss=Mean.of(away, has_face),
            mean_iou=Mean.of(pair_iou(box, outputs["boxes"]), has_face),
            class_accuracy=Mean.of(right, ops.ones_like(right)),
        )

    def decode(self, outputs, size: tuple[int, int], threshold: float = 0.5, iou_threshold: float = 0.5, most: int = 1):
        scores, boxes = outputs["classes"], outputs["boxes"]
        best = ops.max(scores, axis=-1, keepdims=True)
        found = ops.logical_and(best >= threshold, area(boxes)[:, None] > 0)
        classes = ops.where(found, ops.cast(ops.argmax(scores, axis=-1), "int32")[:, None], -1)
        shown = ops.cast(found, "float32")
        return boxes[:, None] * shown[..., None], best * shown, classes

    def get_config(self):
        return {**super().get_config(), "width": self.width, "regress_loss": self.regress_loss}


def largest_face(targets):
    """Box `(B, 4)` and class `(B,)` of each picture's largest face; zeros and -1 where there is none."""
    boxes = ops.cast(targets["boxes"], "float32")
    classes = ops.cast(targets["classes"], "int32")
    size = ops.where(classes >= 0, area(boxes), -1.0)
    at = ops.argmax(size, axis=1)[:, None]
    kind = ops.take_along_axis(classes, at, axis=1)[:, 0]
    box = ops.take_along_axis(boxes, at[..., None], axis=1)[:, 0]
    return box * ops.cast(kind >= 0, "float32")[:, None], ops.maximum(kind, -1)
