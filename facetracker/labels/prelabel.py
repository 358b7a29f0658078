"""The stage `prelabel`: a model draws the first boxes, marked so that nobody takes them for a person's."""

from __future__ import annotations

import hashlib
from collections.abc import Collection, Sequence
from pathlib import Path
from typing import Any

from facetracker.cluster.cluster import On
from facetracker.core import console
from facetracker.core.errors import FaceTrackerError
from facetracker.core.files import PHOTO_SUFFIXES, is_torn, sweep
from facetracker.core.other_formats import passed_over
from facetracker.inference.detector import Detector, find_model
from facetracker.labels.classes import listed_classes
from facetracker.labels.guesses import Prelabelled, look
from facetracker.labels.labelme import read_content
from facetracker.labels.pairing import PhotoFolder, label_path, no_photos, pairs_in, places_in
from facetracker.labels.provenance import signature, state_of


def prelabel(
    folder: str | Path,
    model: str | Path | None = None,
    threshold: float | None = None,
    *,
    again: bool = False,
    label: str | None = None,
    image_size: int | None = None,
    threads: int | None = None,
    only: Collection[str] | None = None,
    on: On = "local",
    address: str | None = None,
) -> Prelabelled:
    """Write a labelme file with the boxes of `model` (default: the starter) for every photo that has none.

    A file that a person has saved is never touched. `again` writes those again that another model (or threshold)
    wrote and nobody has looked at. `label` names the faces (default: the model's classes, or the one class that
    `labels.txt` lists). `only` are the stems of the photos to take. Killed and started again, it goes on. `on` ray, the
    photos are looked at on the cluster at `address` (none: a Ray started here).
    """
    folder = Path(folder)
    detector = Detector.load(model, threshold, threads, image_size=image_size)
    # What tells one run from another, so that `--again` goes on after a kill instead of beginning again.
    by: dict[str, Any] = {
        "prelabelled_by": detector.card.name or find_model(model).stem,
        "model": digest_of(find_model(model)),
        "threshold": detector.threshold,
        "image_size": detector.image_size,
    }
    done = Prelabelled(folder, by["prelabelled_by"])
    names = _names(detector.classes, label, listed_classes(folder))
    todo: list[tuple[Path, Path]] = []
    for images in images_of(folder):
        todo += _todo(images, by, again, only, done)
        done.rejects.rows += passed_over(images.images, PHOTO_SUFFIXES).rows
        sweep(label_path(images.images / "any.jpg").parent)
    if on == "ray":
        from facetracker.labels.guesses import prelabel_on_ray

        prelabel_on_ray(find_model(model), image_size, todo, names, by, done, address)
        return done
    with console.progress("prelabel", len(todo)) as meter:
        for looked_at in look(detector, todo, names, by, done):
            meter.advance(looked_at)
    return done


def images_of(folder: str | Path) -> list[PhotoFolder]:
    """The folders with the photos to label: the one not split, else every part of the split."""
    found = places_in(folder).to_label()  # beside a split these are its source: `split` brings the labels over
    if not found:
        raise no_photos(folder)
    return found


def _todo(
    images: PhotoFolder, by: dict[str, Any], again: bool, only: Collection[str] | None, done: Prelabelled
) -> list[tuple[Path, Path]]:
    """Photos of one folder that get a label file now, each with its place; the others are counted."""
    pairs = pairs_in(images)
    todo = []
    pairs.reject_doubles(done.rejects)
    for pair in pairs.owners:
        photo, path = pair.photo, pair.label
        if only is not None and photo.stem not in only:
            continue
        try:
            content = None if path is None or is_torn(path) else read_content(path)
        except FaceTrackerError as error:
            done.rejects.add(path or photo, error)
            continue
        state = state_of(content)
        if state == "unlabelled" or (state == "prelabelled" and again and _written_by(content) != by):
            todo.append((photo, path or label_path(photo)))
        elif state == "prelabelled":
            done.waiting += 1
        else:
            done.reviewed += 1
    return todo


def _written_by(content: dict[str, Any] | None) -> dict[str, Any]:
    return {key: value for key, value in signature(content or {}).items() if key not in ("doubt", "boxes", "digest")}


def _names(classes: Sequence[str], label: str | None, listed: Sequence[str]) -> list[str]:
    """What the model's classes are called in this folder."""
    if label is not None:
        return [label] * len(classes)
    if len(classes) == 1 and len(listed) == 1:
        return list(listed)
    return list(classes)


def digest_of(path: Path) -> str:
    """What tells one model file from another in a label file."""
    return hashlib.blake2b(path.read_bytes(), digest_size=8).hexdigest()
