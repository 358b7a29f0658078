"""Seconds a training step takes: `fit` as the package runs it against the bare gradient step, side by side.

    python benchmarks/train_step.py [--presets vgg16 nano] [--rounds 5] [--steps 8]

Three ways over one and the same batch in memory, in turns, medians of the steps:
- bare: forward, loss, gradients, optimizer in one `tf.function`; no metrics, no callbacks, no input pipeline;
- fit: `FaceTracker.fit` with the callbacks of a run (a batch is still only handed on, not augmented);
- tutorial: the same network and optimizer in a model with the tutorial's own `train_step`, by `fit` as well.
The bar: fit at most 8 % over bare, and not slower than the tutorial's.
"""

from __future__ import annotations

import argparse
import itertools
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from statistics import median

import numpy as np

from facetracker.config import load_settings
from facetracker.training.device import silenced, start

with silenced():
    import keras
    import tensorflow as tf

from facetracker.dataset.pool import Pool
from facetracker.training import callbacks as own
from facetracker.training.feed import Feed
from facetracker.training.fit import build_model
from facetracker.training.run import RunFolder
from facetracker.training.schedules import make_optimizer

BAR = 0.08


class Clock(keras.callbacks.Callback):
    """The seconds between the ends of consecutive steps."""

    def __init__(self) -> None:
        super().__init__()
        self.ends: list[float] = []

    def on_train_batch_end(self, batch, logs=None) -> None:
        self.ends.append(time.perf_counter())

    @property
    def steps(self) -> list[float]:
        return [b - a for a, b in itertools.pairwise(self.ends)]


@keras.saving.register_keras_serializable("benchmarks")
class TutorialModel(keras.Model):
    """The tutorial's way: a `train_step` with its own tape that returns the losses of the batch."""

    def __init__(self, tracker, **options):
        super().__init__(**options)
        self.tracker = tracker

    def call(self, x, training=None):
        return self.tracker(x, training=training)

    def train_step(self, data):
        x, y = data
        with tf.GradientTape() as tape:
            losses = self.tracker.head.loss(y, self.tracker(x, training=True), x.shape[1:3])
            total = losses.regress_loss.value + 0.5 * losses.class_loss.value
        variables = self.tracker.trainable_variables
        self.optimizer.apply_gradients(zip(tape.gradient(total, variables), variables, strict=True))
        return {
            "total_loss": total,
            "class_loss": losses.class_loss.value,
            "regress_loss": losses.regress_loss.value,
        }


def one_batch(size: int, count: int) -> Pool:
    """Noise with one box each: what is in the pictures does not change what a step costs."""
    random = np.random.default_rng(0)
    corners = random.uniform(0.1, 0.4, (count, 1, 2)).astype(np.float32)
    boxes = np.concatenate([corners, corners + 0.4], axis=2)
    pictures = random.integers(0, 255, (count, size, size, 3), dtype=np.uint8)
    return Pool(pictures, boxes, np.zeros((count, 1), np.int32))


def ways(preset: str) -> Iterator[tuple[str, Callable[[int], list[float]]]]:
    """Each way as a function from a number of steps to the seconds of each of them."""
    settings = load_settings(preset, ["model.weights=none", "model.classes=[face]"])
    device = start(settings.training)
    pool = one_batch(settings.model.image_size, settings.data.batch_size)
    feed = Feed(pool, settings.data.batch_size)
    x, y = next(iter(feed.batches(0, 1)))

    def compiled(wrap: Callable[[keras.Model], keras.Model] = lambda model: model) -> keras.Model:
        model = wrap(build_model(settings))
        optimizer = make_optimizer(settings.training, 100, 10)
        optimizer.build(model.trainable_variables)
        model.compile(optimizer=optimizer, jit_compile=device.jit_compile)
        return model

    def fitting(model: keras.Model, callbacks: list[keras.callbacks.Callback]) -> Callable[[int], list[float]]:
        def steps(count: int) -> list[float]:
            clock = Clock()
            data = tf.data.Dataset.from_tensors((x, y)).repeat(count + 1)
            options = {"steps_per_epoch": count + 1, "shuffle": False, "verbose": 0}
            model.fit(data, callbacks=[*callbacks, clock], **options)
            return clock.steps

        return steps

    bare_model = compiled()

    @tf.function(jit_compile=device.jit_compile)
    def bare_step(x, y):
        with tf.GradientTape() as tape:
            losses = bare_model.head.loss(y, bare_model(x, training=True), x.shape[1:3])
            total = losses.regress_loss.value + 0.5 * losses.class_loss.value
        variables = bare_model.trainable_variables
        bare_model.optimizer.apply_gradients(zip(tape.gradient(total, variables), variables, strict=True))
        return total

    def bare(count: int) -> list[float]:
        seconds = []
        for _ in range(count):
            began = time.perf_counter()
            bare_step(x, y).numpy()
            seconds.append(time.perf_counter() - began)
        return seconds

    run = [own.ValidateAveraged(), own.StopOnNaN(feed, RunFolder(Path("."))), own.ShowProgress(1, 1)]
    yield "bare", bare
    yield "fit", fitting(compiled(), run)
    yield "tutorial", fitting(compiled(TutorialModel), [])


def measure(preset: str, rounds: int, steps: int) -> dict[str, float]:
    """The median seconds of a step, way by way; the ways take turns, and so do their places."""
    runners = dict(ways(preset))
    for runner in runners.values():
        runner(1)  # traces
    seconds: dict[str, list[float]] = {name: [] for name in runners}
    for turn in range(rounds):
        names = list(runners)
        for name in names[turn % len(names) :] + names[: turn % len(names)]:
            seconds[name] += runners[name](steps)
    return {name: median(values) for name, values in seconds.items()}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--presets", nargs="+", default=["vgg16", "nano"])
    parser.add_argument("--rounds", type=int, default=6)
    parser.add_argument("--steps", type=int, default=8)
    options = parser.parse_args()
    from facetracker import console

    console.quiet = True
    print(f"{'preset':<10}{'bare':>12}{'fit':>12}{'tutorial':>12}{'fit/bare':>12}{'fit/tutorial':>14}")
    for preset in options.presets:
        found = measure(preset, options.rounds, options.steps)
        cells = "".join(f"{found[name] * 1000:>9.1f} ms" for name in ("bare", "fit", "tutorial"))
        over, against = found["fit"] / found["bare"] - 1, found["fit"] / found["tutorial"] - 1
        verdict = "" if over <= BAR and against <= 0 else "   over the bar"
        print(f"{preset:<10}{cells}{over:>+12.1%}{against:>+14.1%}{verdict}", flush=True)


if __name__ == "__main__":
    main()
