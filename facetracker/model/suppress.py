"""Non-maximum suppression in keras.ops: static shapes, whole batches, every backend."""

from __future__ import annotations

from keras import ops

from facetracker.model.losses import pairwise_iou


def suppress(boxes, scores, classes, threshold: float, iou_threshold: float, most: int, candidates: int = 300):
    """The best box of every heap of overlapping ones, best score first, of any class.

    Boxes `(B, A, 4)`, scores `(B, A)`, classes `(B, A)`; gives `(B, most, 4)`, `(B, most)`, `(B, most)` padded with
    zeros, 0 and -1. Only the best `candidates` boxes of a picture are looked at.
    """
    count = min(candidates, scores.shape[1]) if scores.shape[1] else candidates
    scores, order = ops.top_k(scores, count)
    boxes = ops.take_along_axis(boxes, order[..., None], axis=1)
    classes = ops.take_along_axis(classes, order, axis=1)
    close = ops.cast(pairwise_iou(boxes, boxes) > iou_threshold, "float32")  # (B, N, N)
    place = ops.arange(count, dtype="int32")

    def keep_or_drop(i, kept):
        # Boxes come best first: number i stays unless a better one that stays lies on it.
        rows = ops.take(close, i, axis=1) * ops.cast(place < i, "float32")
        stays = ops.cast(ops.max(rows * kept, axis=1, keepdims=True) < 0.5, "float32")
        here = ops.cast(ops.equal(place, i), "float32")
        return kept * (1.0 - here) + stays * kept * here

    kept = ops.fori_loop(0, count, keep_or_drop, ops.cast(scores >= threshold, "float32"))
    scores, order = ops.top_k(scores * kept, min(most, count))
    shown = ops.cast(scores > 0, "float32")
    boxes = ops.take_along_axis(boxes, order[..., None], axis=1) * shown[..., None]
    classes = ops.where(scores > 0, ops.take_along_axis(classes, order, axis=1), -1)
    spare = most - min(most, count)
    return (
        ops.pad(boxes, [[0, 0], [0, spare], [0, 0]]),
        ops.pad(scores, [[0, 0], [0, spare]]),
        ops.pad(classes, [[0, 0], [0, spare]], constant_values=-1),
    )
