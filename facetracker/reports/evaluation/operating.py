"""What a score means: precision, recall, F1 and false alarms at a threshold and over all, and the calibration."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from facetracker.reports.evaluation.judged import Floats, JudgedPhoto, RankedBoxes

GRID = np.round(np.linspace(0.0, 1.0, 101), 2)


@dataclass(frozen=True)
class Rates:
    """Precision, recall and F1 at a threshold; without a box precision is None, without a face recall is."""

    threshold: float
    precision: float | None
    recall: float | None
    f1: float | None


@dataclass(frozen=True)
class FalseAlarms:
    """Boxes on photos that hold no face, at a threshold."""

    threshold: float
    photos: int
    photos_with_alarm: int
    boxes: int

    @property
    def share(self) -> float | None:
        """Share of the photos without a face on which a box appears; None when there are no such photos."""
        return self.photos_with_alarm / self.photos if self.photos else None


def rates_at(boxes: RankedBoxes, threshold: float) -> Rates:
    """Precision, recall and F1 of the boxes that score at least `threshold`."""
    shown = int(np.searchsorted(-boxes.scores, -threshold, side="right"))
    right = int(boxes.right[:shown].sum())
    precision = right / shown if shown else None
    recall = right / boxes.faces if boxes.faces else None
    f1 = 2 * right / (shown + boxes.faces) if boxes.faces else None
    return Rates(float(threshold), precision, recall, f1)


def rates_curve(boxes: RankedBoxes) -> list[Rates]:
    """The rates at thresholds 0, 0.01 ... 1."""
    return [rates_at(boxes, threshold) for threshold in GRID]


def best_threshold(boxes: RankedBoxes) -> Rates | None:
    """The threshold with the highest F1 (the middle of the range that gives it); None without a face or a box.

    It is chosen on the same photos that it is reported for: take it as advice for the next photos, not as a score.
    """
    if not boxes.faces or not len(boxes.scores):
        return None
    # A threshold can only fall between two different scores: keep the last of each run of equal ones.
    last = np.append(boxes.scores[1:] < boxes.scores[:-1], True)
    shown = np.arange(1, len(boxes.scores) + 1)[last]
    right = np.cumsum(boxes.right)[last]
    scores = boxes.scores[last]
    best = int(np.argmax(2 * right / (shown + boxes.faces)))
    lower = scores[best + 1] if best + 1 < len(scores) else 0.0
    return rates_at(boxes, float((scores[best] + lower) / 2))


def threshold_for_recall(boxes: RankedBoxes, recall: float) -> float | None:
    """The highest threshold at which at least this share of the faces is found; None when no threshold reaches it."""
    found = np.cumsum(boxes.right)
    enough = np.flatnonzero(found >= recall * boxes.faces - 1e-9)
    return float(boxes.scores[enough[0]]) if boxes.faces and len(enough) else None


def false_alarms(photos: Sequence[JudgedPhoto], threshold: float) -> FalseAlarms:
    """Boxes that score at least `threshold` on the photos without a face."""
    counts = [int((photo.scores >= threshold).sum()) for photo in photos if not len(photo.truth)]
    return FalseAlarms(float(threshold), len(counts), sum(count > 0 for count in counts), sum(counts))


def false_alarm_curve(photos: Sequence[JudgedPhoto]) -> list[float] | None:
    """Share of the photos without a face with a false alarm at thresholds 0, 0.01 ... 1; None without such photos."""
    highest = np.array([max(photo.scores, default=-1.0) for photo in photos if not len(photo.truth)])
    if not len(highest):
        return None
    return [float((highest >= threshold).mean()) for threshold in GRID]


@dataclass(frozen=True)
class Bin:
    """Boxes with nearly the same score: how many, their mean score, and the share of them that is right."""

    low: float
    high: float
    boxes: int
    score: float | None
    right: float | None


@dataclass(frozen=True)
class Calibration:
    """Does 0.8 mean right in eight of ten cases? `error` is the expected calibration error (ECE), 0 is perfect."""

    error: float | None
    bins: list[Bin]


# Boxes fainter than this are never shown and so many that they would drown the others.
FAINTEST = 0.1


def calibration(boxes: RankedBoxes, bins: int = 10, faintest: float = FAINTEST) -> Calibration:
    """Reliability in `bins` equal ranges of the score, and the mean gap between score and truth over all boxes."""
    shown = boxes.scores >= faintest
    scores, right = boxes.scores[shown], boxes.right[shown]
    place = np.minimum((scores * bins).astype(int), bins - 1)
    rows = [_bin(i / bins, (i + 1) / bins, scores[place == i], right[place == i]) for i in range(bins)]
    if not len(scores):
        return Calibration(None, rows)
    gaps = [row.boxes * abs(row.score - row.right) for row in rows if row.score is not None and row.right is not None]
    return Calibration(float(sum(gaps) / len(scores)), rows)


def _bin(low: float, high: float, scores: Floats, right: Floats) -> Bin:
    if not len(scores):
        return Bin(low, high, 0, None, None)
    return Bin(low, high, len(scores), float(scores.mean()), float(right.mean()))
