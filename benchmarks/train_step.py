"""Seconds a training step takes: `fit` as the package runs it against the bare gradient step, side by side.

    python benchmarks/train_step.py [--presets vgg16 nano] [--rounds 12] [--steps 6] [--json FILE]

Three ways over one and the same batch in memory:
- bare: forward, loss, gradients, optimizer in one `tf.function`; no metrics, no callbacks, no input pipeline;
- fit: `FaceTracker.fit` with the callbacks of a run (a batch is still only handed on, not augmented);
- tutorial: the same network and optimizer in a model with the tutorial's own `train_step`, by `fit` as well.
The ways take turns, a few steps each, and each round gives one ratio from the medians of its steps; so what else the
machine does hits all three. Shown are the median ratio of the rounds and the middle half of them.
The bars: fit at most 8 % over bare, and not slower than the tutorial's. "Not slower" means a median ratio of at most
1.02: the same model against itself differs by up to two per cent. Where the middle half is wider than 6 %, nothing is
proved either way, and the line says so. The ratio of the CPU seconds stands beside: it suffers less from neighbours.
"""

from __future__ import annotations

import argparse
import itertools
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from statistics import median, quantiles

import numpy as np
from measured import Row, write_rows

from facetracker.core.settings import load_settings
from facetracker.training.device import silenced, start

with silenced():
    import keras
    import tensorflow as tf

from facetracker.training.feed import Feed

from facetracker.data.pool import Pool
from facetracker.training import callbacks as own
from facetracker.training.fit import build_model
from facetracker.training.plan import RunPlan
from facetracker.training.run import RunFolder
from facetracker.training.schedules import make_optimizer

BAR = 1.08  # fit against bare
NOT_SLOWER = 1.02  # fit against the tutorial's
PROVES = 0.06  # widest middle half that proves something

# Seconds on the wall and on the processor.
Step = tuple[float, float]


def now() -> Step:
    return time.perf_counter(), time.process_time()


class Clock(keras.callbacks.Callback):
    """The seconds between the ends of consecutive steps."""

    def __init__(self) -> None:
        super().__init__()
        self.ends: list[Step] = []

    def on_train_batch_end(self, batch, logs=None) -> None:
        self.ends.append(now())

    @property
    def steps(self) -> list[Step]:
        return between(self.ends)


def between(moments: list[Step]) -> list[Step]:
    return [(b[0] - a[0], b[1] - a[1]) for a, b in itertools.pairwise(moments)]


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


def ways(preset: str) -> Iterator[tuple[str, Callable[[int], list[Step]]]]:
    """Each way as a function from a number of steps to the seconds of each of them."""
    settings = load_settings(preset, ["model.weights=none", "model.classes=[face]"])
    device = start(settings.training)
    pool = one_batch(settings.model.image_size, settings.data.batch_size)
    feed = Feed(pool.pictures, pool.labels, settings.data.batch_size)
    x, y = next(iter(feed.batches(0, 1)))

    def compiled(wrap: Callable[[keras.Model], keras.Model] = lambda model: model) -> keras.Model:
        model = wrap(build_model(settings, RunPlan()))
        optimizer = make_optimizer(settings.training, 100, 10)
        optimizer.build(model.trainable_variables)
        model.compile(optimizer=optimizer, jit_compile=device.jit_compile)
        return model

    def fitting(model: keras.Model, callbacks: list[keras.callbacks.Callback]) -> Callable[[int], list[Step]]:
        def steps(count: int) -> list[Step]:
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

    def bare(count: int) -> list[Step]:
        moments = [now()]
        for _ in range(count):
            bare_step(x, y).numpy()
            moments.append(now())
        return between(moments)

    run = [own.ValidateAveraged(), own.StopOnNaN(feed, RunFolder(Path("."))), own.ShowProgress(1, 1)]
    yield "bare", bare
    yield "fit", fitting(compiled(), run)
    yield "tutorial", fitting(compiled(TutorialModel), [])


def measure(preset: str, rounds: int, steps: int) -> dict[str, list[Step]]:
    """For each way the median seconds of a step in each round; the ways take turns, and so do their places."""
    runners = dict(ways(preset))
    for runner in runners.values():
        runner(1)  # traces
    found: dict[str, list[Step]] = {name: [] for name in runners}
    for turn in range(rounds):
        names = list(runners)
        for name in names[turn % len(names) :] + names[: turn % len(names)]:
            wall, processor = zip(*runners[name](steps), strict=True)
            found[name].append((median(wall), median(processor)))
    return found


def against(found: dict[str, list[Step]], other: str, which: int = 0) -> list[float]:
    """The ratio of `fit` to another way, round by round; `which`: 0 on the wall, 1 on the processor."""
    return [ours[which] / theirs[which] for ours, theirs in zip(found["fit"], found[other], strict=True)]


def line(found: dict[str, list[Step]], other: str, bar: float) -> str:
    """`fit/bare 1.012 (0.995 to 1.031), CPU 1.008`, and whether that is within the bar."""
    ratios, on_processor = against(found, other), against(found, other, which=1)
    low, middle, high = quantiles(ratios, n=4)
    verdict = f"at most {bar}" if middle <= bar else f"OVER {bar}"
    if high - low > PROVES:
        verdict += ", but the rounds differ too much to prove it"
    return f"fit/{other:<9}{middle:.3f} ({low:.3f} to {high:.3f}), CPU {median(on_processor):.3f}: {verdict}"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--presets", nargs="+", default=["vgg16", "nano"])
    parser.add_argument("--rounds", type=int, default=12)
    parser.add_argument("--steps", type=int, default=6)
    parser.add_argument("--json", type=Path, help="write the figures to this file")
    options = parser.parse_args()
    from facetracker.core import console

    console.quiet = True
    rows = []
    for preset in options.presets:
        found = measure(preset, options.rounds, options.steps)
        seconds = [f"{name} {median(wall for wall, _ in steps) * 1000:.1f} ms" for name, steps in found.items()]
        print(f"{preset}: {', '.join(seconds)} a step, {options.rounds} rounds of {options.steps} steps")
        for other, bar in (("bare", BAR), ("tutorial", NOT_SLOWER)):
            print(f"  {line(found, other, bar)}", flush=True)
            rows.append(Row(f"{preset}: fit / {other}", "ratio", against(found, other)))
        rows += [Row(f"{preset}: {name}", "ms", [wall * 1000 for wall, _ in steps]) for name, steps in found.items()]
    write_rows(options.json, rows)


if __name__ == "__main__":
    main()
