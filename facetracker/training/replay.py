"""What is replayed while one person's face is learnt, so that everybody else's is not forgotten: drawn scenes.

Photos of other people cannot come with the package. Drawn ones can, and the starter's own answers on them: trained to
give these answers still, while it learns another face and another idea of a box, a network keeps more of the rest than
with the boxes as they were drawn (docs/starter.md has the figures).
"""

from __future__ import annotations

from collections.abc import Sequence

import cv2
import numpy as np

from facetracker.core import console
from facetracker.core.boxes import IGNORED
from facetracker.core.letterbox import letterbox
from facetracker.core.photo import Picture
from facetracker.core.settings import Settings
from facetracker.data.pool import Pool, class_number, room
from facetracker.inference.detector import Detector
from facetracker.scenes import photo

SCENES = "scenes"
DRAWN = 250  # pictures
# From the first score up an answer of the starter's is a face to be found again, below the second it is background;
# between the two it is neither.
FACE, NO_FACE = 0.45, 0.2


def drawn_pool(settings: Settings, classes: Sequence[str], most: int) -> Pool:
    """Drawn photos at the network's size with at most so many faces each.

    Where training starts from the starter and knows one class, their boxes are the starter's; else as drawn.
    """
    size, seed = settings.model.image_size, settings.training.seed
    pictures, names = room(DRAWN, size), [f"scene-{number}" for number in range(DRAWN)]
    boxes, kinds = np.zeros((DRAWN, most, 4), np.float32), np.full((DRAWN, most), -1, np.int32)
    answers = settings.model.weights == "starter" and len(classes) == 1
    starter = Detector.load("starter", NO_FACE, threads=1, image_size=size) if answers else None
    for number in console.track(range(DRAWN), "draw"):
        still = photo(seed, number, masks=number % 2 == 1 or len(classes) > 1)
        fitted, place = letterbox(still.picture, size, size)
        pictures[number] = cv2.cvtColor(fitted, cv2.COLOR_BGR2RGB)
        if starter is not None:
            own, own_kinds = answers_of(starter, fitted)
        else:
            own, own_kinds = place.to_input(still.boxes), [class_number(label, classes) for label in still.labels]
        faces = min(len(own), most)
        boxes[number, :faces], kinds[number, :faces] = own[:faces], own_kinds[:faces]
    return Pool(pictures, boxes, kinds, names)


def answers_of(starter: Detector, picture: Picture) -> tuple[np.ndarray, list[int]]:
    """What the starter finds in a picture (BGR): boxes `(N, 4)` normalised, best first, and 0 or IGNORED for each."""
    faces = starter.detect(picture)
    return faces.boxes, [0 if score >= FACE else IGNORED for score in faces.scores]
