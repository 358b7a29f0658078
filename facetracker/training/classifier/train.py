"""`train-classifier`: a folder of class folders in, a run folder with a trained classifier out."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import keras
import numpy as np
import tensorflow as tf

from facetracker.core import console
from facetracker.core.crop import MARGIN, fit_square
from facetracker.core.errors import FaceTrackerError, Rejects
from facetracker.core.photo import Picture, write_png
from facetracker.core.sheet import Tile
from facetracker.data.batches import in_order
from facetracker.data.folders import FaceFolder, read_folder
from facetracker.labels.pairing import PARTS
from facetracker.models.classifier import FaceClassifier
from facetracker.training.classifier.feed import FacePictures, changing, make_feed, read_faces
from facetracker.training.classifier.pictures import answer_tile, draw_answers, draw_confusion, draw_curves
from facetracker.training.classifier.scores import score
from facetracker.training.classifier.settings import (
    ClassifierSettings,
    changed,
    default_settings,
    read_classifier_settings,
)
from facetracker.training.device import start
from facetracker.training.plan import RunPlan, read_plan
from facetracker.training.run import RUNS, RunFolder, find_run, free_name, new_run, say_rejects
from facetracker.training.trainer import Task, Trainer

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
    pipeline: str | Path | None = None,
    changes: Iterable[str] = (),
    seed: int = 0,
    name: str | None = None,
    resume: bool = False,
    force: bool = False,
    runs: str | Path = RUNS,
) -> Path:
    """Train a classifier on the class folders of `folder` (split, or split here 7:1:2) and return its run folder.

    The backbone is frozen for `freeze_epochs` while the new top learns, then everything is fine-tuned; the epoch
    with the lowest val loss is kept. What is None is the backbone's own (see `default_settings`); `changes` are
    `key=value` settings on top. `resume` goes on with run `name` where it was stopped.
    """
    if resume:
        run = find_run(name, Path(runs))
        settings = read_classifier_settings(run.config)
        run.refuse_other_data(folder)
        if epochs is not None:
            settings = changed(settings, training={"epochs": epochs})
        faces = read_folder(folder, settings.training.seed)
        plan = read_plan(run.plan)
        if plan.classes != tuple(faces.classes):
            raise FaceTrackerError(f"this run tells {', '.join(plan.classes)} apart", path=Path(folder))
    else:
        asked: dict[str, dict[str, Any]] = {
            "training": {
                "epochs": epochs,
                "freeze_epochs": freeze_epochs,
                "learning_rate": learning_rate,
                "seed": seed,
            },
            "model": {"image_size": image_size, "dropout": dropout},
            "data": {"batch_size": batch_size, "pipeline": None if pipeline is None else str(pipeline)},
        }
        settings = changed(default_settings(backbone, weights), changes, **asked)
        faces = read_folder(folder, seed)
        plan = RunPlan(
            tuple(faces.classes),
            margin=MARGIN if faces.margin is None else faces.margin,
            centre=changing(settings.data, settings.model.centre).centre,
        )
        run = new_run(folder, name or free_name(f"classifier-{settings.model.backbone}", Path(runs)), Path(runs), force)
        run.keep(run.plan, plan.to_json())
    run.keep(run.config, settings.to_yaml())
    device = start(settings.training)
    task = ClassifierTask(settings, plan, faces)
    say_rejects(run, task.rejects)
    write_png(run.folder / "batch.png", task.first_batch())
    try:
        return Trainer(run, settings.training, task, device).go()
    finally:
        run.release()


class ClassifierTask(Task):
    """A classifier: which of several classes a face belongs to."""

    command = "train-classifier"
    watched = ("val_loss", "loss")
    shown = ("loss", "accuracy")

    def __init__(self, settings: ClassifierSettings, plan: RunPlan, folder: FaceFolder):
        self.settings, self.plan, self.folder = settings, plan, folder
        self.rejects = Rejects()
        size, kinds = settings.model.image_size, folder.classes
        way = changing(settings.data, plan.centre)
        views = dict.fromkeys(PARTS, (size, plan.centre)) | {"train": way.read_at(size)}
        self.parts = {name: read_faces(folder.of(name), kinds, self.rejects, *views[name]) for name in PARTS}
        if not len(self.parts["train"]):
            raise FaceTrackerError("holds no readable face to train on", path=folder.folder)
        seed, change = settings.training.seed, way.change(size)
        self.feed = make_feed(self.parts["train"], len(kinds), settings.data, seed, change, size)
        self.fine_tune = settings.fine_tune

    def first_batch(self) -> Picture:
        """What the network is about to see, changed as it will be, with the names of the classes: a sheet, BGR."""
        batch = self.feed.batch(0, 0)
        shown = zip(batch["pictures"][:ON_SHEET], batch["labels_0"], strict=False)
        return draw_answers([Tile(picture[..., ::-1], self.folder.classes[kind]) for picture, kind in shown])

    def build(self, read_weights: bool) -> FaceClassifier:
        model = self.settings.model
        return FaceClassifier(
            backbone=model.backbone,
            classes=list(self.plan.classes),
            image_size=model.image_size,
            weights=model.weights if read_weights else "none",
            hidden=model.hidden,
            dropout=model.dropout,
            margin=MARGIN if self.plan.margin is None else self.plan.margin,
            centre=self.plan.centre,
        )

    def compiled(self, optimizer: keras.optimizers.Optimizer) -> dict[str, Any]:
        loss = "sparse_categorical_crossentropy"
        return {"optimizer": optimizer, "loss": loss, "weighted_metrics": [], "metrics": ["accuracy"]}

    def val_batches(self) -> tf.data.Dataset | None:
        val = self.parts["val"]
        return in_order(val.pictures, (val.classes,), self.settings.data.batch_size) if len(val) else None

    def brief(self, model: keras.Model) -> list[str]:
        console.say(f"{self.folder.folder}: {self.folder.how}")
        for name, faces in self.parts.items():
            if len(faces):
                console.say(self.folder.line(name))
        if not len(self.parts["val"]):
            console.warn("there are no val faces, so nobody can tell when it only memorises the pictures")
        own = self.settings.model
        return [own.backbone, f"{own.image_size} pixels", f"weights {own.weights}"]

    def draw(self, model: keras.Model) -> Picture | None:
        val = self.parts["val"]
        if not len(val):
            return None
        said = np.asarray(model(val.pictures[:ON_SHEET], training=False))
        return draw_answers(sheet_of(said, val, self.folder.classes))[..., ::-1]

    def draw_curves(self, path: Path, history: Sequence[dict[str, float]]) -> None:
        draw_curves(path, history)

    def sum_up(self, run: RunFolder, best: keras.Model, epoch: dict[str, float]) -> tuple[str, dict[str, Any]]:
        classes = self.folder.classes
        name, faces = next((part, self.parts[part]) for part in ("test", "val", "train") if len(self.parts[part]))
        size = self.settings.model.image_size
        if faces.pictures.shape[1] != size:  # the train part, kept larger for its crops
            seen = [fit_square(picture, size, self.plan.centre) for picture in faces.pictures]
            faces = replace(faces, pictures=np.stack(seen))
        said = np.asarray(best.predict(faces.pictures, batch_size=self.settings.data.batch_size, verbose=0))
        result = score(said, faces, classes)
        title = f"{name}: {result.accuracy:.1%} right"
        draw_confusion(run.folder / "confusion.png", result.confusion, classes, title)
        write_png(run.folder / "predictions.png", draw_answers(sheet_of(said, faces, classes)))
        return f"; on {name}: {result.line()}", {
            "split": self.folder.how,
            "classes": classes,
            "faces": {part: len(faces) for part, faces in self.parts.items()},
            "measured_on": name,
            **result.as_dict(),
        }


def sheet_of(said: np.ndarray, faces: FacePictures, classes: list[str]) -> list[Tile]:
    """The least certain right answers and all that are wrong come first: `(N, K)` probabilities of the first faces."""
    order = np.argsort(said[np.arange(len(said)), faces.classes[: len(said)]], kind="stable")[:ON_SHEET]
    answers = []
    for row in order:
        best = int(said[row].argmax())
        caption = f"{classes[best].replace('_', ' ')} {said[row, best]:.2f}"
        answers.append(answer_tile(faces.pictures[row][..., ::-1], caption, best == faces.classes[row]))
    return answers
