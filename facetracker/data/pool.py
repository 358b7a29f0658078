"""The pictures of a table, read once and kept at the network's size: what batches are gathered from."""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from typing import Literal

import cv2
import numpy as np
import tensorflow as tf
from numpy.typing import NDArray

from facetracker.core import boxes as box_arithmetic
from facetracker.core import console
from facetracker.core.boxes import IGNORED
from facetracker.core.errors import FaceTrackerError
from facetracker.core.letterbox import Letterbox, letterbox
from facetracker.core.machine import free_memory, processors
from facetracker.core.parts import part_around
from facetracker.data.table import Table

Batch = tuple[tf.Tensor, dict[str, tf.Tensor]]
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

    def rows(self) -> Callable[[tf.Tensor], Batch]:
        """A function from row numbers `(B,)` to a batch."""
        shape = self.pictures.shape[1:]
        # As tensors made outside of any graph, or each map function would carry its own copy as constants.
        with tf.init_scope(), tf.device("/CPU:0"):
            boxes, classes = tf.convert_to_tensor(self.boxes), tf.convert_to_tensor(self.classes)
            mapped = isinstance(self.pictures, np.memmap)  # lies in a file: a tensor of it would fill the memory
            pictures = None if mapped else tf.convert_to_tensor(self.pictures)

        @tf.autograph.experimental.do_not_convert
        def take(index: tf.Tensor) -> Batch:
            if pictures is None:
                chosen = tf.numpy_function(lambda rows: np.asarray(self.pictures[rows]), [index], tf.uint8)
                chosen = tf.ensure_shape(chosen, [*index.shape, *shape])
            else:
                chosen = tf.gather(pictures, index)
            return chosen, {"boxes": tf.gather(boxes, index), "classes": tf.gather(classes, index)}

        return take

    def batches(self, batch_size: int) -> tf.data.Dataset:
        """All pictures once, in their own order; the last batch may be smaller."""
        return tf.data.Dataset.range(len(self)).batch(batch_size).map(self.rows()).prefetch(2)


def read_pool(
    table: Table, classes: Sequence[str], size: int, most: int, cache: Cache = "auto", crop: float | None = None
) -> Pool:
    """The rows of a table, letterboxed to `size`, with at most `most` faces each.

    With `crop` (see core/parts.py) of each picture the part around its largest face. A picture that cannot be read is
    left out and noted among the table's rejects.
    """
    windows = [_window(table, row, crop) for row in range(len(table))]
    pictures = room(len(table), size, cache)

    def read(row: int) -> FaceTrackerError | None:
        try:
            left, top, right, bottom = windows[row]
            fitted, _ = letterbox(table.picture(row)[top:bottom, left:right], size, size)
        except FaceTrackerError as error:
            return error
        pictures[row] = cv2.cvtColor(fitted, cv2.COLOR_BGR2RGB)
        return None

    whole = np.ones(len(table), bool)
    with ThreadPoolExecutor(processors()) as threads:
        errors = console.track(threads.map(read, range(len(table))), "read", len(table), "pictures")
        for row, error in enumerate(errors):
            if error is not None:
                whole[row] = False
                table.rejects.add(table.paths[row] if table.paths else table.names[row], error)
    rows = np.flatnonzero(whole)
    for new, old in enumerate(rows):  # in place: they may not fit into memory twice
        if new != old:
            pictures[new] = pictures[old]
    boxes, kinds = padded_faces(table, classes, size, most, windows)
    return Pool(pictures[: len(rows)], boxes[rows], kinds[rows], [table.names[row] for row in rows])


def _window(table: Table, row: int, crop: float | None) -> Window:
    """Which pixels of a picture are shown."""
    width, height = table.sizes[row]
    if crop is None:
        return 0, 0, width, height
    boxes = table.boxes[row]
    middle = boxes[box_arithmetic.largest(boxes)] if len(boxes) else np.array([0, 0, 1, 1])
    left, top, side = part_around(crop, width, height, middle)
    return left, top, left + side, top + side


def padded_faces(
    table: Table, classes: Sequence[str], size: int, most: int, windows: Sequence[Window] | None = None
) -> tuple[NDArray[np.float32], NDArray[np.int32]]:
    """Boxes `(N, most, 4)` normalised to inputs of `size` and classes `(N, most)`, padded with 0 and -1.

    Of more than `most` faces the largest stay. `windows` are the pixels shown of each picture (default: all); a face
    of which half lies outside is none there.
    """
    boxes = np.zeros((len(table), most, 4), np.float32)
    kinds = np.full((len(table), most), -1, np.int32)
    for row, (faces, labels, pixels) in enumerate(zip(table.boxes, table.labels, table.sizes, strict=True)):
        if windows is not None and windows[row] != (0, 0, *pixels):
            faces, labels = _inside(faces, labels, pixels, windows[row])
            pixels = (windows[row][2] - windows[row][0], windows[row][3] - windows[row][1])
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


def fits(count: int, size: int, cache: Cache = "auto") -> bool:
    """Whether so many pictures are kept in memory: as `cache` says, or by what is free."""
    if cache != "auto":
        return cache == "memory"
    return count * size**2 * 3 <= MEMORY_SHARE * free_memory()


def room(count: int, size: int, cache: Cache = "auto") -> NDArray[np.uint8]:
    """Room for so many pictures: in memory, or in a file that vanishes with the process."""
    shape = (count, size, size, 3)
    if fits(count, size, cache):
        return np.empty(shape, np.uint8)
    return np.memmap(tempfile.TemporaryFile(prefix="facetracker-"), np.uint8, "w+", shape=shape)
