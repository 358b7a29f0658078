"""Video files, read whole, in order, upright; and cameras. What OpenCV does not say is said here."""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import cv2

from facetracker.capture.frames import Frame, Source, now
from facetracker.core import console
from facetracker.core.errors import BadFile, FaceTrackerError
from facetracker.core.photo import Picture

# FFmpeg and V4L2 write to stderr as they please. Both read these when the first video is opened, not at the import.
os.environ.setdefault("OPENCV_FFMPEG_LOGLEVEL", "-8")
# V4L2 waits ten seconds for a frame of a camera that was pulled out.
os.environ.setdefault("OPENCV_VIDEOIO_V4L_SELECT_TIMEOUT", "3")

USUAL_FPS = 30.0
ENDS_EARLY = 0.95  # a film with less than this share of its frames ended in garbage, not by rounding


@contextmanager
def quiet_opencv() -> Iterator[None]:
    """OpenCV reports a missing camera with four lines on stderr; we say it in one."""
    level = cv2.utils.logging.getLogLevel()
    cv2.utils.logging.setLogLevel(0)
    try:
        yield
    finally:
        cv2.utils.logging.setLogLevel(level)


def open_capture(where: str | int, api: int = cv2.CAP_ANY, parameters: Sequence[int] = ()) -> cv2.VideoCapture | None:
    """An opened capture, or None; without noise and without exceptions."""
    with quiet_opencv():
        try:
            capture = cv2.VideoCapture(where, api, list(parameters))
        except cv2.error:
            return None
    if capture.isOpened():
        return capture
    capture.release()
    return None


def time_limits(seconds: float) -> list[int]:
    """Parameters of a capture that ends its waiting; set when it is open they do nothing, and silence hangs 30 s."""
    limit = int(seconds * 1000)
    return [cv2.CAP_PROP_OPEN_TIMEOUT_MSEC, limit, cv2.CAP_PROP_READ_TIMEOUT_MSEC, limit]


def sensible_fps(value: float) -> float | None:
    """The frame rate that a file or camera claims, or None where the claim is nonsense (0, NaN, 90000, ...)."""
    return float(value) if 0.5 <= value <= 480 else None


def sensible_count(value: float) -> int | None:
    """The number of frames that a file claims, or None where the claim is nonsense (-1, 1e18, ...)."""
    return int(value) if 1 <= value < 1e8 else None


class VideoFile(Source):
    """A film on disk, or one at an address that ends like a file."""

    def __init__(self, path: str | Path, parameters: Sequence[int] = ()):
        self.name = str(path)
        capture = open_capture(self.name, cv2.CAP_FFMPEG if parameters else cv2.CAP_ANY, parameters)
        if capture is None:
            raise BadFile("is not a video that can be read", path=path, fix="ffmpeg can convert it: -c:v mpeg4 out.mp4")
        self._capture = capture
        self.fps = sensible_fps(capture.get(cv2.CAP_PROP_FPS)) or USUAL_FPS
        self.count = sensible_count(capture.get(cv2.CAP_PROP_FRAME_COUNT))
        self.width = int(capture.get(cv2.CAP_PROP_FRAME_WIDTH)) or None
        self.height = int(capture.get(cv2.CAP_PROP_FRAME_HEIGHT)) or None
        self._index = -1
        self._time = -1.0

    def _next(self) -> float | None:
        if not self._capture.isOpened() or not self._capture.grab():
            self._ended()
            return None
        self._index += 1
        # Phones record at a varying rate, so the file's own times count, unless they stand still or run backwards.
        time = self._capture.get(cv2.CAP_PROP_POS_MSEC) / 1000
        if not self._time < time < self._time + 60:
            time = self._time + 1 / (self.fps or USUAL_FPS) if self._index else 0.0
        self._time = time
        return time

    def _frame(self) -> Frame | None:
        done, picture = self._capture.retrieve()
        return Frame(as_colour(picture), self._index, self._time, now()) if done and picture is not None else None

    def _ended(self) -> None:
        read = self._index + 1
        if read == 0:
            raise BadFile("holds no frame that can be read", path=self.name)
        if self.count is not None and read < ENDS_EARLY * self.count - 1:
            console.warn(f"{self.name}: ends after {read} of {self.count} frames, the rest cannot be read")
            self.count = read

    def close(self) -> None:
        self._capture.release()


class LiveSource(Source):
    """What camera and stream share: the time of a frame is the moment at which it came, from the first one on."""

    live = True

    def __init__(self, capture: cv2.VideoCapture):
        self.fps = sensible_fps(capture.get(cv2.CAP_PROP_FPS))
        self.width = int(capture.get(cv2.CAP_PROP_FRAME_WIDTH)) or None
        self.height = int(capture.get(cv2.CAP_PROP_FRAME_HEIGHT)) or None
        self._index = -1
        self._began: float | None = None
        self._taken = 0.0
        self._picture: Any = None

    def _came(self, picture: Picture) -> float:
        """Take the picture that has just been read; its time."""
        self._picture, self._taken = picture, now()
        self._began = self._taken if self._began is None else self._began
        self._index += 1
        return self._taken - self._began

    def _frame(self) -> Frame:
        return Frame(as_colour(self._picture), self._index, self._taken - (self._began or 0.0), self._taken)


class Camera(LiveSource):
    """A camera on this machine, by number or device file."""

    HICCUPS = 10  # failed reads in a row until a camera counts as gone; USB hubs drop single frames

    def __init__(
        self, device: int | str, width: int | None = None, height: int | None = None, fps: float | None = None
    ):
        self.name = f"camera {device}"
        capture = open_capture(device)
        if capture is None:
            raise FaceTrackerError(*_no_camera(device))
        self._capture = capture
        for wish, value in (
            (cv2.CAP_PROP_FRAME_WIDTH, width),
            (cv2.CAP_PROP_FRAME_HEIGHT, height),
            (cv2.CAP_PROP_FPS, fps),
        ):
            if value is not None:
                capture.set(wish, value)
        super().__init__(capture)

    def _next(self) -> float | None:
        for _ in range(self.HICCUPS):
            done, picture = self._capture.read()
            if done and picture is not None:
                break
        else:
            if self._began is None:
                raise FaceTrackerError(
                    f"{self.name} gives no picture", fix="Another program may hold it; close that one."
                )
            raise FaceTrackerError(f"{self.name} went away", fix="Plug it in again; what was taken until then is kept.")
        return self._came(picture)

    def close(self) -> None:
        self._capture.release()


def _no_camera(device: int | str) -> tuple[str]:
    there = cameras()
    path = Path(f"/dev/video{device}") if isinstance(device, int) else Path(device)
    if path.exists():
        if not os.access(path, os.R_OK | os.W_OK):
            return (f"camera {device} may not be used by this user. `sudo usermod -aG video $USER`, then log in again",)
        return (f"camera {device} cannot be opened. Another program may hold it; close that one",)
    known = f"There is: {', '.join(there)}." if there else "No camera is connected; --source scene: draws one."
    return (f"there is no camera {device}. {known}",)


def cameras() -> list[str]:
    """The camera devices of a Linux machine; elsewhere unknown, hence empty."""
    return sorted(str(path) for path in Path("/dev").glob("video[0-9]*"))


def as_colour(picture: Any) -> Picture:
    """`(H, W, 3)` uint8 BGR from what a decoder gives: grey, with transparency, or already so."""
    if picture.ndim == 2:
        return cv2.cvtColor(picture, cv2.COLOR_GRAY2BGR)
    if picture.shape[2] == 4:
        return cv2.cvtColor(picture, cv2.COLOR_BGRA2BGR)
    return picture
