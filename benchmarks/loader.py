"""Images per second into batches of 8 at 120x120: our loader against the tutorial's, on this machine, in one run.

    python benchmarks/loader.py [--count 32] [--rounds 5] [--json FILE]

The tutorial's loader lists files, decodes, resizes and divides one picture at a time, and reads each label with a
`py_function`. Ours is what `train` runs on: all pictures are read once, from the same 450x450 files or from TFRecord
shards at the training size, and kept; the first epoch is timed with that reading, the later ones without it. Each
contestant runs a whole shuffled epoch; they take turns; the table shows medians. "Decoding alone" is the limit for
files: TensorFlow's decoder on bytes in memory, on all processors.
"""

from __future__ import annotations

import argparse
import json
import os
import tempfile
import time
from collections.abc import Callable, Iterable
from pathlib import Path

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
os.environ.setdefault("CUDA_VISIBLE_DEVICES", "")

import tensorflow as tf
from augment import make_data
from measured import Row, print_rates, write_rows

from facetracker.cluster.workers import processors
from facetracker.core import console
from facetracker.data.augment.augment import augment
from facetracker.data.batches import Feed
from facetracker.data.pool import read_pool
from facetracker.labels.collection import Collection

SIZE, BATCH = 120, 8
BARS = {"450x450 files": 1.4, "TFRecord at 120": 6.0, "cache, second epoch on": 15.0}


def tutorial_loader(aug_data: Path) -> tf.data.Dataset:
    """The loader of the tutorial."""

    def load_image(path):
        return tf.io.decode_jpeg(tf.io.read_file(path))

    def load_labels(path):
        with open(path.numpy(), encoding="utf-8") as file:
            label = json.load(file)
        return [label["class"]], label["bbox"]

    images = tf.data.Dataset.list_files(f"{aug_data}/train/images/*.jpg", shuffle=False)
    images = images.map(load_image)
    images = images.map(lambda x: tf.image.resize(x, (SIZE, SIZE)))
    images = images.map(lambda x: x / 255)
    labels = tf.data.Dataset.list_files(f"{aug_data}/train/labels/*.json", shuffle=False)
    labels = labels.map(lambda x: tf.py_function(load_labels, [x], [tf.uint8, tf.float16]))
    return tf.data.Dataset.zip((images, labels)).shuffle(4000).batch(BATCH).prefetch(4)


def ours(aug_data: Path) -> Feed:
    """Our loader: everything is read now."""
    pool = read_pool(Collection.open(aug_data, "train"), ["face"], SIZE, most=1)
    return Feed(pool.pictures, pool.labels, BATCH)


def first_epoch(aug_data: Path) -> Callable[[], Iterable]:
    """An epoch that begins with the reading."""
    return lambda: (batch for feed in [ours(aug_data)] for batch in feed.batches(0, 1))


def decoding_alone(aug_data: Path) -> tf.data.Dataset:
    """All files decoded from memory, nothing else."""
    files = [path.read_bytes() for path in sorted((aug_data / "train" / "images").iterdir())]
    decoded = tf.data.Dataset.from_tensor_slices(files).map(
        lambda data: tf.shape(tf.io.decode_jpeg(data, channels=3))[:2], processors() + 1
    )
    return decoded.batch(BATCH)


def rate(batches: Iterable, count: int) -> float:
    """Images per second of one epoch."""
    started = time.perf_counter()
    for _ in batches:
        pass
    return count / (time.perf_counter() - started)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--photos", type=Path, help="a folder in labelme format; default: drawn photos")
    parser.add_argument("--count", type=int, default=32, help="photos, of 60 variants each")
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--json", type=Path, help="write the figures to this file")
    arguments = parser.parse_args()
    console.quiet = True
    with tempfile.TemporaryDirectory(dir=".") as place:
        folder = Path(place)
        data = make_data(folder / "data", arguments.count, arguments.photos)
        count = augment(data, folder / "files").total("pictures")
        augment(data, folder / "records", format="tfrecord", size=SIZE)
        contestants: dict[str, Callable[[], Iterable]] = {"tutorial's loader": lambda: tutorial}
        tutorial, limit = tutorial_loader(folder / "files"), decoding_alone(folder / "files")
        cached = ours(folder / "files")
        contestants |= {
            "450x450 files": first_epoch(folder / "files"),
            "TFRecord at 120": first_epoch(folder / "records"),
            "cache, second epoch on": lambda: cached.batches(1, 2),
            "decoding alone": lambda: limit,
        }
        rates: dict[str, list[float]] = {name: [] for name in contestants}
        for turn in range(arguments.rounds + 1):
            for name, batches in contestants.items():
                measured = rate(batches(), count)
                if turn:  # the first epoch builds the graphs
                    rates[name].append(measured)
    print(
        f"{count} pictures, batches of {BATCH} at {SIZE}x{SIZE}, {processors()} processors, {arguments.rounds} rounds"
    )
    print_rates(rates, "images/s", BARS)
    write_rows(arguments.json, (Row(name, "images/s", values) for name, values in rates.items()))


if __name__ == "__main__":
    main()
