"""The demo's `report.html`: one file that shows what each step did, with pictures, curves and a short film inside."""

from __future__ import annotations

import base64
from typing import NamedTuple

import cv2
from markupsafe import Markup

from facetracker.cli.demo.chapters import CHAPTERS, YOUR_TURN
from facetracker.cli.demo.steps import Demo, DemoPicture, DemoStep
from facetracker.core.console import duration
from facetracker.core.photo import encode_jpeg
from facetracker.reports.charts import Line, line_chart
from facetracker.reports.page import ReportPhoto, data_address, drawn_boxes, render

SIDE, WIDE_SIDE = 400, 960  # longer side of a picture in the page, pixels
QUALITY = 80


class Chapter(NamedTuple):
    """One step as the page tells of it; `share` is its part of the time, `took` the time in words."""

    name: str
    title: str
    why: str
    command: str
    result: str
    took: str
    share: float
    pictures: list[ReportPhoto]


def report(demo: Demo) -> str:
    """The page for a finished demo; nothing in it is fetched from elsewhere."""
    film, evaluation = demo.film, demo.evaluation
    assert film is not None
    assert evaluation is not None
    lost = "never lost: one number from the first frame to the last" if film.numbers == 1 else f"{film.numbers} numbers"
    return render(
        "cli/demo/report.html",
        "A face tracker of your own: the demo",
        numbers=[
            (duration(demo.seconds), "from nothing to this page"),
            (f"{film.found}/{film.with_face}", "frames of the clip with its face found"),
            (f"{film.milliseconds:.1f} ms", "a frame, for the network"),
            (f"{min(done.size for done in demo.exports) / 1e6:.2f} MB", "the smallest exported file"),
        ],
        film=f"data:video/mp4;base64,{base64.b64encode(film.path.read_bytes()).decode()}",
        lost=lost,
        steps=[_chapter(demo, step) for step in demo.steps],
        findings=[(one.photo.split("/")[-1], one.kind, one.detail, one.fix) for one in demo.findings],
        counts=demo.counts,
        curves=_curves(demo),
        scores=_scores(demo),
        judged_on=evaluation.models[0].scores.photos,
        files=[
            (done.format, done.path.name, f"{done.size / 1e6:.2f} MB", f"{done.difference:.0e}")
            for done in demo.exports
            if done.path is not None
        ],
        your_turn=YOUR_TURN,
    )


def _chapter(demo: Demo, step: DemoStep) -> Chapter:
    title, why = CHAPTERS[step.name]
    return Chapter(
        name=step.name,
        title=title,
        why=why,
        command=step.command,
        result=step.result,
        took=duration(step.seconds),
        share=max(step.seconds, demo.seconds / 60),
        pictures=[_photo(shown) for shown in step.pictures],
    )


def _photo(shown: DemoPicture) -> ReportPhoto:
    """One picture with its boxes: labelled ones green, found ones orange."""
    height, width = shown.picture.shape[:2]
    scale = min(1.0, (WIDE_SIDE if width > 800 else SIDE) / max(width, height))
    size = (round(width * scale), round(height * scale))
    small = cv2.resize(shown.picture, size, interpolation=cv2.INTER_AREA)
    boxes = drawn_boxes(shown.truth, "truth", *size) + drawn_boxes(shown.found, "found", *size)
    return ReportPhoto(data_address(encode_jpeg(small, QUALITY)), shown.caption, *size, boxes)


def _curves(demo: Demo) -> list[tuple[str, Markup]]:
    rows, epochs = demo.history, len(demo.history)
    at = [row["epoch"] for row in rows]

    def chart(title: str, key: str, most: float, step: float) -> Markup:
        lines = [
            Line("train", at, [row[key] for row in rows], 0),
            Line("val, rooms not trained on", at, [row[f"val_{key}"] for row in rows], 1),
        ]
        return line_chart(lines, "epoch", title, x_axis=(epochs, max(1, round(epochs / 8))), y_axis=(most, step))

    highest = max(max(row["total_loss"], row["val_total_loss"]) for row in rows)
    step = next(step for step in (0.05, 0.1, 0.2, 0.5, 1.0, 2.0, 5.0, 10.0) if highest <= 6 * step or step == 10.0)
    return [
        ("Mean IoU", chart("mean IoU", "mean_iou", 1.0, 0.2)),
        ("Total loss", chart("total loss", "total_loss", step * max(1, -(-highest // step)), step)),
    ]


def _scores(demo: Demo) -> list[tuple[str, str, str]]:
    assert demo.evaluation is not None
    mine, starter = (model.scores for model in demo.evaluation.models)
    return [
        ("mean IoU of the boxes", f"{starter.mean_iou:.3f}", f"{mine.mean_iou:.3f}"),
        ("AP at IoU 0.75", f"{starter.ap75:.3f}", f"{mine.ap75:.3f}"),
        ("F1 at the threshold", f"{starter.at_threshold.f1 or 0:.3f}", f"{mine.at_threshold.f1 or 0:.3f}"),
        (
            "photos without a face that got a box",
            f"{starter.false_alarms.photos_with_alarm} of {starter.false_alarms.photos}",
            f"{mine.false_alarms.photos_with_alarm} of {mine.false_alarms.photos}",
        ),
    ]
