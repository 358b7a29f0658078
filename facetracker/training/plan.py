"""What follows from the photos and the workers as a run begins: `plan.json` in its folder, written once and only read.

The settings (`config.yaml`) are what a person chose; nothing is written into them.
"""

from __future__ import annotations

from dataclasses import asdict, dataclass
from pathlib import Path

from facetracker.core.errors import BadFile
from facetracker.core.files import as_json, read_json


@dataclass(frozen=True)
class WorkersPlan:
    """How several workers share a step: pictures of all and of each, learning rate, steps an epoch, a seed for each."""

    batch: int
    batch_each: int
    learning_rate: float
    steps: int
    seeds: tuple[int, ...]


@dataclass(frozen=True)
class RunPlan:
    """The classes; how much of a frame a tracker's pictures show (`crop`); the `margin` of a classifier's faces, and
    how much of their pictures it looks at (`centre`)."""

    classes: tuple[str, ...] = ()
    crop: float | None = None
    margin: float | None = None
    centre: float | None = None
    workers: WorkersPlan | None = None

    def to_json(self) -> str:
        return as_json(asdict(self))


def read_plan(path: Path) -> RunPlan:
    """The plan of a run; an empty one where nothing has been planned yet."""
    if not path.is_file():
        return RunPlan()
    try:
        content = read_json(path)
        workers = content.pop("workers")
        shares = None if workers is None else WorkersPlan(**{**workers, "seeds": tuple(workers["seeds"])})
        return RunPlan(**{**content, "classes": tuple(content["classes"])}, workers=shares)
    except (AttributeError, KeyError, TypeError):
        raise BadFile("is no plan of a run", path=path, fix="Train again with --force.") from None
