"""The power goes while a stage writes: does the next run end with what an undisturbed run gives, without a person?

    python benchmarks/power_loss.py [--trials 1000] [--seed 0] [--only prelabel ...]

Each trial takes a tiny drawn folder and runs one stage up to its end or, every other time, only a part of it (stopped
between two files). Then one of the files that it wrote is cut at a random byte, emptied or removed, the stage runs
again (`resume` for a training), and all files are compared with those of the undisturbed run: the same names, the
same bytes; times, durations and logs aside. A training is a small network that is trained for two epochs.
"""

from __future__ import annotations

import argparse
import json
import os
import random
import shutil
import sys
import tempfile
import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from unittest import mock

import cv2
import numpy as np
import yaml
from smallest import add_smallest_backbone

from facetracker.core import console, files
from facetracker.core.boxes import from_pixels
from facetracker.core.example import Example
from facetracker.core.photo import write_jpeg
from facetracker.data.augment.augment import augment
from facetracker.data.crops import crops
from facetracker.data.split import split
from facetracker.labels.labelme import write_labels
from facetracker.labels.prelabel import prelabel

DAMAGE = ("cut", "emptied", "removed")
PRESET = """model: {backbone: smallest, head: single, image_size: 64, weights: none}
data: {batch_size: 4}
training: {epochs: 2, learning_rate: 1.0e-3, optimizer: adam, keep_every: 1}
"""
# What differs from run to run though nothing is wrong: by time, and by how long it took.
TIMES = ("seconds", "run", "device")
# Not compared: what was kept of a damaged file beside the new one; the mark of `crops`, which only a lost table needs.
ASIDE = (".damaged", "/.crops")


class Interrupted(BaseException):
    """The stage stops here, as if the power were gone."""


@dataclass(frozen=True)
class Stage:
    """`make(folder)` draws what the stage starts from, `run(folder)` is one run, `again(folder)` the next one."""

    make: Callable[[Path], None]
    run: Callable[[Path], object]
    again: Callable[[Path], object]
    same: Callable[[Path, Path], bool]
    share: int = 1  # of the trials


def draw(folder: Path, count: int = 4, labelled: bool = True, first: int = 0) -> None:
    """Photos of 64x48 with a round face."""
    rng = np.random.default_rng(first + 1)
    for number in range(first, first + count):
        picture = rng.integers(30, 120, (6, 8, 3), dtype=np.uint8).repeat(8, 0).repeat(8, 1)
        radius = int(rng.integers(8, 14))
        x, y = int(rng.integers(radius, 64 - radius)), int(rng.integers(radius, 48 - radius))
        cv2.circle(picture, (x, y), radius, (170, 200, 235), -1)
        photo = write_jpeg(folder / "images" / f"p{number}.jpg", picture)
        if labelled:
            boxes = from_pixels(np.array([[x - radius, y - radius, x + radius, y + radius]]), 64, 48)
            write_labels(folder / "labels" / f"p{number}.json", Example(photo, 64, 48, boxes, ("face",)))


def draw_parts(folder: Path, train: int, val: int) -> None:
    draw(folder / "data" / "train", train)
    draw(folder / "data" / "val", val, first=100)


def same_bytes(one: Path, two: Path) -> bool:
    return one.read_bytes() == two.read_bytes()


def same_run(one: Path, two: Path) -> bool:
    """Two files of a run folder: numbers and words, but for how long it took; of a model the weights."""
    if one.suffix == ".keras":
        import zipfile

        import h5py

        found = []
        for path in (one, two):
            with (
                zipfile.ZipFile(path) as archive,
                archive.open("model.weights.h5") as weights,
                h5py.File(weights) as file,
            ):
                arrays: dict[str, np.ndarray] = {}
                file.visititems(
                    lambda name, item, to=arrays: to.update({name: item[()]}) if hasattr(item, "shape") else None
                )
                found.append(arrays)
        return found[0].keys() == found[1].keys() and all(
            np.array_equal(found[0][name], found[1][name]) for name in found[0]
        )
    if one.suffix == ".npz":
        with np.load(one) as first, np.load(two) as second:
            names = [name for name in first.files if name != "progress"]
            return set(first.files) == set(second.files) and all(np.array_equal(first[n], second[n]) for n in names)
    if one.suffix == ".csv":
        return [row.rsplit(",", 1)[0] for row in _without_seconds(one)] == [
            row.rsplit(",", 1)[0] for row in _without_seconds(two)
        ]
    if one.name == "metrics.json":
        return _plain(json.loads(one.read_bytes())) == _plain(json.loads(two.read_bytes()))
    if one.name in ("run.json", "plan.json", "config.yaml"):
        return yaml.safe_load(one.read_text().replace(str(one.parents[2]), "")) == yaml.safe_load(
            two.read_text().replace(str(two.parents[2]), "")
        )
    return one.stat().st_size > 0  # pictures: times stand on them


