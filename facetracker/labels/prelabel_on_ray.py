"""Prelabelling on a Ray cluster: a batch of photos a task, the model loaded once in each worker."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any

from facetracker.cluster.tasks import WorkerDied, run_on_ray
from facetracker.core import console
from facetracker.inference.detector import Detector
from facetracker.labels.guesses import BATCH, Prelabelled, look


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
    done.rejects.rows += part.rejects.rows


@lru_cache(maxsize=1)
def _detector(model: Path, threshold: float, image_size: int | None) -> Detector:
    return Detector.load(model, threshold, 1, image_size=image_size)
