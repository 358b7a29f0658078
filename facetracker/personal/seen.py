"""What the starter sees in photos that wait for a person, and which of them would teach most."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray

from facetracker.core.boxes import Boxes, as_boxes
from facetracker.core.photo import Picture, read_picture
from facetracker.inference.detector import Detector
from facetracker.personal.corrections import Correction
from facetracker.personal.teacher import FAINT, FacePairs, match, pairs_in

VIEWS = 6  # the mean of so many lies nearer to a person's box; the first is the photo as it is
LIKELY = 0.25  # score from which a box is worth the other views
SMALL = (16, 12)  # width and height of the grey picture by which photos are compared
# How far apart two photos are: a face that has moved by this share of the photo's sides, or whose sides have changed by
# this factor (its logarithm), counts as much as pictures that have nothing in common.
MOVED, GROWN = 0.15, 0.25
UNSURE = 0.5  # what the greatest doubt weighs against the greatest distance


@dataclass(frozen=True)
class SeenPhoto:
    """The starter's boxes `(N, 4)` of a photo without anybody's style, its scores `(N,)`, and how the photo looks.

    `stamp` is the file's time and size: another one, and the photo needs a fresh look.
    """

    stamp: tuple[int, int]
    boxes: Boxes
    scores: NDArray[np.float32]
    look: NDArray[np.float32]

    @property
    def grey(self) -> NDArray[np.float32]:
        """The small grey picture alone."""
        return self.look[:-4]

    def taught_by(self, drawn: Boxes) -> Correction:
        """What the right boxes `(N, 4)` of this photo teach about those that were seen; nothing is looked at again."""
        pairs = match(self.boxes, drawn)
        rows, faces = [row for row, _ in pairs], [face for _, face in pairs]
        is_face = np.isin(np.arange(len(self.boxes)), rows)
        found = FacePairs(as_boxes(self.boxes[rows]), as_boxes(drawn[faces]), self.scores[rows])
        return Correction(found, self.scores[is_face], self.scores[~is_face])


def stamp_of(photo: Path) -> tuple[int, int]:
    """A file's time in ns and its size in bytes."""
    status = photo.stat()
    return status.st_mtime_ns, status.st_size


def look_at(detector: Detector, photo: Path) -> SeenPhoto:
    """Look at a photo; a bad file raises `BadFile`."""
    stamp = stamp_of(photo)
    picture = read_picture(photo)
    found = detector.detect(picture, FAINT)
    likely = found.scores >= LIKELY
    boxes = found.boxes.copy()
    if likely.any():
        boxes[likely] = pairs_in(detector, picture, found.boxes[likely], VIEWS).found
    return SeenPhoto(stamp, boxes, found.scores, _look_of(picture, boxes))


def _look_of(picture: Picture, boxes: Boxes) -> NDArray[np.float32]:
    """A photo as a point: its small grey picture, and where its surest face lies. `(196,)`."""
    grey = cv2.cvtColor(cv2.resize(picture, SMALL, interpolation=cv2.INTER_AREA), cv2.COLOR_BGR2GRAY).astype(np.float32)
    grey = (grey - grey.mean()) / (grey.std() + 1.0) / np.sqrt(grey.size)
    face = face_point(boxes[0]) if len(boxes) else np.zeros(4)
    return np.concatenate([grey.ravel(), face]).astype(np.float32)


def face_point(box: NDArray[np.float32]) -> NDArray[np.float64]:
    """Where a face lies and how large it is, as a point `(4,)`."""
    left, top, right, bottom = box
    sides = np.log(np.maximum([right - left, bottom - top], 1e-3))
    return np.array([(left + right) / 2 / MOVED, (top + bottom) / 2 / MOVED, *(sides / GROWN)])


def most_teaching_first(looks: NDArray[np.float32], doubts: Sequence[float], known: NDArray[np.float32]) -> list[int]:
    """In which order photos teach most: the rows of `looks` `(N, D)`, each far from those before and those `known`.

    `doubts` `(N,)` from 0 to 1 push a photo forward, `known` `(K, D)` are the looks of the photos that have taught.
    """
    if not len(looks):
        return []
    middle = looks.mean(axis=0)
    usual = float(np.linalg.norm(looks - middle, axis=1).mean()) or 1.0
    if len(known):
        away = np.min([np.linalg.norm(looks - one, axis=1) for one in known], axis=0)
    else:  # the first one is as usual as can be: what it teaches fits most others
        away = usual * 2 - np.linalg.norm(looks - middle, axis=1)
    doubt = UNSURE * np.asarray(doubts, np.float32)
    left = np.ones(len(looks), bool)
    order: list[int] = []
    while left.any():
        worth = np.where(left, np.minimum(away / usual, 2.0) + doubt, -np.inf)
        chosen = int(worth.argmax())
        order.append(chosen)
        left[chosen] = False
        apart = np.linalg.norm(looks - looks[chosen], axis=1)
        away = apart if len(order) == 1 and not len(known) else np.minimum(away, apart)
    return order
