"""The starter as it looks at a person's photos: its box of each face, the mean over several views."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from facetracker.core.boxes import Boxes, as_boxes, iou, sizes
from facetracker.core.photo import Picture
from facetracker.inference.detector import Detector
from facetracker.inference.style import Style, learn_style
from facetracker.personal.views import random_place

VIEWS = 12
FAINT = 0.1  # score from which the starter's box is believed where a person says there is a face
NEAR = 0.5  # of the person's box: how far the middles may lie apart


@dataclass(frozen=True)
class FacePairs:
    """Faces that the starter sees as well: its boxes `(N, 4)` and the person's `(N, 4)`, normalised to their photos.

    `scores` `(M,)` is how sure it is of those it sees in the photo as it is, in no other view.
    """

    found: Boxes
    drawn: Boxes
    scores: NDArray[np.float32]

    def style(self) -> Style:
        return learn_style(self.found, self.drawn)


def pairs_in(detector: Detector, picture: Picture, drawn: Boxes, views: int = VIEWS, seed: int = 0) -> FacePairs:
    """The starter's boxes of the faces that a person has drawn in a photo; a face it never sees is left out."""
    size = picture.shape[1], picture.shape[0]
    input_size = detector.input_size(*size)
    rng = np.random.default_rng(seed)
    seen: list[list[Boxes]] = [[] for _ in drawn]
    scores: list[float] = []
    for view in range(views):
        if view == 0:
            plain = detector.detect(picture, FAINT)
            found = plain.boxes
            scores = [float(plain.scores[row]) for row, _ in match(found, drawn)]
        else:
            place = random_place(size, input_size, drawn, rng)
            found = place.to_photo(detector.detect(np.ascontiguousarray(place.lay(picture)), FAINT).boxes, size)
        for row, face in match(found, drawn):
            seen[face].append(found[row])
    faces = [face for face, boxes in enumerate(seen) if boxes]
    means = [np.mean(seen[face], axis=0) for face in faces]
    return FacePairs(as_boxes(np.array(means).reshape(-1, 4)), as_boxes(drawn)[faces], np.array(scores, np.float32))


def join(pairs: list[FacePairs]) -> FacePairs:
    """The pairs of several photos as one."""
    none = np.zeros((0, 4), np.float32)
    return FacePairs(
        np.concatenate([none, *(one.found for one in pairs)]),
        np.concatenate([none, *(one.drawn for one in pairs)]),
        np.concatenate([none[:, 0], *(one.scores for one in pairs)]),
    )


def match(found: Boxes, drawn: Boxes) -> list[tuple[int, int]]:
    """Which box found is which face drawn, `(row, face)`: by their middles and sizes, for styles differ.

    By overlap alone a chin and a whole head would be no pair.
    """
    if not len(found) or not len(drawn):
        return []
    middles, theirs = ((boxes[:, :2] + boxes[:, 2:]) / 2 for boxes in (found, drawn))
    away = np.abs(middles[:, None] - theirs[None]) / np.maximum(sizes(drawn)[None], 1e-6)
    nearness = np.where((away < NEAR).all(axis=2), iou(found, drawn), 0.0)
    chosen = []
    while nearness.size and nearness.max() > 0.05:
        row, face = (int(number) for number in np.unravel_index(nearness.argmax(), nearness.shape))
        chosen.append((row, face))
        nearness[row], nearness[:, face] = 0.0, 0.0
    return chosen


def overlaps_at(boxes: Boxes, drawn: Boxes) -> NDArray[np.float32]:
    """For each box drawn the overlap of the best of `boxes`, 0 without any: `(N,)`."""
    return iou(drawn, boxes).max(axis=1, initial=0.0) if len(drawn) else np.zeros(0, np.float32)
