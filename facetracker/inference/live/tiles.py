"""Several sources in one picture, a tile each."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import replace
from typing import Protocol

import cv2
import numpy as np

from facetracker.core.faces import Faces
from facetracker.core.photo import Picture
from facetracker.inference.draw import Overlay

WIDTH = 1280  # of all tiles together, pixels
ASPECT = 4 / 3  # of a tile
DARK = 40


class Tiled(Protocol):
    """What can be shown as a tile."""

    def tile(self, width: int, height: int) -> Picture: ...


def mosaic(sources: Sequence[Tiled], width: int = WIDTH, *, help: bool = False) -> Picture:
    """All tiles in rows, in a picture `width` pixels wide; `help` writes the keys over it."""
    columns = math.ceil(math.sqrt(len(sources)))
    rows = math.ceil(len(sources) / columns)
    wide = width // columns
    high = round(wide / ASPECT)
    whole = np.full((rows * high, columns * wide, 3), DARK, np.uint8)
    for number, source in enumerate(sources):
        top, left = number // columns * high, number % columns * wide
        whole[top : top + high, left : left + wide] = source.tile(wide, high)
    if help:
        Overlay([], columns * wide, rows * high).help(whole)
    return whole


def shrunk(picture: Picture | None, faces: Faces | None, width: int, height: int) -> tuple[Picture, Faces]:
    """A picture, whole, at the size at which it fits into `width` x `height`, and its faces there; else a dark one."""
    if picture is None or faces is None:
        return np.full((height, width, 3), DARK, np.uint8), Faces.none(width, height)
    high, wide = picture.shape[:2]
    scale = min(width / wide, height / high)
    size = max(1, round(wide * scale)), max(1, round(high * scale))
    small = cv2.resize(picture, size, interpolation=cv2.INTER_AREA if scale < 1 else cv2.INTER_LINEAR)
    return small, replace(faces, width=size[0], height=size[1])


def placed(picture: Picture, width: int, height: int) -> Picture:
    """The picture in the middle of a dark one of `width` x `height`."""
    high, wide = picture.shape[:2]
    if (high, wide) == (height, width):
        return picture
    whole = np.full((height, width, 3), DARK, np.uint8)
    top, left = (height - high) // 2, (width - wide) // 2
    whole[top : top + high, left : left + wide] = picture
    return whole
