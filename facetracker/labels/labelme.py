"""labelme's JSON, read and written by ourselves (labelme has no Python interface to count on).

Coordinates and sizes in the file are pixels of the EXIF-upright picture. No file: nobody has looked at the photo.
A file with empty shapes: a person looked and found no face. A file that a machine wrote says so (provenance.py).
"""

from __future__ import annotations

import json
import os
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from facetracker.core import boxes
from facetracker.core.errors import BadFile
from facetracker.core.example import Example
from facetracker.core.files import read_json, refuse_to_overwrite, write_atomically
from facetracker.core.photo import photo_size
from facetracker.core.places import as_path
from facetracker.labels.pairing import find_photo
from facetracker.labels.provenance import state_of
from facetracker.labels.shapes import ShapeFault, encloses_area, shape_box, shape_label, usable_box

VERSION = "6.3.1"  # of labelme, whose format this is
NO_FACE = "no_face"
MAX_SIDE = 100_000  # pixels
SAME_BOX = 0.05  # pixels; two boxes this close are one that went through float32


def read_labels(
    json_path: str | Path,
    photo: str | Path | None = None,
    size: tuple[int, int] | None = None,
    notes: list[str] | None = None,
    *,
    part: str = "",
    content: dict[str, Any] | None = None,
) -> Example:
    """One photo and its faces from a labelme file.

    `photo` defaults to the one `find_photo` finds. The size stands in the file; `size` `(width, height)` of the
    upright picture is checked against it when given, and used when the file has none (else the photo is opened).
    Boxes are clipped to the picture. A shape that cannot be read makes the whole file a `BadFile`: a photo with a
    face missing from its labels would teach the wrong thing. Lines and points are left out; `notes` collects that.
    A prelabelled file that nobody has looked at yet gives an example that is not reviewed. `content` is
    the file's parsed content, if the caller has it.
    """
    json_path = as_path(json_path)
    content = checked_content(read_json(json_path) if content is None else content, json_path)
    photo = find_photo(json_path, content) if photo is None else as_path(photo)
    if photo is None:
        raise BadFile("its photo is not there", path=json_path, fix="Bring the photo back, or delete the file.")
    width, height = _size(json_path, content, photo, size)
    notes = [] if notes is None else notes
    corners, labels = [], []
    for number, shape in enumerate(content["shapes"], start=1):
        if not encloses_area(shape):
            notes.append(f"shape {number} is a {shape['shape_type']} and no face: left out")
            continue
        try:
            labels.append(shape_label(shape))
            corners.append([*usable_box(shape_box(shape), width, height)])
        except ShapeFault as fault:
            raise BadFile(
                f"shape {number} {fault}", path=json_path, fix="Fix it in labelme, or `facetracker audit --fix`."
            ) from None
    flags = content.get("flags")
    if not isinstance(flags, dict | None):
        notes.append("the flags are no labelme flags: left out")
    return Example(
        photo,
        width,
        height,
        boxes=boxes.from_pixels(corners, width, height),
        labels=tuple(labels),
        reviewed=state_of(content) == "reviewed",
        flags=flags if isinstance(flags, dict) else {},
        part=part,
        source=json_path,
    )


def read_content(json_path: str | Path) -> dict[str, Any]:
    """The parsed JSON of a labelme file: a mapping with a list of `shapes`; anything else is a `BadFile`."""
    return checked_content(read_json(json_path), json_path)


def checked_content(content: Any, json_path: str | Path) -> dict[str, Any]:
    """The parsed content of a file, if it is labelme's."""
    if not isinstance(content, dict) or not isinstance(content.get("shapes"), list):
        raise BadFile("is no labelme file (no list of shapes)", path=json_path)
    return content


def stated_size(content: Mapping[str, Any]) -> tuple[int, int] | None:
    """`(width, height)` as the file says, or None where it says nothing that can be a size."""
    width, height = _side(content.get("imageWidth")), _side(content.get("imageHeight"))
    return None if width is None or height is None else (width, height)


def _side(value: Any) -> int | None:
    if isinstance(value, bool) or not isinstance(value, int | float):
        return None
    return int(value) if 0 < value <= MAX_SIDE and value == int(value) else None


def _size(json_path: Path, content: dict[str, Any], photo: Path, size: tuple[int, int] | None) -> tuple[int, int]:
    stated = stated_size(content)
    if stated is not None and size is not None and stated != tuple(size):
        raise BadFile(
            f"is for a picture of {stated[0]}x{stated[1]} pixels, the photo has {size[0]}x{size[1]}",
            path=json_path,
            fix="`facetracker audit --fix` corrects it where that is safe.",
        )
    return stated or size or photo_size(photo)


