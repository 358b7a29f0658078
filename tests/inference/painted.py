"""Frames with green squares (which the test networks find), as films and as live sources."""

from __future__ import annotations

import time
from collections.abc import Iterator
from pathlib import Path

import cv2
import numpy as np

from facetracker.capture.frames import Frame, Source, now
from facetracker.core.errors import FaceTrackerError

GREEN = (0, 255, 0)


def frame_with(*centres: tuple[int, int], side: int = 64, width: int = 320, height: int = 240) -> np.ndarray:
    """A grey frame with a green square around each centre (x, y)."""
    picture = np.full((height, width, 3), 60, np.uint8)
    for x, y in centres:
        picture[max(0, y - side // 2) : y + side // 2, max(0, x - side // 2) : x + side // 2] = GREEN
    return picture


def walk(index: int) -> tuple[int, int]:
    """Where the square is in frame `index`: two pixels further to the right in each."""
    return 64 + 2 * index % 192, 128


def film(path: Path, count: int, fps: float = 30.0) -> Path:
    writer = cv2.VideoWriter(str(path), cv2.VideoWriter.fourcc(*"MJPG"), fps, (320, 240))
    assert writer.isOpened()
    for index in range(count):
        writer.write(frame_with(walk(index)))
    writer.release()
    return path


def still_frames(count: int, fps: float = 30.0) -> Iterator[Frame]:
    """The first frames of the walk, one after the other, without a camera's clock."""
    for index in range(count):
        yield Frame(frame_with(walk(index)), index, index / fps, now())


class Painted(Source):
    """A camera that is never late: frames are painted before it starts, and lost when nobody reads them.

    `fails_after`: from this frame on the camera is gone. `stalls`: (frame, seconds) for which nothing comes.
    """

    live = True
    name = "camera of the test"

    def __init__(
        self, count: int, fps: float = 30.0, fails_after: int | None = None, stalls=(10**9, 0.0), size=(320, 240)
    ):
        self.count, self.fps, self.fails_after, self.stalls = count, fps, fails_after, stalls
        self.width, self.height = size
        self.closed = 0
        self._frames = [frame_with(walk(index), width=size[0], height=size[1]) for index in range(96)]
        self._index = -1
        self._began = 0.0

    def _next(self) -> float | None:
        if self._index < 0:
            self._began = now()
        due = int((now() - self._began) * self.fps) if self._index >= 0 else 0
        self._index = max(self._index + 1, due)
        if self.fails_after is not None and self._index >= self.fails_after:
            raise FaceTrackerError(f"{self.name}: no pictures any more", fix="Is it still plugged in?")
        if self._index >= self.count:
            return None
        if self._index >= self.stalls[0]:
            time.sleep(self.stalls[1])
            self.stalls = (10**9, 0.0)
        time.sleep(max(0.0, self._began + self._index / self.fps - now()))
        return self._index / self.fps

    def _frame(self) -> Frame:
        return Frame(self._frames[self._index % 96], self._index, self._index / self.fps, now())

    def close(self) -> None:
        self.closed += 1
