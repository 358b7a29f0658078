"""Streams from the network (RTSP, MJPEG over HTTP, ...): they stall, go silent and come back, or do not."""

from __future__ import annotations

import time
from typing import Any
from urllib.parse import urlsplit, urlunsplit

import cv2

from facetracker.capture.frames import now
from facetracker.capture.video import LiveSource, open_capture, time_limits
from facetracker.core import console
from facetracker.core.errors import FaceTrackerError


class Stream(LiveSource):
    """A live stream. Silent for `timeout` seconds, it is opened again, up to `reconnects` times in a row."""

    def __init__(self, address: str, timeout: float = 5.0, reconnects: int = 5):
        self.address, self.timeout, self.reconnects = address, timeout, reconnects
        self.name = without_password(address)
        self._capture = self._opened()
        if self._capture is None:
            raise FaceTrackerError(
                f"{self.name}: no stream answers within {timeout:g} s",
                fix="Check the address, or play it with ffplay to see what it says.",
            )
        super().__init__(self._capture)
        self._closed = False

    def _opened(self) -> cv2.VideoCapture | None:
        return open_capture(self.address, cv2.CAP_FFMPEG, time_limits(self.timeout))

    def _next(self) -> float | None:
        picture = self._read()
        attempts = 0
        while picture is None and not self._closed:
            if attempts == self.reconnects:
                raise FaceTrackerError(
                    f"{self.name}: the stream fell silent and did not come back after {attempts} attempts",
                    fix="What came until then is kept.",
                )
            attempts += 1
            console.warn(f"{self.name}: the stream fell silent, opening it again ({attempts} of {self.reconnects})")
            self._wait(min(0.25 * 2 ** (attempts - 1), 4.0) if attempts > 1 else 0.0)
            if self._capture is not None:
                self._capture.release()
            self._capture = None if self._closed else self._opened()
            picture = self._read()
        return None if picture is None else self._came(picture)

    def _read(self) -> Any:
        if self._capture is None:
            return None
        try:
            done, picture = self._capture.read()
        except cv2.error:
            return None
        return picture if done else None

    def _wait(self, seconds: float) -> None:
        end = now() + seconds
        while not self._closed and now() < end:
            time.sleep(0.05)

    def interrupt(self) -> None:
        self._closed = True

    def close(self) -> None:
        self._closed = True
        if self._capture is not None:
            self._capture.release()


def without_password(address: str) -> str:
    """The address as it may stand in a message: `rtsp://user:***@host/...`."""
    parts = urlsplit(address)
    if parts.password is None:
        return address
    host = parts.netloc.rpartition("@")[2]
    return urlunsplit(parts._replace(netloc=f"{parts.username}:***@{host}"))
