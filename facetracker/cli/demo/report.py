"""The demo's `report.html`: one file that shows what each step did, with pictures, curves and a short film inside."""

from __future__ import annotations

import base64
from collections.abc import Sequence
from html import escape

import cv2

from facetracker.cli.demo.chapters import CHAPTERS, YOUR_TURN
from facetracker.cli.demo.steps import Demo, DemoPicture, DemoStep
from facetracker.cli.demo.style import STYLE
from facetracker.core.boxes import Boxes
from facetracker.core.console import duration
from facetracker.core.photo import encode_jpeg
from facetracker.reports.charts import Line, line_chart
from facetracker.reports.page import commands, figures, image, page
from facetracker.version import __version__

SIDE, WIDE_SIDE = 400, 960  # longer side of a picture in the page, pixels
QUALITY = 80


def report(demo: Demo) -> str:
    """The page for a finished demo; nothing in it is fetched from elsewhere."""
    extras = {
        "audit": _findings,
        "split": _partitions,
        "train": _curves,
        "evaluate": _scores,
        "export": _files,
    }
    parts = [_hero(demo), _timeline(demo)]
    for number, step in enumerate(demo.steps, start=1):
        extra = extras[step.name](demo) if step.name in extras else ""
        parts.append(_chapter(number, step, extra))
    parts.append(_your_turn())
    parts.append(f"<footer>facetracker {__version__}. Everyone here is drawn by the software; nobody is real.</footer>")
    return page("A face tracker of your own: the demo", "\n".join(parts), STYLE)


def _hero(demo: Demo) -> str:
    film = demo.film
    assert film is not None
    cards = (
        (duration(demo.seconds), "from nothing to this page"),
        (f"{film.found}/{film.with_face}", "frames of the clip with its face found"),
        (f"{film.milliseconds:.1f} ms", "a frame, for the network"),
        (f"{min(done.size for done in demo.exports) / 1e6:.2f} MB", "the smallest exported file"),
    )
    lost = "never lost: one number from the first frame to the last" if film.numbers == 1 else f"{film.numbers} numbers"
    video = base64.b64encode(film.path.read_bytes()).decode()
    return (
        '<header class="hero"><div><p class="eyebrow">facetracker demo</p><h1>A face tracker of your own</h1>'
        "<p>This machine has just drawn a webcam session, labelled it, trained a tracker on it and followed a face "
        "through a clip that the tracker had never seen. Here is what happened at each step, and how you do the same "
        "with your own camera.</p>"
        f"{figures(cards)}</div>"
        '<figure class="film"><video autoplay muted loop playsinline controls '
        f'src="data:video/mp4;base64,{video}"></video><figcaption><b>The tracker at work</b>'
        f"<span>A new room. The face is {lost}.</span></figcaption></figure></header>"
    )


def _timeline(demo: Demo) -> str:
    """The steps as a strip, each as wide as it took long."""
    parts = "".join(
        f'<a class="c{number % 6}" href="#{step.name}" style="flex-grow:{max(step.seconds, demo.seconds / 60):.1f}" '
        f'title="{step.name}: {duration(step.seconds)}"></a>'
        for number, step in enumerate(demo.steps)
    )
    names = "".join(
        f'<li><i class="swatch c{number % 6}"></i>{step.name} <span class="soft">{duration(step.seconds)}</span></li>'
        for number, step in enumerate(demo.steps)
    )
    return f'<nav class="strip" aria-label="Where the time went">{parts}</nav><ul class="legend">{names}</ul>'


def _chapter(number: int, step: DemoStep, extra: str) -> str:
    title, why = CHAPTERS[step.name]
    pictures = "".join(_figure(shown) for shown in step.pictures)
    wide = " single" if len(step.pictures) == 1 else ""
    return (
        f'<section id="{step.name}"><h2><span class="number">{number}</span>{escape(title)}</h2>'
        f'<div class="lead"><p>{escape(why)}</p>'
        f'<div class="done"><p class="command"><code>{escape(step.command)}</code></p>'
        f'<p class="small"><b>Here:</b> {escape(step.result)}. <span class="soft">{duration(step.seconds)}</span></p>'
        f"</div></div>{extra}" + (f'<div class="pictures{wide}">{pictures}</div>' if pictures else "") + "</section>"
    )


