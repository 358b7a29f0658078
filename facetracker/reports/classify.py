"""`classify`: pictures of faces in; their classes as a CSV and as a sheet with green and red titles. No tensorflow."""

from __future__ import annotations

import csv as csv_files
import io
import re
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

import cv2
import numpy as np

from facetracker.core.console import track
from facetracker.core.crop import cut_face
from facetracker.core.errors import FaceTrackerError, Rejects
from facetracker.core.files import PHOTO_SUFFIXES, refuse_to_overwrite, write_atomically
from facetracker.core.photo import Picture, read_picture, write_png
from facetracker.core.settings import way_out
from facetracker.core.sheet import Tile
from facetracker.inference.classifier import Classifier, Probabilities
from facetracker.inference.detector import Detector
from facetracker.inference.draw import class_colour
from facetracker.training.classifier.pictures import answer_tile, draw_answers

AT_ONCE = 64
FEW = 4  # pictures of which each is answered in a line of its own
COLUMNS = ("id", "label", "class", "probability", "truth", "file")


@dataclass(frozen=True)
class FaceAnswer:
    """One face: its id (the picture's path, `#NUMBER` behind it where several were found), and `(K,)` shares."""

    id: str
    probabilities: Probabilities
    truth: str | None
    picture: Picture


@dataclass
class Classified:
    """What `classify` said; `right` of `known` pictures whose folder names their class; of few pictures the `best`
    classes of each in a line."""

    classes: list[str]
    counts: dict[str, int]
    known: int
    right: int
    csv: Path
    png: Path
    rejects: Rejects = field(default_factory=Rejects)
    best: list[str] = field(default_factory=list)

    def lines(self) -> list[str]:
        """The report for a person."""
        lines = [*self.best, ", ".join(f"{name} {count}" for name, count in self.counts.items())]
        if self.known:
            lines.append(f"{self.right} of {self.known} right ({self.right / self.known:.1%}), by their folders' names")
        lines += [f"{self.csv}: a row a face", f"{self.png}: the faces with their classes"]
        return [*lines, *(f"left out: {path}: {why}" for path, why in self.rejects)]


def classify(
    model: str | Path,
    photos: Sequence[str | Path] | str | Path,
    *,
    csv: str | Path = "runs/classified.csv",
    png: str | Path = "runs/classified.png",
    top: int = 2,
    sheet: int = 36,
    find: bool = False,
    columns: str | None = None,
    force: bool = False,
) -> Classified:
    """Say which class each picture belongs to, with any engine's file or a run folder.

    `photos` are pictures of one face each, or folders of them (whole trees); with `find` the faces are found by the
    starter first. `csv` gets id, class, probability and the `top` classes with theirs. A picture in a folder that
    is called like a class has a known truth: its title is green when the answer is right, red when it is wrong.
    Without truth a title has the colour that the class has in the live picture. `columns` such as "id,label" stand in
    for those of the CSV (`as_table`).
    """
    wanted = None if columns is None else _columns(columns)
    for path in (csv, png):
        refuse_to_overwrite(path, force)
    classifier = Classifier(model)
    files = photo_files([photos] if isinstance(photos, str | Path) else photos)
    if not files:
        raise FaceTrackerError("no picture to classify", fix="Name pictures of faces, or a folder that holds some.")
    detector = Detector() if find else None
    rejects = Rejects()
    rows: list[FaceAnswer] = []
    waiting: list[tuple[str, Picture, str | None]] = []
    for file in track(files, "classify"):
        try:
            picture = read_picture(file)
        except FaceTrackerError as error:
            rejects.add(file, error)
            continue
        truth = file.parent.name if file.parent.name in classifier.classes else None
        waiting += [(name, face, truth) for name, face in _faces_of(file, picture, detector, classifier.card.margin)]
        while len(waiting) >= AT_ONCE:
            rows += _answer(classifier, waiting[:AT_ONCE])
            waiting = waiting[AT_ONCE:]
    rows += _answer(classifier, waiting)
    if not rows:
        why = rejects.rows[0][1] if rejects else "no face was found"
        raise FaceTrackerError(f"nothing could be classified ({why})", path=files[0])
    top = min(top, len(classifier.classes))
    table = as_csv(rows, classifier.classes, top) if wanted is None else as_table(rows, classifier.classes, wanted)
    write_atomically(csv, table)
    write_png(png, draw_answers([_title(row, classifier.classes) for row in _to_show(rows, sheet)]))
    said = [classifier.classes[int(row.probabilities.argmax())] for row in rows]
    pairs = [(row.truth, name) for row, name in zip(rows, said, strict=True) if row.truth is not None]
    right = sum(truth == name for truth, name in pairs)
    counts = {name: said.count(name) for name in classifier.classes}
    best = [_ranked(row, classifier.classes, top) for row in rows] if len(rows) <= FEW else []
    return Classified(classifier.classes, counts, len(pairs), right, Path(csv), Path(png), rejects, best)


def photo_files(photos: Sequence[str | Path]) -> list[Path]:
    """The pictures named, and those in the folders named, whole trees, sorted within each."""
    files: list[Path] = []
    for name in photos:
        path = Path(name)
        if path.is_dir():
            files += sorted(
                file
                for file in path.rglob("*")
                if file.suffix.lower() in PHOTO_SUFFIXES and not file.name.startswith(".")
            )
        elif path.is_file():
            files.append(path)
        else:
            raise FaceTrackerError("no such file", path=path)
    return files


