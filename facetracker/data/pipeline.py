"""From a folder of any stage to batches: `(uint8 RGB (B, S, S, 3), {"boxes": (B, M, 4), "classes": (B, M)})`.

Labels are read once, in Python, before the first batch; TensorFlow then only looks up rows, so no `py_function` is
needed and every shape is known. Where all pictures fit into memory at the network's size, they are read once (pool.py)
and batches are gathered from there. Otherwise they are read, decoded and letterboxed in parallel by TensorFlow's own
ops, with the geometry of facetracker/core/letterbox.py.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from functools import cached_property
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import tensorflow as tf
from numpy.typing import NDArray

from facetracker.core import console
from facetracker.core.errors import FaceTrackerError
from facetracker.core.letterbox import GREY, Letterbox
from facetracker.core.machine import processors
from facetracker.core.photo import Picture, read_picture
from facetracker.core.places import is_remote
from facetracker.core.settings import DataSettings
from facetracker.data.layout import Unlabelled
from facetracker.data.pool import Batch, Pool, fits, padded_faces, read_pool
from facetracker.data.summary import Summary, summarise
from facetracker.data.table import Table, read_table


def load_dataset(
    folder: str | Path,
    part: str | None = "train",
    *,
    image_size: int = 120,
    classes: Sequence[str] | None = None,
    data: DataSettings | None = None,
    shuffle: bool = False,
    seed: int = 0,
    unlabelled: Unlabelled = "skip",
) -> tf.data.Dataset:
    """The batches of one part (None: of all); with `shuffle` in another order each time it is iterated."""
    pictures = open_pictures(folder, part, image_size=image_size, classes=classes, data=data, unlabelled=unlabelled)
    return pictures.batches(shuffle=shuffle, seed=seed)


def open_pictures(
    folder: str | Path,
    part: str | None = "train",
    *,
    image_size: int = 120,
    classes: Sequence[str] | None = None,
    data: DataSettings | None = None,
    unlabelled: Unlabelled = "skip",
) -> PictureSet:
    """The pictures of a folder, ready to be batched; see `PictureSet`."""
    table = read_table(folder, part, unlabelled)
    if not len(table):
        why = f" ({len(table.rejects)} rejected, first: {next(iter(table.rejects))})" if table.rejects else ""
        raise FaceTrackerError(f"holds no labelled picture{why}", path=folder, fix="Label the photos first.")
    return PictureSet(table, image_size, table.class_names(classes), data or DataSettings())


class PictureSet:
    """The labelled pictures of a folder, as batches of square inputs of `image_size` pixels."""

    def __init__(self, table: Table, image_size: int, classes: Sequence[str], data: DataSettings):
        self.table, self.image_size, self.classes, self.data = table, image_size, list(classes), data
        self._came = np.zeros(len(table), bool)  # which pictures could be decoded, where they are not kept

    def __len__(self) -> int:
        return len(self.table)

    @property
    def summary(self) -> Summary:
        """What the set holds; rejects grow when a picture turns out to be damaged while the first epoch is read."""
        return summarise(self.table)

    @property
    def in_memory(self) -> bool:
        """Whether the pictures are decoded once and kept."""
        return fits(len(self), self.image_size, self.data.cache)

    @cached_property
    def pool(self) -> Pool:
        """All pictures, read and decoded now. A damaged one is left out and noted among the rejects."""
        return read_pool(self.table, self.classes, self.image_size, self.data.max_faces, "memory")

    def batches(self, *, shuffle: bool = False, seed: int = 0) -> tf.data.Dataset:
        """One epoch of batches; with `shuffle`, in another order each time it is iterated."""
        rows = tf.data.Dataset.range(self._rows())
        if shuffle:
            rows = rows.shuffle(self._rows(), seed=seed, reshuffle_each_iteration=True)
        return self._batched(rows, self.data.deterministic or not shuffle).prefetch(4).with_options(_options())

    def _rows(self) -> int:
        return len(self.pool) if self.in_memory else len(self)

    def _batched(self, rows: tf.data.Dataset, deterministic: bool) -> tf.data.Dataset:
        """Batches for a dataset of row numbers."""
        if self.in_memory:
            return rows.batch(self.data.batch_size).map(self._take)
        boxes, classes = self._labels
        read = self._watched(self._read(rows, deterministic).batch(self.data.batch_size))
        return read.map(
            lambda index, pictures: (pictures, {"boxes": tf.gather(boxes, index), "classes": tf.gather(classes, index)})
        )

    def _watched(self, batches: tf.data.Dataset) -> tf.data.Dataset:
        """The same batches of (rows, pictures); when they end, the pictures that did not come are named."""

        def note(rows: NDArray[np.int64]) -> NDArray[np.int64]:
            self._came[rows] = True
            return rows

        def end() -> NDArray[np.int64]:
            for row in np.flatnonzero(~self._came):
                path = self.table.paths[row] if self.table.paths else self.table.names[row]
                self.table.rejects.add(path, "is damaged")
                console.warn(f"{path}: is damaged and was left out")
            self._came[:] = True  # named once, not after every epoch
            return np.zeros(0, np.int64)

        def called(function: Callable[..., Any], *given: tf.Tensor) -> tf.Tensor:
            return tf.ensure_shape(tf.numpy_function(function, given, tf.int64), [None])

        none = tf.zeros((0, self.image_size, self.image_size, 3), tf.uint8)
        last = tf.data.Dataset.range(1).map(lambda _: (called(end), none))
        seen = batches.map(lambda rows, pictures: (called(note, rows), pictures))
        return seen.concatenate(last).filter(lambda rows, _: tf.size(rows) > 0)

    @cached_property
    def _take(self) -> Callable[[tf.Tensor], Batch]:
        return self.pool.rows()

    @cached_property
    def _labels(self) -> list[tf.Tensor]:
        with tf.init_scope(), tf.device("/CPU:0"):
            faces = padded_faces(self.table, self.classes, self.image_size, self.data.max_faces)
            return [tf.convert_to_tensor(values) for values in faces]

    @cached_property
    def _decode(self) -> Callable[[tf.Tensor], tf.Tensor]:
        return _decoder(self.table)

    def _read(self, rows: tf.data.Dataset, deterministic: bool) -> tf.data.Dataset:
        """(row, input picture) for a dataset of row numbers; damaged pictures are left out."""
        decode, fit = self._decode, _fitter(self.table, self.image_size)
        # Not AUTOTUNE: it begins with one call at a time and takes seconds, often a whole epoch, to find the number.
        read = rows.map(lambda row: (row, fit(decode(row))), processors() + 1, deterministic=deterministic)
        return read.ignore_errors(log_warning=True)


def _options() -> tf.data.Options:
    options = tf.data.Options()
    options.threading.max_intra_op_parallelism = 1  # the pictures are the parallelism, not the rows of each
    options.autotune.enabled = False
    return options


def letterbox(picture: tf.Tensor, size: int) -> tf.Tensor:
    """A picture `(H, W, 3)` uint8 inside a `(size, size, 3)` input: facetracker.core.letterbox in TensorFlow's ops."""
    exact = tf.cast(tf.shape(picture)[:2], tf.float64)
    scaled = tf.maximum(1, tf.cast(tf.floor(exact * tf.reduce_min(size / exact) + 0.5), tf.int32))
    offset = (size - scaled) // 2
    padding = tf.pad(tf.stack([offset, size - scaled - offset], axis=1), [[0, 1], [0, 0]])
    return tf.ensure_shape(tf.pad(_resize(picture, scaled), padding, constant_values=GREY), (size, size, 3))


