"""`evaluate`: models on labelled photos, side by side, as `metrics.json` and `report.html`."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass, field, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from facetracker.cluster.cluster import On
from facetracker.core.console import track
from facetracker.core.errors import FaceTrackerError, Rejects
from facetracker.core.files import refuse_to_overwrite, write_atomically, write_json
from facetracker.core.install import needed
from facetracker.inference.card import Card
from facetracker.inference.detector import ASSETS
from facetracker.reports.evaluation.answers import (
    ClassPlan,
    Models,
    Speed,
    ask,
    ask_on_ray,
    measure_speed,
    plan_classes,
)
from facetracker.reports.evaluation.engines import detector_for, find, size_of
from facetracker.reports.evaluation.groups import GroupRow, Groups, read_groups
from facetracker.reports.evaluation.judged import JudgedPhoto
from facetracker.reports.evaluation.photos import LabelledPhotos, labelled_photos
from facetracker.reports.evaluation.scores import Scores, score
from facetracker.version import __version__

RUNS = Path("runs")


@dataclass(frozen=True)
class ModelResult:
    """One model on the photos: its scores, its speed, and its answers for the pictures of the report."""

    name: str
    path: Path
    engine: str
    size: int
    card: Card
    plan: ClassPlan
    scores: Scores
    speed: Speed
    answers: list[JudgedPhoto]
    groups: list[GroupRow] = field(default_factory=list)

    def as_dict(self) -> dict[str, Any]:
        """Plain values for `metrics.json`."""
        return {
            "name": self.name,
            "file": str(self.path),
            "engine": self.engine,
            "bytes": self.size,
            "card": self.card.as_dict(),
            "note": self.plan.note,
            "speed": asdict(self.speed),
            **self.scores.as_dict(),
            "groups": [row.as_dict() for row in self.groups],
        }


@dataclass(frozen=True)
class Evaluation:
    """Everything measured; `folder` is where it was written, None when nowhere."""

    photos: LabelledPhotos
    models: list[ModelResult]
    rejects: Rejects
    folder: Path | None = None
    groups: Groups | None = None

    def as_dict(self) -> dict[str, Any]:
        """The content of `metrics.json`."""
        return {
            "facetracker": __version__,
            "made": datetime.now(UTC).isoformat(timespec="seconds"),
            "data": {**self.photos.as_dict(), "rejected": len(self.rejects)},
            "models": [model.as_dict() for model in self.models],
        }


def evaluate(
    models: Sequence[str | Path] | str | Path,
    data: str | Path,
    part: str | None = "test",
    threshold: float | None = None,
    out: str | Path | None = None,
    threads: int | None = None,
    image_size: int | None = None,
    gallery: int = 12,
    force: bool = False,
    groups: str | Path | None = None,
    on: On = "local",
    address: str | None = None,
) -> Evaluation:
    """Judge models (files, run folders, "starter") on the labelled photos of a folder.

    `part` counts where the folder is split. `threshold` defaults to each model's own. `out` is the folder for
    `metrics.json`, `report.html` and `rejects.txt` (None: write nothing); `gallery` photos of each kind of mistake
    are shown in the report, which makes it a file with faces in it. `image_size` is the longer side, in pixels, at
    which models with open sizes look at a photo. `groups` is a CSV file that says which photo belongs to which groups
    (`groups.py`): found and false alarms are told of each. `on` ray, the photos are shown to the models on the cluster
    at `address` (none: a Ray started here); the speed is that of this machine.
    """
    needed("pycocotools")  # before the photos are looked at, not after
    paths = [find(model) for model in ([models] if isinstance(models, str | Path) else models)]
    if not paths:
        raise FaceTrackerError("no model to evaluate", fix="Name a model file or a run folder.")
    if out is not None:
        for name in ("metrics.json", "report.html"):
            refuse_to_overwrite(Path(out) / name, force)
    known = None if groups is None else read_groups(groups)
    photos = labelled_photos(data, part)
    evaluation = judge(paths, photos, threshold, threads, image_size, on=on, address=address)
    if known is not None:
        evaluation = _by_group(evaluation, known)
    return evaluation if out is None else write_evaluation(evaluation, out, gallery)


def judge(
    paths: Sequence[Path],
    photos: LabelledPhotos,
    threshold: float | None = None,
    threads: int | None = None,
    image_size: int | None = None,
    what: str = "evaluate",
    on: On = "local",
    address: str | None = None,
) -> Evaluation:
    """Score model files on photos, without writing anything; `what` stands before the progress."""
    if threshold is not None and not 0 <= threshold <= 1:
        raise FaceTrackerError(f"threshold {threshold:g} is not between 0 and 1")
    detectors = [detector_for(path, threads, image_size) for path in paths]
    plans = [plan_classes(detector.classes, list(photos.labels)) for detector in detectors]
    rejects = Rejects(list(photos.rejects))
    if on == "local":
        answers = ask(detectors, plans, track(photos.examples, what), rejects)
    else:
        answers = ask_on_ray(Models(tuple(paths), image_size), plans, photos.examples, rejects, what, address)
    if not answers[0]:
        raise FaceTrackerError("none of its photos can be read", path=photos.folder)
    working = [detector.card.threshold if threshold is None else threshold for detector in detectors]
    speeds = measure_speed(detectors, working, photos.examples)
    results = [
        ModelResult(
            name=name,
            path=path,
            engine=detector.engine.name,
            size=size_of(path),
            card=detector.card,
            plan=plan,
            scores=score(judged, plan.names, own),
            speed=speed,
            answers=judged,
        )
        for name, path, detector, plan, judged, own, speed in zip(
            short_names(paths), paths, detectors, plans, answers, working, speeds, strict=True
        )
    ]
    return Evaluation(photos, results, rejects)


def _by_group(evaluation: Evaluation, groups: Groups) -> Evaluation:
    answers = evaluation.models[0].answers
    if not groups.named(answers):
        raise FaceTrackerError(
            f"names none of the {len(answers)} photos",
            path=groups.path,
            fix=f"They are called {Path(answers[0].name).name}, ...",
        )
    models = [replace(model, groups=groups.rows(model.answers, model.scores.threshold)) for model in evaluation.models]
    return replace(evaluation, models=models, groups=groups)


def write_evaluation(evaluation: Evaluation, out: str | Path, gallery: int = 12) -> Evaluation:
    """Write `metrics.json`, `report.html` and, where there are any, `rejects.txt` into the folder `out`."""
    from facetracker.reports.evaluation.report import report

    folder = Path(out)
    evaluation = replace(evaluation, folder=folder)
    write_json(folder / "metrics.json", evaluation.as_dict())
    write_atomically(folder / "report.html", report(evaluation, gallery))
    if evaluation.rejects:
        write_atomically(folder / "rejects.txt", evaluation.rejects.as_text())
    return evaluation


def short_names(paths: Sequence[Path]) -> list[str]:
    """Names that tell the models apart: a run's, or the file's, with as many folders as it takes."""
    names = [called(path) for path in paths]
    for depth in range(2, 5):
        double = {name for name in names if names.count(name) > 1}
        names = [
            "/".join(path.parts[-depth:]) if name in double else name for path, name in zip(paths, names, strict=True)
        ]
    return names


def called(model: Path) -> str:
    """What a person calls a model file: the starter, a run by its folder, anything else by its file."""
    if model.parent == ASSETS:
        return model.stem
    return model.parent.name if model.stem == "model" and model.parent.name else model.name


def free_folder(name: str, runs: Path = RUNS) -> Path:
    """`runs/NAME`, or `runs/NAME-2`, `-3` ... where that is taken."""
    number, folder = 1, runs / name
    while folder.exists():
        number += 1
        folder = runs / f"{name}-{number}"
    return folder
