"""One photo with its truth and a model's answer, and which of the model's boxes are right.

A box is right at an IoU when it is matched to a face: boxes take their turn from the highest score down, each takes
the free face (of its class) that it overlaps most, if the overlap is at least that IoU. This is COCO's rule. Because
the turn goes by score, leaving out low scores never changes what the higher ones took: one matching serves every
threshold.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace

import numpy as np
from numpy.typing import NDArray

from facetracker.core import boxes as box_arithmetic
from facetracker.core.boxes import Boxes, as_boxes, empty

Ints = NDArray[np.int64]
Floats = NDArray[np.float64]


def _none() -> Ints:
    return np.zeros(0, np.int64)


@dataclass(frozen=True)
class JudgedPhoto:
    """One photo, the faces on it and the boxes a model found.

    `truth` is `(N, 4)` and `boxes` `(M, 4)`, normalised xyxy; `truth_classes` `(N,)` and `classes` `(M,)` are class
    numbers, `scores` `(M,)` lies in 0..1. `boxes` should go far below the threshold in use: the curves need them.
    `ignored` `(I, 4)` are faces that nobody could judge: average precision counts a box on one neither way.
    """

    name: str
    width: int
    height: int
    truth: Boxes = field(default_factory=empty)
    truth_classes: Ints = field(default_factory=_none)
    boxes: Boxes = field(default_factory=empty)
    scores: Floats = field(default_factory=lambda: np.zeros(0))
    classes: Ints = field(default_factory=_none)
    ignored: Boxes = field(default_factory=empty)

    def __post_init__(self) -> None:
        values = {
            "truth": as_boxes(self.truth),
            "truth_classes": np.asarray(self.truth_classes, np.int64).reshape(-1),
            "boxes": as_boxes(self.boxes),
            "scores": np.asarray(self.scores, np.float64).reshape(-1),
            "classes": np.asarray(self.classes, np.int64).reshape(-1),
            "ignored": as_boxes(self.ignored),
        }
        for name, value in values.items():
            object.__setattr__(self, name, value)
        if len(self.truth) != len(self.truth_classes):
            raise ValueError(f"{self.name}: {len(self.truth)} faces but {len(self.truth_classes)} classes")
        if not len(self.boxes) == len(self.scores) == len(self.classes):
            raise ValueError(f"{self.name}: boxes, scores and classes differ in number")

    def above(self, threshold: float) -> JudgedPhoto:
        """The same photo with only the boxes that score at least `threshold`."""
        keep = self.scores >= threshold
        return replace(self, boxes=self.boxes[keep], scores=self.scores[keep], classes=self.classes[keep])


@dataclass(frozen=True)
class Match:
    """For each box of a photo: the face it took (`(M,)`, -1: none) and its IoU with it (0: none)."""

    face: Ints
    iou: Floats


def match(photo: JudgedPhoto, iou: float = 0.5, by_class: bool = True) -> Match:
    """Who took which face at this IoU; `by_class=False` lets a box take a face of another class."""
    taken = np.full(len(photo.boxes), -1, np.int64)
    shares = np.zeros(len(photo.boxes))
    if len(photo.boxes) and len(photo.truth):
        table = box_arithmetic.iou(photo.boxes, photo.truth).astype(np.float64)
        if by_class:
            table = np.where(photo.classes[:, None] == photo.truth_classes[None, :], table, -1.0)
        free = np.ones(len(photo.truth), bool)
        for box in np.argsort(-photo.scores, kind="stable"):
            row = np.where(free, table[box], -1.0)
            face = int(row.argmax())
            if row[face] >= iou and row[face] > 0:
                taken[box], shares[box] = face, row[face]
                free[face] = False
    return Match(taken, shares)


@dataclass(frozen=True)
class RankedBoxes:
    """Every box of every photo, best score first: `(P,)` scores, whether right, and the photo's number."""

    scores: Floats
    right: NDArray[np.bool_]
    photo: Ints
    faces: int


def pool(photos: Sequence[JudgedPhoto], iou: float = 0.5, by_class: bool = True) -> RankedBoxes:
    """All boxes of all photos with whether they are right at this IoU, best score first."""
    right = [match(photo, iou, by_class).face >= 0 for photo in photos]
    scores = np.concatenate([np.zeros(0), *(photo.scores for photo in photos)])
    number = np.concatenate([_none(), *(np.full(len(photo.scores), i) for i, photo in enumerate(photos))])
    order = np.argsort(-scores, kind="stable")
    flags = np.concatenate([np.zeros(0, bool), *right])
    return RankedBoxes(scores[order], flags[order], number[order], sum(len(photo.truth) for photo in photos))
