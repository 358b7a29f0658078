"""Parameters in a file: numpy's own `.npz`, read without pickle.

A pickle is a program: whoever loads one runs what its author wrote. An `.npz` read with `allow_pickle=False` can hold
nothing but numbers.
"""

from __future__ import annotations

import os
import tempfile
import zipfile
from pathlib import Path

import numpy as np


def save_arrays(path: str | Path, arrays: dict[str, np.ndarray]) -> Path:
    """Write named arrays to `path` (given the ending .npz if it has none) and return the path."""
    path = Path(path)
    if path.suffix != ".npz":
        path = path.with_name(path.name + ".npz")
    # First beside its place, then moved there in one go: a file that exists is a file that is whole.
    handle, beside = tempfile.mkstemp(prefix=path.name, suffix=".part", dir=path.parent)
    try:
        with os.fdopen(handle, "wb") as stream:
            np.savez(stream, allow_pickle=False, **arrays)  # type: ignore[arg-type]  # a name here is a keyword
        os.replace(beside, path)
    except BaseException:
        os.unlink(beside)
        raise
    return path


def load_arrays(path: str | Path, shapes: dict[str, tuple[int, ...]]) -> dict[str, np.ndarray]:
    """Read the arrays that `shapes` names; a ValueError names the file and what does not fit."""
    try:
        with np.load(path, allow_pickle=False) as file:
            arrays = {name: file[name] for name in file.files}
    except (ValueError, EOFError, zipfile.BadZipFile) as error:
        raise ValueError(f"{path} is not an .npz file with numbers: {error}") from error
    if arrays.keys() != shapes.keys():
        missing, extra = sorted(shapes.keys() - arrays.keys()), sorted(arrays.keys() - shapes.keys())
        raise ValueError(f"{path} belongs to another network: missing {missing}, unknown {extra}")
    for name, shape in shapes.items():
        if arrays[name].shape != shape:
            raise ValueError(f"{path}: {name} is {arrays[name].shape}, this network's is {shape}")
    return arrays
