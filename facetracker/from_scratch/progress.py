"""A progress bar that needs nothing."""

from __future__ import annotations

import sys
import time
from typing import TextIO


class ProgressBar:
    """One line that fills up: `epoch 3/10 [########--------] 12/24  loss 0.412  1.9 s`.

    On a terminal the line is written over; anywhere else (a file, a notebook's log) only the finished line is printed.
    """

    WIDTH = 24

    def __init__(self, title: str, total: int, stream: TextIO | None = None) -> None:
        self.title = title
        self.total = total
        self.done = 0
        self._stream = sys.stdout if stream is None else stream
        self._live = self._stream.isatty()
        self._start = time.perf_counter()

    def step(self, note: str) -> None:
        """One more batch is done."""
        self.done += 1
        if self._live:
            self._stream.write("\r" + self._line(note))
            self._stream.flush()

    def finish(self, note: str) -> None:
        """The last state of the line, and on to the next."""
        # Spaces wipe out what a longer line before left over.
        self._stream.write(("\r" if self._live else "") + self._line(note) + ("   " if self._live else "") + "\n")
        self._stream.flush()

    def _line(self, note: str) -> str:
        filled = self.WIDTH * self.done // max(self.total, 1)
        bar = "#" * filled + "-" * (self.WIDTH - filled)
        return f"{self.title} [{bar}] {self.done}/{self.total}  {note}  {time.perf_counter() - self._start:.1f} s"
