"""Parameters in a file: numpy's own `.npz`, whatever the file is called, read without pickle.

A pickle is a program: whoever loads one runs what its author wrote. An `.npz` read with `allow_pickle=False` can hold
nothing but numbers. The study notes' own pickles are read all the same, by a reader that calls nothing
(`plain_pickle.py`).
"""

from __future__ import annotations

import os
import tempfile
import zipfile
from pathlib import Path

import numpy as np

from facetracker.from_scratch.plain_pickle import read_pickle

Shapes = dict[str, tuple[int, ...]]


def save_arrays(path: str | Path, arrays: dict[str, np.ndarray]) -> Path:
    """Write named arrays to `path`, with any ending, and return it."""
    path = Path(path)
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


def load_arrays(path: str | Path, shapes: Shapes) -> dict[str, np.ndarray]:
    """Read the arrays that `shapes` names; a ValueError names the file and what does not fit.

    A pickle of the study notes has no running averages: those that it lacks are left out.
    """
    with open(path, "rb") as file:
        is_pickle = file.read(1) in (b"\x80", b"(", b"}")  # how pickles of a dictionary begin, old and new
    if is_pickle:
        arrays = _renamed(read_pickle(path), shapes)
        shapes = {name: shape for name, shape in shapes.items() if ".running." not in name}
    else:
        try:
            with np.load(path, allow_pickle=False) as archive:
                arrays = {name: archive[name] for name in archive.files}
        except (ValueError, EOFError, zipfile.BadZipFile) as error:
            raise ValueError(f"{path} is not an .npz file with numbers: {error}") from error
    if arrays.keys() != shapes.keys():
        missing, extra = sorted(shapes.keys() - arrays.keys()), sorted(arrays.keys() - shapes.keys())
        raise ValueError(f"{path} belongs to another network: missing {missing}, unknown {extra}")
    for name, shape in shapes.items():
        if arrays[name].shape != shape:
            raise ValueError(f"{path}: {name} is {arrays[name].shape}, this network's is {shape}")
    return arrays


def _renamed(arrays: dict[str, np.ndarray], shapes: Shapes) -> dict[str, np.ndarray]:
    """The notes' names (W1, b1, gamma1, ...: counted) as ours (conv1.W, ...: by layer), in the order of the layers.

    Their gamma and beta are one number for all or one a pixel, (C*H*W,); here they are one a channel: the mean.
    """
    ours: dict[str, list[str]] = {}
    for name in shapes:
        if ".running." not in name:
            ours.setdefault(name.rpartition(".")[2], []).append(name)
    renamed = {}
    for name, array in arrays.items():
        kind, number = name.rstrip("0123456789"), name[len(name.rstrip("0123456789")) :]
        places = ours.get(kind, [])
        if not number or not 1 <= int(number) <= len(places):
            renamed[name] = array  # unknown: said by whoever compares the names
            continue
        place = places[int(number) - 1]
        if kind in ("gamma", "beta") and array.shape != shapes[place]:
            channels = shapes[place][0]
            whole = array.reshape(-1)
            array = np.repeat(whole, channels) if whole.size == 1 else whole
            if array.size % channels == 0:
                array = array.reshape(channels, -1).mean(axis=1)
        renamed[place] = array
    return renamed
