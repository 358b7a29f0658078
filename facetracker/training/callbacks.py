"""What a run does beside fitting: averages, watches for a loss that is not a number, shows progress, keeps the best.

Keras's own callbacks do the rest (EarlyStopping, TensorBoard). Its ModelCheckpoint and BackupAndRestore are not used:
they write over their files in place, so a kill while they write loses the best model or the way to resume.
"""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path
from typing import Any

import keras
import numpy as np

from facetracker.core import console
from facetracker.core.errors import FaceTrackerError
from facetracker.core.files import written_beside
from facetracker.core.photo import Picture
from facetracker.data.batches import Feed
from facetracker.training.run import RunFolder
from facetracker.training.schedules import rate_at
from facetracker.training.seen import ValPhotos, as_columns
from facetracker.training.state import Progress, save_state


@contextmanager
def averaged_weights(model: keras.Model) -> Iterator[None]:
    """Within it the model has its optimizer's averaged weights, after it its own again, bit by bit.

    Keras's SwapEMAWeights swaps by adding and subtracting, which rounds; this one copies. Without averaging, nothing.
    """
    if not _averages(model.optimizer):
        yield
        return
    variables = model.trainable_variables
    own = [keras.ops.convert_to_numpy(variable) for variable in variables]
    model.optimizer.finalize_variable_values(variables)
    try:
        yield
    finally:
        for variable, value in zip(variables, own, strict=True):
            variable.assign(value)


def _averages(optimizer: keras.optimizers.Optimizer) -> bool:
    inner = getattr(optimizer, "inner_optimizer", optimizer)  # mixed precision wraps it to scale the loss
    return bool(inner.use_ema and inner.built)


class ValidateAveraged(keras.callbacks.Callback):
    """Validation within `fit` measures the averaged weights: those are what is saved."""

    def __init__(self) -> None:
        super().__init__()
        self._swap: AbstractContextManager[None] | None = None

    def on_test_begin(self, logs=None) -> None:
        self._swap = averaged_weights(self.model)
        self._swap.__enter__()

    def on_test_end(self, logs=None) -> None:
        if self._swap is not None:
            self._swap.__exit__(None, None, None)
            self._swap = None


class SeeVal(keras.callbacks.Callback):
    """After each epoch, before the other callbacks: what a person will see on the val photos, into `logs`.

    The threshold that was chosen there goes into the model, and with it into the file.
    """

    def __init__(self, photos: ValPhotos):
        super().__init__()
        self.photos = photos

    def on_epoch_end(self, epoch: int, logs=None) -> None:
        with averaged_weights(self.model):
            seen = self.photos.judge()
        self.model.threshold = seen.threshold
        if logs is not None:
            logs.update(as_columns(seen))


class StopOnNaN(keras.callbacks.Callback):
    """Stops at the first loss that is not a finite number and writes the batch that caused it to a file."""

    def __init__(self, feed: Feed, run: RunFolder):
        super().__init__()
        self.feed, self.run, self.epoch = feed, run, 0

    def on_epoch_begin(self, epoch: int, logs=None) -> None:
        self.epoch = epoch

    def on_train_batch_end(self, batch: int, logs=None) -> None:
        loss = (logs or {}).get("loss", 0.0)
        if math.isfinite(loss):
            return
        # The order is a pure function of the epoch, so the batch can be fetched again.
        arrays: dict[str, Any] = self.feed.batch(self.epoch, batch)
        with written_beside(self.run.bad_batch) as part, part.open("wb") as file:
            np.savez_compressed(file, **arrays)
        raise FaceTrackerError(
            f"the loss is {loss} at step {batch + 1} of epoch {self.epoch + 1}; that batch is in this file",
            path=self.run.bad_batch,
            fix="Look at the batch, or try again with a lower training.learning_rate.",
        )


class ShowProgress(keras.callbacks.Callback):
    """A bar with the time left on a terminal; everywhere one line an epoch."""

    def __init__(self, epochs: int, steps: int, done: int, shown: Sequence[str]):
        super().__init__()
        self.epochs, self.steps, self.done, self.shown = epochs, steps, done, shown
        self._meter: console.ProgressLine | None = None
        self._context: AbstractContextManager[console.ProgressLine] | None = None
        self._began = 0.0

    def open(self) -> None:
        """Show the bar; off a terminal there is none."""
        if console.sys.stderr.isatty() and not console.quiet:
            self._context = console.progress("train", (self.epochs - self.done) * self.steps, "steps")
            self._meter = self._context.__enter__()

    def close(self) -> None:
        """Take the bar away."""
        if self._context is not None:
            self._context.__exit__(None, None, None)
            self._context = self._meter = None

    def on_epoch_begin(self, epoch: int, logs=None) -> None:
        self._began = time.monotonic()

    def on_train_batch_end(self, batch: int, logs=None) -> None:
        if self._meter is not None:
            self._meter.advance()

    def on_epoch_end(self, epoch: int, logs=None) -> None:
        seconds = time.monotonic() - self._began
        left = (self.epochs - epoch - 1) * seconds
        console.say(epoch_line(epoch + 1, self.epochs, logs or {}, seconds, left, self.shown))


