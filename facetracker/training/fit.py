"""`train`: from a folder of augmented (or plain) labelled photos to a run folder with a trained tracker."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import keras
import tensorflow as tf

from facetracker.core.photo import Picture
from facetracker.core.settings import Settings
from facetracker.data.batches import Feed, in_order
from facetracker.models import FaceTracker
from facetracker.models.weights import design_of
from facetracker.training import callbacks as own
from facetracker.training.briefing import brief
from facetracker.training.curves import draw_curves
from facetracker.training.device import on_all_gpus, start
from facetracker.training.light import composing, light
from facetracker.training.photos import Photos, read_photos
from facetracker.training.pictures import draw_in_rgb, draw_val_predictions
from facetracker.training.plan import RunPlan, read_plan
from facetracker.training.run import RUNS, RunFolder, open_run, say_rejects
from facetracker.training.seen import ValPhotos
from facetracker.training.trainer import Task, Trainer

SUMMARY = ("val_overlap", "val_found", "val_threshold", "val_total_loss")
IN_TENSORBOARD = 8  # val pictures


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
    read: list[Photos] = []

    def planned(settings: Settings) -> RunPlan:
        # The photos of a new run are read before its folder is made: a fault in them leaves no half of a run behind.
        read.append(read_photos(data, settings))
        return RunPlan(classes=tuple(read[0].classes), crop=read[0].crop)

    run, settings = open_run(data, preset, list(changes), name, resume, force, Path(runs), planned)
    device = start(settings.training)
    plan = read_plan(run.plan)
    photos = read[0] if read else read_photos(data, settings, plan)
    plan = replace(plan, classes=tuple(photos.classes), crop=photos.crop)
    run.keep(run.plan, plan.to_json())
    say_rejects(run, photos.rejects)
    try:
        with on_all_gpus(device):
            return Trainer(run, settings.training, TrackerTask(settings, plan, photos), device).go()
    finally:
        run.release()


class TrackerTask(Task):
    """A tracker: boxes and classes of faces."""

    command = "train"
    # Without photos to validate on, the training loss decides.
    watched = ("val_missed", "val_total_loss", "total_loss")
    shown = ("total_loss", "class_loss", "regress_loss", "mean_iou", "val_overlap", "val_found")

    def __init__(self, settings: Settings, plan: RunPlan, photos: Photos):
        self.settings, self.plan, self.photos = settings, plan, photos
        self.feed = make_feed(photos, settings)
        self.seen: ValPhotos | None = None

    def build(self, read_weights: bool) -> FaceTracker:
        model = build_model(self.settings, self.plan, read_weights)
        if self.photos.val_photos is not None:
            self.seen = ValPhotos(self.photos.val_photos, self.photos.classes, model)
        return model

    def compiled(self, optimizer: keras.optimizers.Optimizer) -> dict[str, Any]:
        return {"optimizer": optimizer}  # the loss and what is measured are the tracker's own

    def val_batches(self) -> tf.data.Dataset | None:
        val = self.photos.val
        return None if val is None else in_order(val.pictures, val.labels, self.settings.data.batch_size)

    def brief(self, model: keras.Model) -> list[str]:
        brief(self.photos.train, self.photos.val, self.photos.classes, self.settings.data.online)
        return [self.settings.model.backbone, f"{self.settings.model.head} head"]

    def callbacks(self) -> list[keras.callbacks.Callback]:
        return [] if self.seen is None else [own.SeeVal(self.seen)]

    def draw(self, model: keras.Model) -> Picture | None:
        return None if self.photos.val is None else draw_in_rgb(model, self.photos.val, IN_TENSORBOARD)

    def draw_curves(self, path: Path, history: Sequence[dict[str, float]]) -> None:
        draw_curves(path, history)

    def sum_up(self, run: RunFolder, best: keras.Model, epoch: dict[str, float]) -> tuple[str, dict[str, Any]]:
        if self.photos.val is not None:
            draw_val_predictions(run.val_predictions, best, self.photos.val)
        shown = ", ".join(f"{name} {epoch[name]:.4f}" for name in SUMMARY if name in epoch)
        return f": {shown}", {
            "preset": self.settings.preset,
            "measured_on": "the val pictures of that folder, as they are there (augmented ones, if it is augmented)",
            "crop": self.plan.crop,
            "classes": list(self.plan.classes),
        }


def make_feed(photos: Photos, settings: Settings) -> Feed:
    """The training batches as the settings want them."""
    training = settings.training
    pool = photos.train
    feed = Feed(pool.pictures, pool.labels, settings.data.batch_size, training.seed, training.samples_per_epoch)
    if settings.data.online == "compose":
        return replace(feed, change=composing(photos.train_photos, photos.classes, feed.seed, feed.steps))
    return replace(feed, change=light if settings.data.online == "light" else None)


def build_model(settings: Settings, plan: RunPlan, read_weights: bool = True) -> FaceTracker:
    """The network of the settings; without `read_weights` it starts empty, because a resumed run has its own."""
    model = settings.model
    landmarks, seen = design_of(model.weights) if model.head == "dense" else (False, None)
    return FaceTracker(
        backbone=model.backbone,
        head=model.head,
        classes=list(plan.classes) or ["face"],
        image_size=model.image_size,
        weights=model.weights if read_weights else "none",
        preprocessing="unit" if landmarks and seen == "unit" else model.preprocessing,
        regress_loss=model.regress_loss,
        crop=plan.crop,
        landmarks=landmarks,
    )
