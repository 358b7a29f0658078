"""The commands that say how good a model is, and look inside it: evaluate, inspect."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from facetracker.cli.cluster import Address, On, where
from facetracker.core import console
from facetracker.core.console import counted

if TYPE_CHECKING:
    from facetracker.reports.evaluation import Evaluation
    from facetracker.reports.evaluation.evaluate import ModelResult


def evaluate(
    models_and_data: Annotated[
        list[str],
        typer.Argument(metavar="MODEL... DATA", help="Model files, run folders or 'starter'; then the photos."),
    ],
    part: Annotated[
        str, typer.Option(metavar="train|val|test", help="Part to measure on, if the folder is split.")
    ] = "test",
    threshold: Annotated[
        float | None, typer.Option(min=0, max=1, help="Score from which a box counts; default: each model's own.")
    ] = None,
    out: Annotated[Path | None, typer.Option(help="Folder of the report; default: a new one in runs/.")] = None,
    threads: Annotated[int | None, typer.Option(min=1, help="Threads for each model's engine.")] = None,
    image_size: Annotated[int | None, typer.Option(min=32, help="Longer side for models with open sizes.")] = None,
    gallery: Annotated[
        int, typer.Option(min=0, help="Photos for each kind of mistake; 0: a report without faces.")
    ] = 12,
    groups: Annotated[
        Path | None,
        typer.Option(metavar="FILE.csv", help="A photo's name, then a column for each question (light, age, ...)."),
    ] = None,
    on: On = "local",
    address: Address = None,
    force: Annotated[bool, typer.Option("--force", help="Replace the report that is there.")] = False,
) -> None:
    """Measure models on labelled photos, side by side: metrics.json and report.html."""
    from facetracker.core.errors import FaceTrackerError
    from facetracker.reports.evaluation import evaluate as run
    from facetracker.reports.evaluation.evaluate import free_folder

    *models, data = models_and_data
    if not models:
        raise FaceTrackerError("a model and a folder of photos are needed", fix="facetracker evaluate MODEL DATA")
    out = free_folder(f"evaluate-{Path(data).resolve().name}") if out is None else out
    cluster = where(on, address)
    evaluation = run(models, data, part, threshold, out, threads, image_size, gallery, force, groups, **cluster)
    console.say(*table(evaluation))
    raise typer.Exit(evaluation.rejects.exit_code)


def table(evaluation: Evaluation) -> list[str]:
    """The result as lines of text: what was measured on, one column a model, where the report is."""
    photos, first = evaluation.photos, evaluation.models[0].scores
    lines = [*_worse_than_the_starter(evaluation.models)]
    lines += [
        f"{photos.folder}{f', {photos.part}' if photos.part else ''} ({photos.kind}): "
        f"{counted(first.photos, 'photo')}, {counted(first.faces, 'face')}, "
        f"{counted(first.photos_without_face, 'photo')} without a face"
    ]
    if photos.kind == "augmented":
        lines.append(f"augmented from {photos.originals} photos: do not compare this with a score on clean photos")
    if photos.unlabelled:
        lines.append(f"{photos.unlabelled} photos left out: not labelled")
    if photos.prelabelled:
        lines.append(f"{photos.prelabelled} photos left out: only prelabelled (facetracker review)")
    width = max(12, *(len(model.name) + 2 for model in evaluation.models))
    lines.append(" " * 26 + "".join(model.name.rjust(width) for model in evaluation.models))
    columns = [_column(model) for model in evaluation.models]
    several = [len(model.scores.class_ap50) > 1 for model in evaluation.models]
    for row, name in enumerate(columns[0]):
        if name == "AP50 of any face" and not any(several):
            continue
        lines.append(name.ljust(26) + "".join(list(column.values())[row].rjust(width) for column in columns))
    lines += [
        f"{model.name}, AP50 by class: "
        + ", ".join(f"{name} {_number(value)}" for name, value in model.scores.class_ap50.items())
        for model, own in zip(evaluation.models, several, strict=True)
        if own
    ]
    lines += [line for model in evaluation.models for line in _groups(model, evaluation)]
    lines += [f"{model.name}: {model.plan.note}" for model in evaluation.models if model.plan.note]
    if evaluation.rejects:
        lines.append(f"{len(evaluation.rejects)} files left out: {evaluation.folder}/rejects.txt")
    return [*lines, f"report: {evaluation.folder}/report.html"]


def _worse_than_the_starter(models: list[ModelResult]) -> list[str]:
    """A line for every model that is worse than the tracker that comes with the package: it is no use as it is."""
    from facetracker.inference.detector import find_model

    starter = next((model.scores.mean_iou for model in models if model.path == find_model()), None)
    if starter is None:
        return []
    return [
        f"{model.name} is worse than the starter on these photos (mean IoU {model.scores.mean_iou:.3f}, the starter "
        f"{starter:.3f}). More photos, or facetracker learn, which keeps the starter inside."
        for model in models
        if model.scores.mean_iou is not None and model.scores.mean_iou < starter - 0.005
    ]


def _groups(model: ModelResult, evaluation: Evaluation) -> list[str]:
    """A line a group, under a title; the shares with the interval in which the truth lies in 95 of 100 cases."""
    if evaluation.groups is None:
        return []
    lines = [f"{model.name} by group, with 95 % intervals:"]
    width = max(len(f"{row.question} {row.answer}") for row in model.groups) + 2
    for row in model.groups:
        name = f"{row.question} {row.answer}".ljust(width)
        lines.append(f"  {name}found {row.found} faces; a false alarm in {row.alarms} photos")
    unnamed = len(model.answers) - evaluation.groups.named(model.answers)
    if unnamed:
        lines.append(f"  {unnamed} photos in no group: {evaluation.groups.path} does not name them")
    if evaluation.groups.left_out:
        lines.append(f"  no groups, too many values: {', '.join(evaluation.groups.left_out)}")
    return lines


def _column(model: ModelResult) -> dict[str, str]:
    scores, at, best = model.scores, model.scores.at_threshold, model.scores.best
    alarms = scores.false_alarms
    return {
        "mean IoU": _number(scores.mean_iou),
        "found": "-" if scores.found is None else f"{scores.found:.1%}",
        "mean IoU of the found": _number(scores.found_iou),
        "AP40": _number(scores.ap40),
        "AP50": _number(scores.ap50),
        "AP50 of any face": _number(scores.any_face_ap50),
        "AP75": _number(scores.ap75),
        "AP50:95": _number(scores.ap50_95),
        "threshold": f"{scores.threshold:.2f}",
        "precision": _number(at.precision),
        "recall": _number(at.recall),
        "F1": _number(at.f1),
        "best threshold (its F1)": "-" if best is None else f"{best.threshold:.2f} ({best.f1:.3f})",
        "photos with a false alarm": f"{alarms.photos_with_alarm} of {alarms.photos}",
        "calibration error": _number(scores.calibration.error),
        "ms a picture": f"{model.speed.median_ms:.1f}",
    }


def _number(value: float | None) -> str:
    return "-" if value is None else f"{value:.3f}"


def inspect(
    model: Annotated[Path, typer.Argument(metavar="MODEL", help="A .keras file, or a run folder.")],
    photo: Annotated[
        Path | None, typer.Argument(metavar="[PHOTO]", help="What the network looks at; default: a drawn face.")
    ] = None,
    out: Annotated[
        Path | None, typer.Option(help="Where the report and its pictures go; default: inspect/ beside the model.")
    ] = None,
    force: Annotated[bool, typer.Option("--force", help="Replace what is there.")] = False,
) -> None:
    """Look inside a network: layers and their cost, filters before and after training, activations, Grad-CAM."""
    from facetracker.reports.inspect.inspecting import inspect as run

    done = run(model, photo, out=out, force=force)
    console.say(done.summary)
    for note in done.notes:
        console.say(note)
    for path in done.written:
        console.say(str(path))
