"""Found and false alarms by group: for whom, and in which light, a model works worse.

A person says which photo belongs to which group, in a CSV file with a line a photo: its name, then a column for each
question that was asked about it (light, age, skin type, cover, source ...). What nobody has written down cannot be
measured: a file without a group says nothing about it.
"""

from __future__ import annotations

import csv
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from facetracker.core.errors import BadFile
from facetracker.reports.evaluation.judged import JudgedPhoto, match

# A box that overlaps a face by so much has found it: people draw faces differently, and here it is about finding.
FOUND_IOU = 0.4
# A column with more values than this is a number or a name, and no group.
MOST_VALUES = 30
Z = 1.96  # of the normal distribution: 95 of 100 lie within


@dataclass(frozen=True)
class Proportion:
    """So many `of` so many, and between which shares the truth lies in 95 of 100 cases (Wilson's interval)."""

    count: int
    of: int

    @property
    def value(self) -> float | None:
        """The share in 0..1; None of nothing."""
        return self.count / self.of if self.of else None

    @property
    def bounds(self) -> tuple[float, float] | None:
        """The lower and the upper end of the interval; None of nothing."""
        if not self.of:
            return None
        share, each = self.count / self.of, Z**2 / self.of
        middle = (share + each / 2) / (1 + each)
        reach = Z * np.sqrt(share * (1 - share) / self.of + each / (4 * self.of)) / (1 + each)
        return max(0.0, float(middle - reach)), min(1.0, float(middle + reach))

    def __str__(self) -> str:
        if self.value is None or self.bounds is None:
            return "-"
        low, high = self.bounds
        return f"{self.value:.1%} ({low:.1%} to {high:.1%}) of {self.of:,}"


@dataclass(frozen=True)
class GroupRow:
    """One group of photos: `question` is the column, `answer` its value; faces found, photos with a wrong box."""

    question: str
    answer: str
    photos: int
    found: Proportion
    alarms: Proportion

    def as_dict(self) -> dict[str, object]:
        """Plain values for `metrics.json`."""
        return {
            "question": self.question,
            "answer": self.answer,
            "photos": self.photos,
            "faces": self.found.of,
            "found": self.found.value,
            "found_95": self.found.bounds,
            "photos_with_false_alarm": self.alarms.value,
            "photos_with_false_alarm_95": self.alarms.bounds,
        }


@dataclass(frozen=True)
class Groups:
    """What a CSV file says: of each question the answer for each photo's name; columns that are no groups."""

    path: Path
    answers: dict[str, dict[str, str]]
    left_out: list[str]

    def rows(self, photos: Sequence[JudgedPhoto], threshold: float) -> list[GroupRow]:
        """A row for every answer that occurs, at a threshold; photos that the file does not name count nowhere."""
        by_name = {name: photo for photo in photos for name in (Path(photo.name).name, Path(photo.name).stem)}
        rows = []
        for question, answers in self.answers.items():
            members: dict[str, dict[str, JudgedPhoto]] = {}
            for name, answer in answers.items():
                if name in by_name and answer:
                    members.setdefault(answer, {})[by_name[name].name] = by_name[name]
            rows += [_row(question, answer, members[answer], threshold) for answer in sorted(members)]
        return rows

    def named(self, photos: Sequence[JudgedPhoto]) -> int:
        """How many of these photos the file names."""
        known = {name for answers in self.answers.values() for name in answers}
        return sum(Path(photo.name).name in known or Path(photo.name).stem in known for photo in photos)


def _row(question: str, answer: str, photos: Mapping[str, JudgedPhoto], threshold: float) -> GroupRow:
    found, faces, alarms = 0, 0, 0
    for photo in photos.values():
        taken = match(photo.above(threshold), FOUND_IOU, by_class=False).face
        found += int((taken >= 0).sum())
        faces += len(photo.truth)
        alarms += bool((taken < 0).any())
    return GroupRow(question, answer, len(photos), Proportion(found, faces), Proportion(alarms, len(photos)))


def read_groups(path: str | Path) -> Groups:
    """The groups of a CSV file: its first column names photos (with or without the ending), the others are questions.

    Columns with more than MOST_VALUES different values are left out: they are numbers or names.
    """
    path = Path(path)
    try:
        with path.open(newline="", encoding="utf-8-sig") as file:
            lines = [line for line in csv.reader(file) if any(cell.strip() for cell in line)]
    except FileNotFoundError:
        raise BadFile("does not exist", path=path) from None
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        raise BadFile(f"is no CSV file ({error})", path=path) from None
    if len(lines) < 2 or len(lines[0]) < 2:
        raise BadFile(
            "has no groups",
            path=path,
            fix="A line of titles (photo,light,age), then a line a photo (me_1.jpg,dark,30).",
        )
    titles = [title.strip() for title in lines[0]]
    answers: dict[str, dict[str, str]] = {}
    left_out = []
    for number, title in enumerate(titles[1:], start=1):
        column = {line[0].strip(): line[number].strip() for line in lines[1:] if len(line) > number}
        if len(set(column.values()) - {""}) > MOST_VALUES:
            left_out.append(title)
        elif title:
            answers[title] = column
    if not answers:
        raise BadFile(f"has only columns with more than {MOST_VALUES} different values: no groups", path=path)
    return Groups(path, answers, left_out)
