"""Views of a photo: the whole frame as the tracker will see it, nearer and farther, shifted, mirrored, in other light.

Always at the scale of use: a view is the network's input, and the frame lies in it about as letterboxing would lay it.
So a camera of any size is learnt as it will be looked at.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from facetracker.core.boxes import Boxes, as_boxes
from facetracker.core.letterbox import GREY, Letterbox
from facetracker.core.photo import Picture

NEARER, FARTHER = 1.5, 0.75
SHIFT = 0.12  # of the input's sides
SEEN = 0.6  # of a face's area: with less of it in the view, the face is neither a face nor none
TRIES = 20
IGNORED, NOTHING = -2, -1


@dataclass(frozen=True)
class ViewPlace:
    """How a photo is laid into the input: scaled, then moved to `(left, top)`; mirrored at last. Pixels."""

    scale: float
    left: float
    top: float
    mirrored: bool
    width: int
    height: int

    def lay(self, picture: Picture) -> Picture:
        """The view `(height, width, 3)`, in the channel order of the picture."""
        matrix = np.array([[self.scale, 0, self.left], [0, self.scale, self.top]])
        view = cv2.warpAffine(picture, matrix, (self.width, self.height), borderValue=(GREY,) * 3)
        return view[:, ::-1] if self.mirrored else view

    def to_view(self, boxes: Boxes, size: tuple[int, int]) -> Boxes:
        """Boxes `(N, 4)` normalised to a photo of `size` (width, height), normalised to the view; may stick out."""
        pixels = as_boxes(boxes) * np.array([*size, *size]) * self.scale + np.array([self.left, self.top] * 2)
        laid = as_boxes(pixels / np.array([self.width, self.height] * 2))
        return _mirrored(laid) if self.mirrored else laid

    def to_photo(self, boxes: Boxes, size: tuple[int, int]) -> Boxes:
        """The way back of `to_view`."""
        boxes = _mirrored(as_boxes(boxes)) if self.mirrored else as_boxes(boxes)
        pixels = boxes * np.array([self.width, self.height] * 2) - np.array([self.left, self.top] * 2)
        return as_boxes(pixels / self.scale / np.array([*size, *size]))


def _mirrored(boxes: Boxes) -> Boxes:
    return as_boxes(boxes[:, [2, 1, 0, 3]] * np.array([-1, 1, -1, 1]) + np.array([1, 0, 1, 0]))


def random_place(
    size: tuple[int, int], input_size: tuple[int, int], boxes: Boxes, rng: np.random.Generator
) -> ViewPlace:
    """A place for a photo of `size` in an input of `input_size` (width, height); a face stays to be seen."""
    width, height = input_size
    usual = Letterbox(*size, width, height)
    place = ViewPlace(usual.scale, usual.left, usual.top, bool(rng.random() < 0.5), width, height)
    for _ in range(TRIES):
        scale = usual.scale * float(np.exp(rng.uniform(np.log(FARTHER), np.log(NEARER))))
        left = (width - scale * size[0]) / 2 + rng.uniform(-SHIFT, SHIFT) * width
        top = (height - scale * size[1]) / 2 + rng.uniform(-SHIFT, SHIFT) * height
        tried = ViewPlace(scale, left, top, place.mirrored, width, height)
        if not len(boxes) or visible(tried.to_view(boxes, size)).max() >= SEEN:
            return tried
    return place


def visible(boxes: Boxes) -> NDArray[np.float32]:
    """The share of each box `(N, 4)` that lies in the view, `(N,)`."""
    inside = np.clip(boxes, 0, 1)
    area = np.prod(boxes[:, 2:] - boxes[:, :2], axis=1)
    return np.prod(inside[:, 2:] - inside[:, :2], axis=1) / np.maximum(area, 1e-9)


def other_light(view: Picture, rng: np.random.Generator) -> Picture:
    """The view in other light, a little blurred or grainy at times, as cameras and evenings are."""
    values: NDArray[Any] = view.astype(np.float32)
    if rng.random() < 0.6:
        values = 255 * (values / 255) ** rng.uniform(0.7, 1.4)
        values = (values - 128) * rng.uniform(0.7, 1.3) + 128 + rng.uniform(-40, 40)
    if rng.random() < 0.3:
        values = values + rng.uniform(-15, 15, 3).astype(np.float32)
    if rng.random() < 0.15:
        values = cv2.GaussianBlur(values, (0, 0), rng.uniform(0.5, 1.5))
    if rng.random() < 0.2:
        values = values + rng.standard_normal(values.shape, np.float32) * rng.uniform(2, 10)
    return np.clip(values, 0, 255).astype(np.uint8)


def random_view(
    picture: Picture, boxes: Boxes, input_size: tuple[int, int], most: int, rng: np.random.Generator
) -> tuple[Picture, Boxes, NDArray[np.int32]]:
    """A view `(H, W, 3)` RGB of a photo BGR with its boxes `(most, 4)` and classes `(most,)`."""
    size = picture.shape[1], picture.shape[0]
    place = random_place(size, input_size, boxes, rng)
    view = np.ascontiguousarray(other_light(place.lay(picture), rng)[..., ::-1])
    truth, classes = np.zeros((most, 4), np.float32), np.full(most, NOTHING, np.int32)
    laid = place.to_view(boxes, size)
    seen = visible(laid) if len(laid) else np.zeros(0)
    for row, (box, share) in enumerate(zip(np.clip(laid, 0, 1), seen, strict=True)):
        if share > 0:
            truth[row], classes[row] = box, 0 if share >= SEEN else IGNORED
    return view, truth, classes


def usual_input(sizes: Sequence[tuple[int, int]]) -> tuple[int, int]:
    """The size that most of the inputs have."""
    return max(sizes, key=lambda size: (sizes.count(size), size))
