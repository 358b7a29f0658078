"""What the formats of other tools share: photos with their faces on the way in or out, and where photos lie."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from pathlib import Path

import numpy as np
from numpy.typing import ArrayLike

from facetracker.core import boxes
from facetracker.core.errors import BadFile
from facetracker.core.example import Example
from facetracker.core.files import link_or_copy, photos_in
from facetracker.core.photo import orientation_of, read_picture, write_jpeg
from facetracker.labels.shapes import PixelBox, ShapeFault, usable_box

# What other tools call the three parts of a split.
PART_NAMES = {"train": "train", "training": "train", "val": "val", "valid": "val", "validation": "val", "test": "test"}


def by_part(examples: Iterable[Example]) -> dict[str, list[Example]]:
    """The examples of each part, sorted by photo."""
    parts: dict[str, list[Example]] = {}
    for example in sorted(examples, key=lambda one: (one.part, one.photo.name)):
        parts.setdefault(example.part, []).append(example)
    return parts


def lies_sideways(photo: Path) -> bool:
    """Whether the pixels need turning to stand upright; many tools that read COCO, VOC or YOLO do not turn them."""
    return orientation_of(photo)[0] in (2, 3, 4, 5, 6, 7, 8)


def place_photo(photo: Path, target: Path, upright: bool = False) -> None:
    """Link or copy a photo; with `upright` one that its EXIF calls turned is written again with turned pixels."""
    if upright and lies_sideways(photo):
        write_jpeg(target, read_picture(photo))
    else:
        link_or_copy(photo, target)


def target_name(photo: Path, upright: bool = True) -> str:
    """The photo's name in the new place: a turned picture becomes a JPEG."""
    return f"{photo.stem}.jpg" if upright and lies_sideways(photo) else photo.name


def example_from_pixels(
    photo: Path, size: tuple[int, int], corners: ArrayLike, labels: Sequence[str], source: Path, part: str = ""
) -> Example:
    """An example from `(N, 4)` pixel corners; a box that is no face's box refuses the photo, naming `source`."""
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
    corners = boxes.from_pixels(usable, width, height)
    return Example(photo, width, height, corners, tuple(labels), part=part, source=source)


def unlabelled(photo: Path, part: str) -> Example:
    """A photo that nobody has labelled; its size does not matter yet."""
    return Example(photo, 0, 0, reviewed=False, part=part)


def all_classes(examples: Iterable[Example], first: Sequence[str] = ()) -> list[str]:
    """Every class name once: `first` in their order, then the others by name."""
    used = {label for example in examples for label in example.labels}
    return [*dict.fromkeys(first), *sorted(used - set(first))]


def photos_below(folder: Path) -> list[Path]:
    """The pictures directly in a folder, sorted; none when the folder is not there."""
    return photos_in(folder) if folder.is_dir() else []


def detections(example: Example, classes: Sequence[str]):
    """An example's faces as `sv.Detections` in pixels, for supervision's writers."""
    import supervision as sv

    return sv.Detections(
        xyxy=boxes.to_pixels(example.boxes, example.width, example.height),
        class_id=np.array([classes.index(label) for label in example.labels], int),
    )
