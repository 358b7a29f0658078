"""The batches of a run, in an order that is a pure function of (seed, epoch).

tf.data's own `shuffle` remembers how often it was iterated, so a resumed run would see another order than an
undisturbed one. Here the order of each epoch is a stateless permutation of the rows, and all random choices of the
augmentation come from (seed, epoch, step): starting at epoch 7 gives exactly the batches that epoch 7 always has.
"""

from __future__ import annotations

import os
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
import tensorflow as tf
from numpy.typing import NDArray

from facetracker.data.pool import Batch, Pool

# Not AUTOTUNE: it begins with one call at a time and takes seconds, often a whole epoch, to find the number.
PARALLEL = max(2, os.cpu_count() or 2)
# Nothing here is Python to be turned into graph code; looking for it takes longer than tracing.
PLAIN = tf.autograph.experimental.do_not_convert

# (pictures, boxes, classes, seed) as arrays -> new pictures and boxes.
Augment = Callable[..., tuple[NDArray[np.uint8], NDArray[np.float32]]]
# (number of the first picture, how many) -> pictures, boxes and classes made anew.
Compose = Callable[[int, int], tuple[NDArray[np.uint8], NDArray[np.float32], NDArray[np.int32]]]


@dataclass(frozen=True)
class Feed:
    """The training batches of every epoch.

    Every batch is full, so that its shape is fixed: the last batch of an epoch is filled up from the front of the
    next permutation. `augment` changes each batch again; `compose` makes pictures in place of the pool's own.
    """

    pool: Pool
    batch_size: int
    seed: int = 0
    samples_per_epoch: int | None = None
    augment: Augment | None = None
    compose: Compose | None = None

    @property
    def steps(self) -> int:
        """Batches in an epoch."""
        return -(-(self.samples_per_epoch or len(self.pool)) // self.batch_size)

    def batches(self, start: int, end: int) -> tf.data.Dataset:
        """The batches of epochs `start` to `end` (0 is the first; `end` not included), one after the other."""
        take = self.pool.rows()

        @PLAIN
        def load(epoch: tf.Tensor, step: tf.Tensor, index: tf.Tensor) -> Batch:
            pictures, targets = take(index)
            if self.compose is not None:
                pictures, targets = self._composed(pictures, targets, epoch * self.steps + step)
            if self.augment is not None:
                pictures, targets = self._augmented(pictures, targets, tf.stack([self.seed, epoch, step]))
            return pictures, targets

        epochs = tf.data.Dataset.range(start, end)
        return epochs.flat_map(PLAIN(self._order)).map(load, PARALLEL, deterministic=True).prefetch(2)

    def _augmented(self, pictures: tf.Tensor, targets: dict[str, tf.Tensor], seed: tf.Tensor) -> Batch:
        arrays = (pictures, targets["boxes"], targets["classes"], seed)
        changed, boxes = tf.numpy_function(self.augment, arrays, (tf.uint8, tf.float32), stateful=False)
        boxes = tf.ensure_shape(boxes, targets["boxes"].shape)
        return tf.ensure_shape(changed, pictures.shape), targets | {"boxes": boxes}

    def _composed(self, pictures: tf.Tensor, targets: dict[str, tf.Tensor], number: tf.Tensor) -> Batch:
        """Batch `number` of the run, composed; shaped as the one from the pool."""
        arguments = (number * self.batch_size, tf.constant(self.batch_size, tf.int64))
        made = tf.numpy_function(self.compose, arguments, (tf.uint8, tf.float32, tf.int32), stateful=False)
        composed, boxes, classes = (
            tf.ensure_shape(new, old.shape)
            for new, old in zip(made, (pictures, targets["boxes"], targets["classes"]), strict=True)
        )
        return composed, {"boxes": boxes, "classes": classes}

    def _order(self, epoch: tf.Tensor) -> tf.data.Dataset:
        """Rows `(steps, B)` of one epoch, with the epoch and step they belong to: as many permutations as it needs."""
        steps, needed, orders = tf.range(self.steps, dtype=tf.int64), self.steps * self.batch_size, []
        for turn in range(-(-needed // len(self.pool))):
            seed = tf.stack([tf.constant(self.seed * 2, tf.int64), epoch * 1_000_003 + turn])
            orders.append(tf.random.experimental.stateless_shuffle(tf.range(len(self.pool)), seed))
        rows = tf.reshape(tf.concat(orders, axis=0)[:needed], [self.steps, self.batch_size])
        return tf.data.Dataset.from_tensor_slices((tf.fill([self.steps], epoch), steps, rows))


def describe(batch: Batch) -> dict[str, Any]:
    """A batch as plain arrays, to be written to a file."""
    pictures, targets = batch
    return {"pictures": np.asarray(pictures), **{name: np.asarray(values) for name, values in targets.items()}}
