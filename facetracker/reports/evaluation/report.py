"""`report.html`: one self-contained file with the table, the curves and the worst mistakes."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any

from markupsafe import Markup

from facetracker.reports.charts import COLOURS, Line, bar_chart, line_chart
from facetracker.reports.evaluation.gallery import galleries
from facetracker.reports.evaluation.scores import Scores, SizeRow
from facetracker.reports.page import render

if TYPE_CHECKING:
    from facetracker.reports.evaluation.evaluate import Evaluation, ModelResult
from pathlib import Path

from facetracker.reports.page import data_address

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


NO_ALARMS = "Not measured: every photo here shows a face. Take some without, as the camera will see them."
HOW = {
    "mean IoU": "per photo with a face: overlap of the best-scoring box with the face it overlaps most, 0 without a "
    "box at the threshold; the mean over these photos.",
    "found": "share of the photos with a face that have a box at the threshold. If the mean IoU is low: "
    "tight boxes in few photos need a lower threshold (evaluate --threshold), loose boxes in all photos need training.",
    "AP50, AP75, AP50:95": "average precision by pycocotools at IoU 0.5, 0.75, and the mean of 0.5 to 0.95; AP40 is "
    "where face detectors are usually compared. Up to 300 boxes a photo.",
    "precision, recall, F1": "at the threshold in use, a box being right from IoU 0.5.",
    "best threshold": "the highest F1 on these very photos: advice for the next ones, not a score.",
    "false alarms": "share of the photos without a face on which a box appears.",
    "by group": "a face is found from IoU 0.4; a false alarm is a box on no face. Beside it, the interval in which "
    "the truth lies in 95 of 100 cases (Wilson), if the faces of one photo are independent of each other.",
    "milliseconds": "from the photo in memory to boxes: resizing, network, decoding and NMS.",
    "ECE": "mean gap between a box's score and the share of such boxes that are right; 0 is perfect.",
}
# Of the sheets that `inspect` writes; the largest one, of the activations, is left to its own report.
PICTURES = {
    "gradcam.png": "Where each answer comes from: bright places speak for it.",
    "filters.png": "What the first layer looks for: as training began, if that is known, and now.",
}


def report(evaluation: Evaluation, most: int = 12) -> str:
    """The page for an evaluation; `most` photos of each kind of mistake (0: none, a report without faces)."""
    models, photos = evaluation.models, evaluation.photos
    notes: dict[str, list[str]] = {}
    for model in models:
        if model.plan.note:
            notes.setdefault(model.plan.note, []).append(model.name)
    return render(
        "reports/templates/evaluation.html",
        f"{' · '.join(model.name for model in models)} on {photos.folder.name}",
        models=models,
        photos=photos,
        scores=models[0].scores,
        where=f"{photos.folder}{f', part {photos.part}' if photos.part else ''}",
        notes=notes,
        headlines=_headlines(models[0]) if len(models) == 1 else [],
        rows=_rows(models),
        how=HOW,
        charts=_charts(models),
        groups=[(model.name, model.groups) for model in models if model.groups],
        confusions=[_confusion(model) for model in models if len(model.plan.names) > 1],
        galleries=galleries(models, most) if most > 0 else [],
        inspected=looking_inside([(model.name, model.path) for model in models]) if most > 0 else [],
        rejects=list(evaluation.rejects),
        shows_people=most > 0,
        colours=COLOURS,
    )


def _headlines(model: ModelResult) -> list[tuple[str, str]]:
    return [(_value(value(model), form), name) for name, value, _, form in MEASURES if name in HEADLINES]


def _value(value: float | None, form: str) -> str:
    return "–" if value is None or value != value else form.format(value)


def _rows(models: Sequence[ModelResult]) -> list[tuple[str, list[tuple[str, bool]]]]:
    """Measures down, models across, as `(text, whether it is the best)`: fifteen columns fit no phone."""
    rows = []
    for name, value, more, form in MEASURES:
        values = [value(model) for model in models]
        best = _best(values, more) if len(models) > 1 else None
        rows.append((name, [(_value(own, form), own is not None and own == best) for own in values]))
    rows.append(("engine", [(model.engine, False) for model in models]))
    rows.append(("threads", [(str(model.speed.threads), False) for model in models]))
    return rows


def _best(values: Sequence[float | None], more: bool | None) -> float | None:
    known = [value for value in values if value is not None and value == value]
    if more is None or not known:
        return None
    return max(known) if more else min(known)


def _charts(models: Sequence[ModelResult]) -> list[tuple[str, str, Markup | None, str]]:
    """Title, what it shows, the chart (None: not measured), and a line below it."""
    scores = [(number % COLOURS, model.name, model.scores) for number, model in enumerate(models)]
    first = scores[0][2]
    alarms = "" if first.photos_without_face else NO_ALARMS
    return [
        ("Precision and recall", "At IoU 0.5. The circle is the threshold in use.", _precision_recall(scores), ""),
        ("What the threshold does", "At IoU 0.5. The circle is the best F1.", _rates(scores), ""),
        ("How tight the boxes are", "AP against the IoU that is asked for.", _tightness(scores), ""),
        ("False alarms", "Share of the photos without a face that get a box.", _alarms(scores), alarms),
        ("Does the score tell the truth?", "Share of the boxes that are right, by score.", _reliability(scores), ""),
        ("How sure it is", "Share of all boxes, by their score, from 0.1 up.", _sureness(scores), ""),
        (
            "By size of the face",
            "AP50 by the face's share of the photo's area.",
            _sizes(scores, lambda s: s.by_share),
            _faces(first.by_share),
        ),
        (
            "By size in pixels",
            "AP50 by the side of a square of the face's area.",
            _sizes(scores, lambda s: s.by_pixels),
            _faces(first.by_pixels),
        ),
    ]


def _faces(rows: list[SizeRow]) -> str:
    return f"Faces: {', '.join(f'{row.name}: {row.faces:,}' for row in rows)}."


Numbered = Sequence[tuple[int, str, Scores]]


def _precision_recall(scores: Numbered) -> Markup:
    lines = []
    for colour, name, own in scores:
        now = own.at_threshold
        mark = None
        if now.recall is not None and now.precision is not None and len(own.class_ap50) == 1:
            mark = (now.recall, now.precision)  # with several classes the curve is a mean and does not pass there
        curve = [value or None for value in own.curves["precision_at_recall"] or []]  # 0: recall never reached
        lines.append(Line(name, RECALLS[: len(curve)], curve, colour, mark=mark))
    return line_chart(lines, "recall", "precision")


def _rates(scores: Numbered) -> Markup:
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


def _tightness(scores: Numbered) -> Markup:
    lines = []
    for colour, name, own in scores:
        at = own.curves["ap_at_iou"]
        lines.append(Line(name, [float(iou) for iou in at], list(at.values()), colour))
    return line_chart(lines, "IoU", "AP")


def _reliability(scores: Numbered) -> Markup:
    lines = []
    for colour, name, own in scores:
        filled = [row for row in own.calibration.bins if row.boxes]
        error = _value(own.calibration.error, "{:.3f}")
        lines.append(Line(f"{name}, ECE {error}", [row.score for row in filled], [row.right for row in filled], colour))
    return line_chart(lines, "score", "right", diagonal=True)


def _alarms(scores: Numbered) -> Markup | None:
    if not scores[0][2].photos_without_face:
        return None
    lines = [Line(name, own.curves["thresholds"], own.curves["false_alarms"], colour) for colour, name, own in scores]
    return line_chart(lines, "threshold", "photos with an alarm")


def _sureness(scores: Numbered) -> Markup:
    bins = scores[0][2].calibration.bins
    groups = [f"{row.low:g}" for row in bins]
    bars = []
    for _, name, own in scores:
        every = sum(row.boxes for row in own.calibration.bins)
        heights = [row.boxes / every if row.boxes else None for row in own.calibration.bins]
        bars.append((name, heights, [f"{row.boxes:,} boxes from {row.low:g}" for row in own.calibration.bins]))
    return bar_chart(groups, bars, "share of boxes", "score from")


def _sizes(scores: Numbered, rows: Callable[[Scores], list[SizeRow]]) -> Markup:
    groups = [row.name for row in rows(scores[0][2])]
    bars = [
        (
            name,
            [row.ap50 for row in rows(own)],
            [f"{row.name}, {row.faces} faces, found {_value(row.recall, '{:.1%}')}" for row in rows(own)],
        )
        for _, name, own in scores
    ]
    return bar_chart(groups, bars, "AP50")


def _confusion(model: ModelResult) -> tuple[str, dict[str, Any], str]:
    """The model's name, its table with the diagonal marked, and AP50 of any face."""
    table = model.scores.confusion
    rows = []
    for i, name in enumerate(table.rows):
        counts = [(f"{count:,}", i == j and i < len(table.rows) - 1) for j, count in enumerate(table.counts[i])]
        rows.append((name, counts, _value(model.scores.class_ap50.get(name), "{:.3f}")))
    return model.name, {"columns": table.columns, "rows": rows}, _value(model.scores.any_face_ap50, "{:.3f}")


def looking_inside(models: Sequence[tuple[str, Path]]) -> list[tuple[str, Path, list[tuple[str, str]]]]:
    """Of every run that was inspected since it was trained: name, folder, and `(address, what it shows)` of a picture.

    The models come as `(name, file)`.
    """
    runs = {path.parent: name for name, path in models if path.name.startswith("model.")}
    return [(name, run / "inspect", _pictures(run / "inspect")) for run, name in runs.items() if _was_inspected(run)]


def _was_inspected(run: Path) -> bool:
    """Whether the pictures are there and younger than the network: those of an earlier one would mislead."""
    network, pictures = run / "model.keras", [run / "inspect" / name for name in PICTURES]
    if not all(path.is_file() for path in (network, *pictures)):
        return False
    return min(path.stat().st_mtime for path in pictures) >= network.stat().st_mtime


def _pictures(folder: Path) -> list[tuple[str, str]]:
    return [(data_address((folder / file).read_bytes()), text) for file, text in PICTURES.items()]
