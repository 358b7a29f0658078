"""`Frame` and `Source`: what every kind of camera hands out, and how it is asked."""

from __future__ import annotations

import time
from abc import ABC, abstractmethod
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from facetracker.core.photo import Picture


@dataclass(frozen=True)
class Frame:
    """One picture of a source.

    `picture` is `(H, W, 3)` uint8 BGR, upright. `index` counts the source's frames from 0, also those left out.
    `time` is its place in seconds from the source's beginning; `taken` is when it was taken on `time.monotonic()`'s
    clock, so that a live loop knows how old it is. `path` is the file of a still; `truth` what a drawn scene knows.
    """

    picture: Picture
    index: int
    time: float
    taken: float
    path: Path | None = None
    truth: Any = None


class Source(ABC):
    """Where frames come from; iterate once, close after (or use `with`).

    `live`: frames come at their own pace whether read or not (camera, stream), so the newest counts; otherwise every
    frame counts. `stills`: unrelated photos, not a film. `fps`, `count`, `width`, `height` are None when unknown.
    `start`, `stop` (seconds), `stride` (every so many frames) and `every` (seconds between frames) choose a part; a
    frame passed over is not even unpacked.
    """

    live = False
    stills = False
    name: str
    fps: float | None = None
    count: int | None = None
    width: int | None = None
    height: int | None = None
    start: float = 0.0
    stop: float | None = None
    stride: int = 1
    every: float = 0.0

    @abstractmethod
    def _next(self) -> float | None:
        """Go on to the next frame without unpacking it: its time in seconds, or None at the end."""

    @abstractmethod
    def _frame(self) -> Frame | None:
        """The frame gone to, unpacked; None when it cannot be (it is passed over then)."""

    def interrupt(self) -> None:  # noqa: B027 - most sources never wait, so most have nothing to do here
        """End soon, though it waits for a frame or tries to connect; may be called from any thread."""

    @abstractmethod
    def close(self) -> None:
        """Give the device or file back, from the thread that reads; harmless when done twice."""

    def __iter__(self) -> Iterator[Frame]:
        due, passed = self.start, 0
        while (time := self._next()) is not None:
            if self.stop is not None and time >= self.stop:
                return
            if time < self.start:
                continue
            passed += 1
            if (passed - 1) % self.stride or time < due - 1e-6:
                continue
            if self.every > 0:
                due += self.every * ((time - due + 1e-6) // self.every + 1)
            if (frame := self._frame()) is not None:
                yield frame

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self.close()


def now() -> float:
    """The clock of `Frame.taken`."""
    return time.monotonic()
