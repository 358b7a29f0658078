"""The audit's contact sheet: the offenders side by side, their boxes drawn, one band for each kind of fault."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import cv2
import numpy as np

from facetracker.core.errors import BadFile
from facetracker.core.lettering import write
from facetracker.core.photo import Picture, read_picture
from facetracker.labels.audit.checks import KINDS, Finding, heard
from facetracker.labels.audit.result import Audit, offenders, shortened
from facetracker.labels.labelme import read_content, stated_size
from facetracker.labels.pairing import LABELS, label_path
from facetracker.labels.shapes import ShapeFault, encloses_area, shape_box, shape_label

COLUMNS = 6
TILE = 200  # pixels; the picture's square, the caption comes below it
CAPTION = 40
GAP = 8
HEAD = 46
PER_KIND = 12
REGULAR = 0  # the font's own weight

PAPER, INK, PALE = (250, 250, 250), (40, 40, 40), (130, 130, 130)
GOOD, BAD = (90, 190, 60), (50, 50, 230)  # BGR


def contact_sheet(audit: Audit) -> Picture:
    """The sheet as a BGR picture; at most `PER_KIND` photos of each kind, small bands side by side."""
    rows: list[list[Picture]] = []
    free = 0
    for kind, count in audit.counts.items():
        found = {finding.photo: finding for finding in reversed(offenders(audit.of(kind)))}
        shown = [found[photo] for photo in sorted(found)][:PER_KIND]
        if not shown:
            continue
        columns = min(len(shown), COLUMNS)
        if columns > free or len(shown) > COLUMNS:
            rows.append([])
            free = COLUMNS
        rows[-1].append(_band(audit.folder, kind, count, shown))
        free = 0 if len(shown) > COLUMNS else free - columns
    return np.vstack([_paper(GAP, COLUMNS), *(_side_by_side(row) for row in rows)])


def _side_by_side(bands: list[Picture]) -> Picture:
    missing = COLUMNS - sum(band.shape[1] // (TILE + GAP) for band in bands)
    room = [_paper(bands[0].shape[0], missing)[:, GAP:]] if missing else []
    return np.hstack([*bands, *room, np.full((bands[0].shape[0], GAP, 3), PAPER, np.uint8)])


def _band(folder: Path, kind: str, count: int, shown: list[Finding]) -> Picture:
    """The photos of one kind under its name; a whole number of columns wide, each with its gap to the left."""
    columns = min(len(shown), COLUMNS)
    head = _paper(HEAD, columns)[:, GAP:]
    more = "1 photo" if count == 1 else f"{count} photos" if count <= len(shown) else f"{len(shown)} of {count} photos"
    write(head, kind, GAP, 20, 14, INK, REGULAR)
    write(head, f"{more}, {KINDS[kind][1]}" if columns > 1 else KINDS[kind][1], GAP, 37, 11, PALE, REGULAR)
    rows = [head]
    for start in range(0, len(shown), columns):
        row = _paper(TILE + CAPTION + GAP, columns)[:, GAP:]
        for column, finding in enumerate(shown[start : start + columns]):
            left = GAP + column * (TILE + GAP)
            row[: TILE + CAPTION, left : left + TILE] = _tile(folder, finding)
        rows.append(row)
    return np.vstack(rows)


def _tile(folder: Path, finding: Finding) -> Picture:
    tile = np.full((TILE + CAPTION, TILE, 3), PAPER, np.uint8)
    if finding.other is None:
        tile[:TILE] = _photo(folder / finding.photo, TILE, TILE)
    else:  # the two that look alike, one above the other
        tile[: TILE // 2 - 1] = _photo(folder / finding.photo, TILE, TILE // 2 - 1)
        tile[TILE // 2 + 1 : TILE] = _photo(folder / finding.other, TILE, TILE // 2 - 1)
    write(tile, shortened(_short_path(finding.photo), 32), 0, TILE + 15, 11, INK, REGULAR)
    write(tile, shortened(_short_path(finding.detail), 36), 0, TILE + 31, 10, PALE, REGULAR)
    return tile


def _short_path(text: str) -> str:
    """Without the folder that every photo of a partition lies in."""
    return text.replace("images/", "")


def _photo(path: Path, width: int, height: int) -> Picture:
    """The photo with its boxes, fitted into `width` x `height` with room around it for boxes that stick out."""
    tile = np.full((height, width, 3), 225, np.uint8)
    try:
        with heard([]):
            picture = read_picture(path)
    except BadFile:
        cv2.line(tile, (0, 0), (width, height), PALE, 1, cv2.LINE_AA)
        cv2.line(tile, (0, height), (width, 0), PALE, 1, cv2.LINE_AA)
        return tile
    high, wide = picture.shape[:2]
    scale = min((width - 12) / wide, (height - 12) / high)
    small = cv2.resize(
        picture, (max(1, round(wide * scale)), max(1, round(high * scale))), interpolation=cv2.INTER_AREA
    )
    left, top = (width - small.shape[1]) // 2, (height - small.shape[0]) // 2
    tile[top : top + small.shape[0], left : left + small.shape[1]] = small
    for box, good in _drawn_boxes(path, (wide, high)):
        corners = np.clip(np.array(box) * scale, -1e4, 1e4) + np.array([left, top, left, top])
        first, last = tuple(corners[:2].round().astype(int)), tuple(corners[2:].round().astype(int))
        cv2.rectangle(tile, first, last, GOOD if good else BAD, 2, cv2.LINE_AA)
    return tile


def _drawn_boxes(photo: Path, size: tuple[int, int]) -> list[tuple[tuple[float, ...], bool]]:
    """Every box of the photo's label file that can be drawn, in the file's own pixels, and whether it is sound."""
    label = label_path(photo)
    if not label.exists():  # not moved yet after a split by hand: data/labels beside data/train
        label = photo.parents[2] / LABELS / label.name
    try:
        content: dict[str, Any] = read_content(label)
    except BadFile:
        return []
    frame = stated_size(content) or size
    found = []
    for shape in content["shapes"]:
        if not encloses_area(shape):
            continue
        try:
            shape_label(shape)
            box = shape_box(shape)
        except ShapeFault:
            continue
        found.append(((*box,), frame == size and box.sticks_out(*frame) == 0 and not box.is_sliver()))
    return found


def _paper(height: int, columns: int) -> Picture:
    return np.full((height, GAP + columns * (TILE + GAP), 3), PAPER, np.uint8)
