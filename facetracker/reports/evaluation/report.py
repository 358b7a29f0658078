"""`report.html`: one self-contained file with the table, the curves and the worst mistakes."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from html import escape
from typing import TYPE_CHECKING

from facetracker.reports.charts import COLOURS, Line, bar_chart, line_chart
from facetracker.reports.evaluation import inside
from facetracker.reports.evaluation.gallery import galleries
from facetracker.reports.evaluation.scores import Scores, SizeRow
from facetracker.reports.page import count, definitions, figures, page
from facetracker.version import __version__

if TYPE_CHECKING:
    from facetracker.reports.evaluation.evaluate import Evaluation, ModelResult

RECALLS = [step / 100 for step in range(101)]
# A row of the table: title, value of a model, whether more is better (None: neither), how it is written.
Measure = tuple[str, Callable[["ModelResult"], float | None], bool | None, str]
MEASURES: tuple[Measure, ...] = (
    ("mean IoU", lambda m: m.scores.mean_iou, True, "{:.3f}"),
    ("found", lambda m: m.scores.found, True, "{:.1%}"),
    ("mean IoU of the found", lambda m: m.scores.found_iou, True, "{:.3f}"),
    ("AP50", lambda m: m.scores.ap50, True, "{:.3f}"),
    ("AP75", lambda m: m.scores.ap75, True, "{:.3f}"),
    ("AP50:95", lambda m: m.scores.ap50_95, True, "{:.3f}"),
    ("AP40", lambda m: m.scores.ap40, True, "{:.3f}"),
    ("threshold", lambda m: m.scores.threshold, None, "{:.2f}"),
    ("precision", lambda m: m.scores.at_threshold.precision, True, "{:.3f}"),
    ("recall", lambda m: m.scores.at_threshold.recall, True, "{:.3f}"),
    ("F1", lambda m: m.scores.at_threshold.f1, True, "{:.3f}"),
    ("best threshold", lambda m: m.scores.best.threshold if m.scores.best else None, None, "{:.2f}"),
    ("best F1", lambda m: m.scores.best.f1 if m.scores.best else None, True, "{:.3f}"),
    ("photos with a false alarm", lambda m: m.scores.false_alarms.share, False, "{:.1%}"),
    ("ECE", lambda m: m.scores.calibration.error, False, "{:.3f}"),
    ("ms a picture, median", lambda m: m.speed.median_ms, False, "{:.1f}"),
    ("ms a picture, 95 of 100", lambda m: m.speed.p95_ms, False, "{:.1f}"),
    ("MB on disk", lambda m: m.size / 1e6, False, "{:.2f}"),
)
HEADLINES = (
    "mean IoU",
    "found",
    "mean IoU of the found",
    "AP50",
    "AP75",
    "F1",
    "photos with a false alarm",
    "ms a picture, median",
)


def report(evaluation: Evaluation, most: int = 12) -> str:
    """The page for an evaluation; `most` photos of each kind of mistake (0: none, a report without faces)."""
    models = evaluation.models
    title = f"{' · '.join(model.name for model in models)} on {evaluation.photos.folder.name}"
    parts = [
        _head(evaluation),
        _figures(models[0]) if len(models) == 1 else "",
        _table(models),
        _curves(models),
        *(_confusion(model) for model in models if len(model.plan.names) > 1),
        galleries(models, most) if most > 0 else "",
        inside.looking_inside([(model.name, model.path) for model in models]) if most > 0 else "",
        _rejects(evaluation),
        f"<footer>facetracker {__version__}. "
        + ("This file shows photos of people: keep it as private as the photos." if most > 0 else "")
        + "</footer>",
    ]
    return page(title, "\n".join(part for part in parts if part), inside.STYLE)


def _head(evaluation: Evaluation) -> str:
    photos, first = evaluation.photos, evaluation.models[0].scores
    where = f"{photos.folder}{f', partition {photos.partition}' if photos.partition else ''}"
    lines = [
        f"<h1>{' <span class=soft>and</span> '.join(escape(model.name) for model in evaluation.models)}</h1>",
        f"<p><code>{escape(where)}</code>: {count(first.photos, 'photo')}, {count(first.faces, 'face')}, "
        f"{count(first.photos_without_face, 'photo')} without a face {_badge(photos.kind)}</p>",
    ]
    if photos.kind == "augmented":
        lines.append(
            f'<p class="note">These pictures are augmented, made from {count(photos.originals, "photo")}: variants '
            "of one photo ask one question many times. For a score that means something, evaluate on clean photos.</p>"
        )
    if not first.photos_without_face:
        why = "No photo without a face among them: how often the model sees faces where none are, nobody knows."
        lines.append(f'<p class="note">{why}</p>')
    if photos.unlabelled:
        lines.append(
            f'<p class="soft small">{count(photos.unlabelled, "photo")} without a label file left out: '
            "no face, or not labelled, nobody knows.</p>"
        )
    if photos.prelabelled:
        lines.append(
            f'<p class="soft small">{count(photos.prelabelled, "photo")} left out: only a model has labelled them.</p>'
        )
    notes: dict[str, list[str]] = {}
    for model in evaluation.models:
        if model.plan.note:
            notes.setdefault(model.plan.note, []).append(model.name)
    lines += [f'<p class="note">{escape(", ".join(names))}: {escape(note)}.</p>' for note, names in notes.items()]
    return "\n".join(lines)


def _badge(kind: str) -> str:
    return f'<span class="badge{"" if kind == "clean" else " warn"}">{kind}</span>'


def _figures(model: ModelResult) -> str:
    return figures([(_value(value(model), form), name) for name, value, _, form in MEASURES if name in HEADLINES])


def _value(value: float | None, form: str) -> str:
    return "–" if value is None or value != value else form.format(value)


def _table(models: Sequence[ModelResult]) -> str:
    """Measures down, models across: a table of fifteen columns fits no phone."""
    dots = [f'<i class="dot c{number % COLOURS}"></i>' for number in range(len(models))]
    head = "".join(
        f'<th title="{escape(str(model.path))}">{dot}{escape(model.name)}</th>'
        for dot, model in zip(dots, models, strict=True)
    )
    rows = []
    for name, value, more, form in MEASURES:
        values = [value(model) for model in models]
        best = _best(values, more) if len(models) > 1 else None
        cells = "".join(
            f"<td{' class=best' if own is not None and own == best else ''}>{_value(own, form)}</td>" for own in values
        )
        rows.append(f"<tr><td>{escape(name)}</td>{cells}</tr>")
    for name, texts in (
        ("engine", [model.engine for model in models]),
        ("threads", [str(model.speed.threads) for model in models]),
    ):
        rows.append(f"<tr><td>{name}</td>{''.join(f'<td>{escape(text)}</td>' for text in texts)}</tr>")
    wide = " wide" if len(models) > 2 else ""
    return (
        f"<h2>{'Side by side' if len(models) > 1 else 'Scores'}</h2><div class='charts'><div class='card scroll{wide}'>"
        f"<table><tr><th></th>{head}</tr>{''.join(rows)}</table></div>{definitions('How it was measured', HOW)}</div>"
    )


def _best(values: Sequence[float | None], more: bool | None) -> float | None:
    known = [value for value in values if value is not None and value == value]
    if more is None or not known:
        return None
    return max(known) if more else min(known)


def _curves(models: Sequence[ModelResult]) -> str:
    scores = [(number % COLOURS, model.name, model.scores) for number, model in enumerate(models)]
    charts = [
        ("Precision and recall", "At IoU 0.5. The circle is the threshold in use.", _precision_recall(scores)),
        ("What the threshold does", "At IoU 0.5. The circle is the best F1.", _rates(scores)),
        ("How tight the boxes are", "AP against the IoU that is asked for.", _tightness(scores)),
        ("False alarms", "Share of the photos without a face that get a box.", _alarms(scores)),
        ("Does the score tell the truth?", "Share of the boxes that are right, by their score.", _reliability(scores)),
        ("How sure it is", "Share of all boxes, by their score, from 0.1 up.", _sureness(scores)),
        ("By size of the face", "AP50 by the face's share of the photo's area.", _sizes(scores, lambda s: s.by_share)),
        (
            "By size in pixels",
            "AP50 by the side of a square of the face's area.",
            _sizes(scores, lambda s: s.by_pixels),
        ),
    ]
    cards = "".join(
        f'<div class="card"><h3>{title}</h3><p class="soft small">{text}</p>{chart}</div>'
        for title, text, chart in charts
    )
    return f'<h2>Curves</h2><div class="charts">{cards}</div>'


Numbered = Sequence[tuple[int, str, Scores]]


def _precision_recall(scores: Numbered) -> str:
    lines = []
    for colour, name, own in scores:
        now = own.at_threshold
        mark = None
        if now.recall is not None and now.precision is not None and len(own.class_ap50) == 1:
            mark = (now.recall, now.precision)  # with several classes the curve is a mean and does not pass there
        curve = [value or None for value in own.curves["precision_at_recall"] or []]  # 0: recall never reached
        lines.append(Line(name, RECALLS[: len(curve)], curve, colour, mark=mark))
    return line_chart(lines, "recall", "precision")


def _rates(scores: Numbered) -> str:
    lines = []
    for colour, name, own in scores:
        rates = own.curves["rates"]
        at = [row["threshold"] for row in rates]
        mark = (own.best.threshold, own.best.f1) if own.best is not None and own.best.f1 is not None else None
        label = name if len(scores) > 1 else "F1"
        lines.append(Line(label, at, [row["f1"] for row in rates], colour, mark=mark))
        if len(scores) == 1:
            lines.append(Line("precision", at, [row["precision"] for row in rates], 2, "thin"))
            lines.append(Line("recall", at, [row["recall"] for row in rates], 1, "thin"))
    return line_chart(lines, "threshold", "F1")


def _tightness(scores: Numbered) -> str:
    lines = []
    for colour, name, own in scores:
        at = own.curves["ap_at_iou"]
        lines.append(Line(name, [float(iou) for iou in at], list(at.values()), colour))
    return line_chart(lines, "IoU", "AP")


def _reliability(scores: Numbered) -> str:
    lines = []
    for colour, name, own in scores:
        filled = [row for row in own.calibration.bins if row.boxes]
        error = _value(own.calibration.error, "{:.3f}")
        lines.append(Line(f"{name}, ECE {error}", [row.score for row in filled], [row.right for row in filled], colour))
    return line_chart(lines, "score", "right", diagonal=True)


def _alarms(scores: Numbered) -> str:
    if not scores[0][2].photos_without_face:
        return "<p>Not measured: every photo here shows a face. Take some without, as the camera will see them.</p>"
    lines = [Line(name, own.curves["thresholds"], own.curves["false_alarms"], colour) for colour, name, own in scores]
    return line_chart(lines, "threshold", "photos with an alarm")


def _sureness(scores: Numbered) -> str:
    bins = scores[0][2].calibration.bins
    groups = [f"{row.low:g}" for row in bins]
    bars = []
    for _, name, own in scores:
        every = sum(row.boxes for row in own.calibration.bins)
        heights = [row.boxes / every if row.boxes else None for row in own.calibration.bins]
        bars.append((name, heights, [f"{row.boxes:,} boxes from {row.low:g}" for row in own.calibration.bins]))
    return bar_chart(groups, bars, "share of boxes", "score from")


def _sizes(scores: Numbered, rows: Callable[[Scores], list[SizeRow]]) -> str:
    groups = [row.name for row in rows(scores[0][2])]
    bars = [
        (
            name,
            [row.ap50 for row in rows(own)],
            [f"{row.name}, {row.faces} faces, found {_value(row.recall, '{:.1%}')}" for row in rows(own)],
        )
        for _, name, own in scores
    ]
    counts = ", ".join(f"{row.name}: {row.faces:,}" for row in rows(scores[0][2]))
    return bar_chart(groups, bars, "AP50") + f'<p class="soft small">Faces: {escape(counts)}.</p>'


def _confusion(model: ModelResult) -> str:
    table = model.scores.confusion
    head = "".join(f"<th>{escape(name)}</th>" for name in table.columns)
    rows = "".join(
        f"<tr><td>{escape(name)}</td>"
        + "".join(
            f"<td{' class=diagonal' if i == j and i < len(table.rows) - 1 else ''}>{count:,}</td>"
            for j, count in enumerate(table.counts[i])
        )
        + f"<td>{_value(model.scores.class_ap50.get(name), '{:.3f}')}</td></tr>"
        for i, name in enumerate(table.rows)
    )
    return (
        f"<h2>Which class is taken for which: {escape(model.name)}</h2><div class='card scroll'><table>"
        f"<tr><th>is \\ is called</th>{head}<th>AP50</th></tr>{rows}</table></div>"
        f"<p class='soft small'>Any face, whichever class it is given: AP50 "
        f"{_value(model.scores.any_face_ap50, '{:.3f}')}.</p>"
    )


def _rejects(evaluation: Evaluation) -> str:
    if not evaluation.rejects:
        return ""
    rows = "".join(f"<li><code>{escape(path)}</code>: {escape(why)}</li>" for path, why in evaluation.rejects)
    return f"<h2>Left out</h2><details><summary>{len(evaluation.rejects)} files</summary><ul>{rows}</ul></details>"


HOW = {
    "mean IoU": "per photo with a face: overlap of the best-scoring box with the face it overlaps most, 0 without a "
    "box at the threshold; the mean over these photos.",
    "found": "share of the photos with a face that have a box at the threshold. A low mean IoU with tight boxes in few "
    "photos asks for a lower threshold (evaluate --threshold), one with loose boxes in all of them for other training.",
    "AP50, AP75, AP50:95": "average precision by pycocotools at IoU 0.5, 0.75, and the mean of 0.5 to 0.95; AP40 is "
    "where face detectors are usually compared. Up to 300 boxes a photo.",
    "precision, recall, F1": "at the threshold in use, a box being right from IoU 0.5.",
    "best threshold": "the highest F1 on these very photos: advice for the next ones, not a score.",
    "false alarms": "share of the photos without a face on which a box appears.",
    "milliseconds": "from the photo in memory to boxes: resizing, network, decoding and NMS.",
    "ECE": "mean gap between a box's score and the share of such boxes that are right; 0 is perfect.",
}
