"""A second look: the faces a dense head is surest of are cut out of the picture and judged once more, closely.

A network that passes over a whole picture can afford little thought for each place. A wheel or a clasp may then look as
much like a face as a small dark face does. So the few cells with the highest scores get a second look from a small
network of its own, which sees the pixels themselves: the face and what is around it. It is part of the graph: every
exported file has it, and whoever reads `scores` and `offsets` need not know.
"""

from __future__ import annotations

import keras
from keras import ops

from facetracker.models.backbones import preprocess
from facetracker.models.norm import Norm

# Places that get a second look, in each picture; up to four of them show one face. With three, a face behind three
# lookalikes was lost.
LOOKS = 7
# What is cut out: SIDE pixels square, REACH times as long as the box's side.
SIDE, REACH = 32, 1.7
STEM = 16
UNITS = ((32, 1), (48, 2), (64, 1), (96, 2), (128, 1), (128, 1))  # channels, stride
HIDDEN, BOX_HIDDEN = 48, 64
DROPOUT = 0.2  # in training: the photos without a face are few
# Cells that share the fate of the looked-at one in their middle: a square of so many each way.
NEAR = 3
# How much the second opinion counts: `score ** (1 - SHARE) * opinion ** SHARE`.
SHARE = 0.7
# How far a box goes towards where the second look would have it: the mean of both is better than either.
MOVE = 0.75
# How much surer one may be of all other cells where what was looked at are faces: `score ** (1 / (1 + CROWD))`.
CROWD = 1.2
# An opinion counts in full from the second score up, and not at all below the first: of places that are hardly peaks,
# rounding decides which is looked at, and no two engines round alike.
UNSEEN, SEEN = 0.02, 0.05
# Probabilities this close to 0 or 1 tell no more; an opinion may be far surer than the head.
LEAST, NO_DOUBT = 1e-3, 1e-6
FAR = 1e3  # more than any factor: a cell with nothing near that was looked at


