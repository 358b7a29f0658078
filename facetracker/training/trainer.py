"""The one loop that trains: a tracker or a classifier, as its `Task` says, from any epoch on to the last.

Every run stops at a loss that is not a number, writes TensorBoard logs, keeps the best epoch, and can be resumed.
"""

from __future__ import annotations

import functools
import warnings
from abc import ABC, abstractmethod
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import keras
import tensorflow as tf

from facetracker.core import console
from facetracker.core.files import write_json, written_beside
from facetracker.core.photo import Picture
from facetracker.core.settings import TrainingSettings
from facetracker.data.batches import Feed
from facetracker.models.base import plain_twin
from facetracker.models.loading import load_model
from facetracker.training import callbacks as own
from facetracker.training.briefing import time_a_step
from facetracker.training.device import Device
from facetracker.training.run import RunFolder
from facetracker.training.schedules import make_optimizer
from facetracker.training.state import Progress, put_back, read_state
from facetracker.version import __version__

# A network that knows landmarks learns from labels that have none; Keras warns of what gets no gradient, every time.
warnings.filterwarnings("ignore", message="Gradients do not exist for variables")

ESTIMATED_FROM = 200  # steps: shorter runs are over before an estimate is


class Task(ABC):
    """What is trained: its network, its batches, and what of it is said, watched, drawn and written."""

    command: str  # that goes on with such a run
    watched: Sequence[str]  # the first of these that an epoch has must fall: its lowest value is the best
    shown: Sequence[str]  # what the line of an epoch says
    feed: Feed
    fine_tune: float = 1.0  # share of the learning rate once the backbone is free

    @abstractmethod
    def build(self, read_weights: bool) -> keras.Model:
        """The network; without `read_weights` it starts empty, because a resumed run has its own."""

    @abstractmethod
    def compiled(self, optimizer: keras.optimizers.Optimizer) -> dict[str, Any]:
        """The arguments of `compile`: the optimizer, the loss and the metrics."""

    @abstractmethod
    def val_batches(self) -> tf.data.Dataset | None:
        """The batches to validate on, if there are any."""

    @abstractmethod
    def brief(self, model: keras.Model) -> list[str]:
        """Say what is trained on and warn; the words that describe the network."""

    @abstractmethod
    def draw(self, model: keras.Model) -> Picture | None:
        """What the network says of a few pictures, RGB, for TensorBoard."""

    @abstractmethod
    def draw_curves(self, path: Path, history: Sequence[dict[str, float]]) -> None:
        """The numbers of the epochs as a picture."""

    @abstractmethod
    def sum_up(self, run: RunFolder, best: keras.Model, epoch: dict[str, float]) -> tuple[str, dict[str, Any]]:
        """Measure and draw the best epoch's network: how good it is in words, and what stands in `metrics.json`."""

    def callbacks(self) -> list[keras.callbacks.Callback]:
        """What else happens in `fit`, before all others."""
        return []


