"""Where photos and labels lie, before and after the split.

    FOLDER/images + FOLDER/labels                       collected, not split yet (or any flat collection)
    FOLDER/{train,val,test}/{images,labels}             split
    FOLDER/*.jpg + FOLDER/*.json                        labelme's own default, everything in one folder

The tutorial's half-way state (photos already in train/val/test, labels still in FOLDER/labels) is read as well.
Pairing is by stem (labels/pairing.py); whatever has no partner is named, never shifted onto a neighbour.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal

from facetracker.core.errors import FaceTrackerError, Rejects
from facetracker.core.files import PHOTO_SUFFIXES, needed_folder
from facetracker.core.photo import read_picture
from facetracker.core.places import as_path
from facetracker.core.sample import Sample
from facetracker.labels.labelme import read_labels
from facetracker.labels.pairing import IMAGES, LABELS, PARTS, PhotoFolder
from facetracker.labels.pairing import PARTITIONS as PARTITIONS

Unlabelled = Literal["skip", "no-face"]


@dataclass(frozen=True)
class Pair:
    """One photo, its label file (None: not labelled) and the part it lies in (None: not split).

    `double`: another photo of the same stem owns the label file.
    """

    photo: Path
    label: Path | None
    part: str | None = None
    double: bool = False

    @property
    def stem(self) -> str:
        return self.photo.stem


@dataclass
class Layout:
    """The pairs of a folder; `orphans` are label files without a photo."""

    folder: Path
    pairs: list[Pair] = field(default_factory=list)
    orphans: list[Path] = field(default_factory=list)

    @property
    def doubles(self) -> list[Path]:
        """Photos whose stem another owns."""
        return [pair.photo for pair in self.pairs if pair.double]

    @property
    def unlabelled(self) -> list[Path]:
        """Photos that nobody has labelled; a double is not among them."""
        return [pair.photo for pair in self.pairs if pair.label is None and not pair.double]


@dataclass
class Samples:
    """What `samples_in` found; iterates over the samples, sorted by part and photo.

    `prelabelled` are photos left out because only a machine has labelled them.
    """

    samples: list[Sample]
    parts: list[str | None]
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


def parts_of(folder: str | Path) -> list[str]:
    """The parts that the folder is split into, in the order train, val, test; empty when it is not split."""
    return [name for name in PARTS if (as_path(folder) / name / IMAGES).is_dir()]


partitions_of = parts_of  # as PARTITIONS


def unsplit_images(folder: str | Path) -> Path | None:
    """The folder that holds the unsplit photos: FOLDER/images, or FOLDER itself; None when neither does."""
    folder = as_path(folder)
    for images in (folder / IMAGES, folder):
        if images.is_dir() and any(path.suffix.lower() in PHOTO_SUFFIXES for path in images.iterdir()):
            return images
    return None


def lay_out(folder: str | Path, part: str | None = None) -> Layout:
    """The photos of a folder with their label files: of one part, or of all (or of a folder not split)."""
    folder = as_path(folder)
    layout = Layout(folder)
    for name, images in image_folders(folder, part):
        _add(layout, images, name, folder / LABELS)
    return layout


def lay_out_unsplit(folder: str | Path, images: Path) -> Layout:
    """The photos in `images` with their label files, whatever parts the folder has beside it."""
    layout = Layout(as_path(folder))
    _add(layout, images, None, None)
    return layout


def image_folders(folder: Path, part: str | None = None) -> list[tuple[str | None, Path]]:
    """Where the photos lie: the parts (or the one asked for) with their folders; a folder not split has one."""
    there = parts_of(needed_folder(folder))
    if part is not None and part not in there:
        raise FaceTrackerError(_no_part(part, there), path=folder, fix=f"Run `facetracker split {folder}`.")
    if there:
        return [(name, folder / name / IMAGES) for name in ([part] if part is not None else there)]
    images = unsplit_images(folder)
    if images is None:
        raise FaceTrackerError("holds no photos", path=folder, fix="Expected: images/ or {train,val,test}/images/.")
    return [(None, images)]


def _no_part(part: str, there: list[str]) -> str:
    if part not in PARTS:
        return f"no part is called {part} (there are train, val and test)"
    return f"has no part {part}" + (f", only {', '.join(there)}" if there else ": it is not split yet")


def _add(layout: Layout, images: Path, part: str | None, left_behind: Path | None) -> None:
    with PhotoFolder(images) as found:
        layout.pairs.extend(pairs_of(found, part, left_behind))
        layout.orphans.extend(sorted(found.orphans()))


def pairs_of(found: PhotoFolder, part: str | None, left_behind: Path | None) -> Iterator[Pair]:
    """The pairs of one folder of photos, by name; `left_behind` is where a split by hand may have left the labels."""
    for photo, label, double in found.pairs():
        if label is None and part is not None and left_behind is not None and not double:
            candidate = left_behind / f"{photo.stem}.json"
            label = candidate if candidate.is_file() else None
        yield Pair(photo, label, part, double)


@dataclass(frozen=True)
class Found:
    """A pair that was looked into: its sample, or None where it is left out. `reject`: the file at fault, and why."""

    pair: Pair
    sample: Sample | None = None
    reject: tuple[Path, str | FaceTrackerError] | None = None

    @property
    def unlabelled(self) -> bool:
        """Whether nobody has labelled the photo, be it taken as one without a face or not."""
        return self.pair.label is None and not self.pair.double

    @property
    def prelabelled(self) -> bool:
        """Whether the photo is left out because only a machine has labelled it."""
        return self.sample is None and self.reject is None and self.pair.label is not None


def look_into(pairs: Iterable[Pair], unlabelled: Unlabelled, prelabelled: bool) -> Iterator[Found]:
    """Which pairs are samples, and why the others are none; the rules are those of `samples_in`."""
    for pair in pairs:
        if pair.double:
            yield Found(pair, reject=(pair.photo, f"another photo has the same stem {pair.stem}"))
        elif pair.label is None and unlabelled == "skip":
            yield Found(pair)
        else:
            try:
                sample = read_sample(pair)
            except FaceTrackerError as error:
                yield Found(pair, reject=(error.path or pair.photo, error))
                continue
            waits = pair.label is not None and not sample.reviewed and not prelabelled
            yield Found(pair, None if waits else sample)


def samples_in(
    folder: str | Path,
    part: str | None = None,
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
    layout = lay_out(folder, part)
    found = Samples([], [], layout.unlabelled, layout.orphans, Rejects() if rejects is None else rejects)
    for one in look_into(layout.pairs, unlabelled, prelabelled):
        if one.reject is not None:
            found.rejects.add(*one.reject)
        elif one.prelabelled:
            found.prelabelled.append(one.pair.photo)
        elif one.sample is not None:
            found.samples.append(one.sample)
            found.parts.append(one.pair.part)
    return found


def read_sample(pair: Pair) -> Sample:
    """The faces of one photo from its labelme file; without a file, the photo with no face and not reviewed."""
    if pair.label is not None:
        return read_labels(pair.label, photo=pair.photo)
    height, width = read_picture(pair.photo).shape[:2]
    return Sample(pair.photo, width, height, reviewed=False)
