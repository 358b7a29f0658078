"""Box arithmetic on numpy.

A box is `xyxy` (left, top, right, bottom), float32, normalised to the upright picture: (0, 0) is its left upper
corner, (1, 1) its right lower one. Boxes come as `(N, 4)`; a picture without a face has `(0, 4)`, never a dummy box.
Pixels exist only at the edges (labelme, drawing, other programs); `to_pixels` and `from_pixels` are the one place
that converts.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike, NDArray

Boxes = NDArray[np.float32]
Numbers = NDArray[np.floating]

# Class of a box that is neither face nor background (too small to label, cut off, doubtful): a loss looks away there.
IGNORED = -2  # mutants: any number below -1 does


def empty() -> Boxes:
    """No face: `(0, 4)`."""
    return np.zeros((0, 4), np.float32)


def as_boxes(values: ArrayLike) -> Boxes:
    """Anything box-like as `(N, 4)` float32; an empty list gives `(0, 4)`."""
    boxes = np.asarray(values, np.float32)
    if boxes.size == 0:
        return empty()
    return boxes.reshape(-1, 4)  # mutants: numpy takes any negative side for the unknown one


def from_pixels(boxes: ArrayLike, width: int, height: int) -> Boxes:
    """Pixel boxes `(N, 4)` of a picture of `width` x `height` pixels, normalised."""
    return as_boxes(as_boxes(boxes).astype(np.float64) / [width, height, width, height])


def to_pixels(boxes: ArrayLike, width: int, height: int) -> Boxes:
    """Normalised boxes `(N, 4)` in pixels of a picture of `width` x `height` pixels."""
    return as_boxes(as_boxes(boxes).astype(np.float64) * [width, height, width, height])


def clip(boxes: ArrayLike) -> Boxes:
    """The part of each box `(N, 4)` inside the picture; a box wholly outside becomes one without area."""
    return np.clip(as_boxes(boxes), 0.0, 1.0)


def sizes(boxes: ArrayLike) -> Numbers:
    """Width and height of each box, `(N, 2)`; never negative."""
    boxes = as_boxes(boxes)
    return np.maximum(boxes[:, 2:] - boxes[:, :2], 0.0)


def areas(boxes: ArrayLike) -> Numbers:
    """Area of each box, `(N,)`, as a share of the picture."""
    return sizes(boxes).prod(axis=1)


def centres(boxes: ArrayLike) -> Numbers:
    """Centre `(x, y)` of each box, `(N, 2)`."""
    boxes = as_boxes(boxes)
    return (boxes[:, :2] + boxes[:, 2:]) / 2


def overlaps(a: ArrayLike, b: ArrayLike) -> Numbers:
    """Shared area of every pair: `(N, 4)` and `(M, 4)` give `(N, M)`."""
    a, b = as_boxes(a), as_boxes(b)
    corner = np.maximum(a[:, None, :2], b[None, :, :2])
    far = np.minimum(a[:, None, 2:], b[None, :, 2:])
    return np.maximum(far - corner, 0.0).prod(axis=2)


def iou(a: ArrayLike, b: ArrayLike) -> Numbers:
    """Intersection over union of every pair: `(N, 4)` and `(M, 4)` give `(N, M)`; two empty boxes give 0."""
    shared = overlaps(a, b)
    union = areas(a)[:, None] + areas(b)[None, :] - shared
    return np.divide(shared, union, out=np.zeros_like(shared), where=union > 0)


def best_pairs(overlap: NDArray, least: float) -> list[tuple[int, int]]:
    """Rows and columns that belong together: the largest of `overlap` `(T, N)` first, each row and column once."""
    found: list[tuple[int, int]] = []
    rows, columns = np.nonzero(overlap >= least)
    for at in np.argsort(-overlap[rows, columns], kind="stable"):
        row, column = int(rows[at]), int(columns[at])
        if all(row != r and column != c for r, c in found):
            found.append((row, column))
    return found


def faults(boxes: ArrayLike, tolerance: float = 0.0) -> list[str | None]:
    """What is wrong with each box `(N, 4)`, or None: not a number, no area, outside the picture.

    `tolerance` is how far (share of the picture) a box may stick out before it is called outside.
    """
    boxes = as_boxes(boxes)
    found: list[str | None] = []
    for box in boxes:
        if not np.isfinite(box).all():
            found.append("not a number")
        elif not (box[2] > box[0] and box[3] > box[1]):
            found.append("no area")
        elif box.min() < -tolerance or box.max() > 1 + tolerance:
            found.append("outside the picture")
        else:
            found.append(None)
    return found


def largest(boxes: ArrayLike) -> int:
    """Index of the largest of at least one box `(N, 4)`; the first of equals."""
    return int(np.argmax(areas(boxes)))


def suppress(boxes: ArrayLike, scores: ArrayLike, iou_threshold: float = 0.5) -> NDArray[np.int64]:
    """Greedy non-maximum suppression: indices of the boxes `(N, 4)` kept, best score `(N,)` first.

    The loop runs once per kept box, not per candidate, so that a picture with one face costs one pass.
    """
    boxes, scores = as_boxes(boxes), np.asarray(scores, np.float32).reshape(-1)  # mutants: as above
    order = np.argsort(-scores, kind="stable")
    kept: list[int] = []
    while order.size:
        best, rest = order[0], order[1:]
        kept.append(int(best))
        order = rest[iou(boxes[best], boxes[rest])[0] <= iou_threshold]
    return np.asarray(kept, np.int64)
