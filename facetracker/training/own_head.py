"""Training an own head: features computed once, then a short training on them."""

from __future__ import annotations

from collections.abc import Callable, Iterable

import keras
import numpy as np
import tensorflow as tf
from numpy.typing import NDArray

from facetracker.models.own_head import OwnHead
from facetracker.models.personal import PersonalTracker

BATCH = 32
STEPS = 400  # twice as many learn the labels' own trembling: .878 instead of .884 on six people's test photos
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


def train_own_head(
    tracker: PersonalTracker,
    features: Features,
    rows: NDArray[np.int64],
    steps: int = STEPS,
    seed: int = 0,
    watch: Callable[[], None] | None = None,
) -> None:
    """Train the tracker's own head, from the starter's weights, on these rows of the features.

    Every step draws its batch from all rows. `watch` is called after each step.
    """
    head = tracker.own_head
    assert head is not None
    head.start_from(tracker)
    warm_up = max(1, int(steps * WARM_UP))
    rate = keras.optimizers.schedules.CosineDecay(
        0.0, max(1, steps - warm_up), warmup_target=LEARNING_RATE, warmup_steps=warm_up
    )
    optimizer = keras.optimizers.AdamW(
        rate, weight_decay=WEIGHT_DECAY, use_ema=True, ema_momentum=AVERAGING, ema_overwrite_frequency=None
    )
    optimizer.build(head.trainable_variables)
    step = _step(head, optimizer)
    order = np.random.default_rng(seed)
    for _ in range(steps):
        chosen = order.choice(rows, BATCH)
        step(features.values[chosen], features.boxes[chosen], features.classes[chosen])
        if watch is not None:
            watch()
    optimizer.finalize_variable_values(head.trainable_variables)


def _step(head: OwnHead, optimizer: keras.optimizers.Optimizer) -> Callable[..., None]:
    """One step as one graph, without what `fit` does around a step."""

    @tf.function(autograph=False)
    def step(values: tf.Tensor, boxes: tf.Tensor, classes: tf.Tensor) -> None:
        values = tf.cast(values, tf.float32)
        with tf.GradientTape() as tape:
            outputs = head(values, training=True)
            loss = head.compute_loss(values, {"boxes": boxes, "classes": classes}, outputs)
        optimizer.apply(tape.gradient(loss, head.trainable_variables), head.trainable_variables)

    return step
