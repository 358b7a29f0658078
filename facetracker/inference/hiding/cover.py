"""Faces made unrecognisable: blurred, pixelated, under a box or under a picture. Live pictures, photos, films alike.

What is covered is an oval a third wider and higher than the face's box: hair, ears and chin give a person away too,
and a box has corners where there is only air.
"""

from __future__ import annotations

from collections.abc import Iterator
from functools import lru_cache
from typing import Literal

import cv2
import numpy as np
from numpy.typing import ArrayLike, NDArray

from facetracker.core.errors import FaceTrackerError
from facetracker.core.faces import Faces
from facetracker.core.photo import Picture

Hidden = Literal["blur", "pixelate", "box", "picture"]
GROWN = 1.3  # width and height of the oval, in widths and heights of the box
CELLS = {
    "blur": 5,
    "pixelate": 7,
    "picture": 5,
}  # tones that are left of a face, across and down: nobody is told by so few
BLACK = (16, 128, 128)  # in brightness and two colours, as films keep it


class Cover:
    """One way of hiding faces; `picture` `(H, W, 3 or 4)` BGR(A) is laid over them, and they are blurred beneath."""

    def __init__(self, how: Hidden = "blur", picture: Picture | None = None):
        if (how == "picture") != (picture is not None):
            raise FaceTrackerError("to hide faces under a picture, one must be given", fix="--picture FILE")
        self.how, self._picture = how, picture

    def on_bgr(self, picture: Picture, boxes: ArrayLike) -> None:
        """Hide what lies in the pixel boxes `(N, 4)` of a BGR picture, in place."""
        for place, oval in _ovals(boxes, picture.shape[1], picture.shape[0]):
            part = picture[place]
            _put(part, oval, (0, 0, 0) if self.how == "box" else _few_tones(part, self.how))
            if self._picture is not None:
                under, alpha = self._laid(part.shape)
                part[alpha] = under[alpha]

    def on_planes(self, planes: tuple[Picture, Picture, Picture], boxes: ArrayLike) -> None:
        """The same in the three planes of a film's frame (4:2:0: colours at half the size), in place.

        Films are kept this way. Nothing is converted to and fro, so all that is not hidden stays as it was.
        """
        height, width = planes[0].shape
        for place, oval in _ovals(boxes, width, height):
            for plane, black in zip(planes, BLACK, strict=True):  # mutants: there are three of each
                half = plane.shape[0] != height
                where = _halved(place) if half else place
                part = plane[where]
                mask = cv2.resize(oval.view(np.uint8), part.shape[::-1], interpolation=cv2.INTER_AREA) > 0
                _put(part, mask, black if self.how == "box" else _few_tones(part, self.how))
            if self._picture is not None:
                self._lay_on_planes(planes, place)

    def _lay_on_planes(self, planes: tuple[Picture, Picture, Picture], place: tuple[slice, slice]) -> None:
        small = _halved(place)
        whole = tuple(slice(2 * one.start, 2 * one.stop) for one in small)
        height, width = (one.stop - one.start for one in whole)
        under, alpha = self._laid((height, width))
        flat = cv2.cvtColor(under, cv2.COLOR_BGR2YUV_I420).reshape(-1)
        size = height * width
        parts = flat[:size], flat[size : size * 5 // 4], flat[size * 5 // 4 :]
        little = np.asarray(alpha.reshape(height // 2, 2, width // 2, 2).any(axis=(1, 3)))
        for plane, where, part, mask in zip(planes, (whole, small, small), parts, (alpha, little, little), strict=True):
            shown = plane[where]
            cut = np.s_[: shown.shape[0], : shown.shape[1]]
            shown[mask[cut]] = part.reshape(mask.shape)[cut][mask[cut]]

    def _laid(self, shape: tuple[int, ...]) -> tuple[Picture, NDArray[np.bool_]]:
        """The picture at this size, BGR, and where it covers."""
        assert self._picture is not None
        scaled = cv2.resize(self._picture, (shape[1], shape[0]), interpolation=cv2.INTER_AREA)
        alpha = scaled[..., 3] > 127 if scaled.shape[2] == 4 else np.ones(scaled.shape[:2], bool)
        return np.ascontiguousarray(scaled[..., :3]), alpha


def hide_faces(picture: Picture, faces: Faces, how: Hidden = "blur") -> None:
    """Make the faces of a BGR picture unrecognisable, in place."""
    Cover(how).on_bgr(picture, faces.pixels)


def hidden_by(blur: bool, pixelate: bool) -> Hidden | None:
    """Which of the two a person asked for."""
    if blur and pixelate:
        raise FaceTrackerError("--blur and --pixelate exclude each other", fix="Choose one.")
    return "blur" if blur else "pixelate" if pixelate else None


def _ovals(boxes: ArrayLike, width: int, height: int) -> Iterator[tuple[tuple[slice, slice], NDArray[np.bool_]]]:
    """For each pixel box the rows and columns of its oval inside the picture, and the oval itself."""
    for x1, y1, x2, y2 in np.asarray(boxes, np.float64).reshape(-1, 4):
        wide, high = GROWN * (x2 - x1), GROWN * (y2 - y1)
        left, top = round((x1 + x2 - wide) / 2), round((y1 + y2 - high) / 2)
        oval = _oval(max(1, round(wide)), max(1, round(high)))
        rows = slice(max(0, top), min(height, top + oval.shape[0]))
        columns = slice(max(0, left), min(width, left + oval.shape[1]))
        if rows.start < rows.stop and columns.start < columns.stop:
            inside = oval[rows.start - top : rows.stop - top, columns.start - left : columns.stop - left]
            yield (rows, columns), inside


@lru_cache(maxsize=64)
def _oval(wide: int, high: int) -> NDArray[np.bool_]:
    y, x = np.ogrid[:high, :wide]
    across, down = (2 * x + 1) / wide - 1, (2 * y + 1) / high - 1
    return across**2 + down**2 <= 1.0  # mutants: no pixel's middle lies on the rim (a parity argument)


def _halved(place: tuple[slice, slice]) -> tuple[slice, slice]:
    """The same place in a plane of half the size, every pixel that it touches."""
    rows, columns = (slice(one.start // 2, (one.stop + 1) // 2) for one in place)
    return rows, columns


def _few_tones(part: Picture, how: Hidden) -> Picture:
    """The part, at its size, of so few tones that no face can be told."""
    height, width = part.shape[:2]
    # A small face must lose as much: never fewer than three pixels to a tone.
    across, down = (max(1, min(CELLS[how], side // 3)) for side in (width, height))
    tones = cv2.resize(part, (across, down), interpolation=cv2.INTER_AREA)
    back = cv2.INTER_NEAREST if how == "pixelate" else cv2.INTER_CUBIC
    return cv2.resize(tones, (width, height), interpolation=back)


def _put(part: Picture, where: NDArray[np.bool_], value: Picture | tuple[int, ...] | int) -> None:
    """Set the part's pixels where the mask says so, in place."""
    part[where] = value[where] if isinstance(value, np.ndarray) else value
