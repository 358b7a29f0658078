"""Where photos and labels lie, before and after the split.

    FOLDER/images + FOLDER/labels                       collected, not split yet (or any flat collection)
    FOLDER/{train,val,test}/{images,labels}             split
    FOLDER/*.jpg + FOLDER/*.json                        labelme's own default, everything in one folder

The tutorial's half-way state (photos already in train/val/test, labels still in FOLDER/labels) is read as well.
Pairing is by stem (annotate/pairing.py); whatever has no partner is named, never shifted onto a neighbour.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal

from facetracker.annotate.labelme import read_labels
from facetracker.annotate.pairing import IMAGES, LABELS, PARTITIONS, pairs_in
from facetracker.errors import FaceTrackerError, Rejects
from facetracker.files import PHOTO_SUFFIXES, needed_folder
from facetracker.pictures import read_picture
from facetracker.places import as_path
from facetracker.sample import Sample

Unlabelled = Literal["skip", "no-face"]


@dataclass(frozen=True)
class Pair:
    """One photo, its label file (None: not labelled) and the partition it lies in (None: not split)."""

    photo: Path
    label: Path | None
    partition: str | None = None

    @property
    def stem(self) -> str:
        return self.photo.stem


@dataclass
class Layout:
    """The pairs of a folder; `orphans` are label files without a photo, `doubles` photos whose stem another owns."""

    folder: Path
    pairs: list[Pair] = field(default_factory=list)
    orphans: list[Path] = field(default_factory=list)
    doubles: list[Path] = field(default_factory=list)

    @property
    def unlabelled(self) -> list[Path]:
        """Photos that nobody has labelled; a double is not among them."""
        doubles = set(self.doubles)
        return [pair.photo for pair in self.pairs if pair.label is None and pair.photo not in doubles]


@dataclass
class Samples:
    """What `samples_in` found; iterates over the samples, sorted by partition and photo.

    `prelabelled` are photos left out because only a machine has labelled them.
    """

    samples: list[Sample]
    partitions: list[str | None]
    unlabelled: list[Path]
    orphans: list[Path]
    rejects: Rejects
    prelabelled: list[Path] = field(default_factory=list)

    def __iter__(self) -> Iterator[Sample]:
        return iter(self.samples)

    def __len__(self) -> int:
        return len(self.samples)

    def __getitem__(self, index: int) -> Sample:
        return self.samples[index]


def partitions_of(folder: str | Path) -> list[str]:
    """The partitions that the folder is split into, in the order train, val, test; empty when it is not split."""
    return [name for name in PARTITIONS if (as_path(folder) / name / IMAGES).is_dir()]


def unsplit_images(folder: str | Path) -> Path | None:
    """The folder that holds the unsplit photos: FOLDER/images, or FOLDER itself; None when neither does."""
    folder = as_path(folder)
    for images in (folder / IMAGES, folder):
        if images.is_dir() and any(path.suffix.lower() in PHOTO_SUFFIXES for path in images.iterdir()):
            return images
    return None


def lay_out(folder: str | Path, partition: str | None = None) -> Layout:
    """The photos of a folder with their label files: of one partition, or of all (or of a folder not split)."""
    folder = needed_folder(as_path(folder))
    there = partitions_of(folder)
    if partition is not None and partition not in there:
        raise FaceTrackerError(_no_partition(partition, there), path=folder, fix=f"Run `facetracker split {folder}`.")
    layout = Layout(folder)
    if not there:
        images = unsplit_images(folder)
        if images is None:
            raise FaceTrackerError("holds no photos", path=folder, fix="Expected: images/ or {train,val,test}/images/.")
        _add(layout, images, None, None)
    for name in [partition] if partition is not None else there:
        _add(layout, folder / name / IMAGES, name, folder / LABELS)
    return layout


def lay_out_unsplit(folder: str | Path, images: Path) -> Layout:
    """The photos in `images` with their label files, whatever partitions the folder has beside it."""
    layout = Layout(as_path(folder))
    _add(layout, images, None, None)
    return layout


def _no_partition(partition: str, there: list[str]) -> str:
    if partition not in PARTITIONS:
        return f"no partition is called {partition} (there are train, val and test)"
    return f"has no partition {partition}" + (f", only {', '.join(there)}" if there else ": it is not split yet")


def _add(layout: Layout, images: Path, partition: str | None, left_behind: Path | None) -> None:
    found = pairs_in(images)
    doubles = set(found.doubles)
    for photo, label in found.photos:
        if label is None and left_behind is not None and photo not in doubles:
            candidate = left_behind / f"{photo.stem}.json"
            label = candidate if candidate.is_file() else None
        layout.pairs.append(Pair(photo, label, partition))
    layout.orphans.extend(found.orphans)
    layout.doubles.extend(found.doubles)


def samples_in(
    folder: str | Path,
    partition: str | None = None,
    unlabelled: Unlabelled = "skip",
    rejects: Rejects | None = None,
    prelabelled: bool = False,
) -> Samples:
    """The labelled photos of a folder of labelme files.

    A photo without a label file is left out (`skip`), or taken as one that shows no face (`no-face`): the tutorial
    does the latter, but a file that is not there may as well mean that nobody has looked. Unreadable label files
    and photos that share their stem with another go to the rejects. What a machine labelled and nobody has looked at
    is left out too, unless `prelabelled`.
    """
    layout = lay_out(folder, partition)
    found = Samples([], [], layout.unlabelled, layout.orphans, Rejects() if rejects is None else rejects)
    for photo in layout.doubles:
        found.rejects.add(photo, f"another photo has the same stem {photo.stem}")
    doubles = set(layout.doubles)
    for pair in layout.pairs:
        if pair.photo in doubles or (pair.label is None and unlabelled == "skip"):
            continue
        try:
            sample = read_sample(pair)
        except FaceTrackerError as error:
            found.rejects.add(error.path or pair.photo, error)
            continue
        if pair.label is not None and not sample.reviewed and not prelabelled:
            found.prelabelled.append(pair.photo)
            continue
        found.samples.append(sample)
        found.partitions.append(pair.partition)
    return found


def read_sample(pair: Pair) -> Sample:
    """The faces of one photo from its labelme file; without a file, the photo with no face and not reviewed."""
    if pair.label is not None:
        return read_labels(pair.label, photo=pair.photo)
    height, width = read_picture(pair.photo).shape[:2]
    return Sample(pair.photo, width, height, reviewed=False)