def _without_seconds(path: Path) -> list[str]:
    import csv

    with path.open(newline="") as file:
        return [
            ",".join(value for name, value in row.items() if name != "seconds") + "," for row in csv.DictReader(file)
        ]


def _plain(value: object) -> object:
    if isinstance(value, dict):
        return {key: _plain(one) for key, one in value.items() if key not in (*TIMES, "data")}
    return value


def trained(folder: Path, resume: bool) -> None:
    from facetracker.training.fit import train

    data, preset, runs = folder / "data", folder / "smallest.yaml", folder / "runs"
    try:
        train(data, preset, name="one", resume=resume, runs=runs)
    except Exception as error:
        if resume and "Start it without --resume" in str(error):
            train(data, preset, name="one", runs=runs)  # what the one line says
        else:
            raise


def make_training(folder: Path) -> None:
    draw_parts(folder, 8, 4)
    (folder / "smallest.yaml").write_text(PRESET)


def augmented(folder: Path) -> object:
    return augment(folder / "data", folder / "out", variants=3, workers=1, size=64)


def in_shards(folder: Path) -> object:
    return augment(folder / "data", folder / "out", variants=2, workers=1, size=64, format="tfrecord", shard_photos=2)


def stages() -> dict[str, Stage]:
    def labelled(folder: Path) -> None:
        draw(folder / "data", 8)

    def bare(folder: Path) -> None:
        draw(folder / "data", 4, labelled=False)

    def parts(folder: Path) -> None:
        draw_parts(folder, 3, 2)

    def splits(folder: Path) -> object:
        return split(folder / "data", folder / "out", by="photo")

    def prelabels(folder: Path) -> object:
        return prelabel(folder / "data", threads=1)

    def cuts(folder: Path) -> object:
        return crops(folder / "data", folder / "out")

    def cuts_again(folder: Path) -> object:
        from facetracker.core.errors import FaceTrackerError

        try:
            return cuts(folder)
        except FaceTrackerError as error:
            if "is there already" not in str(error):
                raise
            return None  # it is whole: nothing to do

    return {
        "prelabel": Stage(bare, prelabels, prelabels, same_bytes, 5),
        "split": Stage(labelled, splits, splits, same_bytes, 5),
        "augment": Stage(parts, augmented, augmented, same_bytes, 3),
        "augment, shards": Stage(parts, in_shards, in_shards, same_bytes, 2),
        "crops": Stage(parts, cuts, cuts_again, same_bytes, 3),
        "train": Stage(
            make_training, lambda folder: trained(folder, False), lambda folder: trained(folder, True), same_run
        ),
    }


def written(folder: Path, made: set[str]) -> list[str]:
    """What the stage wrote, by name; files that are also its input under another name (hard links) are not."""
    inodes = {(folder / name).stat().st_ino for name in made}
    return sorted(
        str(path.relative_to(folder))
        for path in folder.rglob("*")
        if path.is_file()
        and str(path.relative_to(folder)) not in made
        and path.stat().st_ino not in inodes
        and "logs" not in path.parts
    )


def all_files(folder: Path) -> set[str]:
    return {str(path.relative_to(folder)) for path in folder.rglob("*") if path.is_file() and "logs" not in path.parts}


@dataclass
class Result:
    """The trials of one stage."""

    trials: int = 0
    bad: list[str] = field(default_factory=list)
    undamaged: int = 0
    seconds: float = 0.0


