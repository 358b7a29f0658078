"""Which photos lie in a folder, and which label file belongs to each: the one walk that every stage takes.

    FOLDER/images + FOLDER/labels                       collected, not split yet (or any flat collection)
    FOLDER/{train,val,test}/{images,labels}             split
    FOLDER/*.jpg + FOLDER/*.json                        labelme's own default, everything in one folder

The tutorial's half-way state (photos already in train/val/test, labels still in FOLDER/labels) is read as well. A pair
shares its stem, never by sorting two lists: one missing label would shift every pair behind it. What has no partner is
named.
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Iterator
from dataclasses import dataclass, field
from fnmatch import fnmatch
from itertools import islice, takewhile
from pathlib import Path, PureWindowsPath
from typing import Any

from facetracker.core.console import counted
from facetracker.core.errors import BadFile, FaceTrackerError, Rejects
from facetracker.core.files import PHOTO_SUFFIXES, names_in, needed_folder, photo_names, read_json
from facetracker.core.other_formats import OTHER_SUFFIXES, as_jpeg
from facetracker.core.places import as_path

IMAGES, LABELS = "images", "labels"
PARTS = ("train", "val", "test")


@dataclass(frozen=True)
class Pair:
    """One photo, its label file (None: not labelled) and its part of the split ("": not split).

    `double`: another photo of the same stem owns the label file.
    """

    photo: Path
    label: Path | None
    part: str = ""
    double: bool = False

    @property
    def stem(self) -> str:
        return self.photo.stem


@dataclass
class Pairs:
    """The photos of some folders with their label files; `orphans` are label files without a photo."""

    pairs: list[Pair] = field(default_factory=list)
    orphans: list[Path] = field(default_factory=list)

    @property
    def owners(self) -> list[Pair]:
        """All but the doubles."""
        return [pair for pair in self.pairs if not pair.double]

    @property
    def doubles(self) -> list[Path]:
        """Photos whose stem another owns."""
        return [pair.photo for pair in self.pairs if pair.double]

    def reject_doubles(self, rejects: Rejects) -> None:
        """Note the doubles among what is left out."""
        for photo in self.doubles:
            rejects.add(photo, f"another photo has the same stem {photo.stem}")

    @property
    def unlabelled(self) -> list[Path]:
        """Photos that nobody has labelled; a double is not among them."""
        return [pair.photo for pair in self.owners if pair.label is None]


class PhotoFolder:
    """The photos of one folder with their label files, one after the other; of a photo only its name is held.

    `left_behind` is where a split by hand may have left the labels.
    """

    def __init__(self, images: str | Path, part: str = "", left_behind: Path | None = None):
        self.images, self.part, self.left_behind = as_path(images), part, left_behind

    def pairs(self) -> Iterator[Pair]:
        """The photos, sorted by name. Of those that share a stem only one can own the label file."""
        self._names = sorted(photo_names(self.images))
        # Where a stem has label files in two folders, that in the first one is taken.
        self._labels = [(place, set(_label_stems(place))) for place in _label_folders(self.images)]
        for name in self._names:
            photo = self.images / name
            label, same = self._label(photo.stem), self._with_stem(photo.stem)
            owner = same[0]
            if len(same) > 1 and label is not None:
                owner = _named_by(label, same) or owner
            if photo != owner:
                yield Pair(photo, None, self.part, double=True)
                continue
            if label is None and self.left_behind is not None:
                candidate = self.left_behind / f"{photo.stem}.json"
                label = candidate if candidate.is_file() else None
            yield Pair(photo, label, self.part)

    def orphans(self) -> Iterator[Path]:
        """The label files without a photo, as `pairs` has just found them."""
        for place, stems in self._labels:
            for stem in stems:
                label = place / f"{stem}.json"
                if not self._with_stem(stem) and self._label(stem) == label:
                    yield label

    def _with_stem(self, stem: str) -> list[Path]:
        first, start = bisect_left(self._names, f"{stem}."), f"{stem}."
        names = takewhile(lambda name: name.startswith(start), islice(self._names, first, None))
        return [photo for photo in map(self.images.joinpath, names) if photo.stem == stem]

    def _label(self, stem: str) -> Path | None:
        return next((place / f"{stem}.json" for place, stems in self._labels if stem in stems), None)


def pairs_in(*folders: PhotoFolder | Path) -> Pairs:
    """All pairs of these folders of photos, in their order."""
    found = Pairs()
    for one in folders:
        folder = one if isinstance(one, PhotoFolder) else PhotoFolder(one)
        found.pairs.extend(folder.pairs())
        found.orphans.extend(sorted(folder.orphans()))
    return found


@dataclass(frozen=True)
class Places:
    """Where the photos of `data` lie: `whole` is the folder of those that are not split, `parts` those of the parts."""

    data: Path
    whole: PhotoFolder | None
    parts: dict[str, PhotoFolder]

    def every_pair(self) -> Pairs:
        """Every photo once: those of the parts, then those beside them whose copy lies in no part.

        A label file in `data/labels` without any photo is an orphan, also where the photos lie in the parts.
        """
        found = pairs_in(*self.parts.values())
        placed = {pair.stem for pair in found.pairs}
        if self.whole is not None:
            beside = pairs_in(self.whole)
            found.pairs += [pair for pair in beside.pairs if pair.double or pair.stem not in placed]
            found.orphans += [path for path in beside.orphans if path.stem not in placed]
        elif (self.data / LABELS).is_dir():
            left = (self.data / LABELS / f"{stem}.json" for stem in _label_stems(self.data / LABELS))
            found.orphans += sorted(path for path in left if path.stem not in placed)
        return found

    def to_label(self) -> list[PhotoFolder]:
        """What a person labels: the photos that are not split, which are the parts' source; else the parts."""
        return list(self.parts.values()) if self.whole is None else [self.whole]

    def to_learn(self, part: str | None = None) -> list[PhotoFolder]:
        """What is learnt from or measured on: the parts, or the one asked for; else the photos that are not split."""
        if part is not None and part not in self.parts:
            fix = "Take more photos and split again, or name another part." if self.parts else None
            fix = fix or f"Run `facetracker split {self.data}`."
            raise FaceTrackerError(self._no_part(part), path=self.data, fix=fix)
        if self.parts:
            return list(self.parts.values()) if part is None else [self.parts[part]]
        if self.whole is None:
            raise no_photos(self.data, "Expected: images/ or {train,val,test}/images/.")
        return [self.whole]

    def _no_part(self, part: str) -> str:
        if part not in PARTS:
            return f"no part is called {part} (there are train, val and test)"
        there = ", ".join(self.parts)
        return f"has no part {part}" + (f", only {there}" if there else ": it is not split yet")


