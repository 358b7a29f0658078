"""Cutting a face out of a photo for a classifier: a square with some surroundings, brought to the size of the network.

One geometry for the crops on disk, for training and for the live picture.
"""

from __future__ import annotations

import cv2
import numpy as np
from numpy.typing import ArrayLike

from facetracker.core.letterbox import GREY, Letterbox
from facetracker.core.photo import Picture

MARGIN = 0.15  # of the face's longer side, on each side: hair, chin and ears tell a mask's loops


def cut_face(picture: Picture, box: ArrayLike, margin: float = MARGIN) -> Picture:
    """The square around a box `(4,)` in pixels `(left, top, right, bottom)`, at the photo's own resolution.

    Its side is the box's longer one and `margin` of it on either side. What lies beside the photo repeats its edge.
    """
    left, top, right, bottom = (float(edge) for edge in np.asarray(box, np.float64).reshape(4))
    side = max(2, round(max(right - left, bottom - top) * (1 + 2 * margin)))
    x0, y0 = round((left + right) / 2 - side / 2), round((top + bottom) / 2 - side / 2)
    height, width = picture.shape[:2]
    columns = np.clip(np.arange(x0, x0 + side), 0, width - 1)
    rows = np.clip(np.arange(y0, y0 + side), 0, height - 1)
    if columns[0] == x0 and columns[-1] == x0 + side - 1 and rows[0] == y0 and rows[-1] == y0 + side - 1:
        return picture[y0 : y0 + side, x0 : x0 + side]
    return picture[rows[:, None], columns]


def fit_square(picture: Picture, size: int, centre: float | None = None) -> Picture:
    """A picture `(H, W, 3)` as `(size, size, 3)`, whole and unbent; what is not square gets grey bars.

    With `centre` only the square in its middle, so wide a share of its shorter side. Shrinking averages: a face of 300
    pixels at 64 would otherwise be every fifth pixel of it.
    """
    if centre is not None:
        side = max(1, round(min(picture.shape[:2]) * centre))
        top, left = ((length - side) // 2 for length in picture.shape[:2])
        picture = picture[top : top + side, left : left + side]
    height, width = picture.shape[:2]
    place = Letterbox(width, height, size, size)
    wide, high = place.scaled_width, place.scaled_height
    way = cv2.INTER_AREA if place.scale < 1 else cv2.INTER_LINEAR
    fitted = picture if (width, height) == (wide, high) else cv2.resize(picture, (wide, high), interpolation=way)
    if (wide, high) == (size, size):
        return fitted
    padded = np.full((size, size, 3), GREY, np.uint8)
    padded[place.top : place.top + high, place.left : place.left + wide] = fitted
    return padded
