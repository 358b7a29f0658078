"""What a person decides about a film: a list of its faces, a sheet to look at, and both read again.

In the folder lie `faces.csv`, to be changed by hand, `faces.jpg`, which shows the faces **bare**, and `faces.json`:
where they are in each frame, so that the film is not looked through a second time.
"""

from __future__ import annotations

import csv
import io
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from facetracker.core.errors import BadFile, FaceTrackerError
from facetracker.core.files import read_json, write_atomically, write_json
from facetracker.core.photo import Picture, write_jpeg
from facetracker.core.sheet import Tile, sheet
from facetracker.inference.films.film import mark_of
from facetracker.inference.films.sightings import Sightings
from facetracker.inference.hiding.tracks import FilmTrack

LIST, RECORD, SHEET = "faces.csv", "faces.json", "faces.jpg"
COLUMNS = ("number", "hide", "from", "to", "score", "doubt")
TILES, TILE, ACROSS = 120, 160, 8  # tiles at most, pixels, and how many in a row
AROUND = 2.2  # how much is shown around a face, in sizes of it
BRIEF = 0.2  # seconds: what is not hidden and is shorter than this is noise


@dataclass
class HidingPlan:
    """What is hidden in a film: its tracks, and the stamps and times of its frames."""

    tracks: list[FilmTrack]
    stamps: list[int]
    times: list[float]
    size: tuple[int, int]
    pictures: dict[int, Picture] = field(default_factory=dict)  # of a track by its number, for the sheet

    @classmethod
    def of(cls, tracks: list[FilmTrack], seen: Sightings) -> HidingPlan:
        """The plan from the first pass."""
        brief = max(1, round(BRIEF / seen.step))
        told = [one for one in tracks if one.hidden or (one.scores > 0).sum() >= brief]
        return cls(told, seen.stamps, seen.times, (seen.width, seen.height))

    @property
    def doubtful(self) -> list[FilmTrack]:
        """The tracks that a person should look at."""
        return [one for one in self.tracks if one.doubt]

    def span(self, one: FilmTrack) -> tuple[float, float]:
        """When a track begins and ends, seconds."""
        return self.times[one.first], self.times[one.last]

    def shown_in(self, one: FilmTrack) -> int:
        """The frame in which a track is shown on the sheet: where it is seen best."""
        return one.first + int(one.scores.argmax())

    def write(self, folder: Path, film: Path) -> None:
        """Leave the list, the record and the sheet in a folder."""
        write_json(folder / RECORD, {"film": mark_of(film), **self._as_json()})
        write_atomically(folder / LIST, self._as_csv())
        tiles = [self._tile(one) for one in sorted(self.tracks, key=lambda one: not one.doubt)[:TILES]]
        if tiles:
            write_jpeg(folder / SHEET, sheet(tiles, ACROSS, TILE))

    def _tile(self, one: FilmTrack) -> Tile:
        start, end = self.span(one)
        detail = one.doubt or ("hidden" if one.hidden else "not hidden")
        return Tile(self.pictures.get(one.number), f"{one.number}: {start:.1f}-{end:.1f} s", detail)

    def take_picture(self, one: FilmTrack, frame: Picture) -> None:
        """Keep what a track shows in its frame `(H, W, 3)`, with some of what is around it."""
        scale = frame.shape[1] / self.size[0]
        x1, y1, x2, y2 = one.boxes[self.shown_in(one) - one.first] * scale
        reach = max(x2 - x1, y2 - y1) * AROUND / 2
        x, y = (x1 + x2) / 2, (y1 + y2) / 2
        rows = slice(max(0, round(y - reach)), max(1, round(y + reach)))
        columns = slice(max(0, round(x - reach)), max(1, round(x + reach)))
        part = frame[rows, columns]
        if part.size:
            self.pictures[one.number] = part.copy()

    def _as_csv(self) -> str:
        text = io.StringIO()
        table = csv.writer(text, lineterminator="\n")
        table.writerow(COLUMNS)
        for one in self.tracks:
            start, end = self.span(one)
            answer = "yes" if one.hidden else "no"
            table.writerow([one.number, answer, f"{start:.3f}", f"{end:.3f}", f"{one.scores.max():.2f}", one.doubt])
        return text.getvalue()

    def _as_json(self) -> dict[str, Any]:
        return {
            "size": list(self.size),
            "stamps": self.stamps,
            "times": [round(time, 4) for time in self.times],
            "faces": [
                {
                    "number": one.number,
                    "first": one.first,
                    "hide": one.hidden,
                    "doubt": one.doubt,
                    "boxes": one.boxes.round(1).tolist(),
                    "scores": one.scores.round(3).tolist(),
                }
                for one in self.tracks
            ],
        }


