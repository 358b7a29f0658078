"""A style: how one person draws boxes, in four numbers.

People do not agree what the box of a face is: brow to chin, the whole head, hair and neck. But each keeps to their own
idea, so it can be told in closed form from a few photos: where each side of the person's box lies, relative to the
starter's box, in its widths and heights.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from facetracker.core.boxes import Boxes, as_boxes

# How many photos "no style at all" weighs: people's styles differ by about 0.2 of a box's side, one box of one person
# from the next by about 0.08, so the first photo counts for most of it.
DOUBT = 0.2
# A box that lies this far from the starter's, in its sides, is of something else.
FARTHEST = 1.0


@dataclass(frozen=True)
class Style:
    """How far the left, top, right and bottom side lie from the starter's, in its box's widths and heights."""

    left: float = 0.0
    top: float = 0.0
    right: float = 0.0
    bottom: float = 0.0

    @property
    def numbers(self) -> tuple[float, float, float, float]:
        return self.left, self.top, self.right, self.bottom

    def apply(self, boxes: Boxes) -> Boxes:
        """The starter's boxes `(N, 4)` xyxy as this person would draw them."""
        boxes = as_boxes(boxes)
        return as_boxes(boxes + np.array(self.numbers) * _sides(boxes))

    def undo(self, boxes: Boxes) -> Boxes:
        """This person's boxes `(N, 4)` as the starter would draw them."""
        boxes = as_boxes(boxes)
        across, down = 1 + self.right - self.left, 1 + self.bottom - self.top
        sides = _sides(boxes) / np.array([across, down, across, down])
        return as_boxes(boxes - np.array(self.numbers) * sides)


def learn_style(found: Boxes, drawn: Boxes) -> Style:
    """The style in pairs of boxes `(N, 4)`: the starter's and the person's, of the same faces.

    Medians, so that a box that is wrong counts no more than any other; with few boxes drawn back a little to nothing.
    """
    offsets = relative(found, drawn)
    offsets = offsets[np.abs(offsets).max(axis=1, initial=0.0) < FARTHEST]
    if not len(offsets):
        return Style()
    share = len(offsets) / (len(offsets) + DOUBT)
    return Style(*(float(number) for number in share * np.median(offsets, axis=0)))


def relative(found: Boxes, drawn: Boxes) -> NDArray[np.float32]:
    """Where each side of the boxes drawn lies from those found, `(N, 4)` in the found ones' widths and heights."""
    found = as_boxes(found)
    return as_boxes((as_boxes(drawn) - found) / np.maximum(_sides(found), 1e-6))


def style_of(numbers: Sequence[float] | None) -> Style | None:
    """The style whose four numbers stand in a card; None where there is none."""
    return None if not numbers else Style(*numbers)


def _sides(boxes: Boxes) -> NDArray[np.float32]:
    sides = boxes[:, 2:] - boxes[:, :2]
    return np.concatenate([sides, sides], axis=1)
