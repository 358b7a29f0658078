"""What a run goes on from after the machine fell over: everything is whole, or is made again.

Files are written so that a crash leaves the old one or the new one (core/files.py). A disk that lies about having
written, or a person, can still leave half of one. The settings and the plan have a second copy in `run.json` and are
put back; without a whole state, or a whole model of an epoch that is over, the run begins again from its settings, and
since data, order and draws follow from the seed, it ends where the undisturbed run does.
"""

from __future__ import annotations

import json
import zipfile
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from facetracker.core import console
from facetracker.core.errors import BadFile
from facetracker.core.files import read_json, write_atomically

if TYPE_CHECKING:
    from facetracker.training.run import RunFolder


def remembered(about: Path) -> dict[str, Any]:
    """The content of `run.json`; nothing where it is missing or damaged."""
    try:
        content = read_json(about)
    except BadFile:
        return {}
    return content if isinstance(content, dict) else {}


def put_back(run: RunFolder) -> None:
    """Write settings and plan again that are missing or cut short; what a person changed in them stays."""
    kept = remembered(run.about).get("kept")
    for name, text in kept.items() if isinstance(kept, dict) else ():
        path = run.folder / name
        if path in (run.config, run.plan) and isinstance(text, str) and _is_cut(path, text):
            write_atomically(path, text)


def begin_again_if_damaged(run: RunFolder) -> None:
    """Remove the state of a run of which a part that cannot be made again is damaged: it then starts from epoch 1."""
    if not run.state.is_file():
        return
    damaged = _damaged(run)
    if damaged is not None:
        console.warn(f"{damaged}: is damaged, or missing; the run begins again from its settings")
        run.state.unlink()


def _is_cut(path: Path, text: str) -> bool:
    try:
        there = path.read_bytes()
    except FileNotFoundError:
        return True
    whole = text.encode()
    return b"\0" in there or (there != whole and whole.startswith(there))


def _damaged(run: RunFolder) -> Path | None:
    """The first file that is not whole, of those that an epoch leaves and nothing can make again."""
    try:
        with np.load(run.state, allow_pickle=False) as state:
            progress = json.loads(state["progress"].tobytes())
            epoch, best = int(progress["epoch"]), int(progress["best_epoch"])
        sound = _is_sound(run.state)
    except Exception:  # numpy and zipfile raise a dozen kinds for damaged files
        sound = False
    if not sound:
        return run.state
    if best and not _is_sound(run.best):
        return run.best
    kept = (run.of_epoch(number) for number in range(1, epoch + 1))
    return next((path for path in kept if path.exists() and not _is_sound(path)), None)


def _is_sound(path: Path) -> bool:
    """Whether a zip archive (a state, a model) is there with the checksums it states."""
    try:
        with zipfile.ZipFile(path) as archive:
            return archive.testzip() is None
    except Exception:
        return False
