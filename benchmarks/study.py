"""The study notes' networks on masks and digits: what each reaches, and what it takes.

    python benchmarks/study.py FACES OUT [--only digits numpy classic transfer speed] [--digits FOLDER] [--before REV]

FACES is a folder with `images/`, `labels/` (labelme) and `sources.csv`; of its photos `mask_*` the faces of 32 pixels
and more are used, in two classes, split as the starter's training split them, near-duplicates together. OUT gets the
crops, a smaller set of them with as many faces of either class (the notes' 400 pictures to train), the runs with their
curves and sheets, and `figures.json`.

- digits: SimpleConvNet on MNIST's files in FOLDER, else on scikit-learn's digits; the filters before and after
- numpy: VGG6 in numpy and its Keras twin, with the same start, batches and pictures
- classic: VGG6, LeNet-5 and AlexNet in Keras from their default settings
- transfer: the starter's backbone, frozen and then not, with the notes' transforms; a CSV of the best two, a sheet
- speed: an epoch of the numpy VGG6 on 500 pictures, as the code is and as it was at REV, and of the Keras twin
"""

from __future__ import annotations

import argparse
import io
import json
import os
import statistics
import subprocess
import sys
import tarfile
import time
from pathlib import Path
from typing import Any

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
os.environ.setdefault("CUDA_VISIBLE_DEVICES", "")
# numpy's matrices here are small: on a machine with other work several threads would mostly wait for each other.
os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")

import numpy as np
from masks import CLASSES, starters_split
from masks import lay_out as lay_out_photos

from facetracker.core.crop import fit_square
from facetracker.core.files import link_or_copy, read_json, write_json
from facetracker.core.photo import read_picture

ROOT = Path(__file__).parent.parent
FEW = 200  # of either class, at most
THREADS = ("OPENBLAS_NUM_THREADS", "OMP_NUM_THREADS", "TF_NUM_INTRAOP_THREADS", "TF_NUM_INTEROP_THREADS")
SIZE = 224


def lay_out(faces: Path, out: Path) -> None:
    """The crops of all mask photos, and the smaller set with both classes alike."""
    from facetracker.data.crops import crops

    lay_out_photos(faces, out / "photos", starters_split(faces))
    print("\n".join(crops(out / "photos", out / "crops", classes=CLASSES, smallest=32).lines()))
    for part in ("train", "val", "test"):
        files = {kind: sorted((out / "crops" / part / kind).glob("*.jpg")) for kind in CLASSES}
        count = min(FEW, *map(len, files.values()))
        for kind, some in files.items():
            for number in np.random.default_rng(0).permutation(len(some))[:count]:
                link_or_copy(some[number], out / "few" / part / kind / some[number].name)


def pictures_of(folder: Path, size: int = SIZE) -> tuple[np.ndarray, np.ndarray]:
    """The faces of one part, uint8 RGB (N, size, size, 3), and their classes (N,)."""
    files = [(path, number) for number, kind in enumerate(CLASSES) for path in sorted((folder / kind).glob("*.jpg"))]
    pictures = np.stack([fit_square(read_picture(path), size)[..., ::-1] for path, _ in files])
    return pictures, np.array([number for _, number in files])


def digits(out: Path, folder: Path | None) -> dict[str, Any]:
    """The command of the numpy room, with the clock beside it."""
    began = time.perf_counter()
    words = [sys.executable, "-m", "facetracker.from_scratch", "--out", str(out / "digits")]
    words += ["--digits", str(folder)] if folder else []
    words += ["--epochs", "6"] if folder else []
    done = subprocess.run(
        words, capture_output=True, text=True, check=True, env={**os.environ, "PYTHONPATH": str(ROOT)}
    )
    return {"said": done.stdout.splitlines()[-1], "seconds": time.perf_counter() - began}


