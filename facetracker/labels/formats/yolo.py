"""YOLO: a text file a photo (`class x_centre y_centre width height`, shares of the picture) and `data.yaml`.

supervision reads and writes the lines. A photo without a text file counts as not labelled here; Ultralytics takes
it for one without a face, which is why unlabelled photos are never written in this format.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import yaml

from facetracker.core import boxes
from facetracker.core.errors import BadFile, FaceTrackerError
from facetracker.core.example import Example
from facetracker.core.files import write_atomically
from facetracker.core.photo import photo_size
from facetracker.core.settings import read_yaml
from facetracker.labels.collection import Collection
from facetracker.labels.formats.exchange import (
    PART_NAMES,
    by_part,
    example_from_pixels,
    photos_below,
    place_photo,
    target_name,
    unlabelled,
)

NAMES_FILES = ("classes.txt", "obj.names", "labels.txt")


def is_yolo(source: Path) -> bool:
    """Whether a folder looks like YOLO: a data.yaml, or text files where the labels should be."""
    if any((source / name).is_file() for name in ("data.yaml", "data.yml")):
        return True
    return any(_label(photo).is_file() for _, folder in _photo_folders(source) for photo in photos_below(folder))


def read_yolo(source: Path, classes: Sequence[str] = ()) -> Collection:
    """Every photo of a YOLO folder; `images` and `labels` in either order of nesting, or side by side."""
    found = Collection(source, classes=list(classes) or _names(source))
    folders = _photo_folders(source)
    if not folders:
        raise FaceTrackerError(
            "holds no photos", path=source, fix="Expected images/ and labels/, also in train/, val/."
        )
    for part, folder in folders:
        for photo in photos_below(folder):
            label = _label(photo)
            try:
                known = label.is_file()
                found.examples.append(
                    _read_one(photo, label, found.classes, part) if known else unlabelled(photo, part)
                )
            except BadFile as error:
                found.rejects.add(error.path or photo, error)
    return found


def _read_one(photo: Path, label: Path, classes: Sequence[str], part: str) -> Example:
    from supervision.dataset.formats.yolo import yolo_annotations_to_detections

    size = photo_size(photo)
    try:
        lines = [line for line in label.read_text(encoding="utf-8").splitlines() if line.strip()]
        with np.errstate(over="ignore"):  # 1e308 becomes infinite, and is refused as such below
            read = yolo_annotations_to_detections(lines, size, with_masks=False)
    except (OSError, ValueError, OverflowError, IndexError) as error:
        raise BadFile(f"is not in YOLO's format ({error})", path=label) from None
    numbers = [] if read.class_id is None else [int(number) for number in read.class_id]
    for number in numbers:
        if not 0 <= number < len(classes):
            raise BadFile(f"class {number} has no name", path=label, fix="Name all classes: --class face --class ...")
    return example_from_pixels(photo, size, read.xyxy, [classes[number] for number in numbers], label, part)


def write_yolo(target: Path, collection: Collection) -> None:
    """`TARGET/[train|val|test/]{images,labels}` and `data.yaml`, as Ultralytics and supervision read it."""
    from supervision.dataset.formats.yolo import object_to_yolo

    parts = by_part(collection)
    for part, examples in parts.items():
        for example in examples:
            corners = boxes.to_pixels(example.boxes, example.width, example.height)
            lines = [
                object_to_yolo(corner, collection.classes.index(label), (example.height, example.width)) + "\n"
                for corner, label in zip(corners, example.labels, strict=True)
            ]
            place_photo(example.photo, target / part / "images" / target_name(example.photo), upright=True)
            write_atomically(target / part / "labels" / f"{example.stem}.txt", "".join(lines))
    write_atomically(target / "data.yaml", yaml.safe_dump(_data_yaml(parts, collection.classes), sort_keys=False))


def _data_yaml(parts: dict[str, Any], classes: list[str]) -> dict[str, Any]:
    """Ultralytics wants train and val even where there is no split."""
    folders = {part or "train": f"{part}/images" if part else "images" for part in sorted(parts)}
    folders.setdefault("train", next(iter(folders.values()), "images"))
    folders.setdefault("val", folders["train"])
    return {**folders, "nc": len(classes), "names": dict(enumerate(classes))}


def _names(source: Path) -> list[str]:
    for name in ("data.yaml", "data.yml"):
        if (source / name).is_file():
            names = read_yaml(source / name).get("names")
            if isinstance(names, dict) and all(str(key).isdigit() for key in names):
                by_number = {int(key): str(value) for key, value in names.items()}
                return [by_number.get(number, "") for number in range(max(by_number, default=-1) + 1)]
            if isinstance(names, list):
                return [str(value) for value in names]
            raise BadFile("names no classes", path=source / name, fix="Pass them in order: --class face --class ...")
    for name in NAMES_FILES:
        if (source / name).is_file():
            text = (source / name).read_text(encoding="utf-8", errors="replace")
            return [line.strip() for line in text.splitlines() if line.strip()]
    raise FaceTrackerError(
        "has neither data.yaml nor classes.txt", path=source, fix="Pass the class names in order: --class face ..."
    )


def _photo_folders(source: Path) -> list[tuple[str, Path]]:
    found = [("", source / "images"), ("", source)]
    for name, part in PART_NAMES.items():
        found += [(part, source / name / "images"), (part, source / "images" / name)]
    return [(part, folder) for part, folder in found if photos_below(folder)]


def _label(photo: Path) -> Path:
    """The text file of a photo: the last folder called `images` becomes `labels`, else it lies beside the photo."""
    parts = list(photo.parent.parts)
    if "images" in parts:
        last = len(parts) - 1 - parts[::-1].index("images")
        apart = Path(*parts[:last], "labels", *parts[last + 1 :]) / f"{photo.stem}.txt"
        if apart.is_file():
            return apart
    return photo.with_suffix(".txt")
