"""What a person sees in the terminal: one line a message, a progress bar with rate and time left.

On a terminal a long job shows rich's bar; elsewhere (a log, CI, a pipe) plain lines at most every few seconds,
because a bar written into a file is thousands of control characters. `--quiet` silences both; errors still show.
"""

from __future__ import annotations

import os
import re
import sys
import time
from collections.abc import Iterable, Iterator, Sized
from contextlib import contextmanager, suppress
from typing import Any, TextIO, TypeVar

T = TypeVar("T")

quiet = False
aside = False  # messages go to stderr: stdout belongs to a command's own lines
# Control characters but for tab and line break, those that change the direction of writing, halves of characters.
STEERING = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069\ud800-\udfff]")
PLAIN_EVERY = 5.0  # seconds between two plain progress lines


def shown(text: str, lines: bool = True) -> str:
    """Text as it may go to a terminal: what would steer it, or turn the writing around, stands there as `\\x1b`.

    Names of files and labels come from others. Line breaks stay with `lines`.
    """
    plain = STEERING.sub(lambda found: found[0].encode("unicode_escape").decode(), text)
    return plain if lines else " ".join(plain.split())


def counted(number: int, what: str) -> str:
    """`1 photo`, `1,200 photos`."""
    return f"{number:,} {what}{'' if number == 1 else 's'}"


def say(*messages: str) -> None:
    """One line for a person, or several, on stdout (within `on_stderr` there); nothing with `--quiet`."""
    if not quiet:
        print(*map(shown, messages), sep="\n", file=sys.stderr if aside else sys.stdout, flush=True)


@contextmanager
def on_stderr() -> Iterator[None]:
    """Everything said to a person goes to stderr, for a command whose stdout is read by other programs."""
    global aside
    before, aside = aside, True
    try:
        yield
    finally:
        aside = before


def warn(message: str) -> None:
    """One line of warning, on stderr; also with `--quiet`."""
    print(f"warning: {shown(message)}", file=sys.stderr, flush=True)


class ProgressLine:
    """Counts the steps of one long job; made by `progress`."""

    def __init__(self, what: str, total: int | None, unit: str, stream: TextIO):
        self.what, self.total, self.unit, self.stream = what, total, unit, stream
        self.done = 0
        self.started = self._last = time.monotonic()
        self._bar: Any = None

    def advance(self, steps: int = 1) -> None:
        """So many more steps are done."""
        self.done += steps
        if self._bar is not None:
            self._bar.update(self._bar.task_ids[0], advance=steps, rate=self.rate)
        elif not quiet and time.monotonic() - self._last >= PLAIN_EVERY:
            self._last = time.monotonic()
            print(shown(self.line()), file=self.stream, flush=True)

    @property
    def rate(self) -> float:
        """Steps per second since the start."""
        return self.done / max(time.monotonic() - self.started, 1e-9)

    def line(self, left: bool = True) -> str:
        """The state as plain text: `augment: 120/600 photos, 85.3/s, 6 s left` (the end only if `left`)."""
        count = f"{self.done}" if self.total is None else f"{self.done}/{self.total}"
        line = f"{self.what}: {count} {self.unit}, {self.rate:.1f}/s"
        if left and self.total is not None and 0 < self.done < self.total:
            line += f", {duration((self.total - self.done) / self.rate)} left"
        return line


@contextmanager
def progress(what: str, total: int | None = None, unit: str = "photos") -> Iterator[ProgressLine]:
    """Show the progress of a long job on stderr; ends with one line that says how many and how fast."""
    meter = ProgressLine(what, total, unit, sys.stderr)
    if quiet or not sys.stderr.isatty():
        yield meter
    else:
        with _rich_bar(meter):
            yield meter
    if not quiet:
        print(f"{meter.line(left=False)}, {duration(time.monotonic() - meter.started)}", file=sys.stderr, flush=True)


@contextmanager
def _rich_bar(meter: ProgressLine) -> Iterator[None]:
    from rich.console import Console
    from rich.progress import BarColumn, MofNCompleteColumn, TextColumn, TimeRemainingColumn
    from rich.progress import Progress as RichProgress

    columns = (
        TextColumn("{task.description}"),
        BarColumn(),
        MofNCompleteColumn(),
        TextColumn("{task.fields[rate]:.1f}/s"),
        TimeRemainingColumn(),
    )
    with RichProgress(*columns, console=Console(stderr=True), transient=True) as bar:
        bar.add_task(shown(meter.what), total=meter.total, rate=0.0)
        meter._bar = bar
        yield


def track(items: Iterable[T], what: str, total: int | None = None, unit: str = "photos") -> Iterator[T]:
    """Iterate with progress; `total` defaults to the length, where there is one."""
    if total is None and isinstance(items, Sized):
        total = len(items)
    with progress(what, total, unit) as meter:
        for item in items:
            yield item
            meter.advance()


@contextmanager
def redirected(target: int, *numbers: int) -> Iterator[None]:
    """Whatever is written to these file descriptors, even by C++, goes to `target`; one that is closed is left so."""
    sys.stdout.flush()
    sys.stderr.flush()
    kept: dict[int, int] = {}
    for number in numbers:
        with suppress(OSError):
            kept[number] = os.dup(number)
    try:
        for number in kept:
            os.dup2(target, number)
        yield
    finally:
        sys.stdout.flush()
        sys.stderr.flush()
        for number, copy in kept.items():
            os.dup2(copy, number)
            os.close(copy)


@contextmanager
def silenced(*numbers: int) -> Iterator[None]:
    """Nothing on stdout and stderr (or these file descriptors), not even from C++: for libraries that print pages of
    which none is for a person."""
    with open(os.devnull, "wb") as nowhere, redirected(nowhere.fileno(), *(numbers or (1, 2))):
        yield


def duration(seconds: float) -> str:
    """Seconds as a person says them: `0.4 s`, `12 s`, `3 min 05 s`, `2 h 10 min`."""
    if seconds < 10:
        return f"{seconds:.1f} s"
    if seconds < 60:
        return f"{seconds:.0f} s"
    minutes, rest = divmod(round(seconds), 60)
    if minutes < 60:
        return f"{minutes} min {rest:02d} s"
    return f"{minutes // 60} h {minutes % 60:02d} min"
