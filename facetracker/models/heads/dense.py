"""The dense head: many faces. Every cell of three grids (strides 8, 16, 32) says how sure it is and where the box is.

Anchor-free: a cell's box is given by its distances to the left, top, right and bottom of the cell's centre, in strides.
A face is a face even where its class is in doubt: with several classes a cell says apart how sure it is of a face, and
which class it would be. Its best class gets the face's score, the others theirs in proportion.
Which cells answer for which face is decided again at every step (`assign`), by how well they answer already.

With `landmarks` a cell says too where eyes, nose and the corners of the mouth are, in strides from its centre; a box
may then lie half a stride beside the centre (REACH_SHIFT), so that a face smaller than a cell has its box all the same,
and the finest grid, which costs the most, thinks once instead of twice.
"""

from __future__ import annotations

import math

import keras
from keras import ops

from facetracker.models.assign import assign
from facetracker.models.base import Norm
from facetracker.models.heads.base import Head, Losses, Mean, suppress
from facetracker.models.losses import box_similarity, varifocal_loss

STRIDES = (8, 16, 32)
# A cell starts with this probability, so that the first steps are not spent on unlearning "a face everywhere".
FIRST_SCORE = 0.01
# A face is four strides wide before anything is learnt: each grid starts with the sizes it is meant for.
FIRST_REACH = 2.0
LARGEST_LOG_REACH = 4.0
# How much telling the classes apart counts beside finding the faces.
KIND_SHARE = 0.5
CANDIDATES = 300
# The five landmarks are as many numbers. How much they count beside the boxes, and the error, in the face's side, below
# which one counts by its square.
POINT_NUMBERS = 10
LANDMARK_SHARE, SURE_LANDMARK = 1.0, 0.02
REACH_SHIFT = 0.5
# How much background counts by how face-like it looks: `share * score ** power`. With the paper's 0.75 and 2 scores of
# 0.3 to 0.5 on textures and wheels hardly count, and stay; they are the false alarms of a low threshold.
BACKGROUND_SHARE, BACKGROUND_POWER = 1.0, 1.5


