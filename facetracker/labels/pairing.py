"""Which photo belongs to which label file.

A pair shares its stem: `images/NAME.jpg` with `labels/NAME.json` beside the folder `images`, or `NAME.json` in the
same folder. Never by sorting two lists: one missing label would shift every pair behind it.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from fnmatch import fnmatch
from pathlib import Path, PureWindowsPath
from typing import Any

from facetracker.core.errors import BadFile
from facetracker.core.files import PHOTO_SUFFIXES, names_in, photo_names, photos_in, read_json
from facetracker.core.listing import Names
from facetracker.core.places import as_path

IMAGES, LABELS = "images", "labels"
PARTS = ("train", "val", "test")
PARTITIONS = PARTS  # the name until training, the page and augment say part as well


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
    pairs = Pairs()
    with PhotoFolder(images, labels) as folder:
        for photo, label, double in folder.pairs():
            pairs.photos.append((photo, label))
            if double:
                pairs.doubles.append(photo)
        pairs.orphans = sorted(folder.orphans())
    return pairs


class PhotoFolder:
    """The photos of one folder with their label files, one after the other: `pairs_in` for any number of photos."""

    def __init__(self, images: str | Path, labels: str | Path | None = None):
        self.images = as_path(images)
        self._names = Names(photo_names(self.images))
        # Where a stem has label files in two folders, that in the first one is taken.
        self._labels = [(place, Names(_label_stems(place))) for place in _label_folders(self.images, labels)]

    def pairs(self) -> Iterator[tuple[Path, Path | None, bool]]:
        """Photo, its label file or None, and whether another photo of its stem is the owner; sorted by name."""
        for name in self._names:
            photo = self.images / name
            label, same = self._label(photo.stem), self._with_stem(photo.stem)
            owner = same[0]
            if len(same) > 1 and label is not None:
                owner = _named_by(label, same) or owner
            yield photo, label if photo == owner else None, photo != owner

    def orphans(self) -> Iterator[Path]:
        """The label files without a photo."""
        for place, stems in self._labels:
            for stem in stems:
                label = place / f"{stem}.json"
                if not self._with_stem(stem) and self._label(stem) == label:
                    yield label

    def _with_stem(self, stem: str) -> list[Path]:
        photos = (self.images / name for name in self._names.beginning_with(f"{stem}."))
        return [photo for photo in photos if photo.stem == stem]

    def _label(self, stem: str) -> Path | None:
        return next((place / f"{stem}.json" for place, stems in self._labels if stem in stems), None)

    def __enter__(self) -> PhotoFolder:
        return self

    def __exit__(self, *error: object) -> None:
        for names in (self._names, *(stems for _, stems in self._labels)):
            names.close()


def _label_folders(images: Path, labels: str | Path | None) -> list[Path]:
    if labels is not None:
        folders = [as_path(labels)]
    else:
        folders = [images.parent / LABELS, images] if images.name == IMAGES else [images, images / LABELS]
    return [folder for folder in folders if folder.is_dir()]


def _label_stems(folder: Path) -> Iterator[str]:
    paths = (folder / name for name in names_in(folder) if fnmatch(name, "*.json"))
    return (path.stem for path in paths if path.suffix)


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
    """Where photos lie under `data`, as `(part, folder)`; the part is "" where the set is not split.

    Known are `data/images`, `data/{train,val,test}/images`, and pictures directly in
    a folder without `images`.
    """
    data = Path(data)
    found = []
    for part in ("", *PARTS):
        here = data / part
        for folder in (here / IMAGES, here):
            if folder.is_dir() and photos_in(folder):
                found.append((part, folder))
                break
    return found
