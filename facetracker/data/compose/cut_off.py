"""Faces half out of the picture: people lean out of a webcam's sight, and a photo that shows it is rarely kept."""

from __future__ import annotations

import cv2
import numpy as np

from facetracker.core.boxes import Boxes, as_boxes
from facetracker.core.photo import Picture

SMALLEST = 12.0  # pixels: of a smaller face, cut, nothing is left to know it by
VISIBLE = (0.4, 0.9)  # share of the cut face's width or height that stays
SIDEWAYS = 0.7  # people leave at the sides more often than at the top or the bottom


def cut_off_a_face(random: np.random.Generator, picture: Picture, boxes: Boxes) -> tuple[Picture, Boxes]:
    """The square part of a square picture `(S, S, 3)` whose edge runs through one of its faces, as large as before.

    Boxes `(N, 4)` in pixels move along, beyond the edges where faces do. Without a face that is large enough both
    stay as they are.
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