@keras.saving.register_keras_serializable("facetracker")
class DenseHead(Head):
    """Features of `strides` (an own head has the last two) to `scores` `(B, A, K)` and `offsets` `(B, A, 4)`.

    A: the cells of all grids, stride after stride, each row by row. Scores are probabilities, offsets are in strides
    and never negative; the highest of a cell's scores is how sure it is of a face. In training there are `logits`
    `(B, A, 1)` of the face too, for a loss that is stable far from 0.5, and with several classes `kinds` `(B, A, K)`.
    With `landmarks` there are `landmarks` `(B, A, 10)`: x and y of five points; offsets are -0.5 strides and more.
    """

    strides: tuple[int, ...] = STRIDES

    def __init__(
        self,
        classes: int = 1,
        width: int = 64,
        strides: tuple[int, ...] = STRIDES,
        landmarks: bool = False,
        **options,
    ):
        super().__init__(classes=classes, **options)
        self.width = width
        self.strides = tuple(strides)
        self.landmarks = landmarks
        self.merges = [self._conv(1, f"merge{stride}") for stride in self.strides]
        self.merge_norms = [self._norm(f"merge{stride}") for stride in self.strides]
        self.units = [
            [self._unit(f"unit{stride}_{i}") for i in range(1 if landmarks and stride == STRIDES[0] else 2)]
            for stride in self.strides
        ]
        self.score_convs = self._last("score", 1, -math.log(1 / FIRST_SCORE - 1))
        self.reach_convs = self._last("reach", 4, math.log(FIRST_REACH))
        self.kind_convs = self._last("kind", classes) if classes > 1 else []
        self.landmark_convs = self._last("points", POINT_NUMBERS) if landmarks else []
        # Probabilities and exponentials in float32 also where the rest computes in 16 bits.
        self.to_score = keras.layers.Activation("sigmoid", dtype="float32", name="to_score")
        self.to_reach = Reach(REACH_SHIFT if landmarks else 0.0, dtype="float32", name="to_reach")

    def _last(self, name: str, channels: int, bias: float = 0.0):
        """What a cell says, a layer for each grid; `bias` is where it starts."""
        return [
            keras.layers.Conv2D(
                channels,
                1,
                bias_initializer=keras.initializers.Constant(bias),
                kernel_initializer=keras.initializers.RandomNormal(stddev=0.01),
                name=f"{name}{stride}",
            )
            for stride in self.strides
        ]

    def _conv(self, size: int, name: str):
        return keras.layers.Conv2D(self.width, size, use_bias=False, name=f"{name}_conv")

    def _norm(self, name: str):
        return Norm(momentum=0.97, name=f"{name}_norm")

    def _unit(self, name: str):
        depthwise = keras.layers.DepthwiseConv2D(3, padding="same", use_bias=False, name=f"{name}_depthwise")
        return depthwise, self._conv(1, name), self._norm(name)

    def build(self, shapes):
        for shape, merge, norm, units, score, reach in zip(
            shapes, self.merges, self.merge_norms, self.units, self.score_convs, self.reach_convs, strict=True
        ):
            inner = (*shape[:-1], self.width)
            merge.build(shape)
            norm.build(inner)
            for layers in units:
                for layer in layers:
                    layer.build(inner)
            score.build(inner)
            reach.build(inner)
            for layer in (*self.kind_convs, *self.landmark_convs):
                if not layer.built:
                    layer.build(inner)
        self.built = True

    def call(self, features, training=None):
        merged = [
            ops.relu(norm(merge(feature), training=training))
            for feature, merge, norm in zip(features, self.merges, self.merge_norms, strict=True)
        ]
        # Context flows down: the coarse grid knows about heads and shoulders, the fine one needs it.
        for fine in reversed(range(len(merged) - 1)):
            merged[fine] = merged[fine] + _grown(merged[fine + 1])
        logits, reaches, kinds, points = [], [], [], []
        for grid, (x, units, score, reach) in enumerate(
            zip(merged, self.units, self.score_convs, self.reach_convs, strict=True)
        ):
            for depthwise, pointwise, norm in units:
                x = ops.relu(x + norm(pointwise(depthwise(x)), training=training))
            logits.append(_as_rows(score(x), 1))
            reaches.append(_as_rows(reach(x), 4))
            if self.kind_convs:
                kinds.append(_as_rows(self.kind_convs[grid](x), self.classes))
            if self.landmark_convs:
                points.append(_as_rows(self.landmark_convs[grid](x), POINT_NUMBERS))
        logits = ops.concatenate(logits, axis=1)
        scores = self.to_score(logits)
        if kinds:
            kinds = ops.cast(ops.concatenate(kinds, axis=1), "float32")
            scores = scores * ops.exp(kinds - ops.max(kinds, axis=-1, keepdims=True))
        outputs = {"scores": scores, "offsets": self.to_reach(ops.concatenate(reaches, axis=1))}
        if points:
            outputs["landmarks"] = ops.cast(ops.concatenate(points, axis=1), "float32")
        if training:
            outputs["logits"] = ops.cast(logits, "float32")
            if self.kind_convs:
                outputs["kinds"] = kinds
        return outputs

    def loss(self, targets, outputs, size: tuple[int, int]) -> Losses:
        height, width = size
        scale = ops.cast(ops.stack([width, height, width, height]), "float32")
        centres, strides = cells(height, width, self.strides)
        truth = ops.cast(targets["boxes"], "float32") * scale
        boxes = boxes_of(outputs["offsets"], centres, strides)
        scores = outputs["scores"]
        face = ops.max(scores, axis=-1)
        answer = assign(
            ops.stop_gradient(face), ops.stop_gradient(boxes), centres, truth, targets["classes"], self.classes
        )
        logits = outputs["logits"] if "logits" in outputs else _logits(face)[..., None]
        is_face = ops.sum(answer.scores, axis=-1, keepdims=True)
        each = varifocal_loss(is_face, logits, BACKGROUND_SHARE, BACKGROUND_POWER)
        class_loss = ops.sum(each * answer.counts[..., None])
        if self.classes > 1:
            # Without the training's own numbers: the scores are in proportion, and their shares are what is meant.
            kinds = outputs["kinds"] if "kinds" in outputs else ops.log(ops.maximum(scores, 1e-7))
            class_loss = class_loss - KIND_SHARE * ops.sum(answer.scores * ops.log_softmax(kinds, axis=-1))
        similarity = box_similarity(answer.boxes, boxes)
        regress_loss = ops.sum((1.0 - similarity) * answer.weights)
        if self.landmarks and "landmarks" in targets:
            regress_loss = regress_loss + LANDMARK_SHARE * self._landmark_loss(
                outputs["landmarks"], targets["landmarks"], answer, centres, strides, scale
            )
        weight = ops.maximum(ops.sum(answer.weights), 1.0)
        faces = ops.cast(targets["classes"] >= 0, "float32")
        return Losses(
            class_loss=Mean(class_loss / weight, weight),
            regress_loss=Mean(regress_loss / weight, weight),
            mean_iou=Mean.of(answer.ious, faces),
            class_accuracy=self.presence(ops.max(scores, axis=(1, 2)), faces),
        )

    def _landmark_loss(self, found, wanted, answer, centres, strides, scale):
        """What landmarks `(B, A, 10)` lack of true ones `(B, M, 10)`, normalised, not a number where nobody knows."""
        wanted = ops.cast(wanted, "float32") * ops.tile(scale[:2], 5)
        known = ops.cast(ops.equal(wanted, wanted), "float32")
        wanted = ops.where(known > 0, wanted, 0.0)
        wanted, known = (ops.einsum("bma,bmd->bad", answer.faces, values) for values in (wanted, known))
        size = ops.sqrt(ops.maximum(ops.prod(answer.boxes[..., 2:] - answer.boxes[..., :2], axis=-1), 1.0))[..., None]
        error = ops.abs(found * strides + ops.tile(centres, (1, 5)) - wanted) / size
        each = ops.where(error < SURE_LANDMARK, ops.square(error) / (2 * SURE_LANDMARK), error - SURE_LANDMARK / 2)
        return ops.sum(ops.sum(each * known, axis=-1) * answer.weights)

    def decode(
        self, outputs, size: tuple[int, int], threshold: float = 0.5, iou_threshold: float = 0.5, most: int = 64
    ):
        return decode_cells(outputs, size, self.strides, threshold, iou_threshold, most)

    def get_config(self):
        return {**super().get_config(), "width": self.width, "strides": list(self.strides), "landmarks": self.landmarks}


