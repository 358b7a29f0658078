"""`train`: from a folder of augmented (or plain) labelled photos to a run folder with a trained tracker."""

from __future__ import annotations

import functools
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import keras

from facetracker.core import console
from facetracker.core.files import write_atomically, write_json, written_beside
from facetracker.core.settings import Settings, TrainingSettings
from facetracker.data.batches import Feed, in_order
from facetracker.models import FaceTracker
from facetracker.models.base import plain_twin
from facetracker.models.loading import load_model
from facetracker.training import callbacks as own
from facetracker.training.briefing import brief, time_a_step
from facetracker.training.composed import composing
from facetracker.training.curves import draw_curves
from facetracker.training.device import Device, on_all_gpus, start
from facetracker.training.light import light
from facetracker.training.photos import Photos, read_photos
from facetracker.training.pictures import draw_in_rgb, draw_val_predictions
from facetracker.training.run import RUNS, RunFolder, open_run
from facetracker.training.schedules import make_optimizer
from facetracker.training.seen import ValPhotos
from facetracker.training.state import Progress, put_back, read_state
from facetracker.version import __version__

SUMMARY = ("val_overlap", "val_found", "val_threshold", "val_total_loss")
ESTIMATED_FROM = 200  # steps: shorter runs are over before an estimate is


def train(
    data: str | Path,
    preset: str | Path = "vgg16",
    changes: Iterable[str] = (),
    name: str | None = None,
    resume: bool = False,
    force: bool = False,
    runs: str | Path = RUNS,
) -> Path:
    """Train a tracker on the photos of `data` and return its run folder.

    `data` holds the parts `train` and `val` (without val, nothing is validated). `changes` are `key=value` settings
    on top of the preset. `resume` goes on with run `name` (default: the latest) where it was stopped or killed.
    """
    run, settings = open_run(data, preset, list(changes), name, resume, force, Path(runs))
    device = start(settings.training)
    photos = read_photos(data, settings)
    settings.model.classes, settings.model.crop = photos.classes, photos.crop
    settings.save(run.config)
    if photos.rejects:
        write_atomically(run.rejects, photos.rejects.as_text())
        console.warn(f"{len(photos.rejects)} pictures were left out; {run.rejects} says why")
    with on_all_gpus(device):
        return Training(run, settings, photos, device).go()


