"""Which class names are right, and what a wrong one probably means."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from pathlib import Path
from shlex import quote

from facetracker.core.errors import FaceTrackerError
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

    Without `classes` a label counts as a slip of one that occurs more often and reads the same but for capitals and
    blanks, or differs by a letter (two of a long word) and is much rarer. Classes may well be alike: `mask`, `no_mask`.
    """
    if classes:
        return name if name in classes else nearest(name.strip().lower(), classes)
    for other in sorted(counts, key=lambda one: (one != one.strip(), -counts[one], one != one.lower(), one)):
        if other == name:
            break
        if _plain(other) == _plain(name):
            return other
        letters = _letters_apart(other, name)
        if letters == 1 and len(other) >= 4 and counts[other] >= 3 * counts[name]:
            return other
        if letters == 2 and len(other) >= 7 and counts[other] >= 10 * counts[name]:
            return other
    return name


def refuse_slips(folder: Path, counts: Counter[str], augmented: bool = False) -> None:
    """Stop before a network learns a slip of the keyboard as a class of its own; `labels.txt` says what is right."""
    listed = listed_classes(folder)
    meant = {name: right_name(name, listed, counts) for name in sorted(counts)}
    slips = {name: right for name, right in meant.items() if right is not None and right != name}
    if not slips:
        return
    told = ", ".join(f'"{name}" ({counts[name]}) for "{right}" ({counts[right]})' for name, right in slips.items())
    rename = " ".join(f"--rename {quote(f'{name}={right}')}" for name, right in slips.items())
    fix = f"facetracker audit {'DATA' if augmented else quote(str(folder))} {rename}"
    again = ", then augment again" if augmented else ""
    raise FaceTrackerError(
        f"has labels that look mistyped: {told}",
        path=folder,
        fix=f"{fix} corrects them{again}; if they are classes of their own, list all of them in labels.txt there.",
    )


def _plain(name: str) -> str:
    return " ".join(name.split()).casefold()


def _letters_apart(one: str, other: str) -> int:
    """How many slips make one word of the other: a letter wrong, missing, too many, or two of them swapped."""
    if abs(len(one) - len(other)) > 2:
        return 3
    before: list[int] = []
    row = list(range(len(other) + 1))
    for i, letter in enumerate(one, start=1):
        earlier, before, row = before, row, [i]
        for j, its in enumerate(other, start=1):
            least = min(before[j] + 1, row[j - 1] + 1, before[j - 1] + (letter != its))
            if i > 1 and j > 1 and letter == other[j - 2] and one[i - 2] == its:
                least = min(least, earlier[j - 2] + 1)
            row.append(least)
    return row[-1]
