"""Folders of class folders: `FOLDER/{train,val,test}/CLASS/*.jpg`, or `FOLDER/CLASS/*.jpg` that is split here.

The parts may be called as others call them: Train, valid, Validation, Test.

Photos that look nearly the same stay in one part, or the score would say how well the network remembers.
"""

from __future__ import annotations

import csv
from collections import Counter
from dataclasses import dataclass
from pathlib import Path

from facetracker.core.errors import FaceTrackerError
from facetracker.core.files import photos_in
from facetracker.data.grouping import drawn_parts
from facetracker.labels.pairing import PARTS

RATIOS = (0.7, 0.1, 0.2)
NAMES = {"train": "train", "val": "val", "valid": "val", "validation": "val", "test": "test"}
TABLE = "crops.csv"  # what `crops` knows of each picture; folders from elsewhere have none


@dataclass(frozen=True)
class Face:
    """A picture of one face: its file, its class's name, its part, the shorter side of the face in pixels.

    `size` is 0 where nobody knows it.
    """

    path: Path
    label: str
    part: str
    size: float = 0.0


@dataclass
class FaceFolder:
    """The faces of a folder and the names of its classes, sorted; `how` says where the parts come from."""

    folder: Path
    classes: list[str]
    faces: list[Face]
    how: str
    margin: float | None = None

    def of(self, part: str) -> list[Face]:
        """The faces of one part."""
        return [face for face in self.faces if face.part == part]

    def line(self, part: str) -> str:
        """`train: 320 faces (with_mask 200, without_mask 120)`."""
        counts = Counter(face.label for face in self.of(part))
        kinds = ", ".join(f"{name} {counts[name]}" for name in self.classes)
        return f"{part or 'not split'}: {sum(counts.values())} faces ({kinds})"

    def lines(self) -> list[str]:
        """A line for every part that has faces."""
        return [self.line(part) for part in (*PARTS, "") if self.of(part)]


def holds_classes(folder: Path) -> bool:
    """Whether a folder is one of class folders: photos lie in folders with other names than `images`."""
    places = list(_parts_of(folder).values()) or [folder]
    inside = [path for place in places if place.is_dir() for path in place.iterdir() if path.is_dir()]
    return not any(path.name == "images" for path in inside) and any(
        photos_in(path) for path in inside if path.name != "labels" and not path.name.startswith(".")
    )


def read_folder(folder: str | Path, seed: int | None = 0) -> FaceFolder:
    """The class folders of a folder, with their parts; without parts they are drawn 7:1:2 by `seed` (None: not)."""
    folder = Path(folder)
    if not folder.is_dir():
        raise FaceTrackerError("no such folder", path=folder, fix="Make it with `facetracker crops DATA FOLDER`.")
    parts = _parts_of(folder)
    places = parts or {"": folder}
    found = [
        (photo, place.name, part)
        for part, root in places.items()
        for place in sorted(path for path in root.iterdir() if path.is_dir() and not path.name.startswith("."))
        for photo in photos_in(place)
    ]
    classes = sorted({label for _, label, _ in found})
    if len(classes) < 2:
        raise FaceTrackerError(
            f"holds {'no class folder' if not classes else f'one class only ({classes[0]})'} with photos",
            path=folder,
            fix="Expected: FOLDER/CLASS/*.jpg or FOLDER/train/CLASS/*.jpg, two classes or more.",
        )
    if parts and "train" not in parts:
        raise FaceTrackerError("has no part train", path=folder, fix=f"There are: {', '.join(parts)}.")
    sizes, margin = _read_table(folder)
    result = FaceFolder(folder, classes, [], "as in the folder" if parts else "split 7:1:2 by near-duplicate", margin)
    pool = {} if parts or seed is None else {photo.relative_to(folder).as_posix(): photo for photo, _, _ in found}
    drawn = {} if seed is None or not pool else drawn_parts(pool, RATIOS, seed)
    for photo, label, part in found:
        name = photo.relative_to(folder).as_posix()
        result.faces.append(Face(photo, label, part or drawn.get(name, ""), sizes.get(name, 0.0)))
    return result


def _parts_of(folder: Path) -> dict[str, Path]:
    """The folders of the parts that there are, by their names here."""
    inside = sorted(path for path in folder.iterdir() if path.is_dir()) if folder.is_dir() else []
    found = {NAMES[path.name.lower()]: path for path in inside if path.name.lower() in NAMES}
    return {name: found[name] for name in PARTS if name in found}


def _read_table(folder: Path) -> tuple[dict[str, float], float | None]:
    """Sizes by file name and the margin, as `crops` noted them."""
    path = folder / TABLE
    if not path.is_file():
        return {}, None
    try:
        with path.open(newline="", encoding="utf-8") as file:
            rows = list(csv.DictReader(file))
        sizes = {row["file"]: min(float(row["width"]), float(row["height"])) for row in rows}
        return sizes, float(rows[0]["margin"]) if rows else None
    except (KeyError, ValueError, TypeError, csv.Error, UnicodeDecodeError) as error:
        raise FaceTrackerError(f"is damaged ({error})", path=path, fix="Cut the crops again, or remove it.") from None
