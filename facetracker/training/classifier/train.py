"""`train-classifier`: a folder of class folders in, a run folder with a trained classifier out."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from facetracker.core import console
from facetracker.core.crop import MARGIN
from facetracker.core.errors import FaceTrackerError, Rejects
from facetracker.core.files import write_atomically, write_json
from facetracker.core.sheet import Tile
from facetracker.data.folders import FaceFolder, read_folder
from facetracker.labels.pairing import PARTS
from facetracker.models.classifier import FaceClassifier
from facetracker.models.loading import load_model
from facetracker.training import callbacks as own
from facetracker.training.classifier.feed import Batches, FacePictures, class_weights, read_faces
from facetracker.training.classifier.pictures import answer_tile, draw_confusion, draw_curves, write_answers
from facetracker.training.classifier.scores import Score, score
from facetracker.training.classifier.settings import ClassifierSettings, default_settings, read_classifier_settings
from facetracker.training.device import Device, start
from facetracker.training.fit import phases_left, save_model
from facetracker.training.run import RUNS, RunFolder, find_run, free_name, new_run
from facetracker.training.schedules import make_optimizer
from facetracker.training.state import Progress, put_back, read_state
from facetracker.version import __version__

WATCHED = ("val_loss", "loss")
SHOWN = ("loss", "accuracy")
ON_SHEET = 36


def train_classifier(
    folder: str | Path,
    backbone: str = "nano",
    *,
    weights: str | None = None,
    epochs: int | None = None,
    freeze_epochs: int | None = None,
    image_size: int | None = None,
    batch_size: int | None = None,
    learning_rate: float | None = None,
    dropout: float | None = None,
    augment: bool = True,
    seed: int = 0,
    name: str | None = None,
    resume: bool = False,
    force: bool = False,
    runs: str | Path = RUNS,
) -> Path:
    """Train a classifier on the class folders of `folder` (split, or split here 7:1:2) and return its run folder.

    The backbone is frozen for `freeze_epochs` while the new top learns, then everything is fine-tuned; the epoch
    with the lowest val loss is kept. What is None is the backbone's own (see `default_settings`). `resume` goes on
    with run `name` where it was stopped.
    """
    if resume:
        run = find_run(name, Path(runs))
        settings = read_classifier_settings(run.config)
        run.refuse_other_data(folder)
        if epochs is not None:
            settings.training.epochs = epochs
    else:
        settings = default_settings(backbone, weights)
        asked: list[tuple[Any, str, Any]] = [
            (settings.training, "epochs", epochs),
            (settings.training, "freeze_epochs", freeze_epochs),
            (settings.training, "learning_rate", learning_rate),
            (settings.model, "image_size", image_size),
            (settings.model, "dropout", dropout),
            (settings.data, "batch_size", batch_size),
        ]
        for section, key, value in asked:
            if value is not None:
                setattr(section, key, value)
        settings.data.augment, settings.training.seed = augment, seed
    faces = read_folder(folder, settings.training.seed)
    if not resume:
        settings.model.classes = faces.classes
        settings.model.margin = MARGIN if faces.margin is None else faces.margin
        run = new_run(folder, name or free_name(f"classifier-{settings.model.backbone}", Path(runs)), Path(runs), force)
    elif settings.model.classes != faces.classes:
        raise FaceTrackerError(f"this run tells {', '.join(settings.model.classes)} apart", path=Path(folder))
    settings.save(run.config)
    return ClassifierTraining(run, settings, faces, start(settings.training)).go()


@dataclass
class ClassifierTraining:
    """One run: its folder, settings, faces and device."""

    run: RunFolder
    settings: ClassifierSettings
    folder: FaceFolder
    device: Device

    def __post_init__(self) -> None:
        self.rejects = Rejects(list(self.folder.rejects))
        size = self.settings.model.image_size
        self.parts = {name: read_faces(self.folder.of(name), self.folder.classes, size, self.rejects) for name in PARTS}
        if not len(self.train):
            raise FaceTrackerError("holds no readable face to train on", path=self.folder.folder)
        if self.rejects:
            write_atomically(self.run.rejects, self.rejects.as_text())
            console.warn(f"{len(self.rejects)} pictures were left out; {self.run.rejects} says why")
        self.progress = read_state(self.run.state)[1] if self.run.state.is_file() else Progress()
        model = self.settings.model
        self.model = FaceClassifier(
            backbone=model.backbone,
            classes=model.classes,
            image_size=model.image_size,
            weights="none" if self.progress.epoch else model.weights,
            hidden=model.hidden,
            dropout=model.dropout,
            margin=model.margin,
        )

    @property
    def train(self) -> FacePictures:
        return self.parts["train"]

    def go(self) -> Path:
        """Say what is trained on, fit, and write what a run leaves; the run folder."""
        epochs, done = self.settings.training.epochs, self.progress.epoch
        console.say(f"{self.folder.folder}: {self.folder.how}")
        for name, faces in self.parts.items():
            if len(faces):
                console.say(self.folder.line(name))
        if not len(self.parts["val"]):
            console.warn("there are no val faces: nothing tells when it learns by heart")
        console.say(
            f"model: {self.settings.model.backbone}, {self.model.count_params():,} parameters, "
            f"{self.settings.model.image_size} pixels, weights {self.settings.model.weights}; on {self.device}"
        )
        if done:
            console.say(f"goes on after epoch {done} of {epochs}")
        try:
            for first, end in phases_left(self.settings.training, self.progress):
                self._fit(first, end)
        except KeyboardInterrupt:
            console.say(f"stopped; {self.progress.epoch} of {epochs} epochs are done and saved in {self.run.folder}")
            raise
        return self._finish()

    def _fit(self, first: int, end: int) -> None:
        """Train epochs up to `end`, in the phase that began at epoch `first`."""
        training = self.settings.training.model_copy()
        self.model.backbone.trainable = not end <= training.freeze_epochs
        if end > training.freeze_epochs:
            training.learning_rate *= self.settings.fine_tune
        weights = class_weights(self.train, len(self.folder.classes))
        if not self.settings.data.class_weights:
            weights = np.ones_like(weights)
        batches = Batches(
            self.train,
            self.settings.data.batch_size,
            training.seed,
            self.progress.epoch,
            weights,
            self.settings.data.augment,
        )
        optimizer = make_optimizer(training, len(batches), end - first)
        optimizer.build(self.model.trainable_variables)
        self.model.compile(
            optimizer=optimizer,
            loss="sparse_categorical_crossentropy",
            weighted_metrics=[],
            metrics=["accuracy"],
            jit_compile=self.device.jit_compile,
        )
        if self.progress.epoch:
            arrays, _ = read_state(self.run.state)
            put_back(self.model, arrays, optimizer=self.progress.epoch > first)
        val = self.parts["val"]
        show = own.ShowProgress(training.epochs, len(batches), self.progress.epoch, SHOWN)
        show.open()
        try:
            self.model.fit(
                batches,
                initial_epoch=self.progress.epoch,
                epochs=end,
                validation_data=(val.pictures, val.classes) if len(val) else None,
                validation_batch_size=self.settings.data.batch_size,
                callbacks=[
                    own.ValidateAveraged(),
                    show,
                    own.KeepRun(self.run, self.progress, lambda model: save_model(model, self.run.best), WATCHED),
                ],
                shuffle=False,  # the batches have their own order
                verbose=0,
            )
        finally:
            show.close()

    def _finish(self) -> Path:
        """Curves, confusion matrix, sheet of answers and metrics.json, all of the best epoch."""
        history = self.progress.history
        draw_curves(self.run.curves, history)
        best = load_model(self.run.best)
        name, faces = next((part, self.parts[part]) for part in ("test", "val", "train") if len(self.parts[part]))
        said = np.asarray(best.predict(faces.pictures, batch_size=self.settings.data.batch_size, verbose=0))
        result = score(said, faces, self.folder.classes)
        folder = self.run.folder
        draw_confusion(
            folder / "confusion.png", result.confusion, self.folder.classes, f"{name}: {result.accuracy:.1%} right"
        )
        write_answers(folder / "predictions.png", sheet_of(said, faces, self.folder.classes))
        write_json(self.run.metrics, self._metrics(name, result))
        console.say(f"best epoch {self.progress.best_epoch} of {self.progress.epoch}; on {name}: {result.line()}")
        console.say(f"{self.run.best} ({console.duration(self.progress.seconds)} of training)")
        return folder

    def _metrics(self, name: str, result: Score) -> dict[str, Any]:
        return {
            "run": self.run.name,
            "version": __version__,
            "data": self.run.data(),
            "split": self.folder.how,
            "classes": self.folder.classes,
            "parameters": self.model.count_params(),
            "device": str(self.device),
            "faces": {part: len(faces) for part, faces in self.parts.items()},
            "epochs": self.progress.epoch,
            "best_epoch": self.progress.best_epoch,
            "best": self.progress.history[self.progress.best_epoch - 1],
            "seconds": round(self.progress.seconds, 1),
            "measured_on": name,
            **result.as_dict(),
        }


def sheet_of(said: np.ndarray, faces: FacePictures, classes: list[str]) -> list[Tile]:
    """The least certain right answers and all that are wrong come first: `(N, K)` probabilities of the faces."""
    order = np.argsort(said[np.arange(len(said)), faces.classes], kind="stable")[:ON_SHEET]
    answers = []
    for row in order:
        best = int(said[row].argmax())
        caption = f"{classes[best].replace('_', ' ')} {said[row, best]:.2f}"
        answers.append(answer_tile(faces.pictures[row][..., ::-1], caption, best == faces.classes[row]))
    return answers
