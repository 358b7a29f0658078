"""Where files lie: a folder of this machine, or an object store (`s3://bucket/data`, `gs://`, `memory://`).

An address with `://` becomes a universal_pathlib path over fsspec, which reads, writes and lists as a `Path` does, so
that a stage need not know the difference. Only stages that say so take such addresses (docs/scale.md).
"""

from __future__ import annotations

import os
import re
from pathlib import Path

from facetracker.core.errors import FaceTrackerError
from facetracker.core.install import install_command

# One slash: what is left of `s3://bucket` when a command line has made a `Path` of it. Two letters: no Windows drive.
ADDRESS = re.compile(r"([a-zA-Z][a-zA-Z0-9+.-]+):/(?!/)|([a-zA-Z][a-zA-Z0-9+.-]+)://")


def as_path(place: str | os.PathLike[str]) -> Path:
    """A place as something that behaves like a `Path`."""
    if not isinstance(place, str | Path):
        return place  # type: ignore[return-value]  # such a path already
    found = ADDRESS.match(str(place))
    if found is None:
        return Path(place)
    scheme, rest = (found[1] or found[2]).lower(), str(place)[found.end() :]
    if scheme == "file":
        return Path("/", rest)
    try:
        from upath import UPath
    except ImportError:
        raise FaceTrackerError(f"{scheme}:// needs more than is installed", fix=install_command("scale")) from None
    try:
        path = UPath(f"{scheme}://{rest}")
        path.fs  # noqa: B018 (loads the driver now, and not at the first photo)
    except (ImportError, ValueError) as error:
        raise FaceTrackerError(f"{scheme}:// cannot be opened ({error})", fix="See docs/scale.md.") from None
    return path  # type: ignore[return-value]


def is_remote(path: Path) -> bool:
    """Whether a path lies in an object store, where a file appears whole or not at all and there are no folders."""
    return not isinstance(path, Path)
