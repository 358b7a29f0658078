"""Asking models about photos, here or on a Ray cluster: every photo is read once and shown to each model."""

from __future__ import annotations

import time
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

import numpy as np

from facetracker.cluster.tasks import WorkerDied, run_on_ray
from facetracker.core.console import progress
from facetracker.core.errors import BadFile, Rejects
from facetracker.core.example import Example
from facetracker.core.photo import Picture
from facetracker.inference.detector import Detector
from facetracker.reports.evaluation.engines import detector_for
from facetracker.reports.evaluation.judged import JudgedPhoto

TIMED_PHOTOS = 20
TIMED_ROUNDS = 3


GROUP = 16  # photos a task


@dataclass(frozen=True)
class ClassPlan:
    """How a model's classes and the labels of the photos come together.

    `names` are the classes scored; `of_model` the number in it of each of the model's classes, `of_label` of each
    label; `note` is what a reader of the figures must know.
    """

    names: list[str]
    of_model: list[int]
    of_label: dict[str, int]
    note: str | None = None


def plan_classes(model: Sequence[str], labels: Sequence[str]) -> ClassPlan:
    """Match by name. A model of one class, or one that shares no class with the photos, is scored on faces alone."""
    shared = set(model) & set(labels)
    if len(model) > 1 and (shared or not labels):
        extra = sorted(set(labels) - set(model))
        names = [*model, *extra]
        note = f"the model does not know {', '.join(extra)}: every such face counts as missed" if extra else None
        return ClassPlan(names, list(range(len(model))), {name: i for i, name in enumerate(names)}, note)
    name = model[0] if len(model) == 1 else "face"
    note = None
    if set(labels) - {name}:
        note = f"classes are not compared: every label ({', '.join(sorted(labels))}) counts as {name}"
    return ClassPlan([name], [0] * len(model), dict.fromkeys(labels, 0), note)


@dataclass(frozen=True)
class Speed:
    """Milliseconds a picture: from the frame in memory to boxes (resizing, network, decoding, NMS)."""

    median_ms: float
    p95_ms: float
    threads: int
    photos: int


def ask(
    detectors: Sequence[Detector],
    plans: Sequence[ClassPlan],
    examples: Iterable[Example],
    rejects: Rejects,
) -> list[list[JudgedPhoto]]:
    """What each detector finds on each photo, one list a detector; unreadable photos become rejects."""
    answers: list[list[JudgedPhoto]] = [[] for _ in detectors]
    for example in examples:
        try:
            picture = example.picture()
        except BadFile as error:
            rejects.add(example.photo, error)
            continue
        for detector, plan, judged in zip(detectors, plans, answers, strict=True):
            judged.append(judge_one(detector, plan, example, picture))
    return answers


def judge_one(detector: Detector, plan: ClassPlan, example: Example, picture: Picture) -> JudgedPhoto:
    """One detector's boxes on one photo beside the truth."""
    found = detector.detect(picture)
    return JudgedPhoto(
        str(example.photo),
        example.width,
        example.height,
        example.boxes,
        np.array([plan.of_label[label] for label in example.labels], np.int64),
        found.boxes,
        found.scores.astype(np.float64),
        np.asarray(plan.of_model, np.int64)[found.classes],
    )


def measure_speed(
    detectors: Sequence[Detector], thresholds: Sequence[float], examples: Sequence[Example]
) -> list[Speed]:
    """Milliseconds of each detector at its working threshold, on photos in memory, the detectors taking turns."""
    pictures: list[Picture] = []
    for example in examples[:: max(1, len(examples) // TIMED_PHOTOS)][:TIMED_PHOTOS]:
        try:
            pictures.append(example.picture())
        except BadFile:
            continue
    times: list[list[float]] = [[] for _ in detectors]
    for _ in range(TIMED_ROUNDS if pictures else 0):
        for detector, threshold, own in zip(detectors, thresholds, times, strict=True):
            detector.detect(pictures[0], threshold)  # the caches belong to the one before
            for picture in pictures:
                began = time.perf_counter()
                detector.detect(picture, threshold)
                own.append((time.perf_counter() - began) * 1e3)
    return [
        Speed(
            float(np.median(own)) if own else float("nan"),
            float(np.percentile(own, 95)) if own else float("nan"),
            detector.engine.threads,
            len(pictures),
        )
        for detector, own in zip(detectors, times, strict=True)
    ]


@dataclass(frozen=True)
class Models:
    """The model files that a worker opens; each task has one processor."""

    paths: tuple[Path, ...]
    image_size: int | None = None


@dataclass(frozen=True)
class Question:
    """A few photos for a worker, and the models they are for."""

    models: Models
    plans: Sequence[ClassPlan]
    examples: Sequence[Example]


def ask_on_ray(
    models: Models,
    plans: Sequence[ClassPlan],
    examples: Sequence[Example],
    rejects: Rejects,
    what: str = "evaluate",
    address: str | None = None,
) -> list[list[JudgedPhoto]]:
    """As `answers.ask`, on a cluster (no address: a Ray started here): the same answers in the same order."""
    questions = [Question(models, plans, examples[start : start + GROUP]) for start in range(0, len(examples), GROUP)]
    files = sorted({*models.paths, *((example.source or example.photo).parent.resolve() for example in examples)})
    answers: dict[int, list[list[JudgedPhoto]]] = {}
    with progress(what, len(examples)) as meter:
        for number, result in run_on_ray(answer, questions, address=address, files=files):
            group = questions[number].examples
            meter.advance(len(group))
            if isinstance(result, WorkerDied):
                for example in group:
                    rejects.add(example.photo, result)
            elif isinstance(result, Exception):
                raise result
            else:
                answers[number], own = result
                rejects.rows.extend(own.rows)
    groups = [answers[number] for number in sorted(answers)]
    return [[one for group in groups for one in group[model]] for model in range(len(plans))]


def answer(question: Question) -> tuple[list[list[JudgedPhoto]], Rejects]:
    """What a worker does with one question: each model's answers, and the photos that it had to leave out."""
    rejects = Rejects()
    return ask(_open(question.models), question.plans, question.examples, rejects), rejects


@lru_cache(maxsize=1)
def _open(models: Models) -> list[Detector]:
    return [detector_for(path, 1, models.image_size) for path in models.paths]
