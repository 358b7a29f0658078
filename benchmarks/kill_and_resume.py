"""A run that is killed again and again and resumed, against the same run undisturbed: how far do the weights differ?

    python benchmarks/kill_and_resume.py [--kills 10] [--epochs 12] [--seed 0] [--backbone nano --head dense]

Real processes, real SIGKILL, at random moments: while starting, between steps, in validation, while files are
written. The network, unless another is named, is a tiny one with everything that has a state: batch norm, dropout,
averaged weights, Adam's moments, a schedule, a frozen phase; online augmentation is on. Prints the moments, and the
largest difference of the final weights; ends with 1 if it is above 1e-6 or the curves differ.
"""

from __future__ import annotations

import argparse
import csv
import os
import random
import signal
import sys
import tempfile
import time
from pathlib import Path

from facetracker.core import console
from facetracker.training.device import silenced

with silenced():
    import keras

import cv2
import numpy as np

from facetracker.core.boxes import from_pixels
from facetracker.core.example import Example
from facetracker.core.photo import write_jpeg
from facetracker.labels.labelme import write_labels
from facetracker.models import backbones

PRESET = """
model: {{backbone: {backbone}, head: {head}, image_size: 64, weights: none}}
data: {{batch_size: 8, online: light}}
training:
  {{learning_rate: 2.0e-3, schedule: cosine, optimizer: adamw, weight_decay: 1.0e-3, ema: 0.9, freeze_epochs: 2}}
"""
BAR = 1e-6


def tiny() -> keras.Model:
    """Features of strides 8, 16 and 32 from five small convolutions."""
    x = inputs = keras.Input((None, None, 3))
    features = []
    for number, width in enumerate((8, 8, 16, 16, 16)):
        x = keras.layers.Conv2D(width, 3, 2, padding="same", use_bias=False, name=f"conv{number}")(x)
        x = keras.layers.ReLU(name=f"relu{number}")(keras.layers.BatchNormalization()(x))
        features.append(x)
    x = keras.layers.Dropout(0.1, name="dropped")(x)
    return keras.Model(inputs, [*features[:-1], x])


def write_photos(folder: Path, count: int, seed: int) -> None:
    """Drawn photos of 64x64 with labelme files."""
    draws = np.random.default_rng(seed)
    for number in range(count):
        picture = draws.integers(30, 120, (8, 8, 3), dtype=np.uint8).repeat(8, 0).repeat(8, 1)
        boxes = np.zeros((0, 4))
        if number % 4:
            radius = int(draws.integers(8, 16))
            x, y = (int(draws.integers(radius, 64 - radius)) for _ in range(2))
            cv2.circle(picture, (x, y), radius, (170, 200, 235), -1)
            boxes = np.array([[x - radius, y - radius, x + radius, y + radius]])
        photo = write_jpeg(folder / "images" / f"{seed}-{number}.jpg", picture)
        sample = Example(photo, 64, 64, from_pixels(boxes, 64, 64), ("face",) * len(boxes))
        write_labels(folder / "labels" / f"{photo.stem}.json", sample)


def run(place: Path, name: str, epochs: int) -> None:
    """Train, or go on training; the whole life of a child process."""
    from facetracker.training.fit import train

    console.quiet = True
    resume = (place / "runs" / name / "config.yaml").is_file()
    changes = [f"training.epochs={epochs}"]
    train(place / "data", place / "tiny.yaml", changes, name=name, resume=resume, runs=place / "runs")


def in_child(place: Path, name: str, epochs: int) -> int:
    """Fork a child that runs; the modules are loaded, but TensorFlow itself has not started here."""
    child = os.fork()
    if child:
        return child
    status = 1
    try:
        run(place, name, epochs)
        status = 0
    finally:
        sys.stdout.flush()
        os._exit(status)


def epochs_done(folder: Path) -> int:
    history = folder / "history.csv"
    return len(rows_of(folder)) if history.is_file() else 0


def rows_of(folder: Path) -> list[dict[str, str]]:
    with (folder / "history.csv").open(newline="") as file:
        return [{k: v for k, v in row.items() if k != "seconds"} for row in csv.DictReader(file)]


def ended(child: int) -> bool:
    """Whether the child has ended by itself; if it failed, so does this program."""
    pid, status = os.waitpid(child, os.WNOHANG)
    if pid and status:
        sys.exit(f"the run failed with status {status}")
    return bool(pid)


def kill_and_resume(place: Path, epochs: int, kills: int, draws: random.Random) -> int:
    """Train run `killed`, killing it `kills` times; how often it was killed.

    The moments are spread over the run: each comes some random steps or files after another random epoch.
    """
    folder = place / "runs" / "killed"
    targets = sorted(draws.uniform(0, epochs) for _ in range(kills))
    killed = 0
    for target in targets:
        child = in_child(place, "killed", epochs)
        began = time.monotonic()
        epoch_began, seen = began, epochs_done(folder)
        wait = draws.uniform(0.0, 0.5)
        while not (finished := ended(child)):
            done = epochs_done(folder)
            if done > seen:
                wait = (target % 1) * (time.monotonic() - epoch_began) if done > seen + 1 else wait
                epoch_began, seen = time.monotonic(), done
            if done >= int(target) and time.monotonic() - epoch_began >= wait:
                break
            time.sleep(0.002)
        if finished:
            break
        os.kill(child, signal.SIGKILL)
        os.waitpid(child, 0)
        killed += 1
        print(f"killed after {time.monotonic() - began:.2f} s, {epochs_done(folder)} epochs done", flush=True)
    child = in_child(place, "killed", epochs)
    while not ended(child):
        time.sleep(0.05)
    return killed


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--kills", type=int, default=10)
    parser.add_argument("--epochs", type=int, default=12)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--backbone", default="tiny", choices=["tiny", "nano"])
    parser.add_argument("--head", default="single", choices=["single", "dense"])
    options = parser.parse_args()
    levels = ("relu2", "relu3", "dropped")
    backbones.BACKBONES["tiny"] = backbones.Backbone("tiny", tiny, 64, "unit", levels, pretrained=False)
    with tempfile.TemporaryDirectory() as folder:
        place = Path(folder)
        write_photos(place / "data" / "train", 64, 1)
        write_photos(place / "data" / "val", 16, 2)
        (place / "tiny.yaml").write_text(PRESET.format(backbone=options.backbone, head=options.head))
        child = in_child(place, "undisturbed", options.epochs)
        while not ended(child):
            time.sleep(0.05)
        killed = kill_and_resume(place, options.epochs, options.kills, random.Random(options.seed))
        one, two = place / "runs" / "undisturbed", place / "runs" / "killed"
        furthest = 0.0
        for file in ("last.keras", "model.keras"):
            weights = [keras.saving.load_model(run / file, compile=False).get_weights() for run in (one, two)]
            furthest = max(furthest, *(float(np.abs(a - b).max()) for a, b in zip(*weights, strict=True)))
        same = rows_of(one) == rows_of(two)
    print(f"killed {killed} times; largest difference of the final weights {furthest:.3g}; same curve: {same}")
    return 0 if furthest <= BAR and same else 1


if __name__ == "__main__":
    sys.exit(main())
