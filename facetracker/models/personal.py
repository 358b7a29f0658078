"""`PersonalTracker`: the starter, unchanged, with one person's style and, where there is one, their own head."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import keras
from keras import ops

from facetracker.models.backbones import preprocess
from facetracker.models.heads.dense import STRIDES as HEAD_STRIDES
from facetracker.models.heads.dense import decode_cells
from facetracker.models.nano import FORK
from facetracker.models.own_head import STRIDES, OwnHead
from facetracker.models.tracker import FaceTracker

NO_STYLE = (0.0, 0.0, 0.0, 0.0)
# From how sure an own head takes over from the starter, and what "a hair" is. Not steeper: what engines differ by in
# the last digit is multiplied by it.
TAKES_OVER, A_HAIR, STEEP = 0.82, 0.02, 100.0


@keras.saving.register_keras_serializable("facetracker")
class PersonalTracker(FaceTracker):
    """A tracker of backbone nano with the dense head and the second look, which draws boxes as one person does.

    `style`: how far the left, top, right and bottom side of this person's boxes lie from the starter's, in the widths
    and heights of the starter's box. With `own_head` there are more cells, behind the starter's: those of the own
    head, which has learnt what the style leaves. The surest cell of a face speaks for it, so outputs are read as
    always.
    """

    def __init__(
        self,
        style: Sequence[float] = NO_STYLE,
        own_head: bool = True,
        image_size: int | None = 320,
        weights: str | None = "none",
        **options: Any,
    ):
        # What a personal tracker always is stands in its config all the same: files say all of what they are.
        second_look = options.get("second_look") or True  # a file's own, or today's
        options |= {"backbone": "nano", "head": "dense", "second_look": second_look}
        self.style = tuple(float(number) for number in style)
        self.with_own_head = own_head
        super().__init__(image_size=image_size, weights=weights, **options)
        if self.own_head is not None:
            self.own_head.start_from(self)

    def build(self, input_shape):
        # Here and not in __init__: Keras takes no new parts once a model is built, and FaceTracker builds itself.
        if not self.built:
            self.own_head = OwnHead(self.landmarks, name="own_head") if self.with_own_head else None
            if self.own_head is not None:
                self.own_head.build()
            deeper = keras.Model(self.backbone.inputs, [self.backbone.get_layer(FORK).output, *self.backbone.outputs])
            # A function and no part of the model: Keras would save its layers, which are the backbone's, once more.
            self.see = lambda pictures: deeper(pictures, training=False)
        super().build(input_shape)

    @property
    def strides(self) -> tuple[int, ...]:
        """The stride of every grid of cells in the outputs, in order."""
        own = STRIDES if self.own_head is not None else ()
        return (*HEAD_STRIDES, *own)

    def call(self, pictures, training=None):
        for_own, *features = self.see(ops.cast(preprocess(pictures, self.how_preprocessed), self.compute_dtype))
        assert self.second_look is not None
        outputs = self.second_look(pictures, self.head(features))
        if self.own_head is not None:
            own = self.own_head(for_own)
            known = _support(outputs["scores"], ops.shape(pictures)[1], ops.shape(pictures)[2])
            own = {**own, "scores": _own_scores(own["scores"], known)}
            outputs = {name: ops.concatenate([outputs[name], own[name]], axis=1) for name in ("scores", "offsets")}
        return {**outputs, "offsets": styled(outputs["offsets"], self.style)}

    def features(self, pictures):
        """What the own head learns from: features of stride 16 of pictures `(B, H, W, 3)` 0..255."""
        scaled = ops.cast(preprocess(pictures, self.how_preprocessed), self.compute_dtype)
        return self.see(scaled)[0]

    def decode(self, outputs, size: tuple[int, int] | None = None, threshold: float = 0.5, **options: Any):
        """As `FaceTracker.decode`, of the starter's cells and the own head's."""
        size = size or (self.image_size, self.image_size)
        return decode_cells(outputs, size, self.strides, threshold=threshold, **options)

    def get_config(self):
        return {
            **super().get_config(),
            "style": list(self.style),
            "own_head": self.own_head is not None,
        }


def _own_scores(sure, known):
    """How much the own head's cells `(B, A, 1)` count, from how sure it is and how sure the starter is there.

    Where it is sure, it takes over: a hair more than the starter, so that its box is the one that stays, and of its own
    boxes of a face the one it is surest of. What it alone has found counts by the fifth power of how sure it is. So
    little changes for strangers, whom it is hardly ever so sure of, and somebody whom the starter misses is found.
    """
    # Multiplied out, and a steep line instead of a condition: powers and conditions leave LiteRT's fast path.
    twice = sure * sure
    alone = twice * twice * sure
    surer = known + A_HAIR * sure * (1.0 - known)
    return ops.maximum(alone, surer * ops.clip((sure - TAKES_OVER) * STEEP, 0.0, 1.0))


def _support(scores, height, width):
    """For each cell of the own head the highest score of the starter's cells around it: `(B, A, 1)`.

    Around is so wide that all cells of a face get the same, or else the starter would choose between them.
    """
    grids, start = [], 0
    for stride in HEAD_STRIDES:
        rows, columns = height // stride, width // stride
        grids.append(ops.reshape(scores[:, start : start + rows * columns], (-1, rows, columns, 1)))
        start = start + rows * columns
    fine = ops.maximum(ops.max_pool(grids[0], 2, 2, padding="same"), grids[1])
    coarse = ops.maximum(ops.max_pool(fine, 2, 2, padding="same"), grids[2])
    fine = ops.maximum(fine, ops.repeat(ops.repeat(grids[2], 2, axis=1), 2, axis=2))
    around = [ops.max_pool(grid, size, 1, padding="same") for grid, size in ((fine, 5), (coarse, 3))]
    return ops.concatenate([ops.reshape(grid, (-1, ops.shape(grid)[1] * ops.shape(grid)[2], 1)) for grid in around], 1)


def styled(offsets, style: Sequence[float]):
    """Offsets `(B, A, 4)` (left, top, right, bottom of a cell's centre) of boxes drawn in another style."""
    left, top, right, bottom = (offsets[..., side : side + 1] for side in range(4))
    width, height = left + right, top + bottom
    sides = [left - style[0] * width, top - style[1] * height, right + style[2] * width, bottom + style[3] * height]
    return ops.concatenate(sides, axis=-1)
