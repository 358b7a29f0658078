"""Average precision by pycocotools: the area under precision against recall, as COCO defines it.

Two things differ from COCO's defaults, both said in the report: IoU 0.4 is measured too (face detectors are usually
compared there), and a photo may hold up to 300 boxes instead of 100, for crowds.
"""

from __future__ import annotations

import contextlib
import io
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from facetracker.reports.evaluation.judged import Floats, JudgedPhoto

COCO_IOUS = tuple(round(0.5 + 0.05 * i, 2) for i in range(10))
IOUS = (0.4, *COCO_IOUS)
MOST_BOXES = 300
EVERY_SIZE = "all"
Range = tuple[float, float]
Row = tuple[int, Any, Any, dict[str, float]]  # photo, class, box (corner and size), what else belongs to it


@dataclass(frozen=True)
class Precision:
    """COCO's precision table `(IoUs, 101 recalls, classes, sizes)`; -1 where there is no truth."""

    table: Floats
    ious: tuple[float, ...]
    sizes: tuple[str, ...]

    def average(self, *ious: float, size: str = EVERY_SIZE, cls: int | None = None) -> float | None:
        """Mean precision over the given IoUs (default: all) and over the classes that occur; None without truth."""
        rows = [self.ious.index(iou) for iou in ious or self.ious]
        part = self.table[rows][..., self.sizes.index(size)]
        part = part if cls is None else part[..., [cls]]
        part = part[part > -1]
        return round(float(part.mean()), 9) if part.size else None  # sums of 1.0 come to 0.9999999999999999

    def curve(self, iou: float = 0.5) -> list[float] | None:
        """Precision at recall 0, 0.01 ... 1, averaged over the classes that occur; None without truth."""
        part = self.table[self.ious.index(iou), :, :, self.sizes.index(EVERY_SIZE)]
        part = part[:, (part > -1).all(axis=0)]
        return [round(float(value), 9) for value in part.mean(axis=1)] if part.size else None


def precision(
    photos: Sequence[JudgedPhoto],
    classes: int,
    ious: Sequence[float] = IOUS,
    sizes: Mapping[str, Range] | None = None,
    pixels: bool = False,
) -> Precision:
    """COCO's precision table for these photos and `classes` classes.

    `sizes` names ranges of face area, as a share of the picture, or in square pixels with `pixels`.
    """
    from pycocotools.cocoeval import COCOeval

    # Areas without end on both sides: COCO's own upper bound is 1e10 square pixels.
    ranges: dict[str, Range] = {EVERY_SIZE: (0.0, 1e10), **(sizes or {})}
    names = [{"id": i, "name": str(i)} for i in range(classes)]
    with contextlib.redirect_stdout(io.StringIO()):  # it prints its progress
        judge = COCOeval(_truth(photos, names, pixels), _answers(photos, names, pixels), "bbox")
        judge.params.imgIds = list(range(len(photos)))
        judge.params.catIds = list(range(classes))
        judge.params.iouThrs = np.array(ious)
        judge.params.maxDets = [MOST_BOXES]
        judge.params.areaRng = [list(limits) for limits in ranges.values()]
        judge.params.areaRngLbl = list(ranges)
        judge.evaluate()
        judge.accumulate()
    return Precision(judge.eval["precision"][..., 0], tuple(ious), tuple(ranges))


def _truth(photos: Sequence[JudgedPhoto], names: list[dict[str, Any]], pixels: bool) -> Any:
    rows: list[Row] = [
        (i, cls, box, {})
        for i, photo in enumerate(photos)
        for cls, box in zip(photo.truth_classes, _corners_and_sizes(photo, photo.truth, pixels), strict=True)
    ]
    rows += [
        (i, name["id"], box, {"iscrowd": 1})
        for i, photo in enumerate(photos)
        for box in _corners_and_sizes(photo, photo.ignored, pixels)
        for name in names
    ]
    return _coco(photos, names, rows)


def _answers(photos: Sequence[JudgedPhoto], names: list[dict[str, Any]], pixels: bool) -> Any:
    rows = [
        (i, cls, box, {"score": float(score)})
        for i, photo in enumerate(photos)
        for cls, box, score in zip(
            photo.classes, _corners_and_sizes(photo, photo.boxes, pixels), photo.scores, strict=True
        )
    ]
    return _coco(photos, names, rows)


def _corners_and_sizes(photo: JudgedPhoto, boxes: Any, pixels: bool) -> Floats:
    scale = np.array([photo.width, photo.height] * 2 if pixels else [1.0] * 4, np.float64)
    rows = np.asarray(boxes, np.float64) * scale
    return np.concatenate([rows[:, :2], np.maximum(rows[:, 2:] - rows[:, :2], 0.0)], axis=1)


def _coco(photos: Sequence[JudgedPhoto], names: list[dict[str, Any]], rows: Sequence[Row]) -> Any:
    """A COCO data set in memory. Not `loadRes`, which fails on an empty list; ids from 1, because 0 means unmatched."""
    from pycocotools.coco import COCO

    coco = COCO()
    coco.dataset = {
        "images": [{"id": i, "width": photo.width, "height": photo.height} for i, photo in enumerate(photos)],
        "categories": names,
        "annotations": [
            {
                "id": number,
                "image_id": image,
                "category_id": int(cls),
                "bbox": [float(value) for value in box],
                "area": float(box[2] * box[3]),
                "iscrowd": 0,
                **extra,
            }
            for number, (image, cls, box, extra) in enumerate(rows, start=1)
        ],
    }
    coco.createIndex()
    return coco
