"""What a run says about the photos it did not train on, beside the truth."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import cv2
import keras
import numpy as np
from numpy.typing import NDArray

from facetracker.core import boxes as box_arithmetic
from facetracker.core.boxes import Boxes, Numbers
from facetracker.core.photo import Picture, write_png
from facetracker.core.sheet import BLUE, GREEN, INK, RED, Tile, outlines, sheet
from facetracker.data.pool import Pool

SIDE = 200  # of one picture on the sheet, pixels
SCORE_SHOWN = 0.3  # predictions at least this sure are drawn


@dataclass(frozen=True)
class Judged:
    """One picture with its truth and what the model found; `quality` is 1 where all is right, 0 where nothing is."""

    picture: NDArray[np.uint8]
    truth: Boxes
    found: Boxes
    scores: Numbers
    quality: float


def judge(model: keras.Model, pool: Pool, most: int = 200, batch_size: int = 32) -> list[Judged]:
    """The model's answers for up to `most` pictures of the pool, worst first."""
    judged = []
    for start in range(0, min(most, len(pool)), batch_size):
        pictures = pool.pictures[start : min(start + batch_size, most)]
        outputs = model(pictures, training=False)
        found, scores, kinds = map(keras.ops.convert_to_numpy, model.decode(outputs, threshold=SCORE_SHOWN))
        for i, picture in enumerate(pictures):
            truth = pool.boxes[start + i][pool.classes[start + i] >= 0]
            kept = kinds[i] >= 0
            quality = _quality(truth, found[i][kept])
            judged.append(Judged(picture, truth, found[i][kept], scores[i][kept], quality))
    return sorted(judged, key=lambda one: one.quality)


def _quality(truth: Boxes, found: Boxes) -> float:
    """Mean over true and found boxes of the best overlap with the other side; 1 for a picture rightly left empty."""
    if not len(truth) and not len(found):
        return 1.0
    if not len(truth) or not len(found):
        return 0.0
    ious = box_arithmetic.iou(truth, found)
    return float(np.concatenate([ious.max(axis=0), ious.max(axis=1)]).mean())


def sheet_of(judged: Sequence[Judged], columns: int = 4, rows: int = 4) -> Picture:
    """A sheet of pairs, truth left and prediction right, `(height, width, 3)` BGR, in the order given."""
    return sheet([tile for one in judged[: columns * rows] for tile in _pair(one)], 2 * columns, SIDE)


def draw_in_rgb(model: keras.Model, pool: Pool, most: int) -> Picture:
    """Truth and prediction of the first `most` pictures, RGB, as TensorBoard wants it."""
    return cv2.cvtColor(sheet_of(judge(model, pool, most), columns=2), cv2.COLOR_BGR2RGB)


def _pair(one: Judged) -> tuple[Tile, Tile]:
    picture = cv2.cvtColor(one.picture, cv2.COLOR_RGB2BGR)
    colour = BLUE if len(one.truth) else RED
    scores = [f"{score:.2f}" for score in one.scores]
    right = one.quality == 1 or len(one.truth) > 0 < len(one.found)
    return (
        Tile(picture, "truth" if len(one.truth) else "no face", outlines=outlines(one.truth, GREEN)),
        Tile(picture, _said(one), outlines=outlines(one.found, colour, scores), colour=INK if right else RED),
    )


def _said(one: Judged) -> str:
    if not len(one.truth):
        return f"{len(one.found)} false alarm{'s' * (len(one.found) > 1)}" if len(one.found) else "nothing found"
    return f"found: IoU {one.quality:.2f}" if len(one.found) else "missed"


def draw_val_predictions(path: str | Path, model: keras.Model, pool: Pool) -> None:
    """Truth and prediction side by side for the worst val pictures."""
    write_png(path, sheet_of(judge(model, pool)))
