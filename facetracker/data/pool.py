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
from facetracker.data.table import Table

Batch = tuple[tf.Tensor, dict[str, tf.Tensor]]
Cache = Literal["auto", "memory", "none"]
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


def read_pool(table: Table, classes: Sequence[str], size: int, most: int, cache: Cache = "auto") -> Pool:
    """The rows of a table, letterboxed to `size`, with at most `most` faces each.

    A picture that cannot be read is left out and noted among the table's rejects.
    """
    pictures = room(len(table), size, cache)

    def read(row: int) -> FaceTrackerError | None:
        try:
            fitted, _ = letterbox(table.picture(row), size, size)
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
    boxes, kinds = padded_faces(table, classes, size, most)
    return Pool(pictures[: len(rows)], boxes[rows], kinds[rows], [table.names[row] for row in rows])


def padded_faces(
    table: Table, classes: Sequence[str], size: int, most: int
) -> tuple[NDArray[np.float32], NDArray[np.int32]]:
    """Boxes `(N, most, 4)` normalised to inputs of `size` and classes `(N, most)`, padded with 0 and -1.

    Of more than `most` faces the largest stay.
    """
    boxes = np.zeros((len(table), most, 4), np.float32)
    kinds = np.full((len(table), most), -1, np.int32)
    for row, (faces, labels, pixels) in enumerate(zip(table.boxes, table.labels, table.sizes, strict=True)):
        order = np.argsort(-box_arithmetic.areas(faces), kind="stable")[:most]
        boxes[row, : len(order)] = Letterbox(*pixels, size, size).to_input(faces[order])
        kinds[row, : len(order)] = [class_number(labels[face], classes) for face in order]
    return boxes, kinds


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
