"""The audit's contact sheet: the offenders side by side, their boxes drawn, one band for each kind of fault."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from facetracker.core.boxes import from_pixels
from facetracker.core.errors import BadFile
from facetracker.core.photo import Picture, read_picture
from facetracker.core.sheet import GREEN, RED, Outline, Tile, beside, headed, sheet, stacked
from facetracker.labels.audit.checks import KINDS, Audit, Finding, heard, offenders
from facetracker.labels.labelme import read_content, stated_size
from facetracker.labels.pairing import LABELS, label_path
from facetracker.labels.shapes import read_shape

COLUMNS = 6
TILE = 200  # side of a photo's square, pixels
MARGIN = 6  # room around a photo for boxes that stick out
PER_KIND = 12


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
    return stacked([beside(row) for row in rows])


def _band(folder: Path, kind: str, count: int, shown: list[Finding]) -> Picture:
    """The photos of one kind under its name."""
    more = "1 photo" if count == 1 else f"{count} photos" if count <= len(shown) else f"{len(shown)} of {count} photos"
    said = f"{more}, {KINDS[kind][1]}" if len(shown) > 1 else KINDS[kind][1]
    return headed(sheet([_tile(folder, finding) for finding in shown], COLUMNS, TILE, margin=MARGIN), kind, said)


def _tile(folder: Path, finding: Finding) -> Tile:
    title, detail = _short_path(finding.photo), _short_path(finding.detail)
    if finding.other is None:
        picture, outlines = _photo(folder / finding.photo)
        return Tile(picture, title, detail, outlines)
    # The two that look alike, one above the other.
    pair = []
    for photo in (finding.photo, finding.other):
        picture, outlines = _photo(folder / photo)
        pair.append(Tile(picture, outlines=outlines))
    side = TILE - 2 * MARGIN
    return Tile(sheet(pair, 1, (side, (side - 2) // 2), gap=2, edge=0, margin=3), title, detail)


def _short_path(text: str) -> str:
    """Without the folder that every photo of a part lies in."""
    return text.replace("images/", "")


def _photo(path: Path) -> tuple[Picture | None, list[Outline]]:
    """The photo with its boxes; None where it cannot be read."""
    try:
        with heard([]):
            picture = read_picture(path)
    except BadFile:
        return None, []
    height, width = picture.shape[:2]
    found = _drawn_boxes(path, (width, height))
    return picture, [Outline(from_pixels(box, width, height)[0], GREEN if good else RED) for box, good in found]


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
        if (read := read_shape(shape)) is not None:
            box = read[1]
            found.append(((*box,), frame == size and box.sticks_out(*frame) == 0 and not box.is_sliver()))
    return found
