"""The stage `show`: pictures of any stage with their boxes drawn, as one PNG."""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TypeVar

import numpy as np

from facetracker.capture.display import Window, why_no_display
from facetracker.core.errors import FaceTrackerError
from facetracker.core.example import Example
from facetracker.core.files import refuse_to_overwrite
from facetracker.core.photo import Picture, read_picture, write_png
from facetracker.core.places import as_path, is_remote
from facetracker.core.sheet import BLUE, GREEN, ORANGE, Outline, Tile, sheet
from facetracker.data.folders import Face, FaceFolder, holds_classes, read_folder
from facetracker.data.summary import Summary, summarise
from facetracker.labels.collection import Collection, Unlabelled

T = TypeVar("T")
SIDE = 240  # of one picture on the sheet, pixels
COLOURS = (GREEN, ORANGE, BLUE, (200, 60, 200), (60, 200, 220))  # BGR, a class each


def sheet_of(examples: Sequence[Example], columns: int = 4, side: int = SIDE) -> Picture:
    """The pictures as one BGR, row by row, each `side` pixels wide and high, with a colour for every class.

    A damaged picture is left out: it is the audit's to report.
    """
    kinds = sorted({label for one in examples for label in one.labels})
    tiles = []
    for one in examples:
        try:
            picture = one.picture()
        except FaceTrackerError:
            continue
        drawn = [
            Outline(box, COLOURS[kinds.index(label) % len(COLOURS)], label if len(kinds) > 1 else "")
            for box, label in zip(one.boxes, one.labels, strict=True)
        ]
        faces = f"{len(one.boxes) or 'no'} face{'s' * (len(one.boxes) != 1)}"
        tiles.append(Tile(picture, f"{one.stem}: {faces}", outlines=drawn))
    return sheet(tiles, columns, side)


def sheet_of_classes(faces: Sequence[Face], columns: int = 4, side: int = SIDE) -> Picture:
    """Pictures out of class folders as one BGR, row by row, the name of the class under each."""
    tiles = []
    for face in faces:
        try:
            tiles.append(Tile(read_picture(face.path), face.label, detail=face.path.name, colour=GREEN))
        except FaceTrackerError as error:
            tiles.append(Tile(None, face.label, detail=error.fault))
    return sheet(tiles, columns, side)


@dataclass(frozen=True)
class Shown:
    """What `show` put together: the sheet BGR, the numbers of the whole set, and the PNG if one was written."""

    page: Picture
    summary: Summary | FaceFolder
    path: Path | None = None


def show(
    folder: str | Path,
    part: str | None = None,
    *,
    count: int = 16,
    columns: int = 4,
    seed: int = 0,
    unlabelled: Unlabelled = "no-face",
    save: str | Path | None = None,
    force: bool = False,
) -> Shown:
    """`count` pictures of a folder (photos, augmented, records), drawn by `seed`, with their boxes; of class folders
    with the names of their classes.

    The sheet goes to the PNG `save`, or to a window that stays until a key is pressed or it is closed.
    """
    why_not = None if save is not None else why_no_display()
    if why_not is not None:
        raise FaceTrackerError(f"no window can be opened: {why_not}", fix="Pass --save FILE.png.")
    if save is not None:
        refuse_to_overwrite(save, force)
    summary: Summary | FaceFolder
    if not is_remote(as_path(folder)) and holds_classes(Path(folder)):
        page, summary = _classes(Path(folder), part, count, columns, seed)
    else:
        photos = Collection.open(folder, part, unlabelled=unlabelled, prelabelled=True)
        if not len(photos):
            raise FaceTrackerError("holds no labelled picture to show", path=folder)
        page, summary = sheet_of(_some(list(photos), count, seed), columns), summarise(photos)
    if save is None:
        _show_window(page, Path(folder).name)
        return Shown(page, summary)
    return Shown(page, summary, write_png(save, page))


def _some(items: Sequence[T], count: int, seed: int) -> list[T]:
    """So many of the items, drawn by `seed`, in their order."""
    return [items[int(row)] for row in np.sort(np.random.default_rng(seed).permutation(len(items))[:count])]


def _classes(folder: Path, part: str | None, count: int, columns: int, seed: int) -> tuple[Picture, FaceFolder]:
    found = read_folder(folder, seed=None)
    faces = found.faces if part is None else found.of(part)
    if not faces:
        parts = sorted({face.part for face in found.faces} - {""})
        fix = f"There are: {', '.join(parts)}." if parts else "Its classes are not split: leave the part out."
        raise FaceTrackerError(f"has no part {part}", path=folder, fix=fix)
    return sheet_of_classes(_some(faces, count, seed), columns), found


def _show_window(page: Picture, title: str) -> None:
    with Window(title) as window:
        while not window.closed and window.show(page) is None:
            time.sleep(0.03)
