"""A style that knows where it was learnt: photos that look alike are drawn alike.

Somebody who draws a turned head wider than one that looks straight has two styles, and one style is wrong for both. So
what the lessons of similar photos say counts more: their offsets from the common style, weighted by how near the photos
are, and drawn back to nothing where no lesson is near.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from facetracker.core.boxes import Boxes, as_boxes
from facetracker.inference.style import FARTHEST, Style, relative
from facetracker.personal.seen import face_point
from facetracker.personal.teacher import FacePairs

FEWEST = 3  # lessons, from which on there is something to compare
DOUBT = 0.5  # how many lessons "the common style is right" weighs


class NearbyStyle:
    """The style of lessons, each the small grey picture `(D,)` of a photo and the pairs of boxes in it."""

    def __init__(self, style: Style, lessons: Sequence[tuple[NDArray[np.float32], FacePairs]]):
        self.style = style
        rows, points = [], []
        for grey, pairs in lessons:
            for found, offsets in zip(pairs.found, relative(pairs.found, pairs.drawn), strict=True):
                if np.abs(offsets).max() < FARTHEST:
                    rows.append(offsets - np.array(style.numbers))
                    points.append(np.concatenate([grey, face_point(found)]))
        self._rows, self._points = np.array(rows), np.array(points)

    def apply(self, boxes: Boxes, grey: NDArray[np.float32]) -> Boxes:
        """The starter's boxes `(N, 4)` in a photo with this small grey picture, as the person would draw them there."""
        if len(self._rows) < FEWEST:
            return self.style.apply(boxes)
        drawn = [self._at(box, grey).apply(box[None])[0] for box in boxes]
        return as_boxes(np.array(drawn).reshape(-1, 4))

    def _at(self, box: NDArray[np.float32], grey: NDArray[np.float32]) -> Style:
        away = ((self._points - np.concatenate([grey, face_point(box)])) ** 2).sum(axis=1)
        weights = np.exp(-away / 2)
        shift = (weights[:, None] * self._rows).sum(axis=0) / (weights.sum() + DOUBT)
        return Style(*(float(number) for number in np.array(self.style.numbers) + shift))
