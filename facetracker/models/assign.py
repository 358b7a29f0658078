"""Task-aligned assignment: which cells answer for which face.

A cell is a candidate for a face when its centre lies in the face's box. The candidates whose score and box are best
already (score ** 0.5 * IoU ** 4) answer for it; how well they do is the score they are asked to give. So score and
box learn to agree, and no size range has to be set by hand (after TOOD, Feng et al. 2021).
"""

from __future__ import annotations

from typing import Any, NamedTuple

from keras import ops

from facetracker.core.boxes import IGNORED
from facetracker.models.losses import pairwise_iou

SCORE_POWER, IOU_POWER = 0.5, 4.0
CELLS_PER_FACE = 10
# A face smaller than a cell may hold no centre at all: within this distance (pixels) a cell is a candidate anyway.
LEAST_HALF = 4.5


class Answer(NamedTuple):
    """What the cells are asked for, as `(B, A, ...)`; and `ious` `(B, M)`: how well each face is answered now."""

    scores: Any  # (B, A, K) soft class targets
    boxes: Any  # (B, A, 4) true box in pixels
    weights: Any  # (B, A) the target score: how much the box counts
    counts: Any  # (B, A) 1 where the score counts, 0 where it is ignored
    ious: Any  # (B, M)
    faces: Any  # (B, M, A) which face a cell answers for: its share, 0 or 1


def assign(scores, boxes, centres, truth, classes, kinds: int = 1) -> Answer:
    """Face scores `(B, A)` and boxes `(B, A, 4)` of cells at `centres` `(A, 2)` against true boxes `(B, M, 4)`.

    All in pixels. `classes` `(B, M)`, one of `kinds`: -1 is padding, -2 ignored. Which cells answer does not depend
    on the class. Static shapes, no gradient.
    """
    classes = ops.cast(classes, "int32")
    is_face = ops.cast(classes >= 0, "float32")
    one_hot = ops.cast(ops.equal(classes[..., None], ops.arange(kinds, dtype="int32")), "float32")
    inside = _near(centres, truth)  # (B, M, A)
    iou = pairwise_iou(truth, boxes)  # (B, M, A)
    wanted = scores[:, None]
    candidate = inside * is_face[..., None]
    merit = candidate * (ops.power(wanted, SCORE_POWER) * ops.power(iou, IOU_POWER) + 1e-9)
    cell_count = min(CELLS_PER_FACE, merit.shape[-1]) if merit.shape[-1] else CELLS_PER_FACE
    least = ops.top_k(merit, cell_count)[0][..., -1:]
    chosen = candidate * ops.cast(merit >= ops.maximum(least, 1e-12), "float32")
    # A cell that several faces want answers for the one it overlaps most.
    owner = chosen * (iou + 1e-6)
    chosen = chosen * ops.cast(owner >= ops.max(owner, axis=1, keepdims=True), "float32")
    merit = merit * chosen
    best_merit = ops.max(merit, axis=-1, keepdims=True)
    best_iou = ops.max(iou * chosen, axis=-1, keepdims=True)
    target = merit / ops.maximum(best_merit, 1e-12) * best_iou  # (B, M, A)
    weights = ops.max(target, axis=1)
    ignored = ops.cast(ops.equal(classes, IGNORED), "float32")
    in_ignored = ops.max(inside * ignored[..., None], axis=1) * ops.cast(ops.max(chosen, axis=1) <= 0, "float32")
    share = chosen / ops.maximum(ops.sum(chosen, axis=1, keepdims=True), 1.0)
    answered = iou * ops.cast(merit >= ops.maximum(best_merit, 1e-12), "float32")
    return Answer(
        scores=ops.stop_gradient(ops.einsum("bma,bmk->bak", target, one_hot)),
        boxes=ops.stop_gradient(ops.einsum("bma,bmd->bad", share, truth)),
        weights=ops.stop_gradient(weights),
        counts=ops.stop_gradient(1.0 - in_ignored),
        ious=ops.max(answered, axis=-1),
        faces=ops.stop_gradient(share),
    )


def _near(centres, truth):
    """1 where a centre `(A, 2)` lies in a true box `(B, M, 4)` or close to the middle of a tiny one: `(B, M, A)`."""
    middle = (truth[..., :2] + truth[..., 2:]) / 2
    half = ops.maximum((truth[..., 2:] - truth[..., :2]) / 2, LEAST_HALF)
    away_x = ops.abs(centres[:, 0] - middle[..., 0:1]) < half[..., 0:1]
    away_y = ops.abs(centres[:, 1] - middle[..., 1:2]) < half[..., 1:2]
    return ops.cast(ops.logical_and(away_x, away_y), "float32")
