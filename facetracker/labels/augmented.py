"""The JSON beside an augmented picture, in and out.

    {"image": "STEM.jpg", "bbox": [x1, y1, x2, y2], "class": 0|1, "boxes": [[...], ...], "labels": ["face", ...]}

The first three keys are the tutorial's, for the largest face (`[0, 0, 0, 0]` and 0 without one), so that its scripts
read our files; a file that has only those, written by its scripts, is read here.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np

from facetracker.core import boxes as box_arithmetic
from facetracker.core.boxes import Boxes
from facetracker.core.errors import BadFile

FACE = "face"  # the tutorial knows one class, and its files do not name it
TOLERANCE = 0.01  # of the picture: its crops leave boxes that stick out by a rounding error
DIGITS = 6


def augmented_json(image: str, boxes: Boxes, labels: tuple[str, ...]) -> str:
    """The text of the label file of an augmented picture made from the photo named `image`."""
    rows = [[round(float(edge), DIGITS) for edge in box] for box in boxes]
    largest: list[Any] = rows[box_arithmetic.largest(boxes)] if rows else [0, 0, 0, 0]
    content = {"image": image, "bbox": largest, "class": int(bool(rows)), "boxes": rows, "labels": list(labels)}
    return json.dumps(content, ensure_ascii=False)


def is_augmented(content: Any) -> bool:
    """Whether a parsed JSON is the label file of an augmented picture (ours or the tutorial's)."""
    return isinstance(content, dict) and "shapes" not in content and ("class" in content or "boxes" in content)


def augmented_faces(content: dict[str, Any], path: str | Path | None) -> tuple[str, Boxes, tuple[str, ...]]:
    """The photo that a picture was made from, boxes `(N, 4)` normalised and a label each, from a file's parsed content.

    All faces, or the one that the tutorial's three keys hold. `path` names the file in errors.
    """
    image = str(content.get("image", ""))
    if "boxes" in content:
        boxes, labels = content["boxes"], content.get("labels")
        if labels is None and isinstance(boxes, list):
            labels = [FACE] * len(boxes)
    elif content["class"] in (1, 1.0, [1]):
        boxes, labels = [content.get("bbox")], [FACE]
    else:
        return image, box_arithmetic.empty(), ()
    return image, *_checked(path, boxes, labels)


def _checked(path: str | Path | None, boxes: Any, labels: Any) -> tuple[Boxes, tuple[str, ...]]:
    try:
        rows = np.asarray(boxes, np.float32).reshape(len(boxes), 4)
    except (TypeError, ValueError):
        raise BadFile("its boxes are not rows of four numbers", path=path) from None
    if not isinstance(labels, list) or len(labels) != len(rows) or not all(isinstance(name, str) for name in labels):
        raise BadFile(f"has {len(rows)} boxes but not as many labels", path=path)
    for fault in box_arithmetic.faults(rows, TOLERANCE):
        if fault is not None:
            raise BadFile(f"holds a box that is wrong: {fault}", path=path)
    return box_arithmetic.clip(rows), tuple(labels)
