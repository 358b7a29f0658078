"""Non-maximum suppression in keras.ops: static shapes, whole batches, every backend."""

from __future__ import annotations

from keras import ops

from facetracker.models.losses import pairwise_iou


def suppress(boxes, scores, classes, threshold: float, iou_threshold: float, most: int, candidates: int = 300):
    """The best box of every heap of overlapping ones, best score first, of any class.

    Boxes `(B, A, 4)`, scores `(B, A)`, classes `(B, A)`; gives `(B, most, 4)`, `(B, most)`, `(B, most)` padded with
    zeros, 0 and -1. Only the best `candidates` boxes of a picture are looked at.
    """
    count = min(candidates, scores.shape[1]) if scores.shape[1] else candidates
    scores, order = ops.top_k(scores, count)
    boxes = ops.take_along_axis(boxes, order[..., None], axis=1)
    classes = ops.take_along_axis(classes, order, axis=1)
    # Boxes come best first: (B, N, N), 1 where the second one is better than the first and lies on it.
    better = ops.tril(ops.cast(pairwise_iou(boxes, boxes) > iou_threshold, "float32"), k=-1)
    sure = ops.cast(scores >= threshold, "float32")

    # A box stays unless a better one that stays lies on it. Asked of all boxes at once until no answer changes: after
    # round n at least the first n are right, and heaps of faces are a few boxes deep, so a few rounds do.
    def judge(kept, before):
        covered = ops.einsum("bij,bj->bi", better, kept) > 0.5
        return ops.where(covered, 0.0, sure), kept

    start = (sure, ops.zeros_like(sure) - 1.0)
    kept, _ = ops.while_loop(lambda kept, before: ops.any(kept != before), judge, start, maximum_iterations=count + 1)
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
