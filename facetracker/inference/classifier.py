"""`Classifier`: pictures of faces in, the class of each out; and the votes that keep a followed face's class steady."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from facetracker.core.crop import cut_face, fit_square
from facetracker.core.errors import FaceTrackerError
from facetracker.core.faces import Faces
from facetracker.core.photo import Picture
from facetracker.inference.detector import as_bgr, find_model
from facetracker.inference.engines import open_engine

Probabilities = NDArray[np.float32]

MOST = 16  # faces that go through the network together
MEMORY = 0.5  # seconds after which a vote counts e times less
FORGET = 2.0  # seconds after which a face that is gone takes its votes along


class Classifier:
    """Says which class a picture of a face belongs to, with an exported classifier (or a `.keras` file).

    >>> Classifier("masks.tflite").classify([crop])        # (1, K) probabilities   # doctest: +SKIP
    """

    def __init__(self, model: str | Path, threads: int | None = None):
        path = find_model(model)
        self.engine = open_engine(path, threads)
        self.card = self.engine.card
        if self.card.head != "classifier":
            raise FaceTrackerError(
                "finds faces, it does not classify them", path=path, fix="`facetracker train-classifier` makes one."
            )

    @property
    def classes(self) -> list[str]:
        """The names of the classes, by number."""
        return self.card.classes

    def classify(self, pictures: Sequence[Picture]) -> Probabilities:
        """Probabilities `(N, K)` of BGR pictures that show one face each, of any size."""
        size = self.card.image_size
        answers = [np.zeros((0, len(self.classes)), np.float32)]
        most = self.engine.fixed_batch or MOST
        for first in range(0, len(pictures), most):
            few = [fit_square(as_bgr(picture), size, self.card.centre) for picture in pictures[first : first + most]]
            batch = np.stack([cv2.cvtColor(one, cv2.COLOR_BGR2RGB) for one in few])
            answers.append(np.array(self.engine.run(self._filled(batch))["probabilities"][: len(few)]))
        return np.concatenate(answers)

    def classify_faces(self, frame: Picture, boxes: Any) -> Probabilities:
        """Probabilities `(N, K)` of the faces `(N, 4)`, in pixels, of a BGR frame: cut out as in training."""
        return self.classify([cut_face(frame, box, self.card.margin) for box in boxes])

    def _filled(self, batch: Picture) -> Picture:
        """Filled up to 1, 2, 4, 8 or 16 pictures: an engine plans its memory again for every size of a batch."""
        wanted = self.engine.fixed_batch or 1 << (len(batch) - 1).bit_length()
        return np.concatenate([batch, np.repeat(batch[-1:], wanted - len(batch), axis=0)])


class ClassVotes:
    """The class of each followed face, from all its frames: the newest counts most, one bad frame changes nothing."""

    def __init__(self, classifier: Classifier, memory: float = MEMORY):
        self.classifier, self.memory = classifier, memory
        self._votes: dict[int, tuple[Probabilities, float]] = {}

    @property
    def classes(self) -> list[str]:
        return self.classifier.classes

    def look(self, frame: Picture, faces: Faces, time: float) -> Faces:
        """The faces with their classes after looking at this frame; faces that only coast keep theirs unasked."""
        if not len(faces):
            return faces
        rows = np.arange(len(faces)) if faces.coasting is None else np.flatnonzero(~faces.coasting)
        found = self.classifier.classify_faces(frame, faces.pixels[rows])
        if faces.ids is None:
            return self._named(faces, found)
        if any(at > time for _, at in self._votes.values()):  # the film was wound back
            self._votes.clear()
        for row, probabilities in zip(rows, found, strict=True):
            self._vote(int(faces.ids[row]), probabilities, time)
        self._votes = {one: vote for one, vote in self._votes.items() if time - vote[1] <= FORGET}
        return self.known(faces)

    def known(self, faces: Faces) -> Faces:
        """The faces with what is known of their classes already, without looking."""
        if not len(faces) or faces.ids is None:
            return faces
        nothing = np.full(len(self.classes), 1 / len(self.classes), np.float32)
        votes = [self._votes.get(int(one), (nothing, 0.0))[0] for one in faces.ids]
        return self._named(faces, np.stack(votes))

    def _vote(self, one: int, probabilities: Probabilities, time: float) -> None:
        if one in self._votes:
            old, at = self._votes[one]
            share = np.float32(1 - np.exp(-max(time - at, 1e-3) / self.memory))
            probabilities = old + share * (probabilities - old)
        self._votes[one] = (probabilities, time)

    def _named(self, faces: Faces, probabilities: Probabilities) -> Faces:
        classes, surest = probabilities.argmax(axis=1), probabilities.max(axis=1)
        return replace(faces, classes=classes, names=self.classes, class_scores=surest)
