"""Asking models about photos on a Ray cluster: a few photos a task, the models loaded once in each worker."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

from facetracker.cluster.tasks import WorkerDied, run_on_ray
from facetracker.core.console import progress
from facetracker.core.errors import Rejects
from facetracker.core.example import Example
from facetracker.inference.detector import Detector
from facetracker.reports.evaluation.answers import ClassPlan, ask
from facetracker.reports.evaluation.engines import detector_for
from facetracker.reports.evaluation.judged import JudgedPhoto

GROUP = 16  # photos a task


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
