"""Learning an own head and judging it: what tensorflow is needed for, apart from what needs none."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from facetracker.core.boxes import Boxes
from facetracker.core.files import written_beside
from facetracker.core.letterbox import Letterbox, letterbox
from facetracker.inference.decode import decode_dense
from facetracker.inference.style import Style
from facetracker.models.personal import PersonalTracker
from facetracker.personal.photos import OwnPhoto
from facetracker.personal.views import random_view
from facetracker.training.own_head import STEPS, Features, HeadTraining

# How many views, and how many steps, for how many photos: a few photos are soon learnt by heart.
VIEWS, OF_A_PHOTO = 1000, 120
FIRST_STEPS, STEPS_A_PHOTO = 150, 10
CHECKING = 0.4  # of the steps: a training to see whether an own head is worth it


@dataclass(frozen=True)
class OwnAnswer:
    """The surest box in one photo, normalised `(1, 4)`, and how sure it and the next one are."""

    box: Boxes
    score: float
    next_score: float


class OwnLearner:
    """A tracker whose own head learns from photos, all seen at one input size (width, height)."""

    def __init__(self, style: Style, input_size: tuple[int, int], image_size: int, seed: int = 0):
        self.tracker = PersonalTracker(style.numbers, own_head=True, image_size=image_size, weights="starter")
        self.input_size, self.seed = input_size, seed
        self.training: HeadTraining | None = None
        self.owners: NDArray[np.int64] = np.zeros(0, np.int64)

    def look_at(self, photos: Sequence[OwnPhoto]) -> None:
        """Make the views of all photos, as many of each, and their features."""
        rng = np.random.default_rng(self.seed)
        most = max(1, *(len(photo.boxes) for photo in photos))
        self.owners = np.arange(min(VIEWS, OF_A_PHOTO * len(photos))) % len(photos)
        made = (
            random_view(photos[owner].picture, photos[owner].boxes, self.input_size, most, rng)
            for owner in self.owners.tolist()
        )
        self.training = HeadTraining(self.tracker, Features(self.tracker, made))

    def learn(self, of: Sequence[int], share: float = 1.0) -> None:
        """Train the own head, from the beginning, on the views of the photos `of` (their places in `look_at`)."""
        assert self.training is not None
        rows = np.flatnonzero(np.isin(self.owners, of))
        steps = min(STEPS, FIRST_STEPS + STEPS_A_PHOTO * len(of))
        self.training.train(rows, int(steps * share), self.seed)

    def answer(self, photo: OwnPhoto) -> OwnAnswer:
        """What the tracker with its own head says of a photo, at the size at which it will run."""
        fitted, place = letterbox(photo.picture, *self.input_size)
        outputs = self.tracker(np.ascontiguousarray(fitted[None, ..., ::-1]), training=False)
        return _surest({name: np.asarray(value)[0] for name, value in outputs.items()}, place, self.tracker.strides)

    def save(self, path: Path, threshold: float, style: Style) -> None:
        """Write the tracker with its own head as one `.keras` file."""
        self.tracker.threshold, self.tracker.style = threshold, style.numbers
        with written_beside(path) as part:
            self.tracker.save(part)


def _surest(outputs: dict[str, NDArray[np.float32]], place: Letterbox, strides: Sequence[int]) -> OwnAnswer:
    boxes, scores, *_ = decode_dense(
        outputs["scores"], outputs["offsets"], place.input_height, place.input_width, strides, threshold=0.01
    )
    if not len(scores):
        return OwnAnswer(np.zeros((1, 4), np.float32), 0.0, 0.0)
    return OwnAnswer(place.to_picture(boxes[:1]), float(scores[0]), float(scores[1]) if len(scores) > 1 else 0.0)
