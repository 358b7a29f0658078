"""Where a photo comes to lie in a view, what is left of its boxes there, faces that the edge cuts; all in pixels."""

from __future__ import annotations

import cv2
import numpy as np
from numpy.typing import NDArray

from facetracker.core.boxes import IGNORED, Boxes, as_boxes
from facetracker.core.photo import Picture

# A face must be visible by this share and have this side in pixels to be asked for; what is left of others is ignored.
LEAST_VISIBLE, LEAST_SIDE = 0.4, 6.0

Classes = NDArray[np.int32]


SMALLEST = 12.0  # pixels: of a smaller face, cut, nothing is left to know it by
VISIBLE = (0.4, 0.9)  # share of the cut face's width or height that stays
SIDEWAYS = 0.7  # people leave at the sides more often than at the top or the bottom


def placement(scale: float, corner, degrees: float, pivot):
    """The 2x3 matrix that scales a photo, puts its corner at `corner` and turns it round `pivot`."""
    matrix = np.array([[scale, 0.0, corner[0]], [0.0, scale, corner[1]]])
    if not degrees:
        return matrix
    turn = cv2.getRotationMatrix2D((float(pivot[0]), float(pivot[1])), degrees, 1.0)
    return turn @ np.vstack([matrix, [0.0, 0.0, 1.0]])


def fills(picture: Picture, matrix, width: int, height: int) -> bool:
    """Whether the photo, placed by the matrix, covers the whole view: then nothing is seen beside it."""
    corners = np.array([[0, 0], [width, 0], [0, height], [width, height]], np.float64)
    back = (corners - matrix[:, 2]) @ np.linalg.inv(matrix[:, :2]).T
    return bool((back >= -1.5).all() and (back <= np.array(picture.shape[1::-1]) + 1.5).all())


def turned(boxes: Boxes, matrix) -> Boxes:
    """Boxes in pixels after the matrix: the box round the turned oval, for a face is one and not a rectangle."""
    middle = (boxes[:, :2] + boxes[:, 2:]) / 2 @ matrix[:, :2].T + matrix[:, 2]
    half = (boxes[:, 2:] - boxes[:, :2]) / 2
    reach = np.sqrt(half**2 @ (matrix[:, :2] ** 2).T)
    return as_boxes(np.concatenate([middle - reach, middle + reach], axis=1))


def shown(boxes: Boxes, width: int, height: int) -> NDArray[np.bool_]:
    """Of which boxes `(N, 4)` more than a pixel lies in the view: `(N,)`."""
    cut = _cut(boxes, width, height)
    return np.asarray((cut[:, 2:] - cut[:, :2] > 1).all(axis=1), bool)


def _cut(boxes: Boxes, width: int, height: int) -> Boxes:
    cut = as_boxes(boxes).copy()
    cut[:, [0, 2]] = cut[:, [0, 2]].clip(0, width)
    cut[:, [1, 3]] = cut[:, [1, 3]].clip(0, height)
    return cut


def visible(
    boxes: Boxes, classes: Classes, width: int, height: int, least_side: float = LEAST_SIDE
) -> tuple[Boxes, Classes]:
    """Boxes cut at the view's edge; of those mostly gone or smaller than `least_side` the class becomes IGNORED."""
    if not len(boxes):
        return as_boxes(boxes), np.zeros(0, np.int32)
    cut = _cut(boxes, width, height)
    sides = cut[:, 2:] - cut[:, :2]
    share = sides.prod(axis=1) / np.maximum((boxes[:, 2:] - boxes[:, :2]).prod(axis=1), 1e-6)
    small = np.sqrt(np.maximum(sides.prod(axis=1), 0)) < least_side
    kinds = np.where((share < LEAST_VISIBLE) | small, IGNORED, classes).astype(np.int32)
    there = shown(boxes, width, height)
    return as_boxes(cut[there]), kinds[there]


def cut_off_a_face(random: np.random.Generator, picture: Picture, boxes: Boxes) -> tuple[Picture, Boxes]:
    """The square part of a square picture `(S, S, 3)` whose edge runs through one of its faces, as large as before.

    People lean out of a webcam's sight, and a photo that shows it is rarely kept. Boxes `(N, 4)` in pixels move along,
    beyond the edges where faces do. Without a face that is large enough both stay as they are.
    """
    sides = np.sqrt(np.maximum(boxes[:, 2:] - boxes[:, :2], 0).prod(axis=1))
    large = np.flatnonzero(sides >= SMALLEST)
    if not len(large):
        return picture, boxes
    side = picture.shape[0]
    box = boxes[random.choice(large)]
    across = 0 if random.random() < SIDEWAYS else 1
    low, high = box[across], box[across + 2]
    gone = (1.0 - random.uniform(*VISIBLE)) * (high - low)
    # The edge nearer to the face is the one that moves, so that more than half of the picture stays.
    start, end = (low + gone, side) if low + high < side else (0, high - gone)
    extent = int(np.clip(end - start, side / 2, side))
    corner = np.zeros(2, int)
    corner[across] = 0 if start == 0 else side - extent
    middle = (box[1 - across] + box[3 - across]) / 2
    corner[1 - across] = int(np.clip(middle - random.uniform(0.2, 0.8) * extent, 0, side - extent))
    x, y = corner
    part = cv2.resize(picture[y : y + extent, x : x + extent], (side, side), interpolation=cv2.INTER_LINEAR)
    return part, as_boxes((boxes - np.tile(corner, 2)) * (side / extent))
