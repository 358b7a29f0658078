"""`Sample`: one photo and its faces, the value that travels through the house."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from facetracker.core.boxes import Boxes, as_boxes, empty


@dataclass(frozen=True)
class Sample:
    """One photo, its size in pixels (EXIF-upright) and its faces.

    `boxes` is `(N, 4)` normalised xyxy and `labels` names the class of each. `reviewed` tells the two kinds of
    "no box" apart: False means nobody has looked yet (boxes are then a machine's, prelabelled), True with no boxes
    means a person found no face.
    `flags` are labelme's picture flags (`no_face`, `teacher`, ...).
    """

    photo: Path
    width: int
    height: int
    boxes: Boxes = field(default_factory=empty)
    labels: tuple[str, ...] = ()
    reviewed: bool = True
    flags: dict[str, Any] = field(default_factory=dict)

    def __post_init__(self) -> None:
        object.__setattr__(self, "boxes", as_boxes(self.boxes))
        if len(self.labels) != len(self.boxes):
            raise ValueError(f"{len(self.boxes)} boxes but {len(self.labels)} labels")

    @property
    def stem(self) -> str:
        """The name that pairs the photo with its label file."""
        return self.photo.stem

    def __len__(self) -> int:
        return len(self.boxes)
