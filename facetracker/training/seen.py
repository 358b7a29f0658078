"""What a person will see of a tracker: asked of the val photos after each epoch, with the code that runs it later.

The loss is ruled by how sure the network is, and by cells that nobody ever looks at. What counts in use is how well the
boxes that are shown fit, whether every face has one, and that nothing else has: `seen`, and the threshold that makes
the most of it.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import keras
import numpy as np

from facetracker.core import boxes as box_arithmetic
from facetracker.core.boxes import IGNORED, Boxes
from facetracker.core.errors import FaceTrackerError
from facetracker.core.photo import Picture
from facetracker.data.pool import class_number
from facetracker.inference.card import Card
from facetracker.inference.detector import Detector, Places
from facetracker.inference.engines import Engine, Outputs
from facetracker.inference.engines.keras import card_of
from facetracker.labels.collection import Collection

FAINTEST = 0.05  # scores below are not looked at
LOWEST, HIGHEST = 0.2, 0.65  # a threshold lies between
FOUND = 0.99  # share of the faces that the threshold must find
SECOND = 0.02  # share of the photos that may show a wrong box
ROOM = 0.9  # of the least sure faces' score, at most
RIGHT = 0.5  # IoU from which a box is a face
AT_ONCE, MOST = 16, 400  # inputs in one go, photos in all


class Trained(Engine):
    """The network of a run as it stands now."""

    name = "training"

    def __init__(self, model: keras.Model):
        self.model, self.card = model, card_of(model)
        self.path, self.threads = Path(self.card.name or "model"), 1
        side = self.card.image_size
        self.fixed_size = (side, side) if self.card.head != "dense" else None
        self.fixed_batch = AT_ONCE

    def run(self, batch: Picture) -> Outputs:
        outputs = self.model(batch, training=False)
        return {name: np.asarray(keras.ops.convert_to_numpy(v), np.float32) for name, v in outputs.items()}


@dataclass(frozen=True)
class ValAnswer:
    """Boxes `(N, 4)` found in one photo, best first, scores `(N,)`; `ious` `(N,)` with the face each took, else 0."""

    faces: int
    scores: np.ndarray
    ious: np.ndarray


@dataclass(frozen=True)
class Served:
    """Shares in 0..1: how well a person is served, the mean IoU of the faces' surest boxes, the share found."""

    seen: float
    overlap: float
    found: float
    threshold: float


class ValPhotos:
    """The val photos of a run (of very many, some) as the tracker will be shown them, read and shrunk once."""

    def __init__(self, photos: Collection, classes: Sequence[str], model: keras.Model):
        self.model = model
        self.card: Card = card_of(model)
        detector = Detector(Trained(model), FAINTEST)
        self.inputs: list[tuple[Picture, Places]] = []
        self.truth: list[tuple[Boxes, np.ndarray]] = []
        for row in np.linspace(0, len(photos) - 1, min(MOST, len(photos))).round().astype(int):
            try:
                self.inputs.append(detector.prepare(photos[row].picture()))
            except FaceTrackerError:
                continue  # noted when the pool was read
            kinds = np.array([class_number(label, classes) for label in photos[row].labels], np.int64)
            self.truth.append((photos[row].boxes, kinds))

    def judge(self) -> Served:
        """How the network, with the weights it has now, does on these photos, at the threshold chosen for them."""
        detector = Detector(Trained(self.model), FAINTEST)
        answers = []
        for rows in self._together():
            outputs = detector.run(np.concatenate([self.inputs[row][0] for row in rows]))
            first = 0
            for row in rows:
                places = self.inputs[row][1]
                found = detector.decode(outputs, first, places)
                answers.append(answer(found.boxes, found.scores, found.classes, *self.truth[row]))
                first += len(places)
        return sum_up(answers, choose_threshold(answers))

    def _together(self) -> Iterator[list[int]]:
        """The photos in groups of equal inputs, as many as the network takes in one go."""
        shapes: dict[tuple[int, ...], list[int]] = {}
        for row, (batch, _) in enumerate(self.inputs):
            shapes.setdefault(batch.shape, []).append(row)
        for (parts, *_), rows in shapes.items():
            each = max(1, AT_ONCE // parts)
            yield from (rows[first : first + each] for first in range(0, len(rows), each))


def answer(found: Boxes, scores: np.ndarray, classes: np.ndarray, truth: Boxes, kinds: np.ndarray) -> ValAnswer:
    """What was found beside the truth: from the surest on each box takes the free face that it overlaps most.

    Faces whose class is not learnt (IGNORED) are no faces here, and boxes on them no mistakes.
    """
    ious, kept = np.zeros(len(found)), np.ones(len(found), bool)
    if len(found) and len(truth):
        table = box_arithmetic.iou(found, truth)
        free = np.ones(len(truth), bool)
        for row in range(len(found)):
            fits = np.where(free & ((kinds == classes[row]) | (kinds == IGNORED)), table[row], 0.0)
            face = int(fits.argmax())
            if fits[face] > 0 and kinds[face] == IGNORED:
                kept[row] = False
            elif fits[face] > 0:
                ious[row], free[face] = fits[face], False
    return ValAnswer(int((kinds != IGNORED).sum()), scores[kept], ious[kept])


def choose_threshold(answers: Sequence[ValAnswer]) -> float:
    """The score from which boxes are shown: nearly every face is found there, and hardly a second box.

    It lies half-way between the score that the least sure faces reach (all but a hundredth) and the one that wrong
    boxes reach in one photo of fifty, so that other photos have room on both sides; where the two overlap, faces come
    first. Always between 0.2 and 0.65; faces that no such threshold finds have no say.
    """
    right = [max(one.scores[one.ious >= RIGHT], default=0.0) for one in answers]
    wrong = [max(one.scores[one.ious < RIGHT], default=0.0) for one in answers]
    right = [score for score in right if score >= LOWEST]
    if not right:
        return LOWEST
    least = float(np.quantile(right, 1 - FOUND, method="lower"))
    most = float(np.quantile(wrong, 1 - SECOND, method="higher"))
    return round(float(np.clip(min(ROOM * least, (least + most) / 2), LOWEST, HIGHEST)), 3)


def sum_up(answers: Sequence[ValAnswer], threshold: float) -> Served:
    """The scores at a threshold.

    `seen` is, for each photo, the sum of the IoUs of the faces found over the number of faces or boxes, whichever is
    more (1 for a photo without a face and without a box); its mean. `overlap` asks only for the surest box, however
    unsure. With no photo at all everything is 0.
    """
    seen, overlap, found, faces = [], [], 0, 0
    for one in answers:
        shown = one.scores >= threshold
        most = max(one.faces, int(shown.sum()))
        seen.append(one.ious[shown].sum() / most if most else 1.0)
        if one.faces:
            overlap.append(one.ious[0] if len(one.ious) else 0.0)
            faces += one.faces
            found += int((one.ious[shown] >= RIGHT).sum())
    return Served(
        float(np.mean(seen)) if seen else 0.0,
        float(np.mean(overlap)) if overlap else 0.0,
        found / faces if faces else 0.0,
        threshold,
    )


def as_columns(seen: Served) -> dict[str, Any]:
    """The columns of `history.csv`; `val_missed` is what falls as the tracker gets better."""
    return {
        "val_missed": 1.0 - seen.seen,
        "val_overlap": seen.overlap,
        "val_found": seen.found,
        "val_threshold": seen.threshold,
    }
