"""The pictures of a collection, read once and kept at the network's size: what batches are gathered from."""

from __future__ import annotations

import math
import os
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any, Literal

import cv2
import numpy as np
from numpy.typing import NDArray

from facetracker.core import boxes as box_arithmetic
from facetracker.core.boxes import IGNORED
from facetracker.core.example import Example
from facetracker.core.letterbox import Letterbox, letterbox
from facetracker.core.machine import free_memory
from facetracker.core.parts import part_around
from facetracker.core.reading import read_all
from facetracker.labels.collection import Collection

Cache = Literal["auto", "memory", "none"]
Window = tuple[int, int, int, int]  # left, top, right, bottom in pixels
HALF = 0.5  # of a face's box: less in a window is no face there
MEMORY_SHARE = 0.4  # of what is free: more is not taken for pictures


@dataclass(frozen=True)
class Pool:
    """Pictures `(N, S, S, 3)` uint8 RGB, boxes `(N, M, 4)`, classes `(N, M)` with -1 for no face; a name each."""

    pictures: NDArray[np.uint8]
    boxes: NDArray[np.float32]
    classes: NDArray[np.int32]
    names: list[str] = field(default_factory=list)

    def __len__(self) -> int:
        return len(self.pictures)

    @property
    def labels(self) -> tuple[dict[str, NDArray[Any]]]:
        """What `fit` takes behind the pictures: the targets of a tracker."""
        return ({"boxes": self.boxes, "classes": self.classes},)


def read_pool(
    photos: Collection, classes: Sequence[str], size: int, most: int, cache: Cache = "auto", crop: float | None = None
) -> Pool:
    """The photos of a collection, letterboxed to `size`, with at most `most` faces each.

    With `crop` (see core/parts.py) of each picture the part around its largest face. A picture that cannot be read is
    left out and noted among the collection's rejects.
    """
    windows = [_window(example, crop) for example in photos]
    pictures = room(len(photos), size, cache)

    def read(row: int) -> None:
        left, top, right, bottom = windows[row]
        fitted, _ = letterbox(photos[row].picture()[top:bottom, left:right], size, size)
        pictures[row] = cv2.cvtColor(fitted, cv2.COLOR_BGR2RGB)

    rows = []
    for row, error in read_all(read, range(len(photos)), "read", "pictures"):
        if error is None:
            rows.append(row)
        else:
            photos.rejects.add(photos[row].photo, error)
    for new, old in enumerate(rows):  # in place: they may not fit into memory twice
        if new != old:
            pictures[new] = pictures[old]
    boxes, kinds = padded_faces([photos[row] for row in rows], classes, size, most, [windows[row] for row in rows])
    return Pool(pictures[: len(rows)], boxes, kinds, [photos[row].stem for row in rows])


def _window(example: Example, crop: float | None) -> Window:
    """Which pixels of a picture are shown."""
    width, height, boxes = example.width, example.height, example.boxes
    if crop is None:
        return 0, 0, width, height
    middle = boxes[box_arithmetic.largest(boxes)] if len(boxes) else np.array([0, 0, 1, 1])
    left, top, side = part_around(crop, width, height, middle)
    return left, top, left + side, top + side


def padded_faces(
    examples: Sequence[Example], classes: Sequence[str], size: int, most: int, windows: Sequence[Window]
) -> tuple[NDArray[np.float32], NDArray[np.int32]]:
    """Boxes `(N, most, 4)` normalised to inputs of `size` and classes `(N, most)`, padded with 0 and -1.

    Of more than `most` faces the largest stay. `windows` are the pixels shown of each picture; a face of which half
    lies outside is none there.
    """
    boxes = np.zeros((len(examples), most, 4), np.float32)
    kinds = np.full((len(examples), most), -1, np.int32)
    for row, (example, window) in enumerate(zip(examples, windows, strict=True)):
        faces, labels, pixels = example.boxes, example.labels, (example.width, example.height)
        if window != (0, 0, *pixels):
            faces, labels = _inside(faces, labels, pixels, window)
            pixels = (window[2] - window[0], window[3] - window[1])
        order = np.argsort(-box_arithmetic.areas(faces), kind="stable")[:most]
        boxes[row, : len(order)] = Letterbox(*pixels, size, size).to_input(faces[order])
        kinds[row, : len(order)] = [class_number(labels[face], classes) for face in order]
    return boxes, kinds


def _inside(
    faces: box_arithmetic.Boxes, labels: Sequence[str], pixels: tuple[int, int], window: Window
) -> tuple[box_arithmetic.Boxes, tuple[str, ...]]:
    """Boxes `(N, 4)` of a picture and their labels, normalised to a window of it and clipped."""
    left, top, right, bottom = window
    away = faces * [*pixels, *pixels] - [left, top, left, top]
    moved = box_arithmetic.as_boxes(away / [right - left, bottom - top, right - left, bottom - top])
    shown = box_arithmetic.clip(moved)
    kept = box_arithmetic.areas(shown) >= HALF * box_arithmetic.areas(moved)
    return shown[kept], tuple(label for label, keep in zip(labels, kept, strict=True) if keep)


def class_number(label: str, classes: Sequence[str]) -> int:
    """The number of a label's class. A single class takes every label; one that is unknown is looked away from."""
    if len(classes) == 1:
        return 0
    return classes.index(label) if label in classes else IGNORED


def room(count: int, size: int, cache: Cache = "auto") -> NDArray[np.uint8]:
    """Room for so many pictures: in memory, or in a file that vanishes with the process."""
    shape = (count, size, size, 3)
    fits = count * size**2 * 3 <= MEMORY_SHARE * free_memory()
    if cache == "memory" or (cache == "auto" and fits):
        return np.empty(shape, np.uint8)
    file = tempfile.TemporaryFile(prefix="facetracker-")  # noqa: SIM115 (the map keeps it)
    if hasattr(os, "posix_fallocate"):  # a full disk is an error now, not a bus error at the first picture without room
        os.posix_fallocate(file.fileno(), 0, math.prod(shape) or 1)
    return np.memmap(file, np.uint8, "w+", shape=shape)
