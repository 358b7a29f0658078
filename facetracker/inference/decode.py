"""From a network's outputs to boxes: numpy over whole arrays, no loop over cells or boxes."""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache
from typing import Any, NamedTuple

import cv2
import numpy as np
from numpy.typing import NDArray

from facetracker.core.boxes import Boxes, Numbers, as_boxes, empty, iou

# Non-maximum suppression compares every pair: from more candidates than this only the best are looked at.
MOST_CANDIDATES = 1000  # mutants: one more is as good


class Decoded(NamedTuple):
    """What one picture shows: boxes `(N, 4)`, scores `(N,)`, classes `(N,)` and, of a head that knows them, landmarks
    `(N, 5, 2)`; all normalised to the input."""

    boxes: Boxes
    scores: NDArray[np.float32]
    classes: NDArray[np.int64]
    landmarks: NDArray[np.float32] | None = None


def decode_single(classes: Numbers, boxes: Numbers, threshold: float) -> Decoded:
    """One picture of a single head: `classes (K,)` and `boxes (4,)` as boxes `(N, 4)`, N 0 or 1, scores, classes."""
    best = int(np.argmax(classes))
    if not classes[best] >= threshold or not (boxes[2] > boxes[0] and boxes[3] > boxes[1]):
        return nothing()
    return Decoded(as_boxes(boxes), classes[best : best + 1].astype(np.float32), np.array([best]))


def decode_dense(
    scores: Numbers,
    offsets: Numbers,
    height: int,
    width: int,
    strides: Sequence[int] = (8, 16, 32),
    threshold: float = 0.5,
    iou_threshold: float = 0.5,
    landmarks: Numbers | None = None,
) -> Decoded:
    """One picture of a dense head as boxes `(N, 4)` normalised to its `height` x `width` input, scores, classes.

    `scores (A, K)`, `offsets (A, 4)` left, top, right, bottom of the cell's centre in strides, `landmarks (A, 10)` x
    and y of five points from there. A face has one class: a cell speaks for its best one, and boxes of different
    classes suppress each other.
    """
    best = scores[:, 0] if scores.shape[1] == 1 else scores.max(axis=1)
    cells = np.flatnonzero(best >= threshold)
    if not cells.size:
        return nothing(landmarks is not None)
    if cells.size > MOST_CANDIDATES:
        cells = cells[np.argpartition(-best[cells], MOST_CANDIDATES)[:MOST_CANDIDATES]]
    centres, sides = grid(height, width, tuple(strides))
    if len(centres) != len(scores):
        raise ValueError(f"{len(scores)} cells from a {width}x{height} input, expected {len(centres)}")
    reach = offsets[cells] * sides[cells]
    boxes = np.concatenate([centres[cells] - reach[:, :2], centres[cells] + reach[:, 2:]], axis=1)
    boxes /= np.array([width, height, width, height], np.float32)
    kept = _suppress(boxes, best[cells], iou_threshold)
    chosen = cells[kept]
    points = None
    if landmarks is not None:
        points = centres[chosen, None] + landmarks[chosen].reshape(-1, 5, 2) * sides[chosen, None]
        points /= np.array([width, height], np.float32)
    return Decoded(boxes[kept], best[chosen].astype(np.float32), scores[chosen].argmax(axis=1), points)


def best_of_parts(found: Sequence[Decoded], cut: Sequence[bool]) -> Decoded:
    """Of what a single head found in overlapping parts of one frame (N 0 or 1 each) the one face, N 0 or 1.

    A part that shows no face may be sure of one all the same, where only pictures with a face were trained on. But
    parts that overlap agree on a face, and not on what is none: a box counts more the more others lie on it, and half
    where the edge of its part has `cut` it.
    """
    rows = [number for number, one in enumerate(found) if len(one[0])]
    if not rows:
        return nothing()
    boxes = np.concatenate([found[row][0] for row in rows])
    scores = np.concatenate([found[row][1] for row in rows])
    agreed = (iou(boxes, boxes) * scores[None, :]).sum(axis=1)
    worth = scores * agreed * np.where([cut[row] for row in rows], 0.5, 1.0)
    return found[rows[int(np.argmax(worth))]]


def _suppress(boxes: Boxes, scores: Any, iou_threshold: float) -> NDArray[np.int64]:
    """What `boxes.suppress` does, in C++: 0.03 ms instead of 0.09 for twenty candidates, 1.7 instead of 8 for 1000."""
    corner_and_size: Any = np.concatenate([boxes[:, :2], boxes[:, 2:] - boxes[:, :2]], axis=1)
    return np.asarray(cv2.dnn.NMSBoxes(corner_and_size, scores, 0.0, iou_threshold), np.int64).reshape(-1)


@lru_cache(maxsize=16)  # mutants: how many are kept shows in the time alone
def grid(height: int, width: int, strides: tuple[int, ...]) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """Centre `(A, 2)` and side `(A, 1)` of every cell in pixels of the input; strides in order, row after row."""
    centres, sides = [], []
    for stride in strides:
        rows, columns = -(-height // stride), -(-width // stride)
        y, x = np.mgrid[:rows, :columns]
        centres.append((np.stack([x.ravel(), y.ravel()], axis=1) + 0.5) * stride)
        sides.append(np.full((rows * columns, 1), stride))
    return np.concatenate(centres).astype(np.float32), np.concatenate(sides).astype(np.float32)


def nothing(landmarks: bool = False) -> Decoded:
    """No face: `(0, 4)`, `(0,)`, `(0,)`, and `(0, 5, 2)` with `landmarks`."""
    points = np.zeros((0, 5, 2), np.float32) if landmarks else None
    return Decoded(empty(), np.zeros(0, np.float32), np.zeros(0, np.int64), points)
