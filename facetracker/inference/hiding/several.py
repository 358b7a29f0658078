"""`hide` over a list of films and photos, one after the other; one that cannot be hidden is left out and told."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from facetracker.core.errors import FaceTrackerError
from facetracker.inference.hiding.hide import HiddenFaces, HideAs, hide


def hide_several(
    sources: Sequence[str | Path],
    save: str | Path | None = None,
    *,
    model: str | Path | None = None,
    show: HideAs = HideAs(),
    threads: int | None = None,
    force: bool = False,
) -> HiddenFaces:
    """Hide every face of each film, photo or folder: in the folder `save` under its own name, or beside it with
    `-hidden` in its name."""
    paths = [Path(source) for source in sources]
    for path in paths:  # a slip of the pen is told before an hour of work
        if not path.exists():
            raise FaceTrackerError("no such film, photo or folder", path=path)
    done, folder = HiddenFaces(), None if save is None else Path(save)
    if folder is not None:
        if folder.suffix or folder.is_file():
            raise FaceTrackerError("is one file, there are several to hide", path=folder, fix="Name a folder.")
        if twice := [path for path in paths if [one.name for one in paths].count(path.name) > 1]:
            raise FaceTrackerError(f"has the name of another one, and {folder} takes only one", path=twice[0])
        folder.mkdir(parents=True, exist_ok=True)
    for path in paths:
        try:
            to = None if folder is None else folder / path.name
            one = hide(path, to, model=model, show=show, threads=threads, force=force)
        except FaceTrackerError as error:
            done.rejects.add(path, error)
            continue
        done.lines += one.lines
        done.rejects.rows += one.rejects.rows
    return done