@keras.saving.register_keras_serializable("facetracker")
class SecondLook(keras.layers.Layer):
    """Pictures `(B, H, W, 3)` 0..255 and a dense head's outputs to its outputs judged again.

    The `looks` best cells are looked at: the score of each becomes the weighted geometric mean of the head's and of the
    second opinion, its box is corrected. Cells beside it mean the same: their scores change by the same factor.
    All others are judged by company: in an empty room they lose by the mean of these factors, in a crowd they gain.
    """

    def __init__(
        self, strides: tuple[int, ...] = (8, 16, 32), looks: int = LOOKS, least_offset: float = 0.0, **options
    ):
        super().__init__(**options)
        self.least_offset = least_offset
        self.strides = tuple(strides)
        self.looks = looks
        self.stem = keras.layers.Conv2D(STEM, 3, 2, padding="same", use_bias=False, name="stem_conv")
        self.stem_norm = Norm(momentum=0.97, name="stem_norm")
        self.units = [
            (
                keras.layers.DepthwiseConv2D(3, stride, padding="same", use_bias=False, name=f"unit{i}_depthwise"),
                keras.layers.Conv2D(width, 1, use_bias=False, name=f"unit{i}_conv"),
                Norm(momentum=0.97, name=f"unit{i}_norm"),
            )
            for i, (width, stride) in enumerate(UNITS)
        ]
        self.gather = keras.layers.DepthwiseConv2D(SIDE // 8, use_bias=False, name="gather")
        self.hidden = keras.layers.Dense(HIDDEN, activation="relu", name="hidden")
        self.verdict = keras.layers.Dense(1, name="verdict", dtype="float32")
        self.box_hidden = keras.layers.Dense(BOX_HIDDEN, activation="relu", name="box_hidden")
        self.move = keras.layers.Dense(4, kernel_initializer="zeros", name="move", dtype="float32")

    def build(self, *_):
        shape = (None, SIDE, SIDE, 3)
        for layer in (self.stem, self.stem_norm, *(layer for unit in self.units for layer in unit), self.gather):
            layer.build(shape)
            shape = layer.compute_output_shape(shape)
        self.hidden.build((None, UNITS[-1][0]))
        self.verdict.build((None, HIDDEN + 2))
        self.box_hidden.build((None, UNITS[-1][0]))
        self.move.build((None, BOX_HIDDEN + 1))
        self.built = True

    def call(self, pictures, outputs):
        scores, boxes, numbers, strides = self.candidates(pictures, outputs)
        verdict, moves = self.judge(self.cut(pictures, boxes), scores, boxes)
        counts = ops.clip((scores - UNSEEN) / (SEEN - UNSEEN), 0.0, 1.0)
        head = ops.log(ops.maximum(scores, UNSEEN))
        opinion = ops.log(ops.maximum(ops.reshape(ops.sigmoid(verdict), ops.shape(scores)), NO_DOUBT))
        opinion = head + counts * (opinion - head)
        moves = MOVE * counts[..., None] * ops.reshape(moves, ops.shape(boxes)) / strides
        return {
            **outputs,
            "scores": self._judged(pictures, outputs["scores"], numbers, SHARE * (opinion - head), opinion),
            "offsets": ops.maximum(outputs["offsets"] + _put(moves, numbers, outputs["offsets"]), self.least_offset),
        }

    def _judged(self, pictures, scores, numbers, change, opinion):
        """All scores `(B, A, 1)` after cells `numbers` `(B, N)` were looked at: logarithms of how their scores change
        and of what the second opinion is, both `(B, N)`."""
        own = _put(ops.exp(change), numbers, scores)  # the factor of a score, 0 where nobody looked
        lowest = -self._highest_near(ops.where(own > 0.0, -own, -FAR), pictures, NEAR)
        mean = ops.minimum(ops.mean(change, axis=1), 0.0)[:, None, None]
        faces = ops.exp(ops.mean(opinion, axis=1))[:, None, None]
        others = ops.exp((ops.log(ops.maximum(scores, NO_DOUBT)) + mean) / (1.0 + CROWD * faces))
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
        scores, cell = ops.top_k(peaks, self.looks)
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
        made again for every picture, to take LOOKS lines from it.
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
        """What boxes `(B, N, 4)` show, with what is around: `(B * N, SIDE, SIDE, 3)`, the edge repeated.

        Nearest pixels: small faces are what is in doubt, and averaging large ones down first took 0.35 ms.
        """
        height, width = ops.shape(pictures)[1], ops.shape(pictures)[2]
        sides = _sides(boxes)
        extent = REACH * ops.sqrt(sides[..., :1] * sides[..., 1:])
        middle = (boxes[..., :2] + boxes[..., 2:]) / 2
        steps = (ops.arange(SIDE, dtype="float32") + 0.5) / SIDE - 0.5
        x = _pixel(middle[..., :1] + extent * steps, width)
        y = _pixel(middle[..., 1:] + extent * steps, height) + (_row_numbers(x[..., 0]) * height)[..., None]
        table = ops.reshape(pictures, (-1, 3))
        pixels = ops.take(table, ops.reshape(y * width, (-1, SIDE, 1)) + ops.reshape(x, (-1, 1, SIDE)), axis=0)
        return ops.cast(pixels, "float32")

    def judge(self, cuts, scores, boxes, training=None):
        """Of N cuts with the head's scores and boxes: how sure the second look is, as logits `(N, 1)`, and how far it
        would move the left, top, right and bottom side outwards `(N, 4)`, in pixels."""
        x = ops.relu(self.stem_norm(self.stem(preprocess(cuts, "signed")), training=training))
        for (depthwise, pointwise, norm), (width, stride) in zip(self.units, UNITS, strict=True):
            y = norm(pointwise(depthwise(x)), training=training)
            x = ops.relu(x + y if stride == 1 and x.shape[-1] == width else y)
        x = ops.reshape(self.gather(x), (-1, UNITS[-1][0]))
        likely = ops.clip(ops.reshape(scores, (-1, 1)), LEAST, 1 - LEAST)
        likely = ops.log(likely) - ops.log(1.0 - likely)
        sides = ops.reshape(_sides(boxes), (-1, 2))
        side = ops.sqrt(sides[:, :1] * sides[:, 1:])
        height = ops.log(sides[:, 1:] / SIDE)
        shape = ops.log(sides[:, :1] / sides[:, 1:])
        seen = self.hidden(keras.random.dropout(x, DROPOUT) if training else x)
        verdict = self.verdict(ops.concatenate([seen, *(ops.cast(v, x.dtype) for v in (likely, height))], axis=-1))
        place = ops.concatenate([self.box_hidden(x), ops.cast(shape, x.dtype)], axis=-1)
        return verdict, self.move(place) * side

    def get_config(self):
        return {
            **super().get_config(),
            "strides": list(self.strides),
            "looks": self.looks,
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