def places_in(data: str | Path) -> Places:
    """Where photos lie under `data`; a missing folder is a person's mistake."""
    data = needed_folder(as_path(data))
    whole = next((folder for folder in (data / IMAGES, data) if holds_photos(folder)), None)
    parts = {name: images for name in PARTS if (images := _images_of(data / name)) is not None}
    folders = {name: PhotoFolder(images, name, data / LABELS) for name, images in parts.items()}
    return Places(data, None if whole is None else PhotoFolder(whole), folders)


def _images_of(part: Path) -> Path | None:
    return part / IMAGES if (part / IMAGES).is_dir() else part if holds_photos(part) else None


def holds_photos(folder: Path) -> bool:
    """Whether pictures lie directly in a folder, which need not be there."""
    return folder.is_dir() and next(photo_names(folder), None) is not None


def no_photos(data: str | Path, fix: str = "Collect some: facetracker collect") -> FaceTrackerError:
    """What a person is told about a folder in which no photo was found; of an iPhone's, how to bring them in."""
    folder = Path(data)
    others = [path for path in folder.rglob("*") if path.suffix.lower() in OTHER_SUFFIXES] if folder.is_dir() else []
    if not others:
        labels = sum(1 for _ in folder.rglob("*.json")) if folder.is_dir() else 0
        if labels:
            bring = "Bring the photos back: images/ belongs beside labels/, under the same names."
            return FaceTrackerError(f"holds {counted(labels, 'label file')} but no photo", path=data, fix=bring)
        return FaceTrackerError("holds no photos", path=data, fix=fix)
    kinds = ", ".join(sorted({path.suffix.lower()[1:].upper() for path in others}))
    bring = as_jpeg(others[0].parent, len(others))
    return FaceTrackerError(f"holds only photos that labelme cannot open ({kinds})", path=data, fix=f"As JPEG: {bring}")


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


def _label_folders(images: Path) -> list[Path]:
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
