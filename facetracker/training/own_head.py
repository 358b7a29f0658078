"""Training an own head: features computed once, then a short training on them."""

from __future__ import annotations

from collections.abc import Iterable

import keras
import numpy as np
import tensorflow as tf
from numpy.typing import NDArray

from facetracker.models.personal import PersonalTracker

BATCH = 32
STEPS = 360  # as good as 400 to .002 on six people; twice as many learn the labels' own trembling, and lose .006
LEARNING_RATE, WEIGHT_DECAY, AVERAGING = 5e-3, 0.05, 0.99
WARM_UP = 0.1  # of the steps

Views = Iterable[tuple[NDArray[np.uint8], NDArray[np.float32], NDArray[np.int32]]]


class Features:
    """Features `(N, H, W, C)` of views in 16 bits, and what is to be seen in them: boxes `(N, M, 4)`, classes."""

    def __init__(self, tracker: PersonalTracker, views: Views):
        self._compute = tf.function(tracker.features, reduce_retracing=True)
        pictures, boxes, classes = zip(*views, strict=True)
        self.boxes, self.classes = np.stack(boxes), np.stack(classes)
        self.values = np.concatenate(
            [self.of(np.stack(pictures[row : row + BATCH])) for row in range(0, len(pictures), BATCH)]
        )

    def of(self, pictures: NDArray[np.uint8]) -> NDArray[np.float16]:
        """The features of a batch of pictures `(B, H, W, 3)` RGB."""
        return np.asarray(self._compute(tf.constant(pictures)), np.float16)


class HeadTraining:
    """Trains the own head of a tracker on features; compiled once, however often it begins again."""

    def __init__(self, tracker: PersonalTracker, features: Features):
        assert tracker.own_head is not None
        self.tracker, self.features, self.head = tracker, features, tracker.own_head
        self.optimizer = keras.optimizers.AdamW(
            LEARNING_RATE, weight_decay=WEIGHT_DECAY, use_ema=True, ema_momentum=AVERAGING, ema_overwrite_frequency=None
        )
        self.optimizer.build(self.head.trainable_variables)
        self._step = tf.function(self._step_once, autograph=False)

    def train(self, rows: NDArray[np.int64], steps: int = STEPS, seed: int = 0) -> None:
        """From the starter's weights, on these rows of the features; every step draws its batch from all of them."""
        self.head.start_from(self.tracker)
        for variable in self.optimizer.variables:
            variable.assign(keras.ops.zeros_like(variable))
        warm_up = max(1, int(steps * WARM_UP))
        rate = keras.optimizers.schedules.CosineDecay(
            0.0, max(1, steps - warm_up), warmup_target=LEARNING_RATE, warmup_steps=warm_up
        )
        order = np.random.default_rng(seed)
        for number in range(steps):
            # Set here and not by the optimizer: the compiled step serves trainings of any length.
            self.optimizer.learning_rate.assign(rate(number))
            chosen = order.choice(rows, BATCH)
            self._step(self.features.values[chosen], self.features.boxes[chosen], self.features.classes[chosen])
        self.optimizer.finalize_variable_values(self.head.trainable_variables)

    def _step_once(self, values: tf.Tensor, boxes: tf.Tensor, classes: tf.Tensor) -> None:
        """One step, without what `fit` does around a step."""
        values = tf.cast(values, tf.float32)
        with tf.GradientTape() as tape:
            outputs = self.head(values, training=True)
            loss = self.head.compute_loss(values, {"boxes": boxes, "classes": classes}, outputs)
        variables = self.head.trainable_variables
        self.optimizer.apply(tape.gradient(loss, variables), variables)
