"""The worst mistakes as pictures: faces missed, false alarms, loose boxes, each with the boxes drawn over it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

import cv2
import numpy as np

from facetracker.core import boxes as box_arithmetic
from facetracker.core.boxes import Boxes, as_boxes
from facetracker.core.errors import BadFile
from facetracker.core.photo import encode_jpeg, read_picture
from facetracker.reports.evaluation.judged import JudgedPhoto, match
from facetracker.reports.page import DrawnBox, ReportPhoto, data_address, drawn_boxes

if TYPE_CHECKING:
    from facetracker.reports.evaluation.evaluate import ModelResult

SIDE = 360  # longer side of a thumbnail, pixels
QUALITY = 78
# A face smaller than this share of the photo's longer side is shown in a cut-out round it.
SMALL, CUT_OUT = 0.14, 4.0
LOOSE = 0.75  # a box that overlaps its face less is shown as loose


@dataclass(frozen=True)
class Mistake:
    """One photo, the box in question (normalised `(4,)`), how bad it is (for sorting), and what to say."""

    photo: JudgedPhoto
    box: Boxes
    badness: float
    caption: str


class MistakeKind(NamedTuple):
    """The mistakes of one kind: how many there are, and the worst as `(caption, photo)`."""

    title: str
    found: int
    shown: list[tuple[str, ReportPhoto]]


class Gallery(NamedTuple):
    """The worst mistakes of one model."""

    model: str
    kinds: list[MistakeKind]


def missed_faces(photos: Sequence[JudgedPhoto]) -> list[Mistake]:
    """Faces without a box at IoU 0.5, the largest first: those nobody should miss."""
    found = []
    for photo in photos:
        taken = set(match(photo, by_class=False).face.tolist())
        for face in range(len(photo.truth)):
            if face not in taken:
                box = photo.truth[face]
                width, height = _pixels(photo, box)
                found.append(Mistake(photo, box, width * height, f"missed, {width:.0f}×{height:.0f} px"))
    return _worst(found)


def false_alarms(photos: Sequence[JudgedPhoto]) -> list[Mistake]:
    """Boxes where no face is (at IoU 0.1, so that a loose box is not called an alarm), the surest first."""
    found = []
    for photo in photos:
        for box in np.flatnonzero(match(photo, 0.1, by_class=False).face < 0):
            score = float(photo.scores[box])
            where = "no face here" if not len(photo.truth) else "not a face, or one too many"
            found.append(Mistake(photo, photo.boxes[box], score, f"score {score:.2f}, {where}"))
    return _worst(found)


def loose_boxes(photos: Sequence[JudgedPhoto]) -> list[Mistake]:
    """Boxes that have their face but overlap it least."""
    found = []
    for photo in photos:
        result = match(photo, 0.1, by_class=False)
        for box in np.flatnonzero((result.face >= 0) & (result.iou < LOOSE)):
            iou = float(result.iou[box])
            found.append(Mistake(photo, photo.truth[result.face[box]], 1 - iou, f"IoU {iou:.2f}"))
    return _worst(found)


def _worst(mistakes: list[Mistake]) -> list[Mistake]:
    return sorted(mistakes, key=lambda mistake: (-mistake.badness, mistake.photo.name))


def _pixels(photo: JudgedPhoto, box: Boxes) -> tuple[float, float]:
    return float((box[2] - box[0]) * photo.width), float((box[3] - box[1]) * photo.height)


def galleries(models: Sequence[ModelResult], most: int) -> list[Gallery]:
    """Each model's worst mistakes of every kind, `most` photos a kind."""
    found = []
    for model in models:
        shown = [photo.above(model.scores.threshold) for photo in model.answers]
        kinds = (
            ("Missed faces, largest first", missed_faces(shown)),
            ("False alarms, surest first", false_alarms(shown)),
            (f"Loose boxes (IoU under {LOOSE}), loosest first", loose_boxes(shown)),
        )
        found.append(Gallery(model.name, [MistakeKind(title, len(all), show(all, most)) for title, all in kinds]))
    return found


def show(mistakes: Sequence[Mistake], most: int) -> list[tuple[str, ReportPhoto]]:
    """The worst `most` mistakes, `(caption, photo)`; a photo that cannot be read is left out."""
    figures = [(mistake.caption, figure(mistake)) for mistake in mistakes[:most]]
    return [(caption, photo) for caption, photo in figures if photo is not None]


def figure(mistake: Mistake) -> ReportPhoto | None:
    """One photo, or the part of it round a small face, with the truth (green) and the model's boxes (orange)."""
    photo = mistake.photo
    try:
        picture = read_picture(photo.name)
    except BadFile:
        return None
    left, top, right, bottom = window(mistake)
    height, width = picture.shape[:2]
    part = picture[round(top * height) : round(bottom * height), round(left * width) : round(right * width)]
    scale = SIDE / max(part.shape[:2])
    size = (max(1, round(part.shape[1] * scale)), max(1, round(part.shape[0] * scale)))
    shown = cv2.resize(part, size, interpolation=cv2.INTER_AREA if scale < 1 else cv2.INTER_CUBIC)

    def place(boxes: Boxes, kind: str) -> list[DrawnBox]:
        moved = (boxes - [left, top, left, top]) / [right - left, bottom - top, right - left, bottom - top]
        drawn = drawn_boxes(as_boxes(moved), kind, *size)
        return [one._replace(this=np.array_equal(own, mistake.box)) for own, one in zip(boxes, drawn, strict=True)]

    found = place(photo.boxes, "found")
    boxes = place(photo.truth, "truth")
    boxes += [one._replace(text=f"{score:.2f}") for one, score in zip(found, photo.scores, strict=True)]
    return ReportPhoto(data_address(encode_jpeg(shown, QUALITY)), Path(photo.name).name, *size, boxes)


def window(mistake: Mistake) -> tuple[float, float, float, float]:
    """The part of the photo to show, normalised: all of it, or a cut-out round a small face."""
    photo = mistake.photo
    largest = max(_pixels(photo, mistake.box)) / max(photo.width, photo.height)
    if largest >= SMALL:
        return 0.0, 0.0, 1.0, 1.0
    reach = max(max(_pixels(photo, mistake.box)) * CUT_OUT, 48.0)
    x, y = box_arithmetic.centres(mistake.box)[0]
    wide, high = min(1.0, reach / photo.width), min(1.0, reach / photo.height)
    left, top = min(max(0.0, x - wide / 2), 1 - wide), min(max(0.0, y - high / 2), 1 - high)
    return float(left), float(top), float(left + wide), float(top + high)
