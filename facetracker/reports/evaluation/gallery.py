"""The worst mistakes as pictures: faces missed, false alarms, loose boxes, each with the boxes drawn over it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from html import escape
from pathlib import Path
from typing import TYPE_CHECKING

import cv2
import numpy as np

from facetracker.core import boxes as box_arithmetic
from facetracker.core.boxes import Boxes
from facetracker.core.errors import BadFile
from facetracker.core.photo import encode_jpeg, read_picture
from facetracker.reports.charts import COLOURS
from facetracker.reports.evaluation.judged import JudgedPhoto, match
from facetracker.reports.page import image

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


def galleries(models: Sequence[ModelResult], most: int) -> str:
    """Each model's worst mistakes of every kind, `most` photos a kind."""
    parts = [
        '<h2>The worst mistakes</h2><p class="key small soft"><i class="truth"></i>labelled<i></i>found, '
        "with its score, at the threshold in use. A small face is shown in a cut-out.</p>"
    ]
    for number, model in enumerate(models):
        shown = [photo.above(model.scores.threshold) for photo in model.answers]
        kinds = (
            ("Missed faces, largest first", missed_faces(shown)),
            ("False alarms, surest first", false_alarms(shown)),
            (f"Loose boxes (IoU under {LOOSE}), loosest first", loose_boxes(shown)),
        )
        inside = "".join(
            f"<h3>{title} <span class=soft>({len(found):,})</span></h3>"
            + (show(found, most) if found else '<p class="soft">None.</p>')
            for title, found in kinds
        )
        name = f'<i class="dot c{number % COLOURS}"></i>{escape(model.name)}'
        parts.append(f"<details{' open' if not number else ''}><summary>{name}</summary>{inside}</details>")
    return "\n".join(parts)


def show(mistakes: Sequence[Mistake], most: int) -> str:
    """The worst `most` mistakes as figures of the page."""
    figures = [figure(mistake) for mistake in mistakes[:most]]
    return f'<div class="gallery">{"".join(figures)}</div>'


def figure(mistake: Mistake) -> str:
    """One photo, or the part of it round a small face, with the truth (green) and the model's boxes (orange)."""
    photo = mistake.photo
    name = Path(photo.name).name
    try:
        picture = read_picture(photo.name)
    except BadFile:
        return ""
    left, top, right, bottom = window(mistake)
    height, width = picture.shape[:2]
    part = picture[round(top * height) : round(bottom * height), round(left * width) : round(right * width)]
    scale = SIDE / max(part.shape[:2])
    size = (max(1, round(part.shape[1] * scale)), max(1, round(part.shape[0] * scale)))
    shown = cv2.resize(part, size, interpolation=cv2.INTER_AREA if scale < 1 else cv2.INTER_CUBIC)

    def place(boxes: Boxes) -> Boxes:
        moved = (boxes - [left, top, left, top]) / [right - left, bottom - top, right - left, bottom - top]
        return moved * [size[0], size[1], size[0], size[1]]

    drawn = ""
    for own, moved in zip(photo.truth, place(photo.truth), strict=True):
        drawn += _rectangle(moved, "truth", np.array_equal(own, mistake.box))
    for own, moved, score in zip(photo.boxes, place(photo.boxes), photo.scores, strict=True):
        drawn += _rectangle(moved, "found", np.array_equal(own, mistake.box)) + _tag(moved, f"{score:.2f}", size[1])
    return (
        f'<figure><div class="photo">'
        f"{image(encode_jpeg(shown, QUALITY), name)}"
        f'<svg viewBox="0 0 {size[0]} {size[1]}">{drawn}</svg></div>'
        f"<figcaption><b>{escape(mistake.caption)}</b><span>{escape(name)}</span></figcaption></figure>"
    )


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


def _rectangle(box: Boxes, kind: str, this: bool) -> str:
    """A box of the page; `this` is the one that the figure is about."""
    left, top, right, bottom = (float(edge) for edge in box)
    return (
        f'<rect class="{kind}{" this" if this else ""}" x="{left:.1f}" y="{top:.1f}" '
        f'width="{max(0.0, right - left):.1f}" height="{max(0.0, bottom - top):.1f}"/>'
    )


def _tag(box: Boxes, text: str, height: int) -> str:
    y = float(box[1]) - 5 if box[1] > 18 else min(height - 4.0, float(box[3]) + 15)
    return f'<text class="score" x="{float(box[0]) + 1:.1f}" y="{y:.1f}">{text}</text>'