class Trials:
    """A stage with its undisturbed run, against which each trial is held."""

    def __init__(self, stage: Stage, place: Path):
        self.stage, self.place = stage, place
        self.start, self.right = place / "start", place / "right"
        self.start.mkdir(parents=True)
        stage.make(self.start)
        self.made = all_files(self.start)
        shutil.copytree(self.start, self.right)
        self.writes = self._interrupted(self.right, None)

    def _interrupted(self, folder: Path, after: int | None) -> int:
        """Run the stage and stop it after so many files; how many it has written."""
        count, replace = 0, os.replace

        def counted(source, target, **other):
            nonlocal count
            if after is not None and count >= after:
                raise Interrupted
            count += 1
            return replace(source, target, **other)

        with mock.patch.object(files.os, "replace", counted), suppress(Interrupted):
            self.stage.run(folder)
        return count

    def one(self, draws: random.Random) -> str | None:
        """One power cut; what was wrong afterwards, or None."""
        folder = self.place / "trial"
        shutil.rmtree(folder, ignore_errors=True)
        shutil.copytree(self.start, folder)
        after = None if draws.random() < 0.5 else draws.randrange(1, max(2, self.writes))
        self._interrupted(folder, after)
        names = written(folder, self.made)
        what = "nothing was there yet"
        if names:
            name, damage = draws.choice(names), draws.choice(DAMAGE)
            path = folder / name
            what = f"{name} {damage} (stopped after {after} files)"
            if damage == "removed" and "epochs" in path.parts:
                damage = "emptied"  # a kept epoch that is missing counts as taken away by a person
            if damage == "removed":
                path.unlink()
            elif path.stat().st_size:
                os.truncate(path, 0 if damage == "emptied" else draws.randrange(path.stat().st_size))
        try:
            self.stage.again(folder)
        except Exception as error:
            return f"{what}: {type(error).__name__}: {error}"
        return self._differs(folder, what)

    def _differs(self, folder: Path, what: str) -> str | None:
        there, right = ({name for name in all_files(one) if not name.endswith(ASIDE)} for one in (folder, self.right))
        if there != right:
            return f"{what}: other files {sorted(there ^ right)[:4]}"
        for name in sorted(there):
            same = same_bytes if name in self.made else self.stage.same
            if not same(folder / name, self.right / name):
                return f"{what}: {name} differs"
        return None


def try_out(name: str, stage: Stage, trials: int, seed: int, place: Path) -> Result:
    """So many power cuts of one stage."""
    result, began = Result(), time.monotonic()
    held = Trials(stage, place / name.replace(", ", "-"))
    draws = random.Random(f"{seed} {name}")
    for _ in range(trials):
        wrong = held.one(draws)
        result.trials += 1
        if wrong is not None:
            result.bad.append(wrong)
    result.seconds = time.monotonic() - began
    return result


def tf_step_by_step() -> None:
    """Four steps are over before a graph is traced."""
    import tensorflow as tf

    tf.config.run_functions_eagerly(True)


def tf_as_it_was() -> None:
    import tensorflow as tf

    tf.config.run_functions_eagerly(False)


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--trials", type=int, default=1000, help="of all stages together")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--only", action="append", choices=list(stages()))
    options = parser.parse_args()
    console.quiet = True
    chosen = {name: stage for name, stage in stages().items() if not options.only or name in options.only}
    if "train" in chosen:
        add_smallest_backbone()
        tf_step_by_step()
    shares = sum(stage.share for stage in chosen.values())
    good = tried = 0
    with tempfile.TemporaryDirectory(prefix="power-loss-") as place, open(os.devnull, "w") as nowhere:
        for name, stage in chosen.items():
            trials = round(options.trials * stage.share / shares)
            with mock.patch.object(sys, "stderr", nowhere):
                result = try_out(name, stage, trials, options.seed, Path(place))
            good, tried = good + result.trials - len(result.bad), tried + result.trials
            print(
                f"{name:16} {result.trials - len(result.bad)} of {result.trials} as undisturbed, {result.seconds:.0f} s"
            )
            for wrong in result.bad[:10]:
                print(f"    {wrong}", flush=True)
    print(f"{good} of {tried} power cuts end with what an undisturbed run gives")
    return 0 if good == tried else 1


if __name__ == "__main__":
    sys.exit(main())
