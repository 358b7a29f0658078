"""Which class names are right, and what a wrong one probably means."""

from __future__ import annotations

import difflib
from collections import Counter
from collections.abc import Iterator, Sequence
from pathlib import Path

from facetracker.core.settings import nearest
from facetracker.labels.audit.checks import CheckedPhoto, Finding

LABELS_FILE = "labels.txt"  # the class names, one a line; `facetracker annotate` writes it


def listed_classes(data: Path) -> list[str]:
    """The class names in `data/labels.txt`; none when there is no such file."""
    path = data / LABELS_FILE
    if not path.is_file():
        return []
    lines = path.read_text(encoding="utf-8", errors="replace").splitlines()
    return [line.strip() for line in lines if line.strip() and not line.startswith("__")]


def wrong_classes(seen: list[CheckedPhoto], classes: Sequence[str], counts: Counter[str]) -> Iterator[Finding]:
    """Labels that are not in `classes`; without a list, rare labels that look like a frequent one misspelt."""
    right = {name: right_name(name, classes, counts) for name in counts}
    for one in seen:
        for name, times in Counter(one.labels).items():
            if right[name] != name:
                guess = f", {right[name]}?" if right[name] else ""
                yield Finding(one.photo, "wrong class", f"{name}{f' (x{times})' if times > 1 else ''}{guess}")


def right_name(name: str, classes: Sequence[str], counts: Counter[str]) -> str | None:
    """The class that a label means: itself when it is right, the nearest right one, or None.

    Without `classes` a label is taken for a misspelling of one ten times as frequent that looks like it.
    """
    if classes:
        return name if name in classes else nearest(name.strip().lower(), classes)
    for other, often in counts.most_common():
        if often < 10 * counts[name]:
            break
        same = other.strip().lower() == name.strip().lower()
        if same or difflib.SequenceMatcher(None, other, name).ratio() >= 0.7:
            return other
    return name
