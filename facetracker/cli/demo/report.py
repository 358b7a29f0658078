"""The demo's `report.html`: one file that shows what each step did, with pictures, curves and a short film inside."""

from __future__ import annotations

import base64
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

import cv2
from markupsafe import Markup

from facetracker.cli.demo.chapters import CHAPTERS, TRAINED_FROM, YOUR_TURN
from facetracker.cli.demo.steps import Demo, DemoPicture, DemoStep
from facetracker.core.console import duration
from facetracker.core.photo import encode_jpeg
from facetracker.reports.charts import Line, line_chart
from facetracker.reports.page import ReportPhoto, data_address, drawn_boxes, render

if TYPE_CHECKING:
    from facetracker.reports.evaluation.scores import Scores

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
    film: str


def report(demo: Demo) -> str:
    """The page for a finished demo; nothing in it is fetched from elsewhere."""
    film, evaluation, page = demo.film, demo.evaluation, demo.page
    assert film is not None
    assert evaluation is not None
    assert page is not None
    steps = [_chapter(demo, step) for step in demo.steps]
    first = next(number for number, step in enumerate(steps) if step.name == TRAINED_FROM)
    quick = sum(step.seconds for step in demo.steps[:first])
    return render(
        "cli/demo/report.html",
        "A face tracker of your own: the demo",
        numbers=[
            (f"{quick:.0f} s", "from a film and three labels to all that follows"),
            (f"{film.found}/{film.frames}", "frames of the film with the face found"),
            (f"{film.starter:.2f} → {film.own:.2f}", "overlap with this person's boxes, before and after"),
            (f"{page.stat().st_size / 1e6:.1f} MB", "the tracker as a page for any browser"),
        ],
        film=_film(film.path),
        lost="never lost: one number from first to last frame" if film.numbers == 1 else f"{film.numbers} faces",
        page=page.relative_to(demo.folder).as_posix(),
        ways=[
            ("The quick way", "a film, three labels, a few seconds", steps[:first]),
            ("The trained way", "more photos, a network of its own", steps[first:]),
        ],
        first=[0, first],
        findings=[(one.photo.split("/")[-1], one.kind, one.detail, one.fix) for one in demo.findings],
        counts=demo.counts,
        curves=_curves(demo),
        scores=_scores(demo),
        judged_on=evaluation.models[0].scores.photos,
        took=duration(demo.seconds),
        your_turn=YOUR_TURN,
    )


def _film(path: Path) -> str:
    return f"data:video/mp4;base64,{base64.b64encode(path.read_bytes()).decode()}"


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
        film="" if step.film is None else _film(step.film),
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


def _scores(demo: Demo) -> list[tuple[str, str, str, str]]:
    """A row a measure: the starter's, that of three labels, that of the training."""
    assert demo.evaluation is not None
    scores = [model.scores for model in reversed(demo.evaluation.models)]

    def row(what: str, of: Callable[[Scores], str]) -> tuple[str, str, str, str]:
        starter, mine, trained = map(of, scores)
        return what, starter, mine, trained

    return [
        row("mean IoU of the boxes", lambda one: f"{one.mean_iou:.3f}"),
        row("AP at IoU 0.75", lambda one: f"{one.ap75:.3f}"),
        row("F1 at the threshold", lambda one: f"{one.at_threshold.f1 or 0:.3f}"),
        row(
            "photos without a face that got a box",
            lambda one: f"{one.false_alarms.photos_with_alarm} of {one.false_alarms.photos}",
        ),
    ]
