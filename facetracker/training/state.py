"""What a run needs to go on after a kill: every variable and the progress, in one file.

One file, because two written one after the other can disagree when the kill falls between them. It holds all the
model's variables (also the seeds of dropout), all the optimizer's (moments, step, averaged weights), and the progress
so far. It is written at the end of an epoch; a run that is killed later starts the next epoch again, and since the
order of the data and the augmentation are pure functions of (seed, epoch), it repeats exactly what was lost.
"""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

import keras
import numpy as np
from numpy.typing import NDArray

from facetracker.core.errors import BadFile, one_line
from facetracker.core.files import written_beside
from facetracker.core.unpacking import BROKEN, read_npz

Arrays = dict[str, NDArray[Any]]


@dataclass
class Progress:
    """How far a run has come.

    `epoch` epochs are finished; `history` has a row for each. `best` is the lowest value so far of the watched
    loss, reached in `best_epoch` (1 is the first epoch); `seconds` of training lie behind.
    """

    epoch: int = 0
    history: list[dict[str, float]] = field(default_factory=list)
    best: float | None = None
    best_epoch: int = 0
    seconds: float = 0.0
    finished: bool = False


def capture(model: keras.Model) -> Arrays:
    """All variables of the model and its optimizer as arrays, in their own order."""
    arrays = {f"model/{i:05d}": keras.ops.convert_to_numpy(v) for i, v in enumerate(model.variables)}
    if model.optimizer is not None:
        _build(model)
        variables = model.optimizer.variables
        arrays |= {f"optimizer/{i:05d}": keras.ops.convert_to_numpy(v) for i, v in enumerate(variables)}
    return arrays


def put_back(model: keras.Model, arrays: Arrays, optimizer: bool = True) -> None:
    """Give the variables of the model (and of its optimizer) the captured values; shapes must agree."""
    groups = {"model": model.variables}
    if optimizer and model.optimizer is not None:
        _build(model)
        groups["optimizer"] = model.optimizer.variables
    for group, variables in groups.items():
        names = sorted(name for name in arrays if name.startswith(f"{group}/"))
        if len(names) != len(variables):
            raise ValueError(f"{len(names)} saved {group} variables, but this run has {len(variables)}")
        for name, variable in zip(names, variables, strict=True):
            if tuple(arrays[name].shape) != tuple(variable.shape):
                raise ValueError(f"{variable.path} has shape {variable.shape}, saved is {arrays[name].shape}")
            variable.assign(arrays[name])


def _build(model: keras.Model) -> None:
    if not model.optimizer.built:
        model.optimizer.build(model.trainable_variables)


def save_state(path: str | Path, model: keras.Model, progress: Progress) -> None:
    """Write variables and progress to one file, all or nothing."""
    text = np.frombuffer(json.dumps(asdict(progress)).encode(), np.uint8)
    with written_beside(path) as part, part.open("wb") as file:
        arrays: dict[str, Any] = {"progress": text, **capture(model)}
        np.savez(file, **arrays)


def read_state(path: str | Path) -> tuple[Arrays, Progress]:
    """The variables and the progress that `save_state` wrote."""
    try:
        arrays = read_npz(path)
        progress = Progress(**json.loads(arrays.pop("progress").tobytes()))
    except FileNotFoundError:
        raise BadFile("no such file", path=path) from None
    except (*BROKEN, TypeError) as error:
        raise BadFile(
            f"cannot be resumed from ({one_line(str(error))[:200]})", path=path, fix="Train again with --force."
        ) from None
    return arrays, progress
