"""Pictures laid out as tiles: every sheet that a stage leaves for a person to look at is made here."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple

import cv2
import numpy as np

from facetracker.core.boxes import Boxes, Numbers, to_pixels
from facetracker.core.errors import FaceTrackerError
from facetracker.core.lettering import shortened, text_width, write
from facetracker.core.photo import MAX_PIXELS, Picture

Colour = tuple[int, int, int]  # BGR

PAPER, BED, INK, PALE = (255, 255, 255), (232, 232, 232), (30, 30, 30), (125, 125, 125)
GREEN, ORANGE, RED, BLUE = (60, 180, 60), (30, 130, 230), (40, 40, 220), (220, 90, 60)
GAP = 8  # pixels between tiles, and around the sheet
TITLE, DETAIL = 20, 16  # height of the lines under a picture
LETTERS, SMALL, SMALLEST = 13, 11, 9  # sizes of their letters
REGULAR, MEDIUM = 400, 500  # weights of the font
HEAD, TAG = 26, 15  # height of a heading's line, and of the words at a box


class Outline(NamedTuple):
    """A box `(4,)` drawn on a tile, normalised to its picture, with a few words at its corner."""

    box: Numbers
    colour: Colour = GREEN
    text: str = ""


@dataclass(frozen=True)
class Tile:
    """One picture `(H, W, 3)` BGR of a sheet, its boxes, and one or two lines under it.

    Without a picture (a file that cannot be read) the tile is crossed out. `frame` is drawn around the tile.
    """

    picture: Picture | None
    title: str = ""
    detail: str = ""
    outlines: Sequence[Outline] = ()
    colour: Colour = INK
    frame: Colour | None = None


def outlines(boxes: Boxes, colour: Colour, texts: Sequence[str] | None = None) -> list[Outline]:
    """Boxes `(N, 4)` of one colour, a text each where there are texts."""
    return [Outline(box, colour, text) for box, text in zip(boxes, texts or [""] * len(boxes), strict=True)]


def sheet(
    tiles: Sequence[Tile],
    columns: int,
    size: int | tuple[int, int],
    *,
    gap: int = GAP,
    edge: int = GAP,
    margin: int = 0,
    clear: bool = False,
) -> Picture:
    """The tiles in rows of `columns`, BGR; `clear` makes it BGRA, see-through where no tile is.

    A clear sheet is a part of a page and has all its columns, so that those of a page are alike.

    `size` is that of a tile's picture, `(width, height)` or the side of a square: pictures are fitted into it whole,
    with a `margin` around them for boxes that stick out. `gap` lies between tiles, `edge` around them all. Pixels.
    """
    if not tiles:
        raise FaceTrackerError("there is no picture to show")
    wide, high = (size, size) if isinstance(size, int) else size
    columns = columns if clear else max(1, min(columns, len(tiles)))
    rows = -(-len(tiles) // columns)
    captions = TITLE * any(tile.title for tile in tiles) + DETAIL * any(tile.detail for tile in tiles)
    tall = high + captions
    shape = rows * (tall + gap) - gap + 2 * edge, columns * (wide + gap) - gap + 2 * edge
    if shape[0] * shape[1] > MAX_PIXELS:
        raise FaceTrackerError(f"a sheet of {len(tiles):,} pictures is too large", fix="Show fewer of them.")
    page = np.full((*shape, 3), PAPER, np.uint8)
    seen = np.zeros(shape, np.uint8)
    letters = _letters([tile.title for tile in tiles], wide, LETTERS)
    small = _letters([tile.detail for tile in tiles], wide, SMALL)
    for number, tile in enumerate(tiles):
        top, left = edge + number // columns * (tall + gap), edge + number % columns * (wide + gap)
        page[top : top + high, left : left + wide] = _drawn(tile, wide, high, margin)
        seen[top : top + high, left : left + wide] = 255
        _line(page, tile.title, left, top + high + TITLE - 5, wide, letters, tile.colour)
        _line(page, tile.detail, left, top + tall - 4, wide, small, PALE)
    return np.dstack([page, seen]) if clear else page


def headed(page: Picture, title: str, detail: str = "") -> Picture:
    """The sheet under a heading; what does not fit above it is shortened."""
    head = np.full((HEAD + DETAIL * bool(detail), page.shape[1], 3), PAPER, np.uint8)
    wide = page.shape[1] - GAP
    _line(head, title, GAP, 20, wide, LETTERS + 1, INK, MEDIUM)
    _line(head, detail, GAP, 36, wide, _letters([detail], wide, SMALL), PALE)
    return np.vstack([head, page])


def stacked(pages: Sequence[Picture]) -> Picture:
    """Sheets one below the other, the narrow ones with paper to their right."""
    wide = max(page.shape[1] for page in pages)
    return np.vstack([_padded(page, page.shape[0], wide) for page in pages])


def beside(pages: Sequence[Picture]) -> Picture:
    """Sheets from left to right, the low ones with paper below them."""
    high = max(page.shape[0] for page in pages)
    return np.hstack([_padded(page, high, page.shape[1]) for page in pages])


def _padded(page: Picture, height: int, width: int) -> Picture:
    room = ((0, height - page.shape[0]), (0, width - page.shape[1]), (0, 0))
    return np.pad(page, room, constant_values=255)


def _drawn(tile: Tile, width: int, height: int, margin: int) -> Picture:
    shown = np.full((height, width, 3), BED, np.uint8)
    if tile.picture is None:
        cv2.line(shown, (0, 0), (width, height), PALE, 1, cv2.LINE_AA)
        cv2.line(shown, (0, height), (width, 0), PALE, 1, cv2.LINE_AA)
    else:
        _place(shown, tile.picture, tile.outlines, margin)
    if tile.frame is not None:
        cv2.rectangle(shown, (1, 1), (width - 2, height - 2), tile.frame, 3)
    return shown


def _place(shown: Picture, picture: Picture, boxes: Sequence[Outline], margin: int) -> None:
    """The picture in the middle of a tile, as large as it can be, and its boxes."""
    (height, width), (high, wide) = shown.shape[:2], picture.shape[:2]
    scale = min((width - 2 * margin) / wide, (height - 2 * margin) / high)
    size = max(1, round(wide * scale)), max(1, round(high * scale))
    if size != (wide, high):
        picture = cv2.resize(picture, size, interpolation=cv2.INTER_AREA if scale < 1 else cv2.INTER_LINEAR)
    left, top = (width - size[0]) // 2, (height - size[1]) // 2
    shown[top : top + size[1], left : left + size[0]] = picture
    for outline in boxes:
        corners = to_pixels(np.asarray(outline.box, np.float32), *size) + np.array([left, top, left, top])
        first, last = np.clip(corners, -1e4, 1e4).round().astype(int).reshape(2, 2).tolist()
        cv2.rectangle(shown, first, last, outline.colour, 2, cv2.LINE_AA)
        if outline.text:
            x, y = max(0, first[0] - 1), max(TAG, first[1])
            cv2.rectangle(shown, (x, y - TAG), (x + text_width(outline.text, SMALL) + 6, y), outline.colour, cv2.FILLED)
            write(shown, outline.text, x + 3, y - 4, SMALL, PAPER)


def _letters(texts: Sequence[str], width: int, size: int) -> int:
    """The size at which all these lines fit into so many pixels, not smaller than can be read."""
    while size > SMALLEST and any(text_width(text, size, REGULAR) > width for text in texts):
        size -= 1
    return size


def _line(
    page: Picture, text: str, x: int, y: int, width: int, size: int, colour: Colour, weight: int = REGULAR
) -> None:
    """One line of at most so many pixels, shortened where it is longer."""
    most = len(text)
    while most > 4 and text_width(shortened(text, most), size, weight) > width:
        most -= 1
    write(page, shortened(text, most), x, y, size, colour, weight)