@dataclass
class Training:
    """One run: its folder, settings, photos and device."""

    run: RunFolder
    settings: Settings
    photos: Photos
    device: Device

    def __post_init__(self) -> None:
        self.feed = make_feed(self.photos, self.settings)
        self.progress = read_state(self.run.state)[1] if self.run.state.is_file() else Progress()
        self.model = build_model(self.settings, read_weights=not self.progress.epoch)
        val = self.photos.val_photos
        self.val_photos = None if val is None else ValPhotos(val, self.photos.classes, self.model)

    def go(self) -> Path:
        """Brief, fit, and write what a run leaves; the run folder."""
        epochs = self.settings.training.epochs
        done = self.progress.epoch
        if done >= epochs or self.progress.finished:
            console.say(f"{self.run.folder}: all {done} epochs are done")
            return self._finish()
        brief(self.photos.train, self.photos.val, self.photos.classes, self.settings.data.online)
        parameters = f"{self.model.count_params():,} parameters"
        network = f"{self.settings.model.backbone}, {self.settings.model.head} head"
        console.say(f"model: {network}, {parameters}; on {self.device}")
        if done:
            console.say(f"goes on after epoch {done} of {epochs}")
        try:
            for first, end in phases_left(self.settings.training, self.progress):
                self._fit(first, end)
        except KeyboardInterrupt:
            self._interrupted()
            raise
        return self._finish()

    def _fit(self, first: int, end: int) -> None:
        """Train epochs up to `end`, in the phase that began at epoch `first`."""
        training = self.settings.training
        self.model.backbone.trainable = end > training.freeze_epochs
        optimizer = make_optimizer(training, self.feed.steps, end - first)
        # Built here and not by the first step: TensorFlow traces a step that makes variables twice.
        optimizer.build(self.model.trainable_variables)
        self.model.compile(optimizer=optimizer, jit_compile=self.device.jit_compile)
        if self.progress.epoch:
            # Also when the first phase has only just ended: `fit` has left its averaged weights in the model,
            # and a run that was killed at this very point would go on from the state.
            arrays, _ = read_state(self.run.state)
            put_back(self.model, arrays, optimizer=self.progress.epoch > first)
        self._estimate(end)
        val = None
        if (pool := self.photos.val) is not None:
            val = self.dealt(lambda: in_order(pool.pictures, pool.labels, self.settings.data.batch_size))
        show = own.ShowProgress(training.epochs, self.feed.steps, self.progress.epoch)
        show.open()
        try:
            self.model.fit(
                self.dealt(lambda: self.feed.batches(self.progress.epoch, end)),
                initial_epoch=self.progress.epoch,
                epochs=end,
                steps_per_epoch=self.feed.steps,
                validation_data=val,
                callbacks=self._callbacks(show, last_phase=end == training.epochs),
                shuffle=False,  # the feed has its own order; Keras warns if it is left to ask
                verbose=0,
            )
        finally:
            show.close()

    def dealt(self, batches: Callable[[], Any]) -> Any:
        """Batches as `fit` takes them; several workers (several.py) each take their own."""
        return batches()

    def _callbacks(self, show: own.ShowProgress, last_phase: bool) -> list[keras.callbacks.Callback]:
        training = self.settings.training
        found: list[keras.callbacks.Callback] = [
            own.ValidateAveraged(),
            *([own.SeeVal(self.val_photos)] if self.val_photos is not None else []),
            own.StopOnNaN(self.feed, self.run),
            keras.callbacks.TensorBoard(str(self.run.logs), write_graph=False),
            show,
        ]
        if training.early_stopping and last_phase:
            watched = "val_missed" if self.photos.val is not None else "total_loss"
            found.append(own.StopEarly(training.early_stopping, watched, self.progress))
        if (val := self.photos.val) is not None:
            draw = functools.partial(draw_in_rgb, pool=val, most=8)
            found.append(own.ShowInTensorBoard(self.run, training.epochs, draw))
        return [*found, own.KeepRun(self.run, self.progress, self._save_best)]

    @functools.cached_property
    def _twin(self) -> keras.Model:
        return plain_twin(self.model)

    def _save_best(self, model: keras.Model) -> None:
        save_model(model, self.run.best, self._twin)

    def _estimate(self, end: int) -> None:
        """Say how long the rest will take, from a few timed steps."""
        steps = (self.settings.training.epochs - self.progress.epoch) * self.feed.steps
        if steps < ESTIMATED_FROM or console.quiet:
            return
        seconds = time_a_step(self.model, self.feed, self.progress.epoch)
        left = console.duration(steps * seconds)
        console.say(f"{steps} steps of {seconds * 1000:.0f} ms: about {left}, and validation")

    def _interrupted(self) -> None:
        """Ctrl-C: keep the weights of this moment, draw what there is, say how to go on."""
        with own.averaged_weights(self.model):
            save_model(self.model, self.run.last, self._twin)
        if self.progress.history:
            draw_curves(self.run.curves, self.progress.history)
        done, epochs = self.progress.epoch, self.settings.training.epochs
        console.say(f"stopped; {done} of {epochs} epochs are done and saved in {self.run.folder}")
        console.say(f"go on with: facetracker train {self.photos.folder} --name {self.run.name} --resume")

    def _finish(self) -> Path:
        """last.keras, curves, val predictions and metrics.json, all made from what is on the disk."""
        training = self.settings.training
        first, end = phases(training.freeze_epochs, training.epochs)[-1]
        arrays, progress = read_state(self.run.state)
        self.model.threshold = progress.history[-1].get("val_threshold", self.model.threshold)
        self.model.compile(optimizer=make_optimizer(training, self.feed.steps, end - first))
        put_back(self.model, arrays, optimizer=progress.epoch > first)
        with own.averaged_weights(self.model):
            save_model(self.model, self.run.last, self._twin)
        draw_curves(self.run.curves, progress.history)
        if self.photos.val is not None:
            best = load_model(self.run.best)
            draw_val_predictions(self.run.val_predictions, best, self.photos.val)
        write_json(self.run.metrics, self._metrics(progress))
        row = progress.history[progress.best_epoch - 1]
        shown = ", ".join(f"{name} {row[name]:.4f}" for name in SUMMARY if name in row)
        console.say(f"best epoch {progress.best_epoch} of {progress.epoch}: {shown}")
        console.say(f"{self.run.best} ({console.duration(progress.seconds)} of training)")
        return self.run.folder

    def _metrics(self, progress: Progress) -> dict[str, Any]:
        return {
            "run": self.run.name,
            "version": __version__,
            "preset": self.settings.preset,
            "data": self.run.data(),
            "measured_on": "the val pictures of that folder, as they are there (augmented ones, if it is augmented)",
            "crop": self.settings.model.crop,
            "classes": self.photos.classes,
            "parameters": self.model.count_params(),
            "device": str(self.device),
            "epochs": progress.epoch,
            "best_epoch": progress.best_epoch,
            "best": progress.history[progress.best_epoch - 1],
            "last": progress.history[-1],
            "seconds": round(progress.seconds, 1),
        }


def make_feed(photos: Photos, settings: Settings) -> Feed:
    """The training batches as the settings want them."""
    feed = Feed(
        photos.train.pictures,
        photos.train.labels,
        settings.data.batch_size,
        settings.training.seed,
        settings.training.samples_per_epoch,
    )
    if settings.data.online == "compose":
        return replace(feed, change=composing(photos.train_photos, photos.classes, feed.seed, feed.steps))
    return replace(feed, change=light if settings.data.online == "light" else None)


def build_model(settings: Settings, read_weights: bool = True) -> FaceTracker:
    """The network of the settings; without `read_weights` it starts empty, because a resumed run has its own."""
    model = settings.model
    return FaceTracker(
        backbone=model.backbone,
        head=model.head,
        classes=model.classes or ["face"],
        image_size=model.image_size,
        weights=model.weights if read_weights else "none",
        preprocessing=model.preprocessing,
        regress_loss=model.regress_loss,
        crop=model.crop,
    )


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


def phases_left(training: TrainingSettings, progress: Progress) -> Iterator[tuple[int, int]]:
    """The phases that are not over, each given out when the one before it has been trained."""
    for first, end in phases(training.freeze_epochs, training.epochs):
        if progress.epoch < end and not progress.finished:
            yield first, end