def read_plan(answers: Path, film: Path) -> HidingPlan:
    """The plan that lies beside a list of answers, as the person who filled it in wants it."""
    record = answers.with_name(RECORD)
    content = read_json(record)
    try:
        if content["film"] != mark_of(film):
            fix = "Leave --except out and use --check: the film is looked through again."
            raise FaceTrackerError(f"belongs to another film than {film}", path=record, fix=fix)
        tracks = [
            FilmTrack(
                int(one["number"]),
                int(one["first"]),
                np.reshape(_finite(one["boxes"]), (-1, 4)),
                _finite(one["scores"]).reshape(-1),
                bool(one["hide"]),
                str(one["doubt"]),
            )
            for one in content["faces"]
        ]
        stamps = [int(stamp) for stamp in content["stamps"]]
        width, height = (int(side) for side in content["size"])
        plan = HidingPlan(tracks, stamps, _finite(content["times"]).reshape(-1).tolist(), (width, height))
        whole = len(plan.stamps) == len(plan.times) and all(len(one.boxes) == len(one.scores) for one in tracks)
        if not whole or not all(0 <= one.first <= one.last < len(plan.times) for one in tracks):
            raise ValueError("frames and faces do not agree")
    except (KeyError, TypeError, ValueError, OverflowError) as error:
        raise BadFile(f"is no record of a film's faces ({error})", path=record, fix="Run again with --check.") from None
    _answer(plan, answers)
    return plan


def _finite(values: Any) -> NDArray[np.float64]:
    """Numbers of a record as an array; what is no number, or none that a frame can have, is a ValueError."""
    numbers = np.array(values, np.float64)
    if not np.isfinite(numbers).all():
        raise ValueError("not all of its numbers are finite")
    return numbers


def _answer(plan: HidingPlan, answers: Path) -> None:
    """Apply the list: who is hidden, and from when to when."""
    known, times = {one.number: one for one in plan.tracks}, np.array(plan.times)
    try:
        with answers.open(newline="", encoding="utf-8-sig") as file:
            rows = list(csv.DictReader(file))
    except (OSError, ValueError, csv.Error) as error:
        raise BadFile(f"cannot be read ({error})", path=answers) from None
    for line, row in enumerate(rows, 2):
        try:
            one, answer = known[int(row["number"])], row["hide"].strip().lower()
            start, end = float(row["from"]), float(row["to"])
            if answer not in ("yes", "no") or not -np.inf < start <= end < np.inf:
                raise ValueError(answer)
        except (KeyError, TypeError, ValueError, AttributeError):  # a row too long, or a field that is missing
            fix = "A line is number,hide,from,to with yes or no and seconds."
            raise BadFile(f"line {line} is no answer", path=answers, fix=fix) from None
        one.hidden = answer == "yes"
        _stretch(one, times, start, end)


def _stretch(one: FilmTrack, times: NDArray[np.float64], start: float, end: float) -> None:
    """Let a track begin and end when a person says; beyond what is known its box stays where it is."""
    first, last = (int(np.abs(times - time).argmin()) for time in (start, end))
    frames = np.clip(np.arange(first, last + 1), one.first, one.last) - one.first
    sighted = np.arange(first, last + 1) == frames + one.first
    one.first, one.boxes, one.scores = first, one.boxes[frames], np.where(sighted, one.scores[frames], 0.0)
