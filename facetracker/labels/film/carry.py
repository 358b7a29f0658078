"""A box carried through the picture, frame by frame, where nothing was found: the way its pixels go, in both senses.

Points in the box are followed by optical flow from one frame to the next and back again (Kalal et al., Forward-Backward
Error, ICPR 2010). Those that come back to where they were say how the box moved and grew; when too few do, it is lost.
"""

from __future__ import annotations

from typing import Protocol

import cv2
import numpy as np
from numpy.typing import NDArray

from facetracker.core.photo import Picture
from facetracker.labels.film.tracks import PixelCorners

MOST = 4.0  # seconds that a box is carried at most
SIDE = 640  # pixels of the pictures' longer side: what the flow looks at
GRID = 10  # points across and down the box
FEWEST = 12  # points that must come back
RETURNS = 1.0  # pixels: how near to where they were
ALIKE = 0.65  # correlation of the box's pixels with those that it began with, at least
GROWS = 1.08  # from one frame to the next, at most
WINDOW, LEVELS = (15, 15), 3


class Carrier(Protocol):
    """The pictures of a film, for carrying: grey, small."""

    @property
    def scale(self) -> float:
        """Pixels of these pictures to one of the film."""

    @property
    def fps(self) -> float:
        """Frames a second."""

    def grey(self, frame: int) -> Picture:
        """The frame `(H, W)`, grey."""

    def ahead(self, first: int, last: int) -> None:
        """These frames are asked for next, in any order."""


def carry(carrier: Carrier, frame: int, box: PixelCorners, step: int, limit: int) -> list[PixelCorners]:
    """The boxes in the frames after `frame` (before it: `step` -1), up to `limit` included or where it is lost."""
    count = min(abs(limit - frame), round(MOST * carrier.fps))
    if (limit - frame) * step <= 0:
        return []
    carrier.ahead(min(frame, frame + step * count), max(frame, frame + step * count))
    way: list[PixelCorners] = []
    scale = carrier.scale
    at = np.array(box) * scale
    last = carrier.grey(frame)
    first_look = _look(last, at)
    for number in range(1, count + 1):
        picture = carrier.grey(frame + step * number)
        moved = _moved(last, picture, at)
        if moved is None or _is_out(moved, picture):
            break
        if first_look is not None and (now := _look(picture, moved)) is not None and _alike(first_look, now) < ALIKE:
            break
        at, last = moved, picture
        left, top, right, bottom = (float(side) for side in at / scale)
        way.append((left, top, right, bottom))
    return way


def _moved(before: Picture, after: Picture, box: NDArray) -> NDArray | None:
    """Where the box is in the next picture; None when it is lost."""
    inner = box + np.array([0.1, 0.1, -0.1, -0.1]) * np.tile(box[2:] - box[:2], 2)
    across = np.linspace(inner[0], inner[2], GRID, dtype=np.float32)
    down = np.linspace(inner[1], inner[3], GRID, dtype=np.float32)
    points = np.stack(np.meshgrid(across, down), axis=-1).reshape(-1, 1, 2)
    there, found = _flow(before, after, points)
    back, returned = _flow(after, before, there)
    off = np.linalg.norm(back - points, axis=2).ravel()
    good = found & returned & (off <= RETURNS)
    if good.sum() < FEWEST:
        return None
    start, end = points[good, 0], there[good, 0]
    shift = np.median(end - start, axis=0)
    apart = _apart(start)
    sure = apart > 1
    growth = float(np.median(_apart(end)[sure] / apart[sure])) if sure.any() else 1.0
    growth = float(np.clip(growth, 1 / GROWS, GROWS))
    middle = (box[:2] + box[2:]) / 2
    # The middle of the points need not be that of the box: it moves with them, and outwards as they grow.
    centre = middle + shift + (growth - 1) * (middle - np.median(start, axis=0))
    half = (box[2:] - box[:2]) / 2 * growth
    return np.concatenate([centre - half, centre + half])


def _flow(before: Picture, after: Picture, points: NDArray) -> tuple[NDArray, NDArray]:
    """Where the points `(N, 1, 2)` are in the next picture, and which of them were found `(N,)`."""
    there = points.copy()
    there, found, _ = cv2.calcOpticalFlowPyrLK(before, after, points, there, winSize=WINDOW, maxLevel=LEVELS)
    return np.asarray(there), np.asarray(found).ravel() == 1


def _apart(points: NDArray) -> NDArray:
    """Distances of each point from one half of the list on."""
    half = len(points) // 2
    return np.linalg.norm(points[:half] - points[half : 2 * half], axis=1)


def _look(picture: Picture, box: NDArray) -> NDArray | None:
    """The box's pixels, small and of even brightness; None where it sticks out."""
    height, width = picture.shape[:2]
    left, top, right, bottom = (round(float(side)) for side in box)
    if left < 0 or top < 0 or right > width or bottom > height or right - left < 4 or bottom - top < 4:
        return None
    small = cv2.resize(picture[top:bottom, left:right], (16, 16), interpolation=cv2.INTER_AREA).astype(np.float32)
    small -= small.mean()
    return small / max(float(np.linalg.norm(small)), 1e-6)


def _alike(one: NDArray, other: NDArray) -> float:
    return float((one * other).sum())


def _is_out(box: NDArray, picture: Picture) -> bool:
    """Most of the box is outside the picture."""
    height, width = picture.shape[:2]
    inside = np.clip(box, 0, [width, height, width, height])
    shown = np.prod(inside[2:] - inside[:2])
    return bool(shown < 0.3 * np.prod(box[2:] - box[:2]))