def numpy_against_keras(out: Path, epochs: int) -> dict[str, Any]:
    """Test accuracies after the same training from the same start."""
    import keras

    from facetracker import from_scratch as fs
    from facetracker.from_scratch.drawing import draw_curves
    from facetracker.from_scratch.photos import from_photos
    from facetracker.from_scratch.trainer import mirror_half
    from facetracker.models import classic

    (photos, classes), (test_photos, test_classes) = (pictures_of(out / "few" / part) for part in ("train", "test"))
    train, test = (from_photos(photos), classes), (from_photos(test_photos), test_classes)
    network = fs.VGG6()
    start = fs.to_keras_weights(network)
    began = time.perf_counter()
    history = fs.Trainer(network, train, test, epochs, 32, fs.Adam(1e-3), mirror_half).train()
    numpy_seconds = time.perf_counter() - began
    draw_curves(history).savefig(out / "vgg6-numpy.png")

    keras.utils.set_random_seed(0)
    twin = classic.vgg6(classes=2)
    twin.set_weights(start)
    loss = keras.losses.SparseCategoricalCrossentropy(from_logits=True)
    twin.compile(optimizer=keras.optimizers.Adam(1e-3), loss=loss, metrics=["accuracy"], jit_compile=False)
    random, began, reached = np.random.default_rng(0), time.perf_counter(), []
    last = test[0].transpose(0, 2, 3, 1)
    for _ in range(epochs):
        twin.fit(mirror_half(train[0], random).transpose(0, 2, 3, 1), classes, batch_size=32, verbose=0)
        reached.append(float((twin.predict(last, verbose=0).argmax(axis=1) == test_classes).mean()))
    return {
        "pictures": len(classes),
        "tested_on": len(test_classes),
        "numpy": history.test_accuracy,
        "keras": reached,
        "numpy_seconds": numpy_seconds,
        "keras_seconds": time.perf_counter() - began,
    }


def classic_networks(out: Path, epochs: dict[str, int]) -> dict[str, Any]:
    """The classic networks from their default settings."""
    from facetracker.training.classifier.train import train_classifier

    figures = {}
    for backbone, count in epochs.items():
        run = train_classifier(out / "few", backbone, epochs=count, name=backbone, runs=out / "runs", force=True)
        measured = read_json(run / "metrics.json")
        figures[backbone] = {
            key: measured[key] for key in ("accuracy", "epochs", "best_epoch", "seconds", "parameters")
        }
    return figures


def side_by_side(out: Path, figures: dict[str, Any]) -> None:
    """The accuracies on pictures that were held back, epoch by epoch, as `accuracies.png`: val, and of numpy test."""
    import csv

    from facetracker.training.curves import new_figure, save_figure

    lines = {"VGG6, numpy": figures["numpy"]["numpy"], "VGG6, its Keras twin": figures["numpy"]["keras"]}
    for name, title in (("vgg6", "VGG6"), ("lenet5_224", "LeNet-5"), ("alexnet", "AlexNet")):
        with (out / "runs" / name / "history.csv").open(newline="") as file:
            lines[f"{title}, by its defaults"] = [float(row["val_accuracy"]) for row in csv.DictReader(file)]
    figure, (axis,) = new_figure(1, 7, 4)
    for title, values in lines.items():
        axis.plot(range(1, len(values) + 1), values, marker=".", label=title)
    axis.xaxis.get_major_locator().set_params(integer=True)
    axis.set(xlabel="epoch", title="Mask or no mask: share right of faces held back", ylim=(0.5, 1))
    axis.grid(alpha=0.3)
    axis.legend()
    save_figure(figure, out / "accuracies.png")


