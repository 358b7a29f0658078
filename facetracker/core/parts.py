"""The square parts in which a frame is looked at by a network that was trained on crops, and where boxes lie there.

`crop` says how much of a frame such a network saw: up to 1 a share of the frame's shorter side, above it pixels. A
face is then shown at the size it was trained at, on any camera. The parts overlap by about two thirds: a face is whole
in one of them.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace

import numpy as np
from numpy.typing import ArrayLike

from facetracker.core.boxes import Boxes, as_boxes
from facetracker.core.letterbox import Letterbox
from facetracker.core.photo import Picture

STEP = 1 / 3  # of a part's side, from one part to the next
GOES_ON = 0.12  # of a part's side: less beyond its edge is the margin of a frame that is hardly longer than a part
EDGE = 0.02  # of a part's side: a box that comes this near to an edge is cut by it


@dataclass(frozen=True)
class FramePart:
    """A square of `side` pixels at `(left, top)` of a `width` x `height` frame, shown as a whole input."""

    width: int
    height: int
    left: int
    top: int
    side: int
    place: Letterbox

    frame: Picture = field(repr=False, compare=False)

    def around(self, crop: float, box: ArrayLike) -> FramePart:
        """The part of the same frame that has a box `(4,)`, normalised to the frame, in its middle."""
        left, top, side = part_around(crop, self.width, self.height, box)
        return replace(self, left=left, top=top, side=side, place=replace(self.place, width=side, height=side))

    @property
    def input_width(self) -> int:
        return self.place.input_width

    @property
    def input_height(self) -> int:
        return self.place.input_height

    def cut(self) -> Picture:
        """Its pixels `(side, side, 3)`."""
        return self.frame[self.top : self.top + self.side, self.left : self.left + self.side]

    def to_picture(self, boxes: ArrayLike) -> Boxes:
        """Boxes `(N, 4)` normalised to the input, normalised to the frame."""
        pixels = self.place.to_picture(boxes).astype(np.float64) * self.side + [self.left, self.top] * 2
        return as_boxes(pixels / [self.width, self.height, self.width, self.height])

    def cuts(self, box: ArrayLike) -> bool:
        """Whether a box `(4,)`, normalised to the input, ends at an edge where the frame goes on."""
        x0, y0, x1, y1 = (float(edge) for edge in np.asarray(box, np.float64).reshape(4))
        beyond = GOES_ON * self.side
        return bool(
            (x0 < EDGE and self.left > beyond)
            or (y0 < EDGE and self.top > beyond)
            or (x1 > 1 - EDGE and self.width - self.left - self.side > beyond)
            or (y1 > 1 - EDGE and self.height - self.top - self.side > beyond)
        )


def side_of(crop: float, width: int, height: int) -> int:
    """How many pixels of a `width` x `height` frame are seen at once."""
    shorter = min(width, height)
    return max(1, round(crop * shorter)) if crop <= 1 else min(round(crop), shorter)


def parts_of(crop: float, width: int, height: int, input_side: int, frame: Picture) -> tuple[FramePart, ...]:
    """The parts that cover a `frame` of `width` x `height` pixels, row by row, each an input of `input_side` pixels."""
    side = side_of(crop, width, height)
    place = Letterbox(side, side, input_side, input_side)
    return tuple(
        FramePart(width, height, left, top, side, place, frame)
        for top in _starts(height, side)
        for left in _starts(width, side)
    )


def part_around(crop: float, width: int, height: int, box: ArrayLike) -> tuple[int, int, int]:
    """Left, top and side of the part that has a box `(4,)` (normalised) in its middle, moved into the frame."""
    side = side_of(crop, width, height)
    x0, y0, x1, y1 = (float(edge) for edge in np.asarray(box, np.float64).reshape(4))
    left = round((x0 + x1) / 2 * width - side / 2)
    top = round((y0 + y1) / 2 * height - side / 2)
    return max(0, min(left, width - side)), max(0, min(top, height - side)), side


def _starts(length: int, side: int) -> list[int]:
    """Where parts begin along one side of a frame; what is hardly longer than a part has one, in its middle."""
    steps = round((length - side) / (STEP * side))
    if steps < 1:
        return [(length - side) // 2]
    return [round(step * (length - side) / steps) for step in range(steps + 1)]
