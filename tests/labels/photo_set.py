"""A small set of photos with labels, drawn here: sharp, different from each other, cheap."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import cv2
import numpy as np


def draw(seed: int, width: int = 160, height: int = 120) -> np.ndarray:
    """A sharp picture of random blocks; two seeds never look alike."""
    rng = np.random.default_rng(seed)
    blocks = rng.integers(30, 226, (9, 12, 3), np.uint8)
    return cv2.resize(blocks, (width, height), interpolation=cv2.INTER_NEAREST)


def rectangle(*corners: float, label: str = "face", **more: Any) -> dict[str, Any]:
    """A labelme rectangle from x, y, x, y."""
    points = [list(corners[:2]), list(corners[2:])]
    return {"label": label, "points": points, "group_id": None, "shape_type": "rectangle", "flags": {}, **more}


class PhotoSet:
    """Builds `folder/[part/]images` and `labels` a photo at a time."""

    def __init__(self, folder: Path):
        self.folder = folder
        self.count = 0

    def add(
        self,
        name: str,
        shapes: list[Any] | None = None,
        picture: np.ndarray | bytes | None = None,
        part: str = "",
        suffix: str = ".jpg",
        **more: Any,
    ) -> Path:
        """A photo, with a label file unless `shapes` is None; `more` goes into the file's top level."""
        self.count += 1
        photo = self.folder / part / "images" / f"{name}{suffix}"
        photo.parent.mkdir(parents=True, exist_ok=True)
        if picture is None:
            picture = draw(self.count)
        if isinstance(picture, np.ndarray):
            cv2.imwrite(str(photo), picture)
        else:
            photo.write_bytes(picture)
        if shapes is not None:
            content = {
                "version": "6.3.1",
                "flags": {},
                "shapes": shapes,
                "imagePath": f"../images/{photo.name}",
                "imageData": None,
                "imageHeight": 120,
                "imageWidth": 160,
                **more,
            }
            label = self.label(name, part)
            label.parent.mkdir(parents=True, exist_ok=True)
            label.write_text(json.dumps(content))
        return photo

    def label(self, name: str, part: str = "") -> Path:
        return self.folder / part / "labels" / f"{name}.json"

    def content(self, name: str) -> Any:
        return json.loads(self.label(name).read_text())
