"""Variants per second: `facetracker augment` against the tutorial's loop, on this machine, in one run.

    python benchmarks/augment.py [--photos DATA] [--rounds 3] [--json FILE]

The tutorial's loop is one process that calls albumentations, `cv2.imwrite` and `json.dump` for each variant. Ours is
the whole stage (planning, workers, done-files, index, preview) with one worker a processor. Both apply the same six
transforms to the same photos and write JPEGs of the same quality. The four take turns; the table shows medians.
Imports are done before the clock starts, on both sides (ours: the server that workers are forked from).

`--photos` is a folder in labelme format; without it photos are drawn.
"""

from __future__ import annotations

import argparse
import json
import multiprocessing
import os
import shutil
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

os.environ.setdefault("NO_ALBUMENTATIONS_UPDATE", "1")

import albumentations as alb
import cv2
import numpy as np
import yaml
from measured import Row, print_rates, write_rows

from facetracker.cluster.workers import processors
from facetracker.core import console
from facetracker.core.example import Example
from facetracker.core.files import write_atomically
from facetracker.core.photo import encode_jpeg, read_picture, write_jpeg
from facetracker.data.augment.augment import augment
from facetracker.labels.collection import Collection
from facetracker.labels.labelme import write_labels

VARIANTS = 60
TRAINING_SIZE = 120
BARS = {"files": 1.6, "TFRecord": 3.0, "TFRecord at 120": 4.0}


# The same six as albumentations' YAML (its own `save` spoils RGBShift: it writes arguments that it does not read).
TUTORIAL = {
    "transform": {
        "__class_fullname__": "Compose",
        "transforms": [
            {"__class_fullname__": "RandomCrop", "width": 450, "height": 450, "p": 1.0},
            {"__class_fullname__": "HorizontalFlip", "p": 0.5},
            {"__class_fullname__": "RandomBrightnessContrast", "p": 0.2},
            {"__class_fullname__": "RandomGamma", "p": 0.2},
            {"__class_fullname__": "RGBShift", "p": 0.2},
            {"__class_fullname__": "VerticalFlip", "p": 0.5},
        ],
    }
}


def transforms() -> list[alb.BasicTransform]:
    """The tutorial's six."""
    return [
        alb.RandomCrop(width=450, height=450),
        alb.HorizontalFlip(p=0.5),
        alb.RandomBrightnessContrast(p=0.2),
        alb.RandomGamma(p=0.2),
        alb.RGBShift(p=0.2),
        alb.VerticalFlip(p=0.5),
    ]


def make_data(folder: Path, photos: int, source: Path | None) -> Path:
    """`photos` photos of 640x480 with one face each, all in train."""
    if source is None:
        from facetracker.scenes import photo  # here: each worker imports what this file imports at its top

        drawn = [photo(0, number, faces=1) for number in range(photos)]
        taken = [(one.picture, one.boxes, one.labels) for one in drawn]
    else:
        chosen = [one for one in Collection.open(source) if len(one) == 1 and (one.width, one.height) == (640, 480)]
        taken = [(one.picture(), one.boxes, one.labels) for one in chosen[:photos]]
    for number, (picture, boxes, labels) in enumerate(taken):
        path = write_jpeg(folder / "train" / "images" / f"{number:04d}.jpg", picture)
        height, width = picture.shape[:2]
        label = folder / "train" / "labels" / f"{number:04d}.json"
        label.parent.mkdir(parents=True, exist_ok=True)
        write_labels(label, Example(path, width, height, boxes, labels))
    return folder


