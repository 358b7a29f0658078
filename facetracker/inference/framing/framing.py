"""`Framing`: what the loops ask for the picture to show, in place of the whole frame."""

from __future__ import annotations

import re
from dataclasses import dataclass, field, replace

import numpy as np
from numpy.typing import NDArray

from facetracker.capture.frames import Frame
from facetracker.core.boxes import as_boxes
from facetracker.core.errors import FaceTrackerError
from facetracker.core.faces import Faces
from facetracker.core.photo import Picture
from facetracker.inference.framing.operator import CameraOperator
from facetracker.inference.framing.picture import Cuts, cut_out, shape_of, size_for
from facetracker.inference.framing.settings import FramingSettings
from facetracker.inference.framing.shots import Follow


@dataclass(frozen=True)
class Framed:
    """What of the picture is shown: a crop of a `shape` ("16:9") that follows the faces.

    `follow`: "all", "largest" or the number of a face. `lines`: height of the framed picture in pixels (default: 720,
    or what the source has). `settings`: how the camera is led.
    """

    shape: str = "16:9"
    follow: Follow = "all"
    lines: int | None = None
    settings: FramingSettings = field(default_factory=FramingSettings)


def follow_of(text: str) -> Follow:
    """Whom to follow, as a person writes it: `all`, `largest`, `3`, `#3`."""
    if text in ("all", "largest"):
        return text  # type: ignore[return-value]
    if re.fullmatch(r"#?\d{1,9}", text):
        return int(text.lstrip("#"))
    raise FaceTrackerError(f"--follow {text}: not known", fix="all, largest, or a number as `detect` shows it.")


@dataclass(frozen=True)
class Shot:
    """The picture to show, and the faces in it: those believed in, and all that were found (None: the same)."""

    picture: Picture
    faces: Faces
    found: Faces | None = None


class Framing:
    """Cuts the shot out of each frame. `films` may have cuts, where the camera may jump; a camera has none.

    Where `stills` come, each is framed by itself.
    """

    def __init__(self, wish: Framed, threshold: float, *, films: bool = False, stills: bool = False):
        self.wish, self.threshold, self.stills = wish, threshold, stills
        self.shape = shape_of(wish.shape)
        self.operator = CameraOperator(self.shape[0] / self.shape[1], wish.follow, wish.settings)
        self.size = (0, 0)
        self._cuts = Cuts() if films else None

    def size_of(self, width: int, height: int) -> tuple[int, int]:
        """Width and height of the shots of frames of `width` x `height` pixels."""
        return size_for(self.shape, width, height, self.wish.lines)

    def shot(self, frame: Frame, faces: Faces, found: Faces | None = None) -> Shot:
        """The shot of the next frame; of a film or camera all are of one `size`."""
        crop = self.crop(frame, faces, found)
        shown = None if found is None else self._within(found, crop)
        return Shot(cut_out(frame.picture, crop, self.size), self._within(faces, crop), shown)

    def crop(self, frame: Frame, faces: Faces, found: Faces | None = None) -> NDArray[np.float64]:
        """What of the next frame is shown `(4,)`, normalised; `size` is then how large."""
        height, width = frame.picture.shape[:2]
        source = (width, height)
        fresh = self.size == (0, 0) or self.stills or (self._cuts is not None and self._cuts.is_cut(frame.picture))
        if self.size == (0, 0) or self.stills:
            self.size = self.size_of(*source)
        faces = faces if faces.width else Faces.none(*source)  # before anything was looked at
        if fresh and found is not None:  # nobody has a number yet
            return self.operator.start(found[found.scores >= self.threshold], frame.time)
        return self.operator.start(faces, frame.time) if fresh else self.operator.update(faces, frame.time)

    def _within(self, faces: Faces, crop: NDArray[np.float64]) -> Faces:
        """The faces as they lie in the crop; those that stick out of it, or lie outside, keep their whole boxes.

        Who hides faces needs them whole: cut off at the crop, too little of them would be covered.
        """
        size = crop[2:] - crop[:2]
        boxes = as_boxes((faces.boxes - np.tile(crop[:2], 2)) / np.tile(size, 2))
        points = None if faces.landmarks is None else ((faces.landmarks - crop[:2]) / size).astype(np.float32)
        return replace(faces, boxes=boxes, landmarks=points, width=self.size[0], height=self.size[1])