def _faces_of(file: Path, picture: Picture, detector: Detector | None, margin: float) -> list[tuple[str, Picture]]:
    if detector is None:
        return [(file.as_posix(), picture)]
    found = detector.detect(picture).pixels
    return [(f"{file.as_posix()}#{number}", cut_face(picture, box, margin)) for number, box in enumerate(found)]


def _answer(classifier: Classifier, waiting: Sequence[tuple[str, Picture, str | None]]) -> list[FaceAnswer]:
    answers = classifier.classify([picture for _, picture, _ in waiting])
    # Only what the sheet needs is kept of a picture: a thousand photos of a camera do not fit into memory.
    return [
        FaceAnswer(name, answer, truth, _small(picture))
        for (name, picture, truth), answer in zip(waiting, answers, strict=True)
    ]


def _small(picture: Picture, side: int = 160) -> Picture:
    scale = side / max(picture.shape[:2])
    return picture.copy() if scale >= 1 else cv2.resize(picture, None, fx=scale, fy=scale, interpolation=cv2.INTER_AREA)


def as_csv(rows: Sequence[FaceAnswer], classes: Sequence[str], top: int) -> str:
    """The answers as CSV text: id, class, probability, then the `top` best classes and their probabilities."""
    columns = ["id", "class", "probability"]
    columns += [f"{what}_{place}" for place in range(1, top + 1) for what in ("class", "probability")]
    truths = any(row.truth is not None for row in rows)
    text = io.StringIO()
    writer = csv_files.writer(text, lineterminator="\n")
    writer.writerow([*columns, "truth"] if truths else columns)
    for row in rows:
        best = np.argsort(-row.probabilities, kind="stable")[:top]
        ranked = [value for k in best for value in (classes[k], f"{row.probabilities[k]:.4f}")]
        cells = [row.id, ranked[0], ranked[1], *ranked]
        writer.writerow([*cells, row.truth or ""] if truths else cells)
    return text.getvalue()


def as_table(rows: Sequence[FaceAnswer], classes: Sequence[str], columns: Sequence[str]) -> str:
    """The answers as CSV text with these columns, in the order of the ids: as Kaggle and the write-up want them.

    `id` is the number in the file's name (dog.113.jpg and 113.jpg: 113), or the name. `label` is the probability of the
    second class where there are two (cat, dog: 1 is a dog), else the class. `class`, `probability`, `truth` and `file`
    are what they are in the other table.
    """
    told = []
    for row in rows:
        best = int(row.probabilities.argmax())
        label = f"{row.probabilities[1]:.6f}" if len(classes) == 2 else classes[best]
        sure = f"{row.probabilities[best]:.4f}"
        values = (_id_of(row.id), label, classes[best], sure, row.truth or "", row.id)
        told.append(dict(zip(COLUMNS, values, strict=True)))
    numbers = all(row["id"].isdigit() for row in told)
    told.sort(key=lambda row: (int(row["id"]) if numbers else 0, row["id"]))
    text = io.StringIO()
    writer = csv_files.DictWriter(text, columns, extrasaction="ignore", lineterminator="\n")
    writer.writeheader()
    writer.writerows(told)
    return text.getvalue()


def _id_of(name: str) -> str:
    """The number that ends a file's name, without zeros before it, or the name without its ending."""
    found = re.fullmatch(r"(.*?)(\.[^.#]+)?(#\d+)?", Path(name).name)
    stem, face = (found[1], found[3] or "") if found else (name, "")
    last = stem.rpartition(".")[2]
    return (str(int(last)) if last.isdecimal() else stem) + face


def _columns(text: str) -> list[str]:
    columns = [name.strip() for name in text.split(",")]
    for name in columns:
        if name not in COLUMNS:
            raise FaceTrackerError(f"--columns {text}: no column is called {name!r}", fix=way_out(name, COLUMNS))
    return columns


def _ranked(row: FaceAnswer, classes: Sequence[str], top: int) -> str:
    """`faces/a.jpg: with_mask 0.98, without_mask 0.02`."""
    best = np.argsort(-row.probabilities, kind="stable")[:top]
    return f"{row.id}: " + ", ".join(f"{classes[k]} {row.probabilities[k]:.4f}" for k in best)


def _to_show(rows: Sequence[FaceAnswer], most: int) -> list[FaceAnswer]:
    """At most so many rows, evenly over all of them."""
    return [rows[int(i)] for i in np.linspace(0, len(rows) - 1, min(most, len(rows))).round()]


def _title(row: FaceAnswer, classes: Sequence[str]) -> Tile:
    best = int(row.probabilities.argmax())
    caption = f"{classes[best].replace('_', ' ')} {row.probabilities[best]:.2f}"
    if row.truth is not None:
        return answer_tile(row.picture, caption, classes[best] == row.truth)
    value = class_colour(classes[best], best).lstrip("#")
    red, green, blue = (int(int(value[i : i + 2], 16) * 0.8) for i in (0, 2, 4))  # darker: it is read on white
    return Tile(row.picture, caption, colour=(blue, green, red))
