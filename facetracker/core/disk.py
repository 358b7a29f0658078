"""A disk that is full, read-only or broken, said in one line: what was being written, where, and how much is missing.

Libraries say it in many ways: an `OSError` with its number, HDF5's `OSError` without one, TensorFlow's errors of their
own. An `OSError` stays one until the command line shows it: as a `FaceTrackerError` it would count as the fault of the
photo at hand, and a job of thousands would go on without any of them.
"""

from __future__ import annotations

import errno
import re
import shutil
from collections.abc import Iterator
from pathlib import Path

# What went wrong by the error's number: what to say, and the way out.
FULL, TOO_LARGE, READ_ONLY, REFUSED, BROKEN, OTHER = "full", "too large", "read-only", "refused", "broken", "other"
KINDS = {
    errno.ENOSPC: FULL,
    errno.EDQUOT: FULL,
    errno.EFBIG: TOO_LARGE,
    errno.EROFS: READ_ONLY,
    errno.EACCES: REFUSED,
    errno.EPERM: REFUSED,
    errno.EIO: BROKEN,
    errno.ENXIO: BROKEN,
    errno.ESTALE: BROKEN,
}
WORDS = {
    "no space left on device": errno.ENOSPC,
    "disk quota exceeded": errno.EDQUOT,
    "read-only file system": errno.EROFS,
    "no usable temporary directory": errno.ENOSPC,
    "input/output error": errno.EIO,
}
NUMBER = re.compile(r"errno\s*[=:]?\s*(\d+)", re.IGNORECASE)  # as HDF5 and Python write it
PLACE = re.compile(r"(?:file)?name = '([^']+)'|^(/[^;:]+); |: '([^']+)'")  # of the file, in others' messages
HALF = re.compile(r"^\.part-\d+-")  # what files.py calls a file that is not finished
MISSING = "facetracker_missing"  # an attribute of the error: what the file would have needed, in words


def named(error: OSError, path: Path) -> None:
    """Note in the error which file was being written, under its final name."""
    if error.filename is None or HALF.match(Path(str(error.filename)).name):
        if error.errno is None:
            error.errno = _number(error)
        error.filename = str(path)


def needs(error: OSError, count: int, at_least: bool = False) -> None:
    """Note in the error how many bytes the file has, or how many of them are known of."""
    setattr(error, MISSING, f"more than {size(count)}" if at_least else size(count))


def need_room(folder: Path, count: int) -> None:
    """Raise the error of a full disk now, before a library that falls over on one writes `count` bytes there."""
    if shutil.disk_usage(_there(folder)).free < count:
        error = OSError(errno.ENOSPC, "No space left on device", str(folder))
        needs(error, count)
        raise error


def fault(error: BaseException) -> str | None:
    """What the disk did, as one line without the way out; None for an error of another kind."""
    found = _found(error)
    return None if found is None else _line(*found)


def reason(error: OSError, path: Path) -> str:
    """Why a file could not be written, in a few words, for whoever names the file himself."""
    if KINDS.get(_number(error) or 0) == FULL:
        return f"the disk is full, {_room(path, None)}"
    return error.strerror or " ".join(str(error).split())


def way_on(error: BaseException, again: str) -> str:
    """What a person does about it, and how the command goes on: `again`."""
    found = _found(error)
    first = {
        FULL: "Make room",
        TOO_LARGE: "Choose a disk or a limit that takes larger files",
        READ_ONLY: "Choose another place, or make this one writable",
        REFUSED: "Allow writing and reading there, or choose another place",
        BROKEN: "Check the disk and its connection",
        OTHER: "Look at that file or folder",
    }[OTHER if found is None else found[0]]
    return f"What was finished before is whole and stays. {first}, then {again}."


def _found(error: BaseException) -> tuple[str, BaseException] | None:
    """The kind of fault, and which of the errors behind this one says it."""
    for one in _chain(error):
        kind = KINDS.get(_number(one) or 0)
        if kind is not None:
            return kind, one
    if isinstance(error, OSError) and error.errno and isinstance(error.filename, str | bytes | Path):
        return OTHER, error  # a name that is too long, a file where a folder is expected
    return None


def _line(kind: str, error: BaseException) -> str:
    path = _path(error)
    if kind == FULL:
        what = f"cannot be written, the disk is full ({_room(path, getattr(error, MISSING, None))})"
    elif kind == TOO_LARGE:
        what = "cannot be written, the file is too large for this disk or for the limit that is set"
    elif kind == READ_ONLY:
        what = "cannot be written, the disk is read-only"
    elif kind == REFUSED:
        what = "may not be opened or written (permission denied)"
    elif kind == BROKEN:
        what = "the disk does not answer (input/output error)"
    else:
        what = f"cannot be opened or written ({getattr(error, 'strerror', error)})"
    return what if path is None else f"{path}: {what}"


def _chain(error: BaseException) -> Iterator[BaseException]:
    """The error and what it came from."""
    seen: list[BaseException] = []
    now: BaseException | None = error
    while now is not None and now not in seen:
        yield now
        seen.append(now)
        now = now.__cause__ or now.__context__


def _number(error: BaseException) -> int | None:
    """The number of the operating system's error, also where a library only has it in its text."""
    number = getattr(error, "errno", None)
    if isinstance(error, OSError) and isinstance(number, int) and number in KINDS:
        return number
    text = str(error).lower()
    for words, meant in WORDS.items():
        if words in text:
            return meant
    found = NUMBER.search(text) if isinstance(error, OSError) else None
    return int(found[1]) if found else None


def _path(error: BaseException) -> Path | None:
    """The file under its final name."""
    name = getattr(error, "filename2", None) or getattr(error, "filename", None)
    if name is None or isinstance(name, int):
        found = PLACE.search(str(error))
        name = next((part for part in found.groups() if part), None) if found else None
    if name is None:
        return None
    path = Path(name.decode(errors="replace") if isinstance(name, bytes) else str(name))
    return path.with_name(HALF.sub("", path.name)) if path.name else path


def _room(path: Path | None, needed: str | None) -> str:
    try:
        free = f"{size(shutil.disk_usage(_there(path or Path())).free)} free"
    except OSError:
        return "nothing is free"
    return free if needed is None else f"{needed} needed, {free}"


def _there(path: Path) -> Path:
    """The path, or the nearest folder above it that is there."""
    place = path.absolute()
    while not place.exists() and place != place.parent:
        place = place.parent
    return place


def size(count: int) -> str:
    """Bytes as a person says them: `512 bytes`, `3.4 kB`, `12 MB`, `1.2 GB`."""
    if count < 1000:
        return f"{count} bytes"
    value, unit = next((count / 1000**n, unit) for n, unit in ((3, "GB"), (2, "MB"), (1, "kB")) if count >= 1000**n)
    return f"{value:.1f} {unit}" if value < 10 else f"{value:.0f} {unit}"
