"""Writing files so that a kill at any moment leaves the old file or the new one, never half of one.

Every file is written beside its place and moved there. So that a power cut leaves no half either, it is on the disk
before it is moved (`sync`: about a millisecond a file); what is made by the thousand and can be made again is written
without, and whoever makes it notices what is cut short. The helper name carries the process id, so that two
processes on one folder never write into each other's half; `sweep` clears what a killed process left behind.
"""

from __future__ import annotations

import json
import os
import shutil
import sys
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

from facetracker.core import disk
from facetracker.core.errors import BadFile, FaceTrackerError
from facetracker.core.places import as_path, is_remote

PART = ".part-"
PHOTO_SUFFIXES = (".jpg", ".jpeg", ".png", ".bmp", ".webp", ".tif", ".tiff")


@contextmanager
def written_beside(path: str | Path, sync: bool = True) -> Iterator[Path]:
    """A path beside `path` (same suffix) to write to; on leaving without an error it is moved to `path`."""
    path = as_path(path)
    if is_remote(path):
        with tempfile.TemporaryDirectory(prefix="facetracker-") as place:
            part = Path(place) / path.name
            yield part
            path.write_bytes(part.read_bytes())
        return
    path.parent.mkdir(parents=True, exist_ok=True)
    part = path.with_name(f"{PART}{os.getpid()}-{path.name}")
    try:
        yield part
        if sync:
            _to_disk(part)
        os.replace(part, path)
    except BaseException as error:
        if isinstance(error, OSError):
            disk.named(error, path)
            with suppress(OSError):
                disk.needs(error, part.stat().st_size, at_least=True)
        with suppress(OSError):
            part.unlink()
        raise


def _to_disk(path: Path) -> None:
    """Wait until the content of a file is on the disk, not only in memory."""
    how = os.O_RDWR if sys.platform == "win32" else os.O_RDONLY  # mutants: Linux syncs either
    handle = os.open(path, how)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def write_atomically(path: str | Path, data: bytes | str, sync: bool = True) -> Path:
    """Write bytes or UTF-8 text to `path`, all or nothing."""
    path, content = as_path(path), data.encode() if isinstance(data, str) else data
    if is_remote(path):
        path.write_bytes(content)
        return path
    try:
        with written_beside(path, sync) as part:
            part.write_bytes(content)
    except OSError as error:
        disk.needs(error, len(content))
        raise
    return path