def transfer(out: Path, epochs: int) -> dict[str, Any]:
    """The starter's backbone on all crops, the best two classes of every test picture, the sheet."""
    from facetracker.reports.classify import classify
    from facetracker.training.classifier.train import train_classifier

    way = {"pipeline": "transfer", "epochs": epochs, "freeze_epochs": epochs // 2}
    run = train_classifier(out / "crops", "nano", **way, name="transfer", runs=out / "runs", force=True)
    files = {"csv": out / "transfer.csv", "png": out / "transfer.png"}
    done = classify(run, out / "crops" / "test", **files, force=True)
    print("\n".join(done.lines()))
    measured = read_json(run / "metrics.json")
    return {key: measured[key] for key in ("accuracy", "faces", "confusion", "seconds", "parameters")}


EPOCHS = """
import json, sys, time
import numpy as np

def room_at(place):
    # the package of that folder, beside the one of another
    for name in [name for name in sys.modules if name.split(".")[0] == "facetracker"]:
        del sys.modules[name]
    sys.path.insert(0, place)
    import facetracker.from_scratch as room
    sys.path.remove(place)
    assert room.__file__.startswith(place)
    return room

rounds, places = int(sys.argv[1]), dict(zip(("before", "now"), sys.argv[2:]))
random = np.random.default_rng(0)
data = random.random((500, 3, 224, 224), dtype=np.float32), np.arange(500) % 2
few = data[0][:32], data[1][:32]
ways = {}
for name, place in places.items():
    room = room_at(place)
    options = {"accuracy_pictures": 32, "quiet": True}
    ways[name] = room.Trainer(room.VGG6(), data, few, 1, 32, room.Adam(1e-3), **options).train
import keras
from facetracker.models import classic
twin = classic.vgg6(classes=2)
loss = keras.losses.SparseCategoricalCrossentropy(from_logits=True)
twin.compile(optimizer=keras.optimizers.Adam(1e-3), loss=loss, jit_compile=False)
last = data[0].transpose(0, 2, 3, 1).copy()
twin.fit(last[:64], data[1][:64], batch_size=32, verbose=0)  # compiled here, not on the clock
ways["keras"] = lambda: twin.fit(last, data[1], batch_size=32, verbose=0)
seconds = {name: [] for name in ways}
for number in range(rounds):
    names = list(ways)[number % 3:] + list(ways)[:number % 3]  # nobody is always the first
    for name in names:
        began = time.process_time()
        ways[name]()
        seconds[name].append(time.process_time() - began)
print(json.dumps(seconds))
"""


def speed(out: Path, before: str, rounds: int) -> dict[str, Any]:
    """Seconds of the processor for an epoch, on one thread: at the commit `before`, now, in Keras, turn by turn.

    Of the processor, not of the clock: the machine may have other work. All in one process, which has one memory.
    """
    archive = subprocess.run(
        ["git", "archive", before, "facetracker"], cwd=ROOT, capture_output=True, check=True
    ).stdout
    with tarfile.open(fileobj=io.BytesIO(archive)) as code:
        code.extractall(out / "before", filter="data")
    words = [sys.executable, "-c", EPOCHS, str(rounds), str((out / "before").resolve()), str(ROOT.resolve())]
    environment = {**os.environ, **dict.fromkeys(THREADS, "1")}
    done = subprocess.run(words, capture_output=True, text=True, check=True, cwd=out, env=environment)
    seconds = json.loads(done.stdout.splitlines()[-1])
    ratios = {
        name: statistics.median(a / b for a, b in zip(seconds["now"], seconds[name], strict=True))
        for name in ("before", "keras")
    }
    medians = {name: statistics.median(values) for name, values in seconds.items()}
    return {"commit": before, "seconds": seconds, "medians": medians, "now_to": ratios}


def main() -> None:
    parser = argparse.ArgumentParser(description="the study notes' networks on masks and digits")
    parser.add_argument("faces", type=Path)
    parser.add_argument("out", type=Path)
    known = ("digits", "numpy", "classic", "transfer", "speed")
    parser.add_argument("--only", nargs="+", choices=known, default=known)
    parser.add_argument("--digits", type=Path, help="folder with MNIST's four files")
    parser.add_argument("--before", default="main", help="the commit that speed is compared with")
    parser.add_argument("--rounds", type=int, default=6, help="of speed")
    arguments = parser.parse_args()
    out: Path = arguments.out
    if not (out / "few").is_dir():
        lay_out(arguments.faces, out)
    ways = {
        "digits": lambda: digits(out, arguments.digits),
        "numpy": lambda: numpy_against_keras(out, epochs=12),
        "classic": lambda: classic_networks(out, {"vgg6": 20, "lenet5_224": 10, "alexnet": 5}),
        "transfer": lambda: transfer(out, epochs=12),
        "speed": lambda: speed(out, arguments.before, arguments.rounds),
    }
    path = out / "figures.json"
    for name in arguments.only:
        figures = read_json(path) if path.is_file() else {}
        figures |= {name: ways[name]()}
        write_json(path, figures)
        if name in ("numpy", "classic") and {"numpy", "classic"} <= set(figures):
            side_by_side(out, figures)
    print(json.dumps(read_json(path), indent=2))


if __name__ == "__main__":
    main()
