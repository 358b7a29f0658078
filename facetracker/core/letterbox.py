"""Fitting a picture into the network's input without bending faces: scaled, centred, padded with grey.

One geometry for training and runtime. `Letterbox` is arithmetic; `letterbox` applies it with OpenCV.
"""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import ArrayLike

from facetracker.core.boxes import Boxes, as_boxes
from facetracker.core.photo import Picture

GREY = 114


@dataclass(frozen=True)
class Letterbox:
    """Where a `width` x `height` picture lies inside an `input_width` x `input_height` input, all in pixels."""

    width: int
    height: int
    input_width: int
    input_height: int

    @property
    def scaled_width(self) -> int:
        return max(1, round_half_up(self.width * self.scale))

    @property
    def scaled_height(self) -> int:
        return max(1, round_half_up(self.height * self.scale))

    @property
    def scale(self) -> float:
        return min(self.input_width / self.width, self.input_height / self.height)

    @property
    def left(self) -> int:
        return (self.input_width - self.scaled_width) // 2

    @property
    def top(self) -> int:
        return (self.input_height - self.scaled_height) // 2

    def to_input(self, boxes: ArrayLike) -> Boxes:
        """Boxes `(N, 4)` normalised to the picture, normalised to the input."""
        size = np.array([self.scaled_width, self.scaled_height] * 2)
        offset = np.array([self.left, self.top] * 2)
        inputs = np.array([self.input_width, self.input_height] * 2)
        return as_boxes((as_boxes(boxes).astype(np.float64) * size + offset) / inputs)

    def to_picture(self, boxes: ArrayLike) -> Boxes:
        """Boxes `(N, 4)` normalised to the input, normalised to the picture (may stick out: clip if you care)."""
        size = np.array([self.scaled_width, self.scaled_height] * 2)
        offset = np.array([self.left, self.top] * 2)
        inputs = np.array([self.input_width, self.input_height] * 2)
        return as_boxes((as_boxes(boxes).astype(np.float64) * inputs - offset) / size)


def letterbox(picture: Picture, input_width: int, input_height: int) -> tuple[Picture, Letterbox]:
    """The picture `(H, W, 3)` inside an `(input_height, input_width, 3)` input, and where it lies there."""
    height, width = picture.shape[:2]
    box = Letterbox(width, height, input_width, input_height)
    size = (box.scaled_width, box.scaled_height)
    scaled = picture if (width, height) == size else cv2.resize(picture, size, interpolation=cv2.INTER_LINEAR)
    if size == (input_width, input_height):
        return scaled, box
    padded = np.full((input_height, input_width, *picture.shape[2:]), GREY, picture.dtype)
    padded[box.top : box.top + size[1], box.left : box.left + size[0]] = scaled
    return padded, box


def round_half_up(value: float) -> int:
    """Rounding as JavaScript's Math.round does it; Python's own rounds halves to even."""
    return int(np.floor(value + 0.5))