@dataclass
class Trainer:
    """One run: its folder, how it is trained, what, and on which device; `strategy` trains it with other workers."""

    run: RunFolder
    training: TrainingSettings
    task: Task
    device: Device
    strategy: Any = None

    def __post_init__(self) -> None:
        self.progress = read_state(self.run.state)[1] if self.run.state.is_file() else Progress()
        self.model = self.task.build(read_weights=not self.progress.epoch)

    def go(self) -> Path:
        """Brief, fit, and write what a run leaves; the run folder."""
        done, epochs = self.progress.epoch, self.training.epochs
        if done >= epochs or self.progress.finished:
            console.say(f"{self.run.folder}: all {done} epochs are done")
            return self._finish()
        network = ", ".join(self.task.brief(self.model))
        console.say(f"model: {network}, {self.model.count_params():,} parameters; on {self.device}")
        if done:
            console.say(f"goes on after epoch {done} of {epochs}")
        try:
            for first, end in phases(self.training.freeze_epochs, epochs):
                if self.progress.epoch < end and not self.progress.finished:
                    self._fit(first, end)
        except KeyboardInterrupt:
            self._interrupted()
            raise
        return self._finish()

    def _fit(self, first: int, end: int) -> None:
        """Train epochs up to `end`, in the phase that began at epoch `first`."""
        feed, start = self.task.feed, self.progress.epoch
        self._compile(first, end)
        if start:
            # Also when the first phase has only just ended: `fit` has left its averaged weights in the model,
            # and a run that was killed at this very point would go on from the state.
            arrays, _ = read_state(self.run.state)
            put_back(self.model, arrays, optimizer=start > first)
        self._estimate()
        has_val = self.task.val_batches() is not None
        show = own.ShowProgress(self.training.epochs, feed.steps, start, self.task.shown)
        show.open()
        try:
            self.model.fit(
                self._dealt(lambda: feed.batches(start, end)),
                initial_epoch=start,
                epochs=end,
                steps_per_epoch=feed.steps,
                validation_data=self._dealt(self.task.val_batches) if has_val else None,
                callbacks=self._callbacks(show, last_phase=end == self.training.epochs),
                shuffle=False,  # the feed has its own order; Keras warns if it is left to ask
                verbose=0,
            )
        finally:
            show.close()

    def _compile(self, first: int, end: int) -> None:
        training = self.training
        frozen = end <= training.freeze_epochs
        self.model.backbone.trainable = not frozen
        if not frozen:
            rate = training.learning_rate * self.task.fine_tune
            training = training.model_copy(update={"learning_rate": rate})
        optimizer = make_optimizer(training, self.task.feed.steps, end - first)
        # Built here and not by the first step: TensorFlow traces a step that makes variables twice.
        optimizer.build(self.model.trainable_variables)
        self.model.compile(**self.task.compiled(optimizer), jit_compile=self.device.jit_compile)

    def _dealt(self, batches: Callable[[], Any]) -> Any:
        """Batches as `fit` takes them; several workers each take their own."""
        if self.strategy is None:
            return batches()
        return self.strategy.distribute_datasets_from_function(lambda context: batches())

    def _callbacks(self, show: own.ShowProgress, last_phase: bool) -> list[keras.callbacks.Callback]:
        found: list[keras.callbacks.Callback] = [
            own.ValidateAveraged(),
            *self.task.callbacks(),
            own.StopOnNaN(self.task.feed, self.run),
            keras.callbacks.TensorBoard(str(self.run.logs), write_graph=False),
            show,
        ]
        if self.training.early_stopping and last_phase:
            found.append(own.StopEarly(self.training.early_stopping, self.task.watched, self.progress))
        found.append(own.ShowInTensorBoard(self.run, self.training.epochs, self.task.draw))
        kept = own.KeepRun(self.run, self.progress, self._save, self.task.watched, self.training.keep_every)
        return [*found, kept]

    @functools.cached_property
    def _twin(self) -> keras.Model:
        return plain_twin(self.model)

    def _save(self, model: keras.Model, path: Path) -> None:
        save_model(model, path, self._twin)

    def _estimate(self) -> None:
        """Say how long the rest will take, from a few timed steps; not with others, who would have to take them too."""
        steps = (self.training.epochs - self.progress.epoch) * self.task.feed.steps
        if steps < ESTIMATED_FROM or console.quiet or self.strategy is not None:
            return
        seconds = time_a_step(self.model, self.task.feed, self.progress.epoch)
        left = console.duration(steps * seconds)
        console.say(f"{steps} steps of {seconds * 1000:.0f} ms: about {left}, and validation")

    def _interrupted(self) -> None:
        """Ctrl-C: keep the weights of this moment, draw what there is, say how to go on."""
        with own.averaged_weights(self.model):
            save_model(self.model, self.run.last, self._twin)
        if self.progress.history:
            self.task.draw_curves(self.run.curves, self.progress.history)
        done, epochs = self.progress.epoch, self.training.epochs
        console.say(f"stopped; {done} of {epochs} epochs are done and saved in {self.run.folder}")
        way = f"facetracker {self.task.command} {self.run.data()} --name {self.run.name} --resume"
        console.say(f"continue with: {way}")

    def _finish(self) -> Path:
        """last.keras, curves, pictures and metrics.json, all made from what is on the disk."""
        first, end = phases(self.training.freeze_epochs, self.training.epochs)[-1]
        arrays, progress = read_state(self.run.state)
        self._compile(first, end)
        put_back(self.model, arrays, optimizer=progress.epoch > first)
        if hasattr(self.model, "threshold"):
            self.model.threshold = progress.history[-1].get("val_threshold", self.model.threshold)
        with own.averaged_weights(self.model):
            save_model(self.model, self.run.last, self._twin)
        self.run.write_history(progress.history)
        self.task.draw_curves(self.run.curves, progress.history)
        best = progress.history[progress.best_epoch - 1]
        words, measured = self.task.sum_up(self.run, load_model(self.run.best), best)
        write_json(self.run.metrics, {**self._metrics(progress), "best": best, **measured})
        console.say(f"best epoch {progress.best_epoch} of {progress.epoch}{words}")
        console.say(f"{self.run.best} ({console.duration(progress.seconds)} of training)")
        return self.run.folder

    def _metrics(self, progress: Progress) -> dict[str, Any]:
        return {
            "run": self.run.name,
            "version": __version__,
            "data": self.run.data(),
            "parameters": self.model.count_params(),
            "device": str(self.device),
            "epochs": progress.epoch,
            "best_epoch": progress.best_epoch,
            "last": progress.history[-1],
            "seconds": round(progress.seconds, 1),
        }


def save_model(model: keras.Model, path: Path, twin: keras.Model | None = None) -> None:
    """Write the model as its plain twin; making one takes a second, so a run keeps its own."""
    twin = twin or plain_twin(model)
    twin.set_weights(model.get_weights())
    if hasattr(model, "threshold"):
        twin.threshold = model.threshold
    with written_beside(path) as part:
        twin.save(part)


def phases(freeze_epochs: int, epochs: int) -> list[tuple[int, int]]:
    """`(first, end)` epochs of the frozen phase and of the one after it; those that have any epoch."""
    cut = min(freeze_epochs, epochs)
    return [(first, end) for first, end in ((0, cut), (cut, epochs)) if end > first]
