"""What an earlier run of `augment` left in the folder: whose it is, what of it is finished, what is to be removed."""

from __future__ import annotations

import shutil
from collections.abc import Iterator, Set
from pathlib import Path
from typing import Any

from facetracker.core.errors import FaceTrackerError
from facetracker.core.files import names_in, read_json, sweep, write_json
from facetracker.core.places import is_remote
from facetracker.data.augment.plan import Plan
from facetracker.data.augment.writing import DONE, Outcome, read_outcome
from facetracker.labels.pairing import IMAGES, LABELS, PARTS, holds_photos
from facetracker.labels.records import INDEX

SETTINGS = "augment.json"


def claim(folder: Path, settings: dict[str, Any], force: bool) -> None:
    """Make sure that the folder holds nothing, or what these very settings made."""
    path = folder / SETTINGS
    if path.is_file():
        earlier = read_json(path)
        differing = [key for key, value in settings.items() if earlier.get(key) != value]
        if differing and not force:
            raise FaceTrackerError(
                f"was made with another {', '.join(differing)}",
                path=folder,
                fix="Choose another folder, or pass --force to make it again.",
            )
        if differing:
            _clear(folder)
    elif any(holds_photos(folder / name / IMAGES) for name in PARTS):
        raise FaceTrackerError(
            "holds pictures that this command did not make", path=folder, fix="Choose another folder."
        )
    sweep(folder)
    write_json(path, settings)


def _clear(folder: Path) -> None:
    """Remove what an earlier run made, and nothing else."""
    for part in PARTS:
        for name in list(done_names(folder, part)):
            _remove(folder, part, name)
    if not is_remote(folder):  # a folder that holds nothing is not there in an object store
        shutil.rmtree(folder / DONE, ignore_errors=True)


def _remove(folder: Path, part: str, name: str) -> None:
    """Remove what one done-file stands for, then the done-file."""
    done, place = folder / DONE / part / f"{name}.json", folder / part
    outcome = read_outcome(done) or Outcome()
    if name.endswith(".tfrecord"):
        (place / name).unlink(missing_ok=True)
        (place / INDEX).unlink(missing_ok=True)
    else:
        for stem, count in outcome.photos.items():
            for number in range(count):
                (place / IMAGES / f"{stem}.{number}.jpg").unlink(missing_ok=True)
                (place / LABELS / f"{stem}.{number}.json").unlink(missing_ok=True)
    done.unlink(missing_ok=True)


def done_names(folder: Path, part: str) -> Iterator[str]:
    """The names of the units of work that an earlier run finished, in no order."""
    place = folder / DONE / part
    if place.is_dir():
        yield from (name.removesuffix(".json") for name in names_in(place) if name.endswith(".json"))


def files_in(place: Path) -> Iterator[str]:
    """The names of all pictures, labels and shards of one part, in no order."""
    for folder in (place, place / IMAGES, place / LABELS):
        if folder.is_dir():
            yield from names_in(folder)


def is_complete(outcome: Outcome, shard: str | None, there: Set[str]) -> bool:
    """Whether all that was made is there: the shard of that name, or the files (None)."""
    if shard is not None:
        return shard in there
    names = [f"{stem}.{number}" for stem, count in outcome.photos.items() for number in range(count)]
    return all(f"{name}.jpg" in there and f"{name}.json" in there for name in names)


def remove_stale(folder: Path, plan: Plan, force: bool) -> int:
    """Variants whose photo is no longer there: removed with `force` (shards always: they would be read twice)."""
    count = 0
    for part in PARTS:
        for name in set(done_names(folder, part)).difference(plan.names(part)):
            if force:
                _remove(folder, part, name)
            elif plan.shard:
                raise FaceTrackerError(
                    "holds shards of another number of photos", path=folder, fix="Pass --force to make it again."
                )
            else:
                count += 1
    return count
