"""Files that say more than they hold: archives that unpack to gigabytes, arrays and YAML that claim to be huge.

A file from somebody else is looked at before memory is given to it: what its headers claim must fit what is there.
"""

from __future__ import annotations

import zipfile
import zlib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import yaml
from numpy.typing import NDArray

from facetracker.core.errors import BadFile

# The largest of our networks (VGG19) with an optimizer's moments and averages stays far below.
MOST_BYTES = 4 << 30
# Weights hardly compress; what unpacks to so many times its size, and is larger than this, is a trap.
MOST_TIMES, LITTLE = 50, 32 << 20
MOST_TEXT = 100_000  # characters of a settings file: a second of parsing
MOST_VALUES = 20_000  # in a settings file, each counted as often as it is referred to
# What numpy and zipfile raise for damaged files.
BROKEN = (OSError, ValueError, EOFError, KeyError, MemoryError, RuntimeError, zipfile.BadZipFile, zlib.error)


def check_archive(archive: zipfile.ZipFile, path: str | Path, most: int = MOST_BYTES) -> None:
    """Refuse a zip archive that unpacks to more than `most` bytes, or to many times its own size."""
    entries = archive.infolist()
    whole = sum(entry.file_size for entry in entries)
    packed = sum(entry.compress_size for entry in entries)
    if whole > most or (whole > LITTLE and whole > MOST_TIMES * max(packed, 1)):
        raise BadFile("unpacks to more than can be meant", path=path)


def read_npz(path: str | Path) -> dict[str, NDArray[Any]]:
    """The arrays of an `.npz` file; nothing in it can run, and none is larger than what is stored of it.

    A file that cannot be read raises one of `BROKEN`.
    """
    with zipfile.ZipFile(path) as archive:
        check_archive(archive, path)
        for entry in archive.infolist():
            with archive.open(entry) as file:
                if _claimed(file) > entry.file_size:
                    raise ValueError(f"{entry.filename} claims more than it holds")
    with np.load(path, allow_pickle=False) as arrays:
        return {name: arrays[name] for name in arrays.files}


def _claimed(file: Any) -> int:
    """How many bytes an array says it has."""
    version = np.lib.format.read_magic(file)
    read = np.lib.format.read_array_header_1_0 if version == (1, 0) else np.lib.format.read_array_header_2_0
    shape, _, kind = read(file)
    count = kind.itemsize
    for side in shape:
        count *= int(side)
    return count


def load_yaml(text: str) -> Any:
    """Plain values from YAML; what is too deep, too long or refers to itself too often is a `yaml.YAMLError`."""
    if len(text) > MOST_TEXT:
        raise yaml.YAMLError(f"longer than {MOST_TEXT:,} characters")
    if text.count("[") + text.count("{") > MOST_VALUES:  # parsing brackets within brackets takes longest
        raise yaml.YAMLError("too many values")
    try:
        values = yaml.safe_load(text)
        if sum(1 for _ in zip(_values(values), range(MOST_VALUES + 1), strict=False)) > MOST_VALUES:
            raise yaml.YAMLError("too many values")
    except RecursionError:
        raise yaml.YAMLError("nested too deep") from None
    except (ValueError, OverflowError) as error:  # dates and numbers that Python cannot hold
        raise yaml.YAMLError(str(error)) from None
    return values


def _values(value: Any) -> Iterator[Any]:
    """Every value inside this one, as often as it is referred to."""
    yield value
    if isinstance(value, dict):
        for inner in value.values():
            yield from _values(inner)
    elif isinstance(value, list):
        for inner in value:
            yield from _values(inner)
