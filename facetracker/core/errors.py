"""What goes wrong, said so that a person can act on it.

A `FaceTrackerError` is a person's mistake or a bad file. It prints as one line (which file, what, the way out),
and the command line ends with exit code 2; `--debug` shows the traceback. Anything else that escapes is our bug.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

EXIT_MISTAKE = 2
EXIT_REJECTS = 3
NAMED = 3  # files left out for one reason that are named one by one


class FaceTrackerError(Exception):
    """One line for a person: `PATH: FAULT. FIX`."""

    def __init__(self, fault: str, *, path: str | Path | None = None, fix: str | None = None):
        self.fault = one_line(fault)
        self.path = Path(path) if isinstance(path, str) else path
        self.named = path  # as it is shown: an address would lose a slash as a path
        self.fix = None if fix is None else one_line(fix)
        super().__init__(str(self))

    def __str__(self) -> str:
        line = self.fault if self.path is None else f"{self.named}: {self.fault}"
        return line if self.fix is None else f"{line.rstrip('.')}. {self.fix}"

    def __reduce__(self):  # worker processes hand errors back pickled; the default would lose the keywords
        return (_rebuild, (type(self), self.fault, self.named, self.fix))


def _rebuild(kind, fault, path, fix):
    return kind(fault, path=path, fix=fix)


class BadFile(FaceTrackerError):
    """A file that is not what its place says it is: damaged, of the wrong kind, out of range."""


@dataclass
class Rejects:
    """What a long job left out, and why: counted, listed at the end and in a file.

    >>> rejects = Rejects()
    >>> rejects.add("a.jpg", "truncated")
    >>> len(rejects)
    1
    """

    rows: list[tuple[str, str]] = field(default_factory=list)

    def add(self, path: str | Path, why: str | Exception) -> None:
        """Note one file left out; of an error only its fault is kept (the path stands beside it)."""
        reason = why.fault if isinstance(why, FaceTrackerError) else one_line(str(why))
        self.rows.append((str(path), reason))

    def __len__(self) -> int:
        return len(self.rows)

    def __iter__(self) -> Iterator[tuple[str, str]]:
        return iter(sorted(self.rows))

    def as_text(self) -> str:
        """One line a file, sorted, `PATH<tab>WHY`: the content of the rejects file."""
        return "".join(f"{path}\t{why}\n" for path, why in self)

    def lines(self) -> list[str]:
        """What a person is told at the end: the files by their reason, many of one kind counted."""
        kinds: dict[str, list[str]] = {}
        for path, why in self:
            kinds.setdefault(why, []).append(path)
        lines = []
        for why, paths in kinds.items():
            if len(paths) <= NAMED:
                lines += [f"left out: {path}: {why}" for path in paths]
            else:
                lines.append(f"left out: {len(paths):,} files: {why} ({', '.join(paths[:NAMED])} ...)")
        return lines

    @property
    def exit_code(self) -> int:
        return EXIT_REJECTS if self.rows else 0


def one_line(text: str) -> str:
    """The text without line breaks and runs of blanks: libraries like to raise paragraphs."""
    return " ".join(str(text).split())
