"""`Example`: one photo and its faces, the value that travels through the house."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from facetracker.core.boxes import Boxes, as_boxes, empty
from facetracker.core.photo import Picture, decode_picture, encode_jpeg, is_bare_jpeg, read_bytes, read_picture


@dataclass(frozen=True)
class Example:
    """One photo, its size in pixels (EXIF-upright), its faces, and what they were read from.

    `boxes` is `(N, 4)` normalised xyxy and `labels` names the class of each. `reviewed` tells the two kinds of
    "no box" apart: False means nobody has looked yet (boxes are then a machine's, prelabelled), True with no boxes
    means a person found no face. `flags` are labelme's picture flags (`no_face`, `teacher`, ...).

    `part` is train, val or test, "" where the folder is not split. `source` is the file that the faces stand in: a
    label file or a shard of records, None for a photo without one. `made_from` names the photo that an augmented
    picture was made from. The picture of a record comes with it, as `jpeg`; any other lies at `photo`.
    """

    photo: Path
    width: int
    height: int
    boxes: Boxes = field(default_factory=empty)
    labels: tuple[str, ...] = ()
    reviewed: bool = True
    flags: dict[str, Any] = field(default_factory=dict)
    part: str = ""
    source: Path | None = None
    made_from: str = ""
    jpeg: bytes | None = field(default=None, repr=False)

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

    def picture(self) -> Picture:
        """The photo as `(height, width, 3)` uint8 BGR, upright; a damaged one is a `BadFile`."""
        return read_picture(self.photo) if self.jpeg is None else decode_picture(self.jpeg, self.photo)

    def as_jpeg(self) -> bytes:
        """The photo as the bytes of a JPEG that every decoder turns out upright."""
        data = read_bytes(self.photo) if self.jpeg is None else self.jpeg
        return data if is_bare_jpeg(data) else encode_jpeg(decode_picture(data, self.photo))
