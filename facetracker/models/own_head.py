"""`OwnHead`: where this person's boxes lie, learnt on the features that the starter has anyway.

The starter's early layers stay as they are, so their features of stride 16 are computed once, for it and for the own
head, and while learning they are kept and not computed again. What is trained is a copy of the network's last units and
of the head's two coarse grids (strides 16 and 32): a face of a webcam user is never smaller, and without the fine grid
a frame takes about a seventh longer than with the starter alone.
"""

from __future__ import annotations

from typing import Any

import keras
import numpy as np
from keras import ops

from facetracker.models.heads.dense import DenseHead
from facetracker.models.nano import WIDTHS, last_units
from facetracker.models.tracker import CLASS_LOSS_SHARE

STRIDES = (16, 32)
# How much more a sure cell counts where cells agree on a box, and how sure the others are taken to be at least.
POWER, LEAST = 4, 0.05
# How far a neighbour's left, top, right and bottom lie outwards of one's own, in cells: a kernel `(3, 3, 1, 4)`.
_AWAY = np.array([[[[-x, -y, x, y]] for x in (-1, 0, 1)] for y in (-1, 0, 1)], np.float32)
_AROUND = np.ones((3, 3, 4, 1), np.float32)


@keras.saving.register_keras_serializable("facetracker")
class OwnHead(keras.Model):
    """Features `(B, H, W, 112)` of stride 16 to the outputs of a dense head with strides 16 and 32.

    `landmarks`: whether the tracker's head knows them, whose weights it starts from; nothing teaches the own head any,
    so it is not asked for them. It is fitted as any Keras model, on features and targets `{"boxes": (B, M, 4)
    normalised xyxy, "classes": (B, M)}`.
    """

    def __init__(self, landmarks: bool = False, **options):
        super().__init__(**options)
        self.units = last_units()
        self.head = DenseHead(classes=1, strides=STRIDES, landmarks=landmarks, name="own_dense")

    def build(self, input_shape=None):
        if not self.head.built:
            shape = (None, None, None, WIDTHS[-2])
            self.head.build(self.units.compute_output_shape(shape))
        self.built = True

    def call(self, features, training=None):
        outputs = self.head(self.units(features, training=training), training=training)
        if training:
            return outputs
        rows, columns = ops.shape(features)[1], ops.shape(features)[2]
        return {**outputs, "offsets": agreed(outputs["offsets"], outputs["scores"], rows, columns)}

    def compute_loss(self, x=None, y=None, y_pred=None, sample_weight=None, training=True):
        height, width = (side * STRIDES[0] for side in ops.shape(x)[1:3])
        losses = self.head.loss(y, y_pred, (height, width))
        return losses.regress_loss.value + CLASS_LOSS_SHARE * losses.class_loss.value

    def start_from(self, tracker: Any) -> None:
        """Take the weights of the same layers of a tracker of backbone nano with the dense head."""
        there = {_name(variable): variable for part in (tracker.backbone, tracker.head) for variable in part.variables}
        for variable in self.variables:
            if _name(variable) in there:
                variable.assign(there[_name(variable)])


def agreed(offsets, sure, rows: int, columns: int):
    """Offsets `(B, A, 4)` of cells, each the mean of what the 3x3 cells around say of the same box, the sure ones most.

    The cells of a face err in different ways: learnt from five photos, their mean has .004 more overlap. `rows` and
    `columns` are those of the finest of the grids.
    """
    means, start = [], 0
    for stride in STRIDES:
        high, wide = rows * STRIDES[0] // stride, columns * STRIDES[0] // stride
        cells = slice(start, start + high * wide)
        boxes, counts = (ops.reshape(each[:, cells], (-1, high, wide, each.shape[-1])) for each in (offsets, sure))
        counts = ops.maximum(counts, LEAST) ** POWER
        said = ops.depthwise_conv(counts * boxes, _AROUND, padding="same") + ops.conv(counts, _AWAY, padding="same")
        mean = said / ops.depthwise_conv(counts, _AROUND[..., :1, :], padding="same")
        means.append(ops.reshape(mean, (-1, high * wide, 4)))
        start = start + high * wide
    return ops.concatenate(means, axis=1)


def _name(variable: Any) -> str:
    return "/".join(variable.path.split("/")[-2:])
