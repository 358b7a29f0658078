"""A model's guesses as label files: photos looked at in batches, here or on a Ray cluster, and what was written."""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from functools import lru_cache
from itertools import islice
from pathlib import Path
from typing import Any

from facetracker.cluster.tasks import WorkerDied, run_on_ray
from facetracker.core import console
from facetracker.core.console import counted
from facetracker.core.errors import FaceTrackerError, Rejects
from facetracker.core.example import Example
from facetracker.core.faces import Faces
from facetracker.core.files import is_torn, write_if_still
from facetracker.core.photo import Picture, read_picture
from facetracker.inference.detector import Detector
from facetracker.labels.labelme import as_bytes, labelme_content, read_content
from facetracker.labels.provenance import signed, state_of

BATCH = 16  # photos that are read and looked at together
LOWEST = 0.1  # score from which a box that is not written still counts as doubt


@dataclass
class Prelabelled:
    """What `prelabel` did. `written` are label files; the other photos of the folder were left as they are."""

    folder: Path
    model: str
    written: list[Path] = field(default_factory=list)
    faces: int = 0
    no_face: int = 0
    reviewed: int = 0
    waiting: int = 0  # prelabelled before, and nobody has looked yet
    rejects: Rejects = field(default_factory=Rejects)

    def lines(self) -> list[str]:
        """The report for a person."""
        lines = [f"{counted(len(self.written), 'photo')} prelabelled with {self.model}: {counted(self.faces, 'face')}"]
        if self.no_face:
            lines[0] += f", {self.no_face} photos without a face"
        if self.reviewed:
            lines.append(f"{self.reviewed} photos were labelled by a person and left as they are")
        if self.waiting:
            lines.append(f"{self.waiting} photos were prelabelled before (--again looks again with another model)")
        return lines + self.rejects.lines()


def look(
    detector: Detector, todo: Sequence[tuple[Path, Path]], names: Sequence[str], by: dict[str, Any], done: Prelabelled
) -> Iterator[int]:
    """Write the label files of photos, batch by batch, and note them in `done`; yields how many each batch held."""
    for chunk in _read(todo, done.rejects):
        found = detector.detect_batch([picture for _, _, picture in chunk], min(LOWEST, detector.threshold))
        for (photo, path, _), faces in zip(chunk, found, strict=True):
            _write(photo, path, faces, names, by, done)
        yield len(chunk)


def doubt_of(scores: Any, threshold: float) -> float:
    """How unsure a model is about a photo, from the scores of all its boxes: 0 not at all, 1 could be either.

    The box that is nearest to the threshold decides: one face overlooked spoils the photo.
    """
    doubts = [s / threshold if s < threshold else (1 - s) / max(1 - threshold, 1e-6) for s in scores]
    return round(float(max(doubts, default=0.0)), 3)


def _read(todo: Sequence[tuple[Path, Path]], rejects: Rejects) -> Iterator[list[tuple[Path, Path, Picture]]]:
    """The photos in batches; the next batch is decoded while the model looks at this one."""

    def read(task: tuple[Path, Path]) -> tuple[Path, Path, Picture] | FaceTrackerError:
        try:
            return (*task, read_picture(task[0]))
        except FaceTrackerError as error:
            return error

    tasks = iter(todo)
    with ThreadPoolExecutor(2) as threads:
        ahead = [threads.submit(read, task) for task in islice(tasks, BATCH)]
        while ahead:
            now, ahead = ahead, [threads.submit(read, task) for task in islice(tasks, BATCH)]
            chunk = []
            for one in now:
                result = one.result()
                if isinstance(result, FaceTrackerError):
                    rejects.add(result.path or "", result)
                else:
                    chunk.append(result)
            if chunk:
                yield chunk


def _write(photo: Path, path: Path, found: Faces, names: Sequence[str], by: dict[str, Any], done: Prelabelled) -> None:
    doubt = doubt_of(found.scores, by["threshold"])
    sure = found[found.scores >= by["threshold"]]
    labels = tuple(names[number] for number in sure.classes)
    example = Example(photo, found.width, found.height, sure.boxes, labels, reviewed=False)
    content = labelme_content(path, example, descriptions=tuple(f"{score:.2f}" for score in sure.scores))
    if not photo.is_file():  # its label would belong to nothing
        done.rejects.add(photo, "was moved meanwhile")
        return
    if path.is_file() and is_torn(path):
        _set_aside(path)
    seen = path.read_bytes() if path.is_file() else None
    theirs = bool(seen) and state_of(read_content(path)) == "reviewed"
    if theirs or not write_if_still(path, as_bytes(signed(content, **by, doubt=doubt)), seen):
        by_person = state_of(read_content(path)) == "reviewed"  # or another prelabel was here
        done.reviewed += by_person
        done.waiting += not by_person
        return
    done.written.append(path)
    done.faces += len(example)
    done.no_face += not len(example)


def _set_aside(path: Path) -> None:
    """Keep what a power cut left of a label file, in case a person made it; an empty one holds nothing to keep."""
    if path.stat().st_size:
        os.replace(path, path.with_name(f"{path.name}.damaged"))


@dataclass(frozen=True)
class Batch:
    """Photos with the places of their label files, and what a worker needs to write these."""

    model: Path
    image_size: int | None
    todo: Sequence[tuple[Path, Path]]
    names: Sequence[str]
    by: dict[str, Any]


def prelabel_on_ray(
    model: Path,
    image_size: int | None,
    todo: Sequence[tuple[Path, Path]],
    names: Sequence[str],
    by: dict[str, Any],
    done: Prelabelled,
    address: str | None = None,
) -> None:
    """Write the label files of `todo` on a cluster (no address: a Ray started here) and note them in `done`."""
    batches = [Batch(model, image_size, todo[start : start + BATCH], names, by) for start in range(0, len(todo), BATCH)]
    files = sorted({model, *(photo.parent.resolve() for photo, _ in todo)})
    with console.progress("prelabel", len(todo)) as meter:
        for number, result in run_on_ray(label_batch, batches, address=address, files=files):
            batch = batches[number]
            meter.advance(len(batch.todo))
            if isinstance(result, WorkerDied):
                for photo, _ in batch.todo:
                    done.rejects.add(photo, result)
            elif isinstance(result, Exception):
                raise result
            else:
                _add(done, result)
    done.written.sort()


def label_batch(batch: Batch) -> Prelabelled:
    """What a worker does with one batch."""
    done = Prelabelled(Path(), str(batch.by["prelabelled_by"]))
    detector = _detector(batch.model, batch.by["threshold"], batch.image_size)
    for _ in look(detector, batch.todo, batch.names, batch.by, done):
        pass
    return done


def _add(done: Prelabelled, part: Prelabelled) -> None:
    done.written += part.written
    done.faces += part.faces
    done.no_face += part.no_face
    done.reviewed += part.reviewed
    done.waiting += part.waiting
    done.rejects.rows += part.rejects.rows


@lru_cache(maxsize=1)
def _detector(model: Path, threshold: float, image_size: int | None) -> Detector:
    return Detector.load(model, threshold, 1, image_size=image_size)
