"""Learning an own head and judging it: what tensorflow is needed for, apart from what needs none."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import tensorflow as tf
from numpy.typing import NDArray

from facetracker.core.boxes import Boxes
from facetracker.core.files import written_beside
from facetracker.core.letterbox import letterbox
from facetracker.core.photo import Picture
from facetracker.inference.decode import decode_dense
from facetracker.inference.detector import Detector
from facetracker.inference.style import Style
from facetracker.models.personal import PersonalTracker
from facetracker.personal.choose import DOUBT, OWN_HEAD, Choice, choose
from facetracker.personal.photos import OwnPhoto, OwnPhotos
from facetracker.personal.teacher import FAINT, FacePairs, join, overlaps_at
from facetracker.personal.views import random_view
from facetracker.training.own_head import STEPS, Features, HeadTraining

# How many views, and how many steps, for how many photos: a few photos are soon learnt by heart.
VIEWS, OF_A_PHOTO = 1000, 120
FIRST_STEPS, STEPS_A_PHOTO = 90, 10
CHECKING = 0.3  # of the steps: a training to see whether an own head is worth it


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
        self.style, self.input_size, self.seed = style, input_size, seed
        self.training: HeadTraining | None = None
        self._see = tf.function(lambda pictures: self.tracker(pictures, training=False))
        self.owners: NDArray[np.int64] = np.zeros(0, np.int64)

    def look_at(self, photos: Sequence[OwnPhoto], views: int = OF_A_PHOTO) -> None:
        """Make so many views of each photo (of many photos together at most `VIEWS`), and their features.

        The own head learns what the style leaves: its boxes go through the style as the starter's do. So it begins
        where the style ends, and a few photos take it further.
        """
        rng = np.random.default_rng(self.seed)
        most = max(1, *(len(photo.boxes) for photo in photos))
        self.owners = np.arange(min(VIEWS, views * len(photos))) % len(photos)
        made = (
            random_view(photos[owner].picture, photos[owner].boxes, self.input_size, most, rng)
            for owner in self.owners.tolist()
        )
        # Undone in the view, not in the photo: what a person draws ends at the edge of what is to be seen.
        unstyled = ((view, self.style.undo(boxes), classes) for view, boxes, classes in made)
        self.training = HeadTraining(self.tracker, Features(self.tracker, unstyled))

    def learn(self, of: Sequence[int], share: float = 1.0) -> None:
        """Train the own head, from the beginning, on the views of the photos `of` (their places in `look_at`)."""
        assert self.training is not None
        rows = np.flatnonzero(np.isin(self.owners, of))
        steps = min(STEPS, FIRST_STEPS + STEPS_A_PHOTO * len(of))
        self.training.train(rows, int(steps * share), self.seed)

    def faces(self, picture: Picture, threshold: float) -> tuple[Boxes, NDArray[np.float32]]:
        """Boxes `(N, 4)` and scores `(N,)` in a picture BGR at the size at which the tracker will run, best first."""
        fitted, place = letterbox(picture, *self.input_size)
        found = self._see(tf.constant(np.ascontiguousarray(fitted[None, ..., ::-1])))
        scores, offsets = (np.asarray(found[name])[0] for name in ("scores", "offsets"))
        size = place.input_height, place.input_width
        boxes, scores, *_ = decode_dense(scores, offsets, *size, self.tracker.strides, threshold=threshold)
        return place.to_picture(boxes), scores

    def answer(self, photo: OwnPhoto) -> OwnAnswer:
        """What the tracker with its own head says of a photo."""
        boxes, scores = self.faces(photo.picture, 0.01)
        if not len(scores):
            return OwnAnswer(np.zeros((1, 4), np.float32), 0.0, 0.0)
        return OwnAnswer(boxes[:1], float(scores[0]), float(scores[1]) if len(scores) > 1 else 0.0)

    def save(self, path: Path, threshold: float, style: Style) -> None:
        """Write the tracker with its own head as one `.keras` file."""
        self.tracker.threshold, self.tracker.style = threshold, style.numbers
        with written_beside(path) as part:
            self.tracker.save(part)


def learn_and_choose(
    learner: OwnLearner,
    photos: OwnPhotos,
    pairs: Sequence[FacePairs],
    detector: Detector,
    share: float = 1.0,
    doubt: float = DOUBT,
) -> tuple[Choice, NDArray[np.float32]]:
    """Learn an own head where photos held back say that it is better than the style: what is kept, and its scores.

    `pairs` are the photos' own, in their order; `share` is that of the usual views and steps, `doubt` as in `choose`.
    The scores are those that the own head gave the faces of the photos held back.
    """
    learner.look_at(photos.photos, round(share * OF_A_PHOTO))
    rest, back = photos.halves()
    choice, scores = Choice(OWN_HEAD, None, None, 0), np.zeros(0, np.float32)
    if back:
        places = {id(photo): place for place, photo in enumerate(photos.photos)}
        learner.learn([places[id(photo)] for photo in rest], share * CHECKING)
        theirs = join([pairs[places[id(photo)]] for photo in rest]).style()
        choice, scores = _compare(learner, detector, theirs, back, doubt)
    if choice.kept == OWN_HEAD:
        learner.learn(range(len(photos)), share)
    return choice, scores


def _compare(
    learner: OwnLearner, detector: Detector, style: Style, back: Sequence[OwnPhoto], doubt: float
) -> tuple[Choice, NDArray[np.float32]]:
    """Style and own head on the photos held back: what is kept, and the scores of the own head's faces there."""
    by_style: list[float] = []
    by_own: list[float] = []
    scores: list[float] = []
    for photo in back:
        found = detector.detect(photo.picture, FAINT).boxes[: len(photo.boxes)]
        answer = learner.answer(photo)
        overlaps = overlaps_at(answer.box, photo.boxes)
        face = int(overlaps.argmax())
        by_style.append(float(overlaps_at(style.apply(found), photo.boxes)[face]))
        by_own.append(float(overlaps[face]))
        scores.append(answer.score)
    return choose(_numbers(by_style), _numbers(by_own), doubt), _numbers(scores)


def _numbers(values: Sequence[float]) -> NDArray[np.float32]:
    return np.array(values, np.float32)