def tutorial_loop(data: Path, out: Path) -> int:
    """The loop of the tutorial; returns how many variants it wrote."""
    augmentor = alb.Compose(
        transforms(), bbox_params=alb.BboxParams(format="albumentations", label_fields=["class_labels"])
    )
    images, labels = out / "images", out / "labels"
    images.mkdir(parents=True)
    labels.mkdir()
    written = 0
    for name in sorted(os.listdir(data / "train" / "images")):
        picture = cv2.imread(str(data / "train" / "images" / name))
        stem = name.split(".")[0]
        points = json.loads((data / "train" / "labels" / f"{stem}.json").read_text())["shapes"][0]["points"]
        coords = list(np.divide([*points[0], *points[1]], [640, 480, 640, 480]))
        for x in range(VARIANTS):
            augmented = augmentor(image=picture, bboxes=[coords], class_labels=["face"])
            cv2.imwrite(str(images / f"{stem}.{x}.jpg"), augmented["image"])
            boxes = augmented["bboxes"]
            annotation = {
                "image": name,
                "bbox": [float(edge) for edge in boxes[0]] if len(boxes) else [0, 0, 0, 0],
                "class": int(len(boxes) > 0),
            }
            with (labels / f"{stem}.{x}.json").open("w") as file:
                json.dump(annotation, file)
            written += 1
    return written


def ours(data: Path, out: Path, pipeline: Path, **options) -> int:
    """The stage `augment`; returns how many variants it wrote."""
    return augment(data, out, pipeline=pipeline, variants=VARIANTS, **options).total("pictures")


def timed(make: Callable[[Path], int], folder: Path) -> float:
    """Variants per second of one run into an empty folder."""
    shutil.rmtree(folder, ignore_errors=True)
    started = time.perf_counter()
    written = make(folder)
    rate = written / (time.perf_counter() - started)
    shutil.rmtree(folder, ignore_errors=True)
    return rate


def write_pairs(folder: Path, count: int, jpeg: bytes) -> None:
    """Files alone: what `augment` would cost if the pictures cost nothing."""
    for number in range(count):
        write_atomically(folder / "images" / f"{number}.jpg", jpeg)
        write_atomically(folder / "labels" / f"{number}.json", '{"class": 1}' * 12)


def file_limit(folder: Path, data: Path, count: int = 1000) -> float:
    """Pairs of files per second that all processors together can create."""
    first = read_picture(next(iter(sorted((data / "train" / "images").iterdir()))))
    jpeg = encode_jpeg(first[:450, :450])
    context = multiprocessing.get_context("forkserver")
    workers = [
        context.Process(target=write_pairs, args=(folder / str(number), count, jpeg)) for number in range(processors())
    ]
    started = time.perf_counter()
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join()
    rate = count * len(workers) / (time.perf_counter() - started)
    shutil.rmtree(folder, ignore_errors=True)
    return rate


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--photos", type=Path, help="a folder in labelme format; default: drawn photos")
    parser.add_argument("--count", type=int, default=63, help="photos (the tutorial has 63 in train)")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--json", type=Path, help="write the figures to this file")
    arguments = parser.parse_args()
    console.quiet = True
    with tempfile.TemporaryDirectory(dir=".") as place:  # beside the repository: /tmp may lie in memory
        folder = Path(place)
        data = make_data(folder / "data", arguments.count, arguments.photos)
        pipeline = folder / "tutorial.yaml"
        pipeline.write_text(yaml.safe_dump(TUTORIAL))
        contestants: dict[str, Callable[[Path], int]] = {
            "tutorial's loop": lambda out: tutorial_loop(data, out),
            "files": lambda out: ours(data, out, pipeline),
            "TFRecord": lambda out: ours(data, out, pipeline, format="tfrecord"),
            f"TFRecord at {TRAINING_SIZE}": lambda out: ours(
                data, out, pipeline, format="tfrecord", size=TRAINING_SIZE
            ),
        }
        small = make_data(folder / "small", 2, arguments.photos)
        ours(small, folder / "out", pipeline)  # imports
        tutorial_loop(small, folder / "other")
        rates: dict[str, list[float]] = {name: [] for name in contestants}
        for _ in range(arguments.rounds):
            for name, make in contestants.items():
                rates[name].append(timed(make, folder / "out"))
        limit = file_limit(folder / "limit", data)
    print(f"{arguments.count} photos, {VARIANTS} variants each, {processors()} processors, {arguments.rounds} rounds")
    print_rates(rates, "variants/s", BARS)
    print(f"creating the pairs of files alone: {limit:.0f}/s")
    write_rows(arguments.json, (Row(name, "variants/s", values) for name, values in rates.items()))


if __name__ == "__main__":
    main()
