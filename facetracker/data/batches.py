"""The batches of a training: pictures and labels, two `tf.data` datasets zipped, as the tutorial makes them.

`train` runs on these and on no other. The pictures have been read (pool.py), so a dataset is only row numbers, and rows
of arrays looked up by them:

    images = rows.map(pictures)
    labels = rows.map(boxes_and_classes)
    batches = tf.data.Dataset.zip((images, labels))

The order is a pure function of (seed, epoch). tf.data's own `shuffle` remembers how often it was iterated, so a resumed
run would see another order than an undisturbed one. Here the order of each epoch is a stateless permutation of the
rows, and all random choices of the augmentation come from (seed, epoch, step): starting at epoch 7 gives exactly the
batches that epoch 7 always has.
"""

from __future__ import annotations

import os
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
import tensorflow as tf
from numpy.typing import NDArray

Pictures = NDArray[np.uint8]
# Arrays with a row a picture, as `fit` takes them behind the pictures: the targets and, maybe, weights.
Labels = tuple[Any, ...]
# (pictures, each array of the labels, [seed, epoch, step]) -> the same, changed.
Change = Callable[..., tuple[NDArray[Any], ...]]

# Not AUTOTUNE: it begins with one call at a time and takes seconds, often a whole epoch, to find the number.
PARALLEL = max(2, os.cpu_count() or 2)
# Nothing here is Python to be turned into graph code; looking for it takes longer than tracing.
PLAIN = tf.autograph.experimental.do_not_convert


def in_order(pictures: Pictures, labels: Labels, batch_size: int) -> tf.data.Dataset:
    """All pictures once, in their own order, for validation; the last batch may be smaller."""
    rows = tf.data.Dataset.range(len(pictures)).batch(batch_size)
    return zipped(rows, pictures, labels).prefetch(2)


def zipped(rows: tf.data.Dataset, pictures: Pictures, labels: Labels) -> tf.data.Dataset:
    """Batches `(pictures, *labels)` for a dataset of row numbers `(B,)`: the tutorial's zip of images and labels.

    Of a dataset of tuples the last are the row numbers.
    """
    images = rows.map(_lookup(pictures), PARALLEL, deterministic=True)
    return tf.data.Dataset.zip((images, *(rows.map(_lookup(part)) for part in labels)))


@dataclass(frozen=True)
class Feed:
    """The training batches of every epoch.

    Every batch is full, so that its shape is fixed: the last batch of an epoch is filled up from the front of the
    next permutation. `change` makes each batch another one: it changes its pictures, or composes new ones; `size` is
    the side of those that it gives, pixels, where it is another than that of the pictures that it gets.
    """

    pictures: Pictures
    labels: Labels
    batch_size: int
    seed: int = 0
    samples_per_epoch: int | None = None
    change: Change | None = None
    size: int | None = None

    @property
    def steps(self) -> int:
        """Batches in an epoch."""
        return -(-(self.samples_per_epoch or len(self.pictures)) // self.batch_size)

    def batches(self, start: int, end: int) -> tf.data.Dataset:
        """The batches of epochs `start` to `end` (0 is the first; `end` not included), one after the other."""
        order = tf.data.Dataset.range(start, end).flat_map(PLAIN(self._order))
        batches = zipped(order, self.pictures, self.labels)
        if self.change is not None:
            changed = PLAIN(lambda order, batch: self._changed(batch, numbers=order[0]))
            batches = tf.data.Dataset.zip((order, batches)).map(changed, PARALLEL, deterministic=True)
        return batches.prefetch(2)

    def batch(self, epoch: int, step: int) -> dict[str, NDArray[Any]]:
        """One batch again, as plain arrays by name, to be written to a file."""
        pictures, *labels = next(iter(self.batches(epoch, epoch + 1).skip(step).take(1)))
        found = {"pictures": np.asarray(pictures)}
        for number, part in enumerate(labels):
            named = part if isinstance(part, dict) else {f"labels_{number}": part}
            found |= {name: np.asarray(values) for name, values in named.items()}
        return found

    def _order(self, epoch: tf.Tensor) -> tf.data.Dataset:
        """(`[seed, epoch, step]`, rows `(B,)`) of one epoch's batches, from as many permutations as it needs."""
        count, needed, orders = len(self.pictures), self.steps * self.batch_size, []
        for turn in range(-(-needed // count)):
            seed = tf.stack([tf.constant(self.seed * 2, tf.int64), epoch * 1_000_003 + turn])
            orders.append(tf.random.experimental.stateless_shuffle(tf.range(count), seed))
        rows = tf.reshape(tf.concat(orders, axis=0)[:needed], [self.steps, self.batch_size])
        steps = tf.range(self.steps, dtype=tf.int64)
        numbers = tf.stack(
            [tf.fill([self.steps], tf.constant(self.seed, tf.int64)), tf.fill([self.steps], epoch), steps], 1
        )
        return tf.data.Dataset.from_tensor_slices((numbers, rows))

    def _changed(self, batch: tuple[Any, ...], numbers: tf.Tensor) -> tuple[Any, ...]:
        flat = tf.nest.flatten(batch)
        made = tf.numpy_function(self.change, (*flat, numbers), [part.dtype for part in flat], stateful=False)
        shapes = [part.shape for part in flat]
        if self.size is not None:  # the pictures come first
            shapes[0] = tf.TensorShape([shapes[0][0], self.size, self.size, shapes[0][3]])
        shaped = [tf.ensure_shape(new, shape) for new, shape in zip(made, shapes, strict=True)]
        return tf.nest.pack_sequence_as(batch, shaped)


def _lookup(arrays: Any) -> Callable[[tf.Tensor], Any]:
    """A function from row numbers `(B,)`, its last argument, to those rows of an array, or of each array in a nest."""
    flat = [_rows_of(array) for array in tf.nest.flatten(arrays)]
    return PLAIN(lambda *item: tf.nest.pack_sequence_as(arrays, [take(item[-1]) for take in flat]))


def _rows_of(array: NDArray[Any]) -> Callable[[tf.Tensor], tf.Tensor]:
    if isinstance(array, np.memmap):  # lies in a file: a tensor of it would fill the memory
        kind, shape = tf.as_dtype(array.dtype), array.shape[1:]

        def read(rows: tf.Tensor) -> tf.Tensor:
            chosen = tf.numpy_function(lambda numbers: np.asarray(array[numbers]), [rows], kind)
            return tf.ensure_shape(chosen, [*rows.shape, *shape])

        return read
    # As a tensor made outside of any graph, or each map function would carry its own copy as a constant.
    with tf.init_scope(), tf.device("/CPU:0"):
        tensor = tf.convert_to_tensor(array)
    return lambda rows: tf.gather(tensor, rows)