@keras.saving.register_keras_serializable("facetracker")
class Reach(keras.layers.Layer):
    """Distances from their logarithms, less `shift`, bounded so that a wild step cannot overflow."""

    def __init__(self, shift: float = 0.0, **options):
        super().__init__(**options)
        self.shift = shift

    def call(self, x):
        reach = ops.exp(ops.minimum(x, LARGEST_LOG_REACH))
        return reach - self.shift if self.shift else reach

    def get_config(self):
        return {**super().get_config(), "shift": self.shift}


def decode_cells(outputs, size, strides, threshold: float = 0.5, iou_threshold: float = 0.5, most: int = 64):
    """Boxes, scores and classes as `Head.decode` gives them, of the cells of grids of these strides."""
    height, width = size
    centres, sides = cells(height, width, strides)
    scale = ops.cast(ops.stack([width, height, width, height]), "float32")
    boxes = boxes_of(outputs["offsets"], centres, sides) / scale
    best = ops.max(outputs["scores"], axis=-1)
    classes = ops.cast(ops.argmax(outputs["scores"], axis=-1), "int32")
    return suppress(boxes, best, classes, threshold, iou_threshold, most, candidates=CANDIDATES)


def cells(height, width, strides: tuple[int, ...] = STRIDES):
    """Centre `(A, 2)` and stride `(A, 1)` of every cell of a `height` x `width` input, in pixels."""
    centres, sides = [], []
    for stride in strides:
        rows, columns = height // stride, width // stride
        y = (ops.arange(rows, dtype="float32") + 0.5) * stride
        x = (ops.arange(columns, dtype="float32") + 0.5) * stride
        grid_y, grid_x = ops.meshgrid(y, x, indexing="ij")
        centre = ops.stack([ops.reshape(grid_x, (-1,)), ops.reshape(grid_y, (-1,))], axis=-1)
        centres.append(centre)
        sides.append(ops.full_like(centre[:, :1], stride))
    return ops.concatenate(centres, axis=0), ops.concatenate(sides, axis=0)


def boxes_of(offsets, centres, strides):
    """Offsets `(B, A, 4)` in strides as xyxy boxes `(B, A, 4)` in pixels."""
    reach = offsets * strides
    return ops.concatenate([centres - reach[..., :2], centres + reach[..., 2:]], axis=-1)


def _as_rows(x, depth: int):
    """`(B, H, W, depth)` as `(B, H * W, depth)`; no shape is baked in, so exports keep height and width open."""
    return ops.reshape(x, (-1, ops.shape(x)[1] * ops.shape(x)[2], depth))


def _grown(x):
    """`(B, H, W, C)` twice as high and wide, each cell four times.

    What keras.layers.UpSampling2D does, in fewer steps of TensorFlow Lite: 0.02 to 0.05 ms less a picture.
    """
    height, width, depth = ops.shape(x)[1], ops.shape(x)[2], x.shape[-1]
    x = ops.reshape(ops.concatenate([x, x], axis=-1), (-1, height, 2 * width, depth))
    return ops.reshape(ops.concatenate([x, x], axis=2), (-1, 2 * height, 2 * width, depth))


def _logits(scores):
    scores = ops.clip(scores, 1e-7, 1 - 1e-7)
    return ops.log(scores) - ops.log1p(-scores)
