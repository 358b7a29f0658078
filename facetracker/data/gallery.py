"""The stage `show`: pictures of any stage with their boxes drawn, as one PNG."""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np

from facetracker.capture.display import Window, why_no_display
from facetracker.core.boxes import Boxes, to_pixels
from facetracker.core.errors import FaceTrackerError
from facetracker.core.files import refuse_to_overwrite
from facetracker.core.letterbox import letterbox
from facetracker.core.photo import Picture, write_png
from facetracker.data.layout import Unlabelled
from facetracker.data.summary import Summary, summarise
from facetracker.data.table import Table, read_table

CELL = 240  # side of one picture on the sheet, pixels
CAPTION = 20  # height of the line under it
COLOURS = ((80, 200, 60), (40, 140, 240), (220, 90, 60), (200, 60, 200), (60, 200, 220))  # BGR, a class each


@dataclass(frozen=True)
class Tile:
    """One picture `(H, W, 3)` BGR of a sheet with its boxes `(N, 4)` normalised, a label each, and a caption."""

    picture: Picture
    boxes: Boxes
    labels: tuple[str, ...]
    caption: str


def sheet(tiles: Sequence[Tile], columns: int = 4, side: int = CELL) -> Picture:
    """The tiles as one picture BGR, row by row, each `side` pixels wide and high."""
    if not tiles:
        raise FaceTrackerError("there is no picture to show")
    kinds = sorted({label for tile in tiles for label in tile.labels})
    columns = min(columns, len(tiles))
    lines = -(-len(tiles) // columns)
    page = np.full((lines * (side + CAPTION + 4), columns * (side + 4), 3), 255, np.uint8)
    for number, tile in enumerate(tiles):
        top, left = number // columns * (side + CAPTION + 4), number % columns * (side + 4)
        page[top : top + side, left : left + side] = _draw(tile, kinds, side)
        _write(page, _shortened(tile.caption, side // 7), (left + 3, top + side + 14), (0, 0, 0))
    return page


@dataclass(frozen=True)
class Shown:
    """What `show` put together: the sheet BGR, the numbers of the whole set, and the PNG if one was written."""

    page: Picture
    summary: Summary
    path: Path | None = None


def show(
    folder: str | Path,
    partition: str | None = None,
    *,
    count: int = 16,
    columns: int = 4,
    seed: int = 0,
    unlabelled: Unlabelled = "no-face",
    save: str | Path | None = None,
    force: bool = False,
) -> Shown:
    """`count` pictures of a folder (photos, augmented, records), drawn by `seed`, with their boxes.

    The sheet goes to the PNG `save`, or to a window that stays until a key is pressed or it is closed.
    """
    why_not = None if save is not None else why_no_display()
    if why_not is not None:
        raise FaceTrackerError(f"no window can be opened: {why_not}", fix="Pass --save FILE.png.")
    if save is not None:
        refuse_to_overwrite(save, force)
    table = read_table(folder, partition, unlabelled, prelabelled=True)
    if not len(table):
        raise FaceTrackerError("holds no labelled picture to show", path=folder)
    rows = np.sort(np.random.default_rng(seed).permutation(len(table))[:count])
    page = sheet(_tiles(table, [int(row) for row in rows]), columns)
    if save is None:
        _show_window(page, Path(folder).name)
        return Shown(page, summarise(table))
    return Shown(page, summarise(table), write_png(save, page))


def _show_window(page: Picture, title: str) -> None:
    with Window(title) as window:
        while not window.closed and window.show(page) is None:
            time.sleep(0.03)


def _tiles(table: Table, rows: Sequence[int]) -> list[Tile]:
    tiles = []
    for row in rows:
        try:
            picture = table.picture(row)
        except FaceTrackerError:
            continue  # a damaged picture is the audit's to report
        tiles.append(captioned(picture, table.boxes[row], table.labels[row], table.names[row]))
    return tiles


def captioned(picture: Picture, boxes: Boxes, labels: tuple[str, ...], name: str) -> Tile:
    """A tile whose caption says its name and how many faces it shows."""
    return Tile(picture, boxes, labels, f"{name}: {len(boxes) or 'no'} face{'s' * (len(boxes) != 1)}")


def _draw(tile: Tile, kinds: Sequence[str], side: int) -> Picture:
    picture, place = letterbox(tile.picture, side, side)
    picture = picture.copy()
    for box, label in zip(to_pixels(place.to_input(tile.boxes), side, side), tile.labels, strict=True):
        colour = COLOURS[kinds.index(label) % len(COLOURS)]
        left, top, right, bottom = (round(float(edge)) for edge in box)
        cv2.rectangle(picture, (left, top), (right, bottom), colour, 2, cv2.LINE_AA)
        if len(kinds) > 1:
            _write(picture, label, (left + 2, max(10, top - 4)), colour)
    return picture


def _shortened(text: str, most: int) -> str:
    return text if len(text) <= most else f"...{text[-(most - 3) :]}"


def _write(picture: Picture, text: str, place: tuple[int, int], colour: tuple[int, int, int]) -> None:
    cv2.putText(picture, text, place, cv2.FONT_HERSHEY_SIMPLEX, 0.38, colour, 1, cv2.LINE_AA)
