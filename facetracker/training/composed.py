"""Composing training pictures from the whole photos while training (mosaics, zooms, scenery): `data.online=compose`."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from facetracker.core.boxes import areas
from facetracker.core.errors import FaceTrackerError
from facetracker.data.batches import Change
from facetracker.data.compose.compose import Composer, Photo, pad_targets
from facetracker.data.pool import class_number
from facetracker.labels.collection import Collection

FILLS = 0.5  # share of the picture from which on its face fills it, so that it may be pasted elsewhere


def composing(photos: Collection, classes: Sequence[str], seed: int, steps: int) -> Change:
    """A function that composes another batch in place of one: as many pictures, square RGB, with as many targets.

    The pictures are counted through the run, whose epochs have so many `steps`: no two are composed alike.
    """
    composer = Composer(composable(photos, classes), seed)

    def compose(pictures, boxes, classes, numbers):
        _, epoch, step = (int(number) for number in numbers)
        first, count = (epoch * steps + step) * len(pictures), len(pictures)
        made = [composer.compose(first + i, pictures.shape[1]) for i in range(count)]
        composed, found, kinds = zip(*made, strict=True)
        targets = pad_targets(found, kinds, boxes.shape[1])
        return np.stack(composed), targets["boxes"].astype(np.float32), targets["classes"].astype(np.int32)

    return compose


def composable(photos: Collection, classes: Sequence[str]) -> list[Photo]:
    """The photos as the composer wants them; what cannot be read has been reported before."""
    found = []
    for example in photos:
        try:
            data = example.as_jpeg()
        except FaceTrackerError:
            continue
        kinds = np.array([class_number(label, classes) for label in example.labels], np.int32)
        fills = len(example) == 1 and bool(areas(example.boxes)[0] > FILLS)
        found.append(Photo(data, example.boxes, kinds, pasteable=fills))
    return found
