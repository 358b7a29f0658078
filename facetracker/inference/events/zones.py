"""Zones: named parts of the picture, as shares of it, so that they stay right at every size of the camera's picture.

`desk=0.1,0.2,0.6,0.9` is a rectangle (left, top, right, bottom), six numbers or more are the corners of a polygon,
x and y in turn. Shares belong to the picture as the camera takes it, not mirrored.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from facetracker.core.errors import FaceTrackerError

NAME = re.compile(r"[^\W_][\w .-]{0,63}")  # lands in JSON, in environments and on the picture
WRITE = "Write --zone desk=0.1,0.2,0.6,0.9: left, top, right, bottom as shares of the picture."


@dataclass(frozen=True)
class Zone:
    """A named polygon; `corners` are (x, y) as shares of the picture, in order around it."""

    name: str
    corners: tuple[tuple[float, float], ...]

    def depth(self, point: ArrayLike, width: int, height: int) -> float:
        """How far `point` (2,), in pixels, lies from the zone's edge: above 0 inside, below 0 outside.

        `width`, `height` are the picture's.
        """
        corners = np.asarray(self.corners) * [width, height]
        point = np.asarray(point, np.float64)
        following = np.roll(corners, -1, axis=0)
        distance = float(np.sqrt(_squared(point, corners, following).min()))
        return distance if _is_inside(point, corners, following) else -distance


def _squared(point: NDArray, begins: NDArray, ends: NDArray) -> NDArray[np.float64]:
    """The squared distance of a point (2,) from each side, from `begins` to `ends` (N, 2)."""
    along = ends - begins
    length = np.maximum((along**2).sum(axis=1), 1e-12)
    share = np.clip(((point - begins) * along).sum(axis=1) / length, 0.0, 1.0)
    return ((begins + share[:, None] * along - point) ** 2).sum(axis=1)


def _is_inside(point: NDArray, begins: NDArray, ends: NDArray) -> bool:
    """Does a ray to the right cross the sides an odd number of times?"""
    above = (begins[:, 1] > point[1]) != (ends[:, 1] > point[1])
    rise = np.where(above, ends[:, 1] - begins[:, 1], 1.0)
    crossing = begins[:, 0] + (point[1] - begins[:, 1]) / rise * (ends[:, 0] - begins[:, 0])
    return bool((above & (crossing > point[0])).sum() % 2)


def parse_zone(text: str) -> Zone:
    """The zone that a person wrote as `NAME=NUMBERS`.

    >>> parse_zone("desk=0.1,0.2,0.6,0.9").corners
    ((0.1, 0.2), (0.6, 0.2), (0.6, 0.9), (0.1, 0.9))
    """
    name, equals, rest = text.partition("=")
    name = name.strip()
    text, shown = _short(text), _short(rest)
    if not equals or not NAME.fullmatch(name):
        raise FaceTrackerError(f"--zone {text}: a zone has a name of letters, digits, blanks, - and _", fix=WRITE)
    try:
        numbers = [float(one) for one in rest.split(",")]
    except ValueError:
        raise FaceTrackerError(f"--zone {text}: not all of {shown} are numbers", fix=WRITE) from None
    if not all(0 <= one <= 1 for one in numbers):  # nan is no share either
        raise FaceTrackerError(f"--zone {text}: shares of the picture lie between 0 and 1", fix=WRITE)
    if len(numbers) == 4:
        left, top, right, bottom = numbers
        if left >= right or top >= bottom:
            raise FaceTrackerError(f"--zone {text}: left must be less than right, top less than bottom", fix=WRITE)
        return Zone(name, ((left, top), (right, top), (right, bottom), (left, bottom)))
    if len(numbers) < 6 or len(numbers) % 2:
        raise FaceTrackerError(
            f"--zone {text}: 4 numbers are a rectangle, 6, 8, ... the corners of a polygon", fix=WRITE
        )
    corners = tuple(zip(numbers[::2], numbers[1::2], strict=True))
    if _area(corners) < 1e-6:
        raise FaceTrackerError(f"--zone {text}: the corners enclose nothing", fix=WRITE)
    return Zone(name, corners)


def _short(text: str) -> str:
    """As much of what was typed as a line of a person's screen can show."""
    return text if len(text) <= 80 else f"{text[:77]}..."


def parse_zones(texts: Sequence[str]) -> list[Zone]:
    """All zones of a run; no two of one name."""
    zones = [parse_zone(text) for text in texts]
    for name, count in Counter(zone.name for zone in zones).items():
        if count > 1:
            raise FaceTrackerError(f"--zone {name}: there are two zones of this name", fix="Give each its own name.")
    return zones


def _area(corners: Sequence[tuple[float, float]]) -> float:
    x, y = np.asarray(corners).T
    return float(abs((x * np.roll(y, -1) - np.roll(x, -1) * y).sum()) / 2)
