"""What the formats of other tools share: photos with their faces on the way in or out, and where photos lie."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
from numpy.typing import ArrayLike

from facetracker.core import boxes
from facetracker.core.errors import BadFile, Rejects
from facetracker.core.files import PHOTO_SUFFIXES, link_or_copy
from facetracker.core.photo import MAX_PIXELS, read_picture, write_jpeg
from facetracker.core.sample import Sample
from facetracker.labels.shapes import PixelBox, ShapeFault, usable_box

# What other tools call the three parts of a split.
PART_NAMES = {"train": "train", "training": "train", "val": "val", "valid": "val", "validation": "val", "test": "test"}
ORIENTATION = 0x0112  # the EXIF tag that says which way up


@dataclass(frozen=True)
class ExchangeEntry:
    """One photo with its faces and its part of the split ("" when there is none).

    `sample.reviewed` is False for a photo that nobody has labelled.
    """

    sample: Sample
    part: str = ""


@dataclass
class Collection:
    """Everything that was read from one place."""

    entries: list[ExchangeEntry] = field(default_factory=list)
    classes: list[str] = field(default_factory=list)
    rejects: Rejects = field(default_factory=Rejects)
    notes: list[str] = field(default_factory=list)

    @property
    def labelled(self) -> Iterator[ExchangeEntry]:
        return (entry for entry in self.entries if entry.sample.reviewed)

    def by_part(self) -> dict[str, list[ExchangeEntry]]:
        """The labelled entries of each part, sorted by photo."""
        parts: dict[str, list[ExchangeEntry]] = {}
        for entry in sorted(self.labelled, key=lambda entry: (entry.part, entry.sample.photo.name)):
            parts.setdefault(entry.part, []).append(entry)
        return parts


def photo_size(photo: Path) -> tuple[int, int]:
    """`(width, height)` of the upright picture from the file's header; a `BadFile` when that cannot be read."""
    from PIL import Image

    try:
        with Image.open(photo) as picture:
            width, height = picture.size
            turned = picture.getexif().get(ORIENTATION, 1) in (5, 6, 7, 8)
    except Exception as error:  # Pillow raises a dozen kinds for damaged files
        raise BadFile(f"is not a readable picture ({error})", path=photo) from None
    if width * height > MAX_PIXELS or width * height == 0:
        raise BadFile(f"has an impossible size ({width}x{height} pixels)", path=photo)
    return (height, width) if turned else (width, height)


def lies_sideways(photo: Path) -> bool:
    """Whether the pixels need turning to stand upright; many tools that read COCO, VOC or YOLO do not turn them."""
    from PIL import Image

    try:
        with Image.open(photo) as picture:
            return picture.getexif().get(ORIENTATION, 1) in (2, 3, 4, 5, 6, 7, 8)
    except Exception:  # unreadable: whoever opens it next will say so
        return False


def place_photo(photo: Path, target: Path, upright: bool = False) -> None:
    """Link or copy a photo; with `upright` one that its EXIF calls turned is written again with turned pixels."""
    if upright and lies_sideways(photo):
        write_jpeg(target, read_picture(photo))
    else:
        link_or_copy(photo, target)


def target_name(photo: Path, upright: bool = True) -> str:
    """The photo's name in the new place: a turned picture becomes a JPEG."""
    return f"{photo.stem}.jpg" if upright and lies_sideways(photo) else photo.name


def sample_from_pixels(
    photo: Path, size: tuple[int, int], corners: ArrayLike, labels: Sequence[str], source: Path
) -> Sample:
    """A sample from `(N, 4)` pixel corners; a box that is no face's box refuses the photo, naming `source`."""
    width, height = size
    usable = []
    for number, (label, corner) in enumerate(zip(labels, np.asarray(corners, float).reshape(-1, 4), strict=True), 1):
        if not np.isfinite(corner).all():
            raise BadFile(f"box {number} of {photo.name} holds a value that is no number", path=source)
        if not label.strip() or not label.isprintable():
            raise BadFile(f"box {number} of {photo.name} has no class name", path=source)
        try:
            usable.append([*usable_box(PixelBox(*map(float, corner)), width, height)])
        except ShapeFault as fault:
            raise BadFile(f"box {number} of {photo.name} {fault}", path=source) from None
    return Sample(photo, width, height, boxes.from_pixels(usable, width, height), tuple(labels))


def unlabelled(photo: Path) -> Sample:
    """A photo that nobody has labelled; its size does not matter yet."""
    return Sample(photo, 0, 0, reviewed=False)


def all_classes(entries: Iterable[ExchangeEntry], first: Sequence[str] = ()) -> list[str]:
    """Every class name once: `first` in their order, then the others by name."""
    used = {label for entry in entries for label in entry.sample.labels}
    return [*dict.fromkeys(first), *sorted(used - set(first))]


def photos_below(folder: Path) -> list[Path]:
    """The pictures directly in a folder, sorted; none when the folder is not there."""
    if not folder.is_dir():
        return []
    return sorted(
        path for path in folder.iterdir() if path.suffix.lower() in PHOTO_SUFFIXES and not path.name.startswith(".")
    )


def detections(sample: Sample, classes: Sequence[str]):
    """A sample's faces as `sv.Detections` in pixels, for supervision's writers."""
    import supervision as sv

    return sv.Detections(
        xyxy=boxes.to_pixels(sample.boxes, sample.width, sample.height),
        class_id=np.array([classes.index(label) for label in sample.labels], int),
    )
