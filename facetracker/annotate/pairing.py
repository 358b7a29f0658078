"""Which photo belongs to which label file.

A pair shares its stem: `images/NAME.jpg` with `labels/NAME.json` beside the folder `images`, or `NAME.json` in the
same folder. Never by sorting two lists: one missing label would shift every pair behind it.
"""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass, field
from pathlib import Path, PureWindowsPath
from typing import Any

from facetracker.errors import BadFile
from facetracker.files import PHOTO_SUFFIXES, photos_in, read_json
from facetracker.places import as_path

IMAGES, LABELS = "images", "labels"
PARTITIONS = ("train", "val", "test")


@dataclass
class Pairs:
    """The photos of one folder, each with its label file or None; and what has no partner."""

    photos: list[tuple[Path, Path | None]] = field(default_factory=list)
    orphans: list[Path] = field(default_factory=list)
    doubles: list[Path] = field(default_factory=list)

    def photos_only(self) -> list[Path]:
        return [photo for photo, _ in self.photos]


def label_path(photo: str | Path) -> Path:
    """Where the label file of a photo lies, or would: `labels/` beside `images/`, else beside the photo."""
    photo = Path(photo)
    folder = photo.parent
    beside = folder / f"{photo.stem}.json"
    if folder.name != IMAGES:
        inside = folder / LABELS / beside.name
        return inside if not exists(beside) and exists(inside) else beside
    apart = folder.parent / LABELS / beside.name
    return beside if not exists(apart) and exists(beside) else apart


def find_photo(json_path: str | Path, content: Any = None) -> Path | None:
    """The photo of a label file, or None: the one of the same stem, else the one that `imagePath` names.

    Where two photos share the stem (NAME.jpg and NAME.png), `imagePath` decides. `content` is the file's parsed
    JSON, if the caller has it.
    """
    json_path = Path(json_path)
    same_stem = [
        photo
        for folder in (json_path.parent.parent / IMAGES, json_path.parent, json_path.parent.parent)
        for photo in _with_stem(folder, json_path.stem)
    ]
    if len(same_stem) == 1:
        return same_stem[0]
    if content is None:
        try:
            content = read_json(json_path)
        except BadFile:
            content = {}
    named = image_path(json_path, content)
    if same_stem:
        return next((photo for photo in same_stem if named is not None and photo.name == named.name), same_stem[0])
    return named if named is not None and exists(named) else None


def image_path(json_path: Path, content: Any) -> Path | None:
    """The path that `imagePath` names, seen from the label file; files from Windows have backslashes."""
    name = content.get("imagePath") if isinstance(content, dict) else None
    if not isinstance(name, str) or not name.strip() or not name.isprintable():
        return None
    return json_path.parent / PureWindowsPath(name).as_posix()


def pairs_in(images: str | Path, labels: str | Path | None = None) -> Pairs:
    """Pair the photos in the folder `images` with the label files in `labels` (default: as `label_path`).

    Of photos that share a stem only one can own the label file; the others are named in `doubles`.
    """
    images = as_path(images)
    photos = photos_in(images)
    files = {path.stem: path for path in reversed(_label_files(images, labels))}
    by_stem: dict[str, list[Path]] = defaultdict(list)
    for photo in photos:
        by_stem[photo.stem].append(photo)
    pairs = Pairs(orphans=sorted(path for stem, path in files.items() if stem not in by_stem))
    for stem, same in by_stem.items():
        label = files.get(stem)
        owner = same[0]
        if len(same) > 1 and label is not None:
            owner = _named_by(label, same) or owner
        pairs.photos.extend((photo, label if photo == owner else None) for photo in same)
        pairs.doubles.extend(photo for photo in same if photo != owner)
    pairs.photos.sort()
    return pairs


def _label_files(images: Path, labels: str | Path | None) -> list[Path]:
    folders = [as_path(labels)] if labels is not None else [images.parent / LABELS if images.name == IMAGES else images]
    if labels is None:
        folders.append(images if images.name == IMAGES else images / LABELS)
    return [path for folder in folders if folder.is_dir() for path in sorted(folder.glob("*.json"))]


def _named_by(label: Path, photos: list[Path]) -> Path | None:
    try:
        named = image_path(label, read_json(label))
    except BadFile:
        return None
    return next((photo for photo in photos if named is not None and photo.name == named.name), None)


def _with_stem(folder: Path, stem: str) -> list[Path]:
    return [
        path
        for suffix in PHOTO_SUFFIXES
        for path in (folder / f"{stem}{suffix}", folder / f"{stem}{suffix.upper()}")
        if exists(path)
    ]


def exists(path: Path) -> bool:
    """Whether a file is there; False also for names that no file can have (too long, with a NUL)."""
    try:
        return path.is_file()
    except (OSError, ValueError):
        return False


def photo_folders(data: str | Path) -> list[tuple[str, Path]]:
    """Where photos lie under `data`, as `(partition, folder)`; the partition is "" where the set is not split.

    Known are `data/images`, `data/{train,val,test}/images`, and pictures directly in
    a folder without `images`.
    """
    data = Path(data)
    found = []
    for partition in ("", *PARTITIONS):
        here = data / partition
        for folder in (here / IMAGES, here):
            if folder.is_dir() and photos_in(folder):
                found.append((partition, folder))
                break
    return found