def write_labels(
    json_path: str | Path,
    example: Example,
    keep: str | Path | Mapping[str, Any] | None = None,
    force: bool = False,
    descriptions: tuple[str, ...] | None = None,
) -> Path:
    """Write the faces of a photo as a labelme file, all or nothing.

    `keep` is an earlier file (path or parsed content) whose unknown keys, of the file and of its shapes, survive:
    a face that is in both keeps its shape as it was, one that moved keeps all but its corners, and lines and
    points stay. When `keep` is the very file that is written, replacing it is meant; otherwise an existing file
    needs `force`. `descriptions` go with the boxes (labelme shows them; empty text: none).
    """
    json_path = Path(json_path)
    earlier: Mapping[str, Any] = {}
    if isinstance(keep, Mapping):
        earlier, force = keep, True
    elif keep is not None:
        earlier, force = read_content(keep), force or Path(keep).resolve() == json_path.resolve()
    refuse_to_overwrite(json_path, force)
    return write_content(json_path, labelme_content(json_path, example, earlier, descriptions))


def labelme_content(
    json_path: str | Path,
    example: Example,
    earlier: Mapping[str, Any] | None = None,
    descriptions: tuple[str, ...] | None = None,
) -> dict[str, Any]:
    """What `write_labels` writes to `json_path`, as parsed JSON."""
    return {
        "version": VERSION,
        **(earlier or {}),
        "flags": dict(example.flags),
        "shapes": _shapes(example, earlier or {}, descriptions or ("",) * len(example)),
        "imagePath": path_of_photo(json_path, example.photo),
        "imageData": None,
        "imageHeight": int(example.height),
        "imageWidth": int(example.width),
    }


def path_of_photo(json_path: str | Path, photo: Path) -> str:
    """Where a photo lies, seen from its label file, as `imagePath` has it."""
    return Path(os.path.relpath(photo.absolute(), Path(json_path).parent.absolute())).as_posix()


def write_content(json_path: str | Path, content: Mapping[str, Any]) -> Path:
    """Write a labelme file's parsed content as labelme would."""
    return write_atomically(json_path, as_file(content))


def as_file(content: Mapping[str, Any]) -> bytes:
    """What labelme writes for a file's content: JSON, two blanks deep, not escaped."""
    try:
        return json.dumps(content, indent=2, ensure_ascii=False).encode()
    except UnicodeEncodeError:  # half a character (a lone surrogate) in a key that is not ours
        return json.dumps(content, indent=2).encode()


def redrawn(
    earlier: Mapping[str, Any] | None, label: str, box: Sequence[float], width: int, height: int
) -> dict[str, Any]:
    """A shape with this label and this box (left, top, right, bottom in pixels).

    It is the earlier one, if there is one; where the box has moved, it becomes a rectangle.
    """
    shape = _new_shape() if earlier is None else dict(earlier)
    shape["label"] = label
    before = None if earlier is None else _usable_box(earlier, width, height)
    if before is None or np.abs(np.subtract(before, box)).max() > SAME_BOX:
        left, top, right, bottom = (round(float(side), 4) for side in box)
        shape.update(points=[[left, top], [right, bottom]], shape_type="rectangle")
        if shape.get("mask") is not None:
            shape["mask"] = None
    return shape


def _shapes(example: Example, earlier: Mapping[str, Any], descriptions: tuple[str, ...]) -> list[dict[str, Any]]:
    """The shapes of the example's faces, in its order, then the earlier lines and points."""
    width, height = example.width, example.height
    corners = boxes.to_pixels(example.boxes, width, height).astype(float)
    old = [shape for shape in earlier.get("shapes") or [] if isinstance(shape, Mapping)]
    areas = [shape for shape in old if encloses_area(shape) and _usable_box(shape, width, height) is not None]
    shapes = []
    for index, owner in enumerate(_owners(corners, [_usable_box(shape, width, height) for shape in areas])):
        before = None if owner is None else areas[owner]
        shape = redrawn(before, example.labels[index], corners[index], width, height)
        if descriptions[index]:
            shape["description"] = descriptions[index]
        shapes.append(shape)
    return shapes + [dict(shape) for shape in old if not encloses_area(shape)]


def _new_shape() -> dict[str, Any]:
    return {
        "label": "",
        "points": [],
        "group_id": None,
        "description": "",
        "shape_type": "rectangle",
        "flags": {},
        "mask": None,
    }


def _usable_box(shape: Mapping[str, Any], width: int, height: int) -> list[float] | None:
    """The box of a shape in pixels, clipped; None where it is none."""
    try:
        return [*usable_box(shape_box(shape), width, height)]
    except ShapeFault:
        return None


def _owners(corners: np.ndarray, known: Sequence[Any]) -> list[int | None]:
    """For each new box which of the known ones it comes from (best overlap first, each used once)."""
    pairs = dict(boxes.best_pairs(boxes.iou(corners, np.array(known)), 0.5 + 1e-6))
    return [pairs.get(new) for new in range(len(corners))]
