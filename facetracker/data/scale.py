"""At which scale training pictures show the world: whole frames, or crops, and then how much of a frame one shows."""

from __future__ import annotations

from collections import Counter
from statistics import median
from typing import Any

from facetracker.core.errors import BadFile
from facetracker.core.files import read_json
from facetracker.data.augment.earlier import SETTINGS
from facetracker.labels.collection import Collection

ALIKE = 0.9  # share of the training pictures that must be squares, and (where nothing else tells) of one size


def crop_of(train: Collection, val: Collection | None) -> float | None:
    """How much of a frame the training pictures show, as `core.parts` takes it; None for whole frames.

    Crops are augmented pictures that are squares: of one size, as the write-up's 450 pixels, or made by a pipeline of
    which `augment.json` says that it crops (then the median counts: a crop grows with a face that does not fit). If the
    val photos are whole, the crop is a share of their shorter side; if they are crops too, as in folders of the
    write-up's own loop, nothing says how large the frames were: then it is in pixels.
    """
    if train.kind == "labelme" or not len(train):
        return None
    made = _made_by(train)
    cropped = _crops_in(made.get("pipeline")) if made else []
    if made and not cropped:
        return None
    if made and made.get("size"):  # shrunk to the input already: only the pipeline knows
        return float(cropped[0])
    squares = [example.width for example in train if example.width == example.height]
    if len(squares) < ALIKE * len(train):
        return None
    side = round(median(squares))
    if not made and squares.count(side) < ALIKE * len(train):
        return None
    sizes = [(example.width, example.height) for example in val or ()]
    frames = Counter(size for size in sizes if min(size) > side)
    if not frames:
        return float(side)
    return round(side / min(frames.most_common(1)[0][0]), 4)


def _made_by(photos: Collection) -> dict[str, Any]:
    """What our `augment` notes about a folder that it made; empty for other folders."""
    path = photos.folder / SETTINGS
    try:
        content = read_json(path) if path.is_file() else {}
    except BadFile:
        return {}
    return content if isinstance(content, dict) else {}


def _crops_in(spec: Any) -> list[int]:
    """The sides in pixels of the square crops in albumentations' dictionary of a pipeline."""
    if isinstance(spec, list):
        return [side for one in spec for side in _crops_in(one)]
    if not isinstance(spec, dict):
        return []
    if str(spec.get("__class_fullname__", "")).endswith("Crop") and spec.get("width") == spec.get("height"):
        return [int(spec["width"])] if spec.get("width") else []
    return [side for value in spec.values() for side in _crops_in(value)]
