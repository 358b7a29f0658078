"""Learning one correction at a time: a person puts a box right, and the next frame is better.

What a correction teaches is worked out in closed form, in a few hundredths of a second: how this person's boxes lie
from the detector's (a style on top of what it has), and from which score a face counts.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import ArrayLike, NDArray

from facetracker.core.boxes import as_boxes, clip
from facetracker.core.faces import Faces
from facetracker.core.photo import Picture
from facetracker.inference.detector import Detector
from facetracker.inference.style import Style
from facetracker.personal.teacher import FAINT, FacePairs, join, match, pairs_in

BELOW, ABOVE = 0.9, 1.1  # how far the threshold goes beyond a score that was on its wrong side


@dataclass(frozen=True)
class Correction:
    """What one frame with its right boxes teaches: pairs of boxes, scores of faces, and of what is none."""

    pairs: FacePairs
    faces: NDArray[np.float32]
    others: NDArray[np.float32]


class Corrections:
    """A detector that learns from corrections; `undo` forgets the last one.

    >>> mine = Corrections(Detector())                     # doctest: +SKIP
    >>> mine.correct(frame, boxes)  # (N, 4) normalised     # doctest: +SKIP
    >>> faces = mine.detect(next_frame)                    # doctest: +SKIP
    """

    def __init__(self, detector: Detector):
        self.detector = detector
        self._made: list[Correction] = []
        self._learn()

    def __len__(self) -> int:
        return len(self._made)

    def detect(self, frame: Picture) -> Faces:
        """The faces in a BGR frame, as `Detector.detect`, with what the corrections taught."""
        faces = self.detector.detect(frame, self.threshold)
        return replace(faces, boxes=clip(self.style.apply(faces.boxes)))

    def correct(self, frame: Picture, boxes: ArrayLike) -> None:
        """Learn from a BGR frame and its right boxes `(N, 4)`, normalised xyxy; N 0 where there is no face."""
        self._made.append(study(self.detector, frame, boxes))
        self._learn()

    def undo(self) -> bool:
        """Forget the last correction; False where there is none."""
        if not self._made:
            return False
        self._made.pop()
        self._learn()
        return True

    def _learn(self) -> None:
        self.style, self.threshold = taught_by(self._made, self.detector.threshold)


def study(detector: Detector, frame: Picture, boxes: ArrayLike) -> Correction:
    """What a BGR frame with its right boxes `(N, 4)`, normalised xyxy, teaches about boxes of this detector."""
    right = as_boxes(np.asarray(boxes, np.float32).reshape(-1, 4))
    found = detector.detect(frame, FAINT)
    paired = {row for row, _ in match(found.boxes, right)}
    is_face = np.array([row in paired for row in range(len(found))], bool)
    return Correction(pairs_in(detector, frame, right), found.scores[is_face], found.scores[~is_face])


def taught_by(made: Sequence[Correction], usual: float) -> tuple[Style, float]:
    """The style and the threshold that corrections teach, for a detector whose threshold is `usual`.

    The threshold is the usual one where it is right; or else the nearest to it that is wrong about the fewest scores.
    """
    faces = _joined([one.faces for one in made])
    others = _joined([one.others for one in made])
    tried = [usual, *(faces[faces < usual] * BELOW), *(others[others >= usual] * ABOVE)]
    wrong = [(float((faces < one).sum() + (others >= one).sum()), abs(one - usual), one) for one in tried]
    return join([one.pairs for one in made]).style(), float(np.clip(min(wrong)[2], FAINT, 0.99))


def _joined(scores: Sequence[NDArray[np.float32]]) -> NDArray[np.float32]:
    return np.concatenate([np.zeros(0, np.float32), *scores])