def _fitter(table: Table, size: int) -> Callable[[tf.Tensor], tf.Tensor]:
    """`letterbox` for the pictures of a table; where all have one size, with its geometry worked out beforehand."""
    if len(set(table.sizes)) > 1:
        return lambda picture: letterbox(picture, size)
    place = Letterbox(*table.sizes[0], size, size)
    scaled = (place.scaled_height, place.scaled_width)
    right, bottom = size - place.scaled_width - place.left, size - place.scaled_height - place.top

    def fit(picture: tf.Tensor) -> tf.Tensor:
        picture = tf.ensure_shape(picture, (place.height, place.width, 3))
        if scaled != (place.height, place.width):
            picture = _resize(picture, scaled)
        if scaled == (size, size):
            return picture
        return tf.pad(picture, [[place.top, bottom], [place.left, right], [0, 0]], constant_values=GREY)

    return fit


def _resize(picture: tf.Tensor, size: Any) -> tf.Tensor:
    # Half-pixel centres without antialiasing: what cv2.INTER_LINEAR does.
    return tf.cast(tf.round(tf.image.resize(picture, size, method="bilinear", antialias=False)), tf.uint8)


def _decoder(table: Table) -> Callable[[tf.Tensor], tf.Tensor]:
    """A function from a row number to its picture `(H, W, 3)` uint8 RGB, upright."""
    with tf.init_scope(), tf.device("/CPU:0"):
        if table.kind == "records":
            jpegs = tf.constant(table.jpegs)
            return lambda row: _decode_jpeg(tf.gather(jpegs, row))
        # What lies in an object store is read by our drivers, not by TensorFlow's.
        bare = [plain and not is_remote(path) for plain, path in zip(table.bare, table.paths, strict=True)]
        paths, is_bare = tf.constant([str(path) for path in table.paths]), tf.constant(bare)
    if all(bare):
        return lambda row: _decode_jpeg(tf.io.read_file(tf.gather(paths, row)))

    # Pictures that TensorFlow would decode sideways (EXIF) or not at all (WebP, TIFF) go through OpenCV.
    def decode(row: tf.Tensor) -> tf.Tensor:
        path = tf.gather(paths, row)
        picture = tf.cond(
            tf.gather(is_bare, row), lambda: _decode_jpeg(tf.io.read_file(path)), lambda: _decode_by_opencv(path)
        )
        return tf.ensure_shape(picture, (None, None, 3))

    return decode


def _decode_jpeg(data: tf.Tensor) -> tf.Tensor:
    # The accurate transform is OpenCV's: training sees the pixels that the runtime sees.
    return tf.io.decode_jpeg(data, channels=3, dct_method="INTEGER_ACCURATE")


def _decode_by_opencv(path: tf.Tensor) -> tf.Tensor:
    def read(name: Any) -> Picture:
        return cv2.cvtColor(read_picture(os.fsdecode(name)), cv2.COLOR_BGR2RGB)

    return tf.numpy_function(read, [path], tf.uint8)
