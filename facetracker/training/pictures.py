"""What a run says about the photos it did not train on, beside the truth."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import cv2
import keras
import numpy as np
from numpy.typing import NDArray

from facetracker.core import boxes as box_arithmetic
from facetracker.core.boxes import Boxes, Numbers
from facetracker.core.photo import Picture, write_png
from facetracker.data.pool import Pool

TRUTH, FOUND, MISSED = (60, 180, 60), (230, 130, 30), (40, 40, 220)  # BGR
CELL = 200  # side of one picture on the sheet, pixels
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


def sheet(judged: Sequence[Judged], columns: int = 4, rows: int = 4) -> Picture:
    """A sheet of pairs, truth left and prediction right, `(height, width, 3)` BGR, in the order given."""
    shown = judged[: columns * rows]
    tall, wide = CELL + 24, 2 * CELL + 12
    lines = -(-max(len(shown), 1) // columns)
    page = np.full((lines * tall, columns * wide, 3), 255, np.uint8)
    for i, one in enumerate(shown):
        top, left = i // columns * tall, i % columns * wide
        page[top : top + tall - 4, left : left + wide - 8] = _pair(one)
    return page


def draw_in_rgb(model: keras.Model, pool: Pool, most: int) -> Picture:
    """Truth and prediction of the first `most` pictures, RGB, as TensorBoard wants it."""
    return cv2.cvtColor(sheet(judge(model, pool, most), columns=2), cv2.COLOR_BGR2RGB)


def _pair(one: Judged) -> Picture:
    picture = cv2.resize(cv2.cvtColor(one.picture, cv2.COLOR_RGB2BGR), (CELL, CELL), interpolation=cv2.INTER_LINEAR)
    left, right = picture.copy(), picture.copy()
    for box in one.truth:
        _rectangle(left, box, TRUTH)
    for box, score in zip(one.found, one.scores, strict=True):
        _rectangle(right, box, FOUND if len(one.truth) else MISSED)
        _write(right, f"{score:.2f}", (int(box[0] * CELL) + 2, max(10, int(box[1] * CELL) - 3)), FOUND)
    pair = np.full((CELL + 20, 2 * CELL + 4, 3), 255, np.uint8)
    pair[20:, :CELL], pair[20:, CELL + 4 :] = left, right
    _write(pair, _caption(one), (2, 14), (0, 0, 0))
    return pair


def _caption(one: Judged) -> str:
    if not len(one.truth):
        return "no face" + (f": {len(one.found)} false alarm{'s' * (len(one.found) > 1)}" if len(one.found) else "")
    return f"truth | found: IoU {one.quality:.2f}" if len(one.found) else "truth | missed"


def _rectangle(picture: Picture, box: Numbers, colour: tuple[int, int, int]) -> None:
    left, top, right, bottom = (round(float(edge) * CELL) for edge in box)
    cv2.rectangle(picture, (left, top), (right, bottom), colour, 2, cv2.LINE_AA)


def _write(picture: Picture, text: str, place: tuple[int, int], colour: tuple[int, int, int]) -> None:
    cv2.putText(picture, text, place, cv2.FONT_HERSHEY_SIMPLEX, 0.42, colour, 1, cv2.LINE_AA)


def draw_val_predictions(path: str | Path, model: keras.Model, pool: Pool) -> dict[str, Any]:
    """Truth and prediction side by side for the worst val pictures; returns how the judged pictures fared."""
    judged = judge(model, pool)
    write_png(path, sheet(judged))
    return {"pictures": len(judged), "mean_quality": round(float(np.mean([one.quality for one in judged])), 4)}
