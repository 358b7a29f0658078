"""What an earlier run of `augment` left in the folder: whose it is, what of it is finished, what is to be removed."""

from __future__ import annotations

import itertools
import json
import shutil
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from facetracker.core import console
from facetracker.core.errors import FaceTrackerError
from facetracker.core.files import names_in, sizes_in, sweep, write_json
from facetracker.core.places import is_remote
from facetracker.data.augment.plan import Plan
from facetracker.data.augment.writing import DONE, Outcome, read_outcome
from facetracker.labels.pairing import IMAGES, LABELS, PARTS, holds_photos
from facetracker.labels.records import INDEX

SETTINGS = "augment.json"


def claim(folder: Path, settings: dict[str, Any], force: bool) -> None:
    """Make sure that the folder holds nothing, or what these very settings made."""
    path = folder / SETTINGS
    earlier = _settings_in(path)
    if earlier is None and (path.is_file() or (folder / DONE).is_dir()):
        console.warn(f"{path}: is damaged or missing; all pictures are made again")
        _clear(folder)
    elif earlier is not None:
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


def _settings_in(path: Path) -> dict[str, Any] | None:
    """The settings of an earlier run; None where there are none, or only a piece of them."""
    if not path.is_file():
        return None
    data = path.read_bytes()  # a disk that cannot be read is another matter
    try:
        found = json.loads(data)
    except (ValueError, RecursionError):
        return None
    return found if isinstance(found, dict) else None


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
    outcome = read_outcome(done)
    if name.endswith(".tfrecord"):
        (place / name).unlink(missing_ok=True)
        (place / INDEX).unlink(missing_ok=True)
    else:
        # A done-file that is damaged bears the photo's name still.
        made = {name: _variants_of(place, name)} if outcome is None else outcome.photos
        for stem, count in made.items():
            for number in range(count):
                (place / IMAGES / f"{stem}.{number}.jpg").unlink(missing_ok=True)
                (place / LABELS / f"{stem}.{number}.json").unlink(missing_ok=True)
    done.unlink(missing_ok=True)


def _variants_of(place: Path, stem: str) -> int:
    """How many variants of a photo lie there, counted from 0 up to the first that is missing."""
    return next(n for n in itertools.count() if not (place / IMAGES / f"{stem}.{n}.jpg").is_file())


def done_names(folder: Path, part: str) -> Iterator[str]:
    """The names of the units of work that an earlier run finished, in no order."""
    place = folder / DONE / part
    if place.is_dir():
        yield from (name.removesuffix(".json") for name in names_in(place) if name.endswith(".json"))


def files_in(place: Path) -> Iterator[tuple[str, int | None]]:
    """Names and sizes of all pictures, labels and shards of one part, in no order."""
    for folder in (place, place / IMAGES, place / LABELS):
        if folder.is_dir():
            yield from sizes_in(folder)


def is_complete(outcome: Outcome, shard: str | None, there: Mapping[str, int | None]) -> bool:
    """Whether all that was made is there, none of it cut short: the shard of that name, or the files (None)."""
    names = [f"{stem}.{number}" for stem, count in outcome.photos.items() for number in range(count)]
    files = [shard] if shard is not None else [name + end for name in names for end in (".jpg", ".json")]
    if not all(name in there for name in files):
        return False
    # An earlier version noted no sizes.
    return all(there[name] in (None, size) for name, size in zip(files, outcome.sizes, strict=False))


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
