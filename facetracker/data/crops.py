"""`crops`: the faces of labelled photos as pictures of their own, in a folder for each class."""

from __future__ import annotations

import csv
import io
from collections import Counter, defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from facetracker.core.boxes import sizes, to_pixels
from facetracker.core.console import track
from facetracker.core.crop import MARGIN, cut_face
from facetracker.core.errors import FaceTrackerError, Rejects
from facetracker.core.files import write_atomically
from facetracker.core.photo import ends_as_jpeg, write_jpeg
from facetracker.data.folders import RATIOS, TABLE
from facetracker.data.grouping import drawn_parts
from facetracker.labels.collection import Collection
from facetracker.labels.pairing import PARTS

Row = tuple[str, str, str, str, float, float, float]

SMALLEST = 16.0
MARK = ".crops"  # an empty file in a folder that `crops` made
COLUMNS = ("file", "part", "class", "photo", "width", "height", "margin")


@dataclass
class CropsReport:
    """What `crops` did: faces by part and class, how many were too small, what could not be read."""

    folder: Path
    counts: dict[str, Counter] = field(default_factory=lambda: defaultdict(Counter))
    too_small: int = 0
    notes: list[str] = field(default_factory=list)
    rejects: Rejects = field(default_factory=Rejects)

    def lines(self) -> list[str]:
        """The report for a person."""
        lines = []
        for part in PARTS:
            if counts := self.counts.get(part):
                kinds = ", ".join(f"{name} {count}" for name, count in sorted(counts.items()))
                lines.append(f"{part}: {sum(counts.values())} faces ({kinds})")
        if self.too_small:
            lines.append(f"{self.too_small} faces were too small and left out")
        return [*lines, *self.notes, *(f"rejected: {path}: {why}" for path, why in self.rejects)]


def crops(
    data: str | Path,
    out: str | Path,
    *,
    margin: float = MARGIN,
    smallest: float = SMALLEST,
    classes: Sequence[str] | None = None,
    seed: int = 0,
    force: bool = False,
) -> CropsReport:
    """Cut every labelled face of `data` into `out/{train,val,test}/CLASS/STEM-NUMBER.jpg`.

    `data` that is split keeps its parts; else the photos are split 7:1:2, near-duplicates together. `margin` is
    the share of the face's longer side shown around it, `smallest` the shorter side in pixels from which on a face
    is cut out, `classes` the labels that are (default: all). `crops.csv` in `out` says where each came from.
    """
    out = Path(out)
    if not 0 <= margin <= 1:
        raise FaceTrackerError(f"--margin {margin:g} is not between 0 and 1")
    if out.is_dir() and any(out.iterdir()) and not (_cut_off(out) or (force and (out / TABLE).is_file())):
        raise FaceTrackerError("is there already", path=out, fix="Choose another folder, or pass --force.")
    photos = Collection.open(data)
    report = CropsReport(out, rejects=photos.rejects)
    chosen = [example for example in photos if len(example)]
    if not chosen:
        raise FaceTrackerError("holds no labelled face", path=Path(data), fix="Label some with `facetracker annotate`.")
    known = {label for example in chosen for label in example.labels}
    if classes and (unknown := sorted(set(classes) - known)):
        fix = f"There are: {', '.join(sorted(known))}."
        raise FaceTrackerError(f"no face is labelled {', '.join(unknown)}", path=Path(data), fix=fix)
    drawn: dict[str, str] = {}
    if not all(example.part for example in chosen):
        drawn = drawn_parts({example.stem: example.photo for example in chosen}, RATIOS, seed)
        report.notes.append("split 7:1:2, photos that look nearly the same together")
    _remove_old(out)
    planned: dict[str, list[tuple[Row, NDArray[np.float32]]]] = {example.stem: [] for example in chosen}
    for example in chosen:
        part = example.part or drawn[example.stem]
        boxes = to_pixels(example.boxes, example.width, example.height)
        for number, (box, label, side) in enumerate(zip(boxes, example.labels, sizes(boxes), strict=True)):
            if classes and label not in classes:
                continue
            if min(side) < smallest:
                report.too_small += 1
                continue
            name = f"{part}/{_as_folder(label)}/{example.stem}-{number}.jpg"
            wide, high = (round(float(one), 1) for one in side)
            planned[example.stem].append(((name, part, label, example.photo.name, wide, high, margin), box))
    if not any(planned.values()):
        raise FaceTrackerError(f"no face is {smallest:g} pixels or larger", path=Path(data), fix="Pass --smallest 8.")
    # Mark and table come first: by them a run that was cut off is known, and what it made.
    write_atomically(out / MARK, "")
    _write_table(out, [row for faces in planned.values() for row, _ in faces])
    rows: list[Row] = []
    for example in track(chosen, "crops"):
        try:
            picture = example.picture()
        except FaceTrackerError as error:
            report.rejects.add(example.photo, error)
            continue
        for row, box in planned[example.stem]:
            write_jpeg(out / row[0], np.ascontiguousarray(cut_face(picture, box, margin)), sync=False)
            report.counts[row[1]][row[2]] += 1
            rows.append(row)
    _write_table(out, rows)
    return report


def _write_table(out: Path, rows: Sequence[Row]) -> None:
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerows([COLUMNS, *rows])
    write_atomically(out / TABLE, text.getvalue())


def _cut_off(out: Path) -> bool:
    """Whether an earlier run of ours did not come to its end here, or the machine fell over while it wrote."""
    table = out / TABLE
    if not table.is_file():
        return (out / MARK).is_file()
    if not table.read_bytes().endswith(b"\n"):
        return True
    return any(not ends_as_jpeg(out / name) for name in _names_in(out))


def _names_in(out: Path) -> list[str]:
    """The crops that the table names."""
    with (out / TABLE).open(newline="", encoding="utf-8", errors="replace") as file:
        return [row["file"] for row in csv.DictReader(file) if row.get("file")]


def _remove_old(out: Path) -> None:
    """Take away the crops of an earlier run, and nothing else: those that its table names."""
    path = out / TABLE
    if not path.is_file():
        return
    for name in _names_in(out):
        old = (out / name).resolve()
        if old.is_relative_to(out.resolve()) and old.is_file():
            old.unlink()
    path.unlink()


def _as_folder(label: str) -> str:
    """A label as the name of a folder."""
    return "".join(sign if sign.isalnum() or sign in "-_ " else "_" for sign in label).strip() or "_"
