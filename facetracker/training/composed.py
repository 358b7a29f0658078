"""Composing training pictures from the whole photos while training (mosaics, zooms, scenery): `data.online=compose`."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from facetracker.core.boxes import areas
from facetracker.core.errors import FaceTrackerError
from facetracker.core.photo import encode_jpeg
from facetracker.data.compose.compose import Composer, Photo, pad_targets
from facetracker.data.pool import class_number
from facetracker.data.table import Table
from facetracker.training.feed import Compose

FILLS = 0.5  # share of the picture from which on its face fills it, so that it may be pasted elsewhere


def composing(table: Table, classes: Sequence[str], size: int, most: int, seed: int) -> Compose:
    """A function that composes pictures `first` to `first + count`, square RGB, with targets."""
    composer = Composer(composable(table, classes), seed)

    def compose(first: int, count: int):
        made = [composer.compose(int(first) + i, size) for i in range(int(count))]
        pictures, boxes, kinds = zip(*made, strict=True)
        targets = pad_targets(boxes, kinds, most)
        return np.stack(pictures), targets["boxes"].astype(np.float32), targets["classes"].astype(np.int32)

    return compose


def composable(table: Table, classes: Sequence[str]) -> list[Photo]:
    """The photos of a table as the composer wants them; what cannot be read has been reported before."""
    photos = []
    for row in range(len(table)):
        try:
            data = _jpeg(table, row)
        except FaceTrackerError:
            continue
        kinds = np.array([class_number(label, classes) for label in table.labels[row]], np.int32)
        boxes = table.boxes[row]
        photos.append(Photo(data, boxes, kinds, pasteable=len(boxes) == 1 and bool(areas(boxes)[0] > FILLS)))
    return photos


def _jpeg(table: Table, row: int) -> bytes:
    if table.kind == "records":
        return table.jpegs[row]
    return table.paths[row].read_bytes() if table.bare[row] else encode_jpeg(table.picture(row))
