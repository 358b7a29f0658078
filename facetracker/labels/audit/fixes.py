"""What `facetracker audit --fix` corrects by itself: corner order, clipping, sizes; and class names when told which.

Only what is certain: a box that lies wholly outside, a slip of the mouse or a size that could mean two things is
left to a person. Every file is copied to the backup before it is touched.
"""

from __future__ import annotations

import copy
import time
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from facetracker.core.errors import BadFile
from facetracker.core.files import write_atomically
from facetracker.labels.labelme import read_content, stated_size, write_content
from facetracker.labels.provenance import signed_again, state_of
from facetracker.labels.shapes import (
    PixelBox,
    ShapeFault,
    encloses_area,
    in_click_order,
    shape_box,
    usable_box,
)

SAME_SHAPE = 0.01  # how far two aspect ratios may differ and still be one picture at two sizes


def fix_labels(
    data: Path,
    labelled: Iterable[tuple[Path, Path]],
    sizes: Mapping[str, tuple[int, int] | None],
    rename: Mapping[str, str],
    fix: bool,
    out: Path,
) -> tuple[list[str], Path | None]:
    """Fix the label files of `(photo, label)` pairs; the fixed ones, and the folder with their old selves.

    `sizes` gives each photo's `(width, height)`, by its path from `data`; without it (unreadable) nothing is clipped.
    """
    backup = out / time.strftime("backup-%Y%m%d-%H%M%S")
    fixed = []
    for photo, label in labelled:
        try:
            old = read_content(label)
        except BadFile:
            continue
        new = fixed_content(old, sizes.get(photo.relative_to(data).as_posix()), fix)
        _rename(new, rename)
        if new == old:
            continue
        if state_of(old) == "prelabelled":
            new = signed_again(new)  # fixed by a program: still nobody has looked
        place = backup / label.relative_to(data)
        if not place.exists():
            write_atomically(place, label.read_bytes())
        write_content(label, new)
        fixed.append(label.relative_to(data).as_posix())
    return fixed, backup if fixed else None


def fixed_content(content: Mapping[str, Any], size: tuple[int, int] | None, fix: bool = True) -> dict[str, Any]:
    """A labelme file's content with everything fixed that is safe to fix."""
    new = copy.deepcopy(dict(content))
    if not fix:
        return new
    if size is not None:
        _fix_size(new, size)
    frame = stated_size(new)
    for shape in new["shapes"]:
        if not encloses_area(shape):
            continue
        try:
            if in_click_order(shape):
                box = shape_box(shape)
                shape["points"] = [[box.left, box.top], [box.right, box.bottom]]
            # Clipped only when size and picture agree: in another picture's pixels the edge is elsewhere.
            if frame is not None and (size is None or frame == size):
                _clip(shape, *frame)
        except ShapeFault:
            continue
    return new


def _fix_size(content: dict[str, Any], size: tuple[int, int]) -> None:
    """Make the stated size the picture's, if it is certain in which pixels the points are."""
    stated = stated_size(content)
    if stated == size:
        return
    found = [_box_or_none(shape) for shape in content["shapes"] if encloses_area(shape)]
    if any(box is None for box in found) or any(not encloses_area(shape) for shape in content["shapes"]):
        return
    boxes = [box for box in found if box is not None]
    fits_picture = all(box.sticks_out(*size) <= 1 for box in boxes)
    fits_stated = stated is not None and all(box.sticks_out(*stated) <= 1 for box in boxes)
    if not boxes or (fits_picture and not fits_stated):
        pass  # the points are the picture's own pixels, only the size is wrong
    elif stated is not None and fits_stated and abs(stated[0] * size[1] / (stated[1] * size[0]) - 1) <= SAME_SHAPE:
        _scale(content, size[0] / stated[0], size[1] / stated[1])  # the picture was resized after labelling
    else:
        return
    content["imageWidth"], content["imageHeight"] = size
    content["imageData"] = None  # an embedded picture has the old size, and labelme would refuse the file


def _scale(content: dict[str, Any], across: float, down: float) -> None:
    for shape in content["shapes"]:
        if encloses_area(shape):
            shape["points"] = [[x * across, y * down] for x, y in shape["points"]]


def _clip(shape: dict[str, Any], width: int, height: int) -> None:
    """Pull the corners of a shape that reaches over the edge back to it; circles and masks stay as they are."""
    box: PixelBox = shape_box(shape)
    if shape.get("shape_type") in ("circle", "mask") or box.sticks_out(width, height) == 0:
        return
    usable_box(box, width, height)  # raises for a box that is not merely cut by the edge
    shape["points"] = [
        [min(max(float(x), 0.0), float(width)), min(max(float(y), 0.0), float(height))] for x, y in shape["points"]
    ]


def _box_or_none(shape: Any) -> PixelBox | None:
    try:
        return shape_box(shape)
    except ShapeFault:
        return None


def _rename(content: dict[str, Any], rename: Mapping[str, str]) -> None:
    for shape in content["shapes"]:
        if isinstance(shape, dict) and isinstance(shape.get("label"), str):
            shape["label"] = rename.get(shape["label"], shape["label"])
