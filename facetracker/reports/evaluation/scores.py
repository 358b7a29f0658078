"""The scores of one model on one set of photos.

**Mean IoU.** For every photo that holds a face: the model's best-scoring box at or above the threshold, and the face
that it overlaps most; their IoU is the photo's, and 0 when no box reaches the threshold. The mean over those photos is
`mean_iou`. It asks for one box a photo, so a head that can only give one and a head that gives many answer the same
question; on photos of one face it is the plain IoU of box and face. It is the product of two things: `found`, the share
of these photos that have a box at the threshold, and `found_iou`, the mean over those. What it does not see are missed
second faces: `face_iou` does, the mean over every **face** of the IoU with the box matched to it (0 for a missed one).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from typing import Any

import numpy as np

from facetracker.core import boxes as box_arithmetic
from facetracker.reports.evaluation.average_precision import COCO_IOUS, Precision, Range, precision
from facetracker.reports.evaluation.judged import JudgedPhoto, match, pool
from facetracker.reports.evaluation.operating import (
    GRID,
    Calibration,
    FalseAlarms,
    Rates,
    best_threshold,
    calibration,
    false_alarm_curve,
    false_alarms,
    rates_at,
    rates_curve,
)

# A face's size: its area as a share of the picture (a face a tenth of the picture wide and high has 0.01) ...
SHARES = {"tiny": (0.0, 0.0025), "small": (0.0025, 0.01), "medium": (0.01, 0.0625), "large": (0.0625, 1e10)}
# ... or in square pixels of the photo, COCO's own ranges.
PIXELS = {"under 32 px": (0.0, 32.0**2), "32 to 96 px": (32.0**2, 96.0**2), "over 96 px": (96.0**2, 1e10)}

NO_FACE = "(no face)"
MISSED = "(missed)"


@dataclass(frozen=True)
class SizeRow:
    """Faces of one size: how many, the share found at the threshold, AP50 and the mean IoU of the found ones."""

    name: str
    faces: int
    recall: float | None
    ap50: float | None
    iou: float | None


@dataclass(frozen=True)
class Confusion:
    """`counts[i][j]`: faces of class `rows[i]` that were called `columns[j]`, at the threshold and IoU 0.5.

    The last row are boxes where no face is, the last column faces without a box.
    """

    rows: list[str]
    columns: list[str]
    counts: list[list[int]]


@dataclass(frozen=True)
class Scores:
    """Everything that is measured about one model on one set of photos; shares in 0..1, None where undefined."""

    photos: int
    faces: int
    photos_without_face: int
    threshold: float
    mean_iou: float | None
    found: float | None
    found_iou: float | None
    face_iou: float | None
    ap40: float | None
    ap50: float | None
    ap75: float | None
    ap50_95: float | None
    any_face_ap50: float | None
    at_threshold: Rates
    best: Rates | None
    false_alarms: FalseAlarms
    class_ap50: dict[str, float | None]
    confusion: Confusion
    calibration: Calibration
    by_share: list[SizeRow]
    by_pixels: list[SizeRow]
    curves: dict[str, Any]

    def as_dict(self) -> dict[str, Any]:
        """Plain values for `metrics.json`."""
        values = asdict(self)
        values["false_alarms"]["share"] = self.false_alarms.share
        return values


def score(photos: Sequence[JudgedPhoto], classes: Sequence[str], threshold: float = 0.5) -> Scores:
    """Score a model's answers on photos; `classes` names the class numbers, `threshold` is the one it works with.

    AP, the curves and the calibration use every box given; mean IoU, rates, confusion and false alarms those at or
    above the threshold.
    """
    shown = [photo.above(threshold) for photo in photos]
    boxes = pool(photos)
    share = precision(photos, len(classes), sizes=SHARES)
    pixels = precision(photos, len(classes), ious=(0.5,), sizes=PIXELS, pixels=True)
    return Scores(
        photos=len(photos),
        faces=boxes.faces,
        photos_without_face=sum(not len(photo.truth) for photo in photos),
        threshold=float(threshold),
        mean_iou=mean_iou(shown),
        found=found_share(shown),
        found_iou=mean_iou([photo for photo in shown if len(photo.boxes)]),
        face_iou=face_iou(shown),
        ap40=share.average(0.4),
        ap50=share.average(0.5),
        ap75=share.average(0.75),
        ap50_95=share.average(*COCO_IOUS),
        any_face_ap50=precision([_any_face(photo) for photo in photos], 1, ious=(0.5,)).average(0.5),
        at_threshold=rates_at(boxes, threshold),
        best=best_threshold(boxes),
        false_alarms=false_alarms(photos, threshold),
        class_ap50={name: share.average(0.5, cls=i) for i, name in enumerate(classes)},
        confusion=confusion(shown, classes),
        calibration=calibration(boxes),
        by_share=_by_size(shown, share, SHARES, pixels=False),
        by_pixels=_by_size(shown, pixels, PIXELS, pixels=True),
        curves={
            "precision_at_recall": share.curve(0.5),
            "precision_at_recall_iou75": share.curve(0.75),
            "rates": [asdict(rates) for rates in rates_curve(boxes)],
            "ap_at_iou": {f"{iou:.2f}": share.average(iou) for iou in share.ious},
            "false_alarms": false_alarm_curve(photos),
            "thresholds": [float(value) for value in GRID],
        },
    )


def _any_face(photo: JudgedPhoto) -> JudgedPhoto:
    """The same photo and answer with one class only: a face is a face even where its class is taken for another."""
    return replace(photo, truth_classes=np.zeros_like(photo.truth_classes), classes=np.zeros_like(photo.classes))


def photo_iou(photo: JudgedPhoto) -> float:
    """IoU of the best-scoring box of a photo with the face that it overlaps most; 0 without a box."""
    if not len(photo.boxes) or not len(photo.truth):
        return 0.0
    best = photo.boxes[[int(np.argmax(photo.scores))]]
    return float(box_arithmetic.iou(best, photo.truth).max())


def mean_iou(photos: Sequence[JudgedPhoto]) -> float | None:
    """The mean of `photo_iou` over the photos that hold a face (see the head of this file); None without one."""
    values = [photo_iou(photo) for photo in photos if len(photo.truth)]
    return float(np.mean(values)) if values else None


def found_share(photos: Sequence[JudgedPhoto]) -> float | None:
    """The share of the photos that hold a face in which any box is; None without one that does."""
    values = [bool(len(photo.boxes)) for photo in photos if len(photo.truth)]
    return float(np.mean(values)) if values else None


def face_ious(photo: JudgedPhoto, iou: float = 0.0, by_class: bool = False) -> np.ndarray:
    """IoU of each face `(N,)` with the box matched to it, of its class or of any; 0 for a face without a box."""
    values = np.zeros(len(photo.truth))
    found = match(photo, iou, by_class)
    values[found.face[found.face >= 0]] = found.iou[found.face >= 0]
    return values


def face_iou(photos: Sequence[JudgedPhoto]) -> float | None:
    """The mean of `face_ious` over every face of every photo; None without a face."""
    values = np.concatenate([np.zeros(0), *(face_ious(photo) for photo in photos)])
    return float(values.mean()) if len(values) else None


def confusion(photos: Sequence[JudgedPhoto], classes: Sequence[str], iou: float = 0.5) -> Confusion:
    """Which class is taken for which; boxes are matched to faces without regard to the class."""
    last = len(classes)
    counts = np.zeros((last + 1, last + 1), int)
    for photo in photos:
        face = match(photo, iou, by_class=False).face
        actual = np.where(face >= 0, photo.truth_classes[face] if len(photo.truth) else last, last)
        np.add.at(counts, (actual, photo.classes), 1)
        missed = photo.truth_classes[np.setdiff1d(np.arange(len(photo.truth)), face)]
        np.add.at(counts, (missed, np.full_like(missed, last)), 1)
    return Confusion([*classes, NO_FACE], [*classes, MISSED], counts.tolist())


def _by_size(shown: Sequence[JudgedPhoto], table: Precision, sizes: Mapping[str, Range], pixels: bool) -> list[SizeRow]:
    areas: list[np.ndarray] = [np.zeros(0)]
    found: list[np.ndarray] = [np.zeros(0)]
    for photo in shown:
        scale = photo.width * photo.height if pixels else 1.0
        areas.append(box_arithmetic.areas(photo.truth) * scale)
        found.append(face_ious(photo, 0.5, by_class=True))
    area, iou = np.concatenate(areas), np.concatenate(found)
    rows = []
    for name, (low, high) in sizes.items():
        part = iou[(area >= low) & (area < high)]
        hit = part[part > 0]
        rows.append(
            SizeRow(
                name,
                len(part),
                float((part > 0).mean()) if len(part) else None,
                table.average(0.5, size=name) if len(part) else None,
                float(hit.mean()) if len(hit) else None,
            )
        )
    return rows