def epoch_line(
    epoch: int, epochs: int, logs: dict[str, float], seconds: float, left: float, shown: Sequence[str]
) -> str:
    """`epoch 3/40: total_loss 0.0123 (val 0.0156), ..., 12 s, 7 min 24 s left`."""
    parts = []
    for name in shown:
        if name in logs:
            val = logs.get(f"val_{name}")
            parts.append(f"{name} {_short(logs[name])}" + ("" if val is None else f" (val {_short(val)})"))
    parts.append(console.duration(seconds))
    if epoch < epochs:
        parts.append(f"{console.duration(left)} left")
    return f"epoch {epoch}/{epochs}: " + ", ".join(parts)


def _short(value: float) -> str:
    return f"{value:.4f}" if abs(value) >= 0.001 or value == 0 else f"{value:.2e}"


class StopEarly(keras.callbacks.EarlyStopping):
    """Keras's EarlyStopping whose patience goes on where a resumed run left off; it watches what `KeepRun` does."""

    def __init__(self, patience: int, watched: Sequence[str], progress: Progress):
        super().__init__(patience=patience, mode="min")
        self.progress, self.watched = progress, watched

    def get_monitor_value(self, logs):
        return next((logs[name] for name in self.watched if name in logs), None)

    def on_train_begin(self, logs=None) -> None:
        super().on_train_begin(logs)
        if self.progress.best is not None:
            self.best = self.progress.best
            self.best_epoch = self.progress.best_epoch - 1
            self.wait = self.progress.epoch - self.progress.best_epoch


class KeepRun(keras.callbacks.Callback):
    """At the end of each epoch: the best model, that of every `keep_every`th, the history, and last of all the state to
    resume from.

    The state comes last: killed before it is written, the epoch is done again and writes the same files again.
    """

    def __init__(
        self,
        run: RunFolder,
        progress: Progress,
        save_model: Callable[[keras.Model, Path], None],
        watched: Sequence[str],
        keep_every: int | None = None,
    ):
        super().__init__()
        self.run, self.progress, self.save_model, self.watched = run, progress, save_model, watched
        self.keep_every = keep_every
        self._began = 0.0

    def on_epoch_begin(self, epoch: int, logs=None) -> None:
        self._began = time.monotonic()

    def on_epoch_end(self, epoch: int, logs=None) -> None:
        logs = dict(logs or {})
        progress = self.progress
        seconds = time.monotonic() - self._began
        progress.epoch = epoch + 1
        progress.seconds += seconds
        if "total_loss" in logs:  # Keras's own mean of the batches; the true mean of the epoch is total_loss
            logs = {name: value for name, value in logs.items() if name not in ("loss", "val_loss")}
        row = {"epoch": epoch + 1, **logs, "learning_rate": rate_at(self.model.optimizer), "seconds": round(seconds, 3)}
        progress.history.append(row)
        value = next(logs[name] for name in self.watched if name in logs)
        if progress.best is None or value < progress.best:
            progress.best, progress.best_epoch = value, epoch + 1
            self._save(self.run.best)
        if self.keep_every and progress.epoch % self.keep_every == 0:
            self._save(self.run.of_epoch(progress.epoch))
        progress.finished = bool(self.model.stop_training)  # only StopEarly asks for that
        self.run.write_history(progress.history)
        save_state(self.run.state, self.model, progress)

    def _save(self, path: Path) -> None:
        with averaged_weights(self.model):
            self.save_model(self.model, path)


class ShowInTensorBoard(keras.callbacks.Callback):
    """A few val pictures with truth and prediction in TensorBoard, beside the curves, several times a run."""

    TIMES = 5

    def __init__(self, run: RunFolder, epochs: int, draw: Callable[[keras.Model], Picture | None]):
        super().__init__()
        self.run, self.every, self.draw = run, max(1, epochs // self.TIMES), draw
        self.epochs = epochs

    def on_epoch_end(self, epoch: int, logs=None) -> None:
        if (epoch + 1) % self.every and epoch + 1 != self.epochs:
            return
        import tensorflow as tf

        with averaged_weights(self.model):
            picture = self.draw(self.model)
        if picture is None:
            return
        writer = tf.summary.create_file_writer(str(self.run.logs / "val_predictions"))
        with writer.as_default():
            tf.summary.image("val_predictions", picture[None], step=epoch)
        writer.close()
