"""Where a tracker's first weights come from: the bundled starter, or a file of one's own.

The starter's weights lie in `assets/starter.npz`: 16-bit numbers under the variables' names. They start training;
the file for detecting is another one (`assets/starter.tflite`).
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from facetracker.core.errors import BadFile, FaceTrackerError, one_line
from facetracker.core.files import written_beside
from facetracker.core.unpacking import BROKEN, read_npz
from facetracker.models.loading import load_model, read_config

PARTS = ("backbone", "head")
LOOK, OWN_HEAD = "second_look", "own_head"
LANDMARKS = "head/points8/kernel"  # only a head with landmarks has it
STARTER = Path(__file__).parent.parent / "assets" / "starter.npz"


def design_of(weights: str | Path | None) -> tuple[bool, str | None]:
    """Whether first weights are those of a head with landmarks, and how their pictures were prepared (None: whatever
    the tracker does): a network takes both from the weights it begins with."""
    if weights is None or str(weights) in ("none", "imagenet"):
        return False, None
    path = STARTER if str(weights) == "starter" else Path(weights)
    if not path.is_file():
        return False, None  # said when they are put in
    if path.suffix == ".npz":
        known = LANDMARKS in read_arrays(path)
        return known, "unit" if known else None
    if path.suffix == ".keras":
        config = read_config(path).get("config") or {}
        return bool(config.get("landmarks")), config.get("preprocessing")
    return False, None


def of_unit_pictures(arrays: dict[str, np.ndarray]) -> dict[str, np.ndarray]:
    """A backbone's weights that saw pictures of 0..1, for pictures of -1..1: the same features, but for the edge."""
    if LANDMARKS not in arrays:
        return arrays
    kernel = arrays["backbone/stem_conv/kernel"].astype(np.float32) / 2.0
    mean = arrays["backbone/stem_norm/moving_mean"].astype(np.float32) - kernel.sum((0, 1, 2))
    return {**arrays, "backbone/stem_conv/kernel": kernel, "backbone/stem_norm/moving_mean": mean}


def apply_weights(tracker: Any, weights: str | Path | None) -> None:
    """Put `weights` into a new tracker: starter, or a `.keras`, `.npz` or `.h5` file; none and imagenet are done."""
    if weights is None or str(weights) in ("none", "imagenet"):
        return
    if str(weights) == "starter":
        if (tracker.backbone_name, tracker.head_name) != ("nano", "dense"):
            raise FaceTrackerError(
                f"the starter's weights are for backbone nano with the dense head, not {tracker.backbone_name} with "
                f"{tracker.head_name}",
                fix="Use weights imagenet or none.",
            )
        if not STARTER.is_file():
            raise BadFile("the starter's weights are missing from this installation", path=STARTER, fix="Use none.")
        arrays = read_arrays(STARTER)
        put_arrays(tracker, arrays, STARTER)
        if tracker.second_look is not None:
            put_arrays(tracker, arrays, STARTER, parts=(LOOK,))
        return
    path = Path(weights)
    if not path.is_file():
        raise FaceTrackerError("no such weights", path=path, fix="There are: imagenet, starter, none, or a file.")
    if path.suffix == ".npz":
        arrays = read_arrays(path)
    else:
        arrays = arrays_of(load_model(path))
    put_arrays(tracker, arrays, path, parts_of(tracker))


def parts_of(model: Any) -> tuple[str, ...]:
    """The parts of a tracker or classifier that have weights."""
    return (*PARTS, *(part for part in (LOOK, OWN_HEAD) if getattr(model, part, None) is not None))


def arrays_of(model: Any, parts: Sequence[str] | None = None) -> dict[str, np.ndarray]:
    """Every variable of these parts of a model (default: all it has) under its name."""
    parts = parts or parts_of(model)
    return {
        f"{part}/{_name(variable)}": np.asarray(variable)
        for part in parts
        for variable in getattr(model, part).variables
    }


def save_arrays(tracker: Any, path: str | Path, parts: Sequence[str] | None = None) -> Path:
    """Write the weights as `.npz` of 16-bit numbers; of this size and safe to read from anyone."""
    arrays: dict[str, Any] = {name: array.astype(np.float16) for name, array in arrays_of(tracker, parts).items()}
    with written_beside(path) as part, part.open("wb") as file:
        np.savez_compressed(file, **arrays)
    return Path(path)


def read_arrays(path: str | Path) -> dict[str, np.ndarray]:
    """The arrays of an `.npz` file; nothing in it can run."""
    try:
        return read_npz(path)
    except BROKEN as error:
        raise BadFile(f"not readable as weights ({one_line(str(error))[:200]})", path=path) from None


def put_arrays(model: Any, arrays: dict[str, np.ndarray], path: str | Path, parts: Sequence[str] = PARTS) -> None:
    """Put arrays into the variables of the same name, in these parts of a model.

    Another number of classes is no hindrance: what tells them apart then starts from nothing.
    """
    wanted = {f"{part}/{_name(variable)}": variable for part in parts for variable in getattr(model, part).variables}
    if "head" in parts and not any("/kind" in name for name in arrays):  # a file of one class
        wanted = {name: variable for name, variable in wanted.items() if "/kind" not in name}
    missing = sorted(set(wanted) - set(arrays))
    if missing:
        what = f" with the {model.head_name} head" if "head" in parts else ""
        raise BadFile(
            f"does not fit {model.backbone_name}{what} ({missing[0]} is missing)",
            path=path,
            fix="Use weights of the same backbone and head, or none.",
        )
    for name, variable in wanted.items():
        array = arrays[name].astype(np.float32)
        classes = array.shape[:-1] == tuple(variable.shape)[:-1]
        if array.shape != tuple(variable.shape) and classes and "/kind" in name:
            continue  # other classes: they are learnt from nothing
        if array.shape != tuple(variable.shape) and classes:
            array = np.repeat(array[..., :1], variable.shape[-1], axis=-1)
        if array.shape != tuple(variable.shape):
            raise BadFile(
                f"{name} has the shape {array.shape}, the network wants {tuple(variable.shape)}",
                path=path,
                fix="Use weights of the same network, or none.",
            )
        variable.assign(array)


def _name(variable: Any) -> str:
    """The layer and its variable: paths begin with names that depend on how many trackers there are already."""
    return "/".join(variable.path.split("/")[-2:])
