"""A second look: the faces a dense head is surest of are cut out of the picture and judged once more, closely.

A network that passes over a whole picture can afford little thought for each place. A wheel or a clasp may then look as
much like a face as a small dark face does. So the few cells with the highest scores get a second look from a small
network of its own, which sees the pixels themselves: the face and what is around it. It is part of the graph: every
exported file has it, and whoever reads `scores` and `offsets` need not know.
"""

from __future__ import annotations

import math
from typing import Annotated, Any

import keras
from keras import ops
from pydantic import BaseModel, ConfigDict, Field, model_validator

from facetracker.models.backbones import preprocess
from facetracker.models.base import Norm

Channels = Annotated[int, Field(ge=1, le=4096)]
Stride = Annotated[int, Field(ge=1, le=4)]

DROPOUT = 0.2  # in training: the photos without a face are few
FAR = 1e3  # more than any factor: a cell with nothing near that was looked at


class SecondLookConfig(BaseModel):
    """All that shapes the answers of a second look, but its weights. A model file has it inside.

    The defaults are those of the bundled starter: they change with its weights, and only then.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    # Places that get a second look, in each picture; up to four of them show one face. With three, a face behind three
    # lookalikes was lost.
    looks: int = Field(7, ge=1, le=1000)
    # What is cut out: so many pixels square, `reach` times as long as the box's side.
    side: int = Field(32, ge=8, le=256, multiple_of=8)
    reach: float = Field(1.7, gt=0, le=10)
    stem: int = Field(16, ge=1, le=1024)
    units: tuple[tuple[Channels, Stride], ...] = ((32, 1), (48, 2), (64, 1), (96, 2), (128, 1), (128, 1))
    hidden: int = Field(48, ge=1, le=4096)
    box_hidden: int = Field(64, ge=1, le=4096)
    # Cells that share the fate of the looked-at one in their middle: a square of so many each way.
    near: int = Field(3, ge=1, le=31)
    # How much the second opinion counts: `score ** (1 - share) * opinion ** share`.
    share: float = Field(0.7, ge=0, le=1)
    # How far a box goes towards where the second look would have it: the mean of both is better than either.
    move: float = Field(0.75, ge=0, le=1)
    # How much surer one may be of all other cells where what was looked at are faces: `score ** (1 / (1 + crowd))`.
    crowd: float = Field(1.2, ge=0, le=100)
    # An opinion counts in full from the score `seen` up, and not at all below `unseen`: of places that are hardly
    # peaks, rounding decides which is looked at, and no two engines round alike.
    unseen: float = Field(0.02, gt=0, lt=1)
    seen: float = Field(0.05, gt=0, le=1)
    # Probabilities this close to 0 or 1 tell no more; an opinion may be far surer than the head.
    least: float = Field(1e-3, gt=0, lt=0.5)
    no_doubt: float = Field(1e-6, gt=0, lt=0.5)

    @model_validator(mode="after")
    def _fits(self) -> SecondLookConfig:
        if self.seen <= self.unseen:
            raise ValueError("seen must be above unseen")
        if math.prod(stride for _, stride in self.units) != 4:
            raise ValueError("the strides of the units must multiply to 4")
        return self


# What a second look was before model files said so (version 0.1). Never changed: their answers would change.
FIRST = SecondLookConfig(
    looks=7,
    side=32,
    reach=1.7,
    stem=16,
    units=((32, 1), (48, 2), (64, 1), (96, 2), (128, 1), (128, 1)),
    hidden=48,
    box_hidden=64,
    near=3,
    share=0.7,
    move=0.75,
    crowd=1.2,
    unseen=0.02,
    seen=0.05,
    least=1e-3,
    no_doubt=1e-6,
)


@keras.saving.register_keras_serializable("facetracker")
class SecondLook(keras.layers.Layer):
    """Pictures `(B, H, W, 3)` 0..255 and a dense head's outputs to its outputs judged again.

    The `looks` best cells are looked at: the score of each becomes the weighted geometric mean of the head's and of the
    second opinion, its box is corrected. Cells beside it mean the same: their scores change by the same factor.
    All others are judged by company: in an empty room they lose by the mean of these factors, in a crowd they gain.
    """

    def __init__(
        self,
        config: SecondLookConfig | dict[str, Any] | None = None,
        strides: tuple[int, ...] = (8, 16, 32),
        least_offset: float = 0.0,
        **options,
    ):
        super().__init__(**options)
        how = self.how = SecondLookConfig.model_validate(config or {})
        self.least_offset = least_offset
        self.strides = tuple(strides)
        self.stem = keras.layers.Conv2D(how.stem, 3, 2, padding="same", use_bias=False, name="stem_conv")
        self.stem_norm = Norm(momentum=0.97, name="stem_norm")
        self.units = [
            (
                keras.layers.DepthwiseConv2D(3, stride, padding="same", use_bias=False, name=f"unit{i}_depthwise"),
                keras.layers.Conv2D(width, 1, use_bias=False, name=f"unit{i}_conv"),
                Norm(momentum=0.97, name=f"unit{i}_norm"),
            )
            for i, (width, stride) in enumerate(how.units)
        ]
        self.gather = keras.layers.DepthwiseConv2D(how.side // 8, use_bias=False, name="gather")
        self.hidden = keras.layers.Dense(how.hidden, activation="relu", name="hidden")
        self.verdict = keras.layers.Dense(1, name="verdict", dtype="float32")
        self.box_hidden = keras.layers.Dense(how.box_hidden, activation="relu", name="box_hidden")
        self.move = keras.layers.Dense(4, kernel_initializer="zeros", name="move", dtype="float32")

    def build(self, *_):
        how = self.how
        shape = (None, how.side, how.side, 3)
        for layer in (self.stem, self.stem_norm, *(layer for unit in self.units for layer in unit), self.gather):
            layer.build(shape)
            shape = layer.compute_output_shape(shape)
        self.hidden.build((None, how.units[-1][0]))
        self.verdict.build((None, how.hidden + 2))
        self.box_hidden.build((None, how.units[-1][0]))
        self.move.build((None, how.box_hidden + 1))
        self.built = True

    def call(self, pictures, outputs):
        how = self.how
        scores, boxes, numbers, strides = self.candidates(pictures, outputs)
        verdict, moves = self.judge(self.cut(pictures, boxes), scores, boxes)
        counts = ops.clip((scores - how.unseen) / (how.seen - how.unseen), 0.0, 1.0)
        head = ops.log(ops.maximum(scores, how.unseen))
        opinion = ops.log(ops.maximum(ops.reshape(ops.sigmoid(verdict), ops.shape(scores)), how.no_doubt))
        opinion = head + counts * (opinion - head)
        moves = how.move * counts[..., None] * ops.reshape(moves, ops.shape(boxes)) / strides
        return {
            **outputs,
            "scores": self._judged(pictures, outputs["scores"], numbers, how.share * (opinion - head), opinion),
            "offsets": ops.maximum(outputs["offsets"] + _put(moves, numbers, outputs["offsets"]), self.least_offset),
        }

    def _judged(self, pictures, scores, numbers, change, opinion):
        """All scores `(B, A, 1)` after cells `numbers` `(B, N)` were looked at: logarithms of how their scores change
        and of what the second opinion is, both `(B, N)`."""
        how = self.how
        own = _put(ops.exp(change), numbers, scores)  # the factor of a score, 0 where nobody looked
        lowest = -self._highest_near(ops.where(own > 0.0, -own, -FAR), pictures, how.near)
        mean = ops.minimum(ops.mean(change, axis=1), 0.0)[:, None, None]
        faces = ops.exp(ops.mean(opinion, axis=1))[:, None, None]
        others = ops.exp((ops.log(ops.maximum(scores, how.no_doubt)) + mean) / (1.0 + how.crowd * faces))
        judged = ops.where(lowest < FAR, scores * ops.where(own > 1.0, own, lowest), others)
        # Squared, a score of one half is about an even chance; as it is, of those at 0.5 one in ten is a face.
        return ops.square(judged)

    def candidates(self, pictures, outputs):
        """The best cells: scores `(B, N)`, boxes `(B, N, 4)` in pixels, numbers `(B, N)`, counted through the batch,
        strides `(B, N, 1)`.

        Of 3x3 cells of a grid only the best is one: its neighbours mean the same face.
        """
        height, width = ops.shape(pictures)[1], ops.shape(pictures)[2]
        scores = outputs["scores"]
        peaks = ops.where(scores >= self._highest_near(scores, pictures, 3), scores, 0.0)[..., 0]
        scores, cell = ops.top_k(peaks, self.how.looks)
        numbers = cell + _row_numbers(cell) * ops.shape(peaks)[1]
        reach = ops.take(ops.reshape(outputs["offsets"], (-1, 4)), numbers, axis=0)
        boxes, strides = self._boxes(cell, ops.cast(reach, "float32"), height, width)
        return scores, boxes, numbers, strides

    def _highest_near(self, values, pictures, size: int):
        """For each of the cells `(B, A, 1)` the highest value of the `size` x `size` cells of its grid around it."""
        height, width = ops.shape(pictures)[1], ops.shape(pictures)[2]
        highest, start = [], 0
        for stride in self.strides:
            rows, columns = height // stride, width // stride
            grid = ops.reshape(values[:, start : start + rows * columns], (-1, rows, columns, 1))
            highest.append(ops.reshape(ops.max_pool(grid, size, 1, padding="same"), (-1, rows * columns, 1)))
            start = start + rows * columns
        return ops.concatenate(highest, axis=1)

    def _boxes(self, cell, reach, height, width):
        """Boxes in pixels of cells `(B, N)` that reach as far as `(B, N, 4)`, in strides, and their strides.

        What `heads.dense.boxes_of` does for all cells. Where a cell lies is worked out: a table of all centres would be
        made again for every picture, to take a few lines from it.
        """
        firsts = [0]
        for stride in self.strides[:-1]:
            firsts.append(firsts[-1] + (height // stride) * (width // stride))
        grid = ops.sum(ops.cast(cell[..., None] >= ops.stack(firsts[1:]), "int32"), axis=-1)
        stride = ops.take(ops.convert_to_tensor(self.strides, "int32"), grid)
        columns = width // stride
        place = cell - ops.take(ops.stack(firsts), grid)
        row = place // columns
        scale = ops.cast(stride, "float32")[..., None]
        centre = (ops.cast(ops.stack([place - row * columns, row], axis=-1), "float32") + 0.5) * scale
        reach = reach * scale
        return ops.concatenate([centre - reach[..., :2], centre + reach[..., 2:]], axis=-1), scale

    def cut(self, pictures, boxes):
        """What boxes `(B, N, 4)` show, with what is around: `(B * N, side, side, 3)`, the edge repeated.

        Nearest pixels: small faces are what is in doubt, and averaging large ones down first took 0.35 ms.
        """
        how = self.how
        height, width = ops.shape(pictures)[1], ops.shape(pictures)[2]
        sides = _sides(boxes)
        extent = how.reach * ops.sqrt(sides[..., :1] * sides[..., 1:])
        middle = (boxes[..., :2] + boxes[..., 2:]) / 2
        steps = (ops.arange(how.side, dtype="float32") + 0.5) / how.side - 0.5
        x = _pixel(middle[..., :1] + extent * steps, width)
        y = _pixel(middle[..., 1:] + extent * steps, height) + (_row_numbers(x[..., 0]) * height)[..., None]
        table = ops.reshape(pictures, (-1, 3))
        rows, columns = ops.reshape(y * width, (-1, how.side, 1)), ops.reshape(x, (-1, 1, how.side))
        pixels = ops.take(table, rows + columns, axis=0)
        return ops.cast(pixels, "float32")

    def judge(self, cuts, scores, boxes, training=None):
        """Of N cuts with the head's scores and boxes: how sure the second look is, as logits `(N, 1)`, and how far it
        would move the left, top, right and bottom side outwards `(N, 4)`, in pixels."""
        how = self.how
        x = ops.relu(self.stem_norm(self.stem(preprocess(cuts, "signed")), training=training))
        for (depthwise, pointwise, norm), (width, stride) in zip(self.units, how.units, strict=True):
            y = norm(pointwise(depthwise(x)), training=training)
            x = ops.relu(x + y if stride == 1 and x.shape[-1] == width else y)
        x = ops.reshape(self.gather(x), (-1, how.units[-1][0]))
        likely = ops.clip(ops.reshape(scores, (-1, 1)), how.least, 1 - how.least)
        likely = ops.log(likely) - ops.log(1.0 - likely)
        sides = ops.reshape(_sides(boxes), (-1, 2))
        side = ops.sqrt(sides[:, :1] * sides[:, 1:])
        height = ops.log(sides[:, 1:] / how.side)
        shape = ops.log(sides[:, :1] / sides[:, 1:])
        seen = self.hidden(keras.random.dropout(x, DROPOUT) if training else x)
        verdict = self.verdict(ops.concatenate([seen, *(ops.cast(v, x.dtype) for v in (likely, height))], axis=-1))
        place = ops.concatenate([self.box_hidden(x), ops.cast(shape, x.dtype)], axis=-1)
        return verdict, self.move(place) * side

    def get_config(self):
        return {
            **super().get_config(),
            "config": self.how.model_dump(mode="json"),
            "strides": list(self.strides),
            "least_offset": self.least_offset,
        }


def _sides(boxes):
    """Width and height of boxes `(..., 4)`, `(..., 2)`, in pixels and at least one."""
    return ops.maximum(boxes[..., 2:] - boxes[..., :2], 1.0)


def _pixel(place, size):
    """The whole numbers of the pixels at places along a side of `size` pixels, the last one for those beyond."""
    return ops.cast(ops.clip(ops.floor(place), 0.0, ops.cast(size - 1, "float32")), "int32")


def _put(values, numbers, like):
    """Zeros of the shape of `like` `(B, A, C)`, with `values` `(B, N)` or `(B, N, C)` at cells `numbers` `(B, N)`."""
    channels = like.shape[-1]
    flat = ops.reshape(like, (-1, channels))
    placed = ops.scatter(ops.reshape(numbers, (-1, 1)), ops.reshape(values, (-1, channels)), ops.shape(flat))
    return ops.reshape(placed, ops.shape(like))


def _row_numbers(places):
    """0, 1, 2, ... for the pictures of a batch, `(B, 1)` int32; its shape is known wherever that of `places` is."""
    return ops.cumsum(ops.ones_like(places[:, :1]), axis=0) - 1