def write_if_still(path: Path, data: bytes, seen: bytes | None) -> bool:
    """Write bytes to `path` if it still holds `seen` (None: if there is no such file); whether it did.

    What somebody else has written there between our look and our write is left alone.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    part = path.with_name(f"{PART}{os.getpid()}-{path.name}")
    try:
        part.write_bytes(data)
        _to_disk(part)  # before the last look, for it takes longest
        if seen is None and _linked(part, path):
            return True
        if (path.read_bytes() if path.is_file() else None) != seen:
            return False
        os.replace(part, path)
        return True
    except OSError as error:
        disk.named(error, path)
        disk.needs(error, len(data))
        raise
    finally:
        with suppress(OSError):
            part.unlink()


def _linked(part: Path, path: Path) -> bool:
    """Give a file another name if nobody has that; unlike a move, it never puts one file in the place of another."""
    with suppress(OSError):  # it is taken, or this file system has no hard links
        os.link(part, path)
        return True
    return False


def write_json(path: str | Path, value: Any) -> Path:
    """Write `value` as JSON, two blanks deep, all or nothing."""
    return write_atomically(path, as_json(value))


def as_json(value: Any) -> str:
    """What `write_json` writes."""
    return json.dumps(value, indent=2, ensure_ascii=False) + "\n"


def read_json(path: str | Path) -> Any:
    """The content of a JSON file; a damaged or missing one is a `BadFile` that names it."""
    path = as_path(path)
    try:
        return json.loads(path.read_bytes())
    except FileNotFoundError:
        raise BadFile("no such file", path=path) from None
    except (OSError, ValueError, RecursionError) as error:
        raise BadFile(f"not readable as JSON ({error})", path=path) from None


def is_torn(path: Path) -> bool:
    """Whether a JSON file is empty or breaks off in the middle, as a power cut leaves it."""
    try:
        json.loads(path.read_bytes())
    except (ValueError, RecursionError):
        return True
    return False


def sweep(folder: str | Path) -> int:
    """Remove half-written files that a killed process left in `folder` (whole tree); how many there were.

    Parts of a process that still runs are left alone.
    """
    swept = 0
    folder = as_path(folder)
    if is_remote(folder):
        return 0
    for part in _parts_below(folder):
        pid = part.name.removeprefix(PART).split("-", 1)[0]  # mutants: only the first piece counts
        if pid.isdigit() and int(pid) != os.getpid() and _runs(int(pid)):
            continue
        with suppress(OSError):
            part.unlink()
            swept += 1
    return swept


def _parts_below(folder: Path) -> Iterator[Path]:
    """Half-written files, one folder after the other; `rglob` would hold every name of a folder at once."""
    below = []
    with suppress(FileNotFoundError, NotADirectoryError, PermissionError), os.scandir(folder) as entries:
        for entry in entries:
            if entry.name.startswith(PART):
                yield Path(entry.path)
            elif entry.is_dir(follow_symlinks=False):
                below.append(Path(entry.path))
    for inner in below:
        yield from _parts_below(inner)


def _runs(pid: int) -> bool:
    try:
        os.kill(pid, 0)  # mutants: any other signal would reach a process that is not ours
    except ProcessLookupError:
        return False
    except PermissionError:
        return True
    return not _is_zombie(pid)


def _is_zombie(pid: int) -> bool:
    """A killed process whose parent has not noticed yet still answers to signals; it writes nothing any more."""
    try:
        state = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]
    except (OSError, IndexError):  # no /proc on this system, or gone this very moment
        return False
    return state == "Z"


def needed_folder(folder: Path) -> Path:
    """A folder of photos that must be there; a missing one is a person's mistake."""
    if not folder.is_dir():
        fault = "is a file; a folder of photos is expected" if folder.is_file() else "no such folder"
        raise FaceTrackerError(fault, path=folder, fix="Check the path, or collect photos first.")
    return folder


def photos_in(folder: str | Path, suffixes: Sequence[str] = PHOTO_SUFFIXES) -> list[Path]:
    """The pictures directly in `folder`, sorted by name; a missing folder is a person's mistake."""
    folder = as_path(folder)
    return sorted(folder / name for name in photo_names(folder, suffixes))


def photo_names(folder: Path, suffixes: Sequence[str] = PHOTO_SUFFIXES) -> Iterator[str]:
    """The names of the pictures directly in `folder`, in no order; a missing folder is a person's mistake."""
    for name in names_in(needed_folder(folder)):
        path = folder / name
        if path.suffix.lower() in suffixes and not name.startswith(".") and path.is_file():
            yield name


def names_in(folder: Path) -> Iterator[str]:
    """The names of what lies directly in `folder`, in no order; `iterdir` would hold all of them at once."""
    if is_remote(folder):  # fsspec lists a folder as a whole, whatever is done here
        yield from (path.name for path in folder.iterdir())
        return
    with os.scandir(folder) as entries:
        for entry in entries:
            yield entry.name


def sizes_in(folder: Path) -> Iterator[tuple[str, int | None]]:
    """Names and sizes in bytes of what lies directly in `folder`; in an object store, where nothing is half there, the
    names alone."""
    if is_remote(folder):
        yield from ((path.name, None) for path in folder.iterdir())
        return
    with os.scandir(folder) as entries:
        for entry in entries:
            yield entry.name, entry.stat(follow_symlinks=False).st_size


def link_or_copy(source: str | Path, target: str | Path) -> Path:
    """Bring a file to another place without touching it: a hard link, or a copy where there can be none."""
    source, target = Path(source), Path(target)
    if target.exists() and os.path.samefile(source, target):
        return target
    with written_beside(target, sync=False) as part:
        try:
            os.link(source, part)
        except OSError:
            shutil.copyfile(source, part)
            _to_disk(part)
    return target


def refuse_to_overwrite(path: str | Path, force: bool) -> None:
    """Stop before an existing file is replaced, unless the person said `--force`."""
    if not force and Path(path).exists():
        raise FaceTrackerError("is there already", path=path, fix="Choose another name or pass --force.")