def _figure(shown: DemoPicture) -> str:
    """One picture with its boxes: labelled ones green and dashed, found ones orange."""
    height, width = shown.picture.shape[:2]
    scale = min(1.0, (WIDE_SIDE if width > 800 else SIDE) / max(width, height))
    size = (round(width * scale), round(height * scale))
    small = cv2.resize(shown.picture, size, interpolation=cv2.INTER_AREA)
    drawn = _rectangles(shown.truth, "truth", size) + _rectangles(shown.found, "found", size)
    return (
        f'<figure><div class="photo" style="aspect-ratio:{size[0]}/{size[1]}">'
        f"{image(encode_jpeg(small, QUALITY), shown.caption)}"
        f'<svg viewBox="0 0 {size[0]} {size[1]}">{drawn}</svg></div>'
        f"<figcaption>{escape(shown.caption)}</figcaption></figure>"
    )


def _rectangles(boxes: Boxes, kind: str, size: tuple[int, int]) -> str:
    return "".join(
        f'<rect class="{kind}" x="{left * size[0]:.1f}" y="{top * size[1]:.1f}" rx="4" '
        f'width="{(right - left) * size[0]:.1f}" height="{(bottom - top) * size[1]:.1f}"/>'
        for left, top, right, bottom in boxes.tolist()
    )


def _findings(demo: Demo) -> str:
    rows = [(finding.photo.split("/")[-1], finding.kind, finding.detail, finding.fix) for finding in demo.findings]
    return _table(("photo", "fault", "", "way out"), rows)


def _partitions(demo: Demo) -> str:
    every = sum(demo.counts.values())
    parts = "".join(
        f'<div class="c{number}" style="flex-grow:{count}"><b>{name}</b><span>{count} photos</span></div>'
        for number, (name, count) in enumerate(demo.counts.items())
    )
    return f'<div class="shares" aria-label="{every} photos">{parts}</div>'


def _curves(demo: Demo) -> str:
    rows, epochs = demo.history, len(demo.history)
    at = [row["epoch"] for row in rows]

    def chart(title: str, key: str, most: float, step: float) -> str:
        lines = [
            Line("train", at, [row[key] for row in rows], 0),
            Line("val, rooms not trained on", at, [row[f"val_{key}"] for row in rows], 1),
        ]
        drawn = line_chart(lines, "epoch", title, x_axis=(epochs, max(1, round(epochs / 8))), y_axis=(most, step))
        return f'<div class="card"><h3>{title[0].upper()}{title[1:]}</h3>{drawn}</div>'

    highest = max(max(row["total_loss"], row["val_total_loss"]) for row in rows)
    step = next(step for step in (0.05, 0.1, 0.2, 0.5, 1.0, 2.0, 5.0, 10.0) if highest <= 6 * step or step == 10.0)
    charts = chart("mean IoU", "mean_iou", 1.0, 0.2)
    charts += chart("total loss", "total_loss", step * max(1, -(-highest // step)), step)
    return f'<div class="charts">{charts}</div>'


def _scores(demo: Demo) -> str:
    assert demo.evaluation is not None
    mine, starter = (model.scores for model in demo.evaluation.models)
    rows = [
        ("mean IoU of the boxes", f"{starter.mean_iou:.3f}", f"{mine.mean_iou:.3f}"),
        ("AP at IoU 0.75", f"{starter.ap75:.3f}", f"{mine.ap75:.3f}"),
        ("F1 at the threshold", f"{starter.at_threshold.f1 or 0:.3f}", f"{mine.at_threshold.f1 or 0:.3f}"),
        (
            "photos without a face that got a box",
            f"{starter.false_alarms.photos_with_alarm} of {starter.false_alarms.photos}",
            f"{mine.false_alarms.photos_with_alarm} of {mine.false_alarms.photos}",
        ),
    ]
    note = f"{mine.photos} photos of a room that training has not seen: enough for a demo, too few for a claim."
    key = '<p class="key small soft"><i class="truth"></i>labelled<i></i>found</p>'
    return _table(("", "the starter", "after fine-tuning"), rows) + f'<p class="small soft">{note}</p>{key}'


def _files(demo: Demo) -> str:
    rows = [
        (done.format, done.path.name, f"{done.size / 1e6:.2f} MB", f"{done.difference:.0e}")
        for done in demo.exports
        if done.path is not None
    ]
    return _table(("format", "file", "size", "largest difference to Keras"), rows)


def _table(head: tuple[str, ...], rows: Sequence[tuple[str, ...]]) -> str:
    top = "".join(f"<th>{escape(cell)}</th>" for cell in head)
    body = "".join(f"<tr>{''.join(f'<td>{escape(cell)}</td>' for cell in row)}</tr>" for row in rows)
    return f'<div class="card scroll"><table><tr>{top}</tr>{body}</table></div>'


def _your_turn() -> str:
    return (
        '<section class="turn"><h2>Your turn</h2><p>The same with your own camera takes about ten minutes, most of '
        "them drawing boxes. Nothing you photograph leaves your machine.</p>"
        f"{commands(YOUR_TURN)}</section>"
    )
