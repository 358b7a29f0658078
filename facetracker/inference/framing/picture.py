"""The pictures of a framed film: their size, the crop cut out to a fraction of a pixel, and where the film is cut."""

from __future__ import annotations

import math
import re

import cv2
import numpy as np
from numpy.typing import NDArray

from facetracker.core.errors import FaceTrackerError
from facetracker.core.photo import Picture

LINES = 720  # of the framed picture at most, unless more are asked for
EXTREME = 5.0  # a crop that is so many times wider than high, or higher than wide, is a slip of the keyboard
STEPS = 48  # samples of a picture in each direction, to find cuts
HARD = 22.0  # grey levels by which two frames differ on average where a film is cut
SUDDEN = 4.0  # times more than the frames before


def shape_of(text: str) -> tuple[int, int]:
    """Width and height of a shape such as `16:9`, without a common divisor."""
    found = re.fullmatch(r"\s*(\d{1,4})\s*[:x/]\s*(\d{1,4})\s*", text)
    wide, high = (int(found[1]), int(found[2])) if found else (0, 0)
    if not wide or not high or not 1 / EXTREME <= wide / high <= EXTREME:
        raise FaceTrackerError(f"--shape {text} is no shape of a picture", fix="16:9, 9:16, 1:1 or 4:5, for example.")
    common = math.gcd(wide, high)
    return wide // common, high // common


def size_for(shape: tuple[int, int], width: int, height: int, lines: int | None = None) -> tuple[int, int]:
    """Width and height of the framed picture of a source of `width` x `height` pixels.

    Exactly of the shape, both even (films want that), the largest that is no larger than the largest crop and no
    higher than `lines` (default: LINES). Where that would be nothing, the smallest of the shape.
    """
    wide, high = shape
    step = 1 if wide % 2 == 0 and high % 2 == 0 else 2
    most = min(width // wide, height // high, (lines or LINES) // high) // step * step
    return wide * max(step, most), high * max(step, most)


def cut_out(picture: Picture, crop: NDArray[np.float64], size: tuple[int, int]) -> Picture:
    """The crop (xyxy, normalised) of a picture `(H, W, 3)` as a new picture of `size` (width, height).

    Placed to a fraction of a pixel: a slow pan that went pixel by pixel would tremble.
    """
    height, width = picture.shape[:2]
    left, top, right, bottom = crop * [width, height, width, height]
    x0, y0 = max(0, math.floor(left) - 1), max(0, math.floor(top) - 1)
    part = picture[y0 : math.ceil(bottom) + 1, x0 : math.ceil(right) + 1]
    if (left, top, right, bottom) == (0, 0, width, height) and (width, height) == size:
        return picture.copy()
    scale = (right - left) / size[0]
    left, top = left - x0, top - y0
    if scale >= 2:  # far smaller: every pixel counts, or fine patterns shimmer
        times = math.floor(scale)
        part = part[: part.shape[0] // times * times or None, : part.shape[1] // times * times or None]
        smaller = (max(1, part.shape[1] // times), max(1, part.shape[0] // times))
        part = cv2.resize(part, smaller, interpolation=cv2.INTER_AREA)
        left, top, scale = left / times, top / times, scale / times
    way = np.array([[scale, 0, left + scale / 2 - 0.5], [0, scale, top + scale / 2 - 0.5]], np.float64)
    # Four channels are warped in half the time of three.
    warped = cv2.warpAffine(
        cv2.cvtColor(part, cv2.COLOR_BGR2BGRA),
        way,
        size,
        flags=cv2.INTER_LINEAR | cv2.WARP_INVERSE_MAP,
        borderMode=cv2.BORDER_REPLICATE,
    )
    return cv2.cvtColor(warped, cv2.COLOR_BGRA2BGR)


class Cuts:
    """Finds the hard cuts of a film: frames that differ far more from the one before than those before them did."""

    def __init__(self) -> None:
        self._last: NDArray[np.float32] | None = None
        self._usual = 0.0

    def is_cut(self, picture: Picture) -> bool:
        """Whether the film was cut between the frame before and this one."""
        down, right = (max(1, side // STEPS) for side in picture.shape[:2])
        samples, last = picture[down // 2 :: down, right // 2 :: right, 1].astype(np.float32), self._last
        self._last = samples
        if last is None or last.shape != samples.shape:
            self._usual = 0.0
            return last is not None
        differs = float(np.abs(samples - last).mean())
        cut = differs > HARD and differs > SUDDEN * self._usual
        self._usual = 0.0 if cut else 0.8 * self._usual + 0.2 * differs
        return cut
