"""Video files, read whole, in order, upright; and cameras. What OpenCV does not say is said here."""

from __future__ import annotations

import os
import threading
import time
from abc import abstractmethod
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
FIRST_PAUSE = 0.5  # seconds; there is none before the first attempt, and each is twice the one before
LAST_PAUSE = 4.0  # seconds, the longest between two attempts to open a stream again
PAUSE = 1.5  # the same where it is tried for ever: whoever is back is to be followed within five seconds
ENDS_EARLY = 0.95  # a film with less than this share of its frames ended in garbage, not by rounding


_quieting = threading.Lock()
_quiet = 0  # captures that are being opened just now: several threads may be at it
_level = 0


@contextmanager
def quiet_opencv() -> Iterator[None]:
    """OpenCV reports a missing camera with four lines on stderr; we say it in one."""
    global _quiet, _level
    with _quieting:
        if not _quiet:
            _level = cv2.utils.logging.getLogLevel()
            cv2.utils.logging.setLogLevel(0)
        _quiet += 1
    try:
        yield
    finally:
        with _quieting:
            _quiet -= 1
            if not _quiet:
                cv2.utils.logging.setLogLevel(_level)


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
            raise BadFile(
                "is not a film that can be read",
                path=path,
                fix="Is it copied whole? Else ffmpeg may convert it: -c:v mpeg4 out.mp4",
            )
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
    """What camera and stream share: the time of a frame is the moment at which it came, from the first one on.

    One that falls silent is opened again, up to `reconnects` times in a row. None: until it is back, however long that
    takes, and also if it was not there to begin with.
    """

    live = True

    def __init__(self, name: str, reconnects: int | None):
        self.name, self.reconnects = name, reconnects
        self._index = -1
        self._began: float | None = None
        self._taken = 0.0
        self._picture: Any = None
        self._closed = False
        self._capture = self._opened()
        if self._capture is not None:
            self._learn(self._capture)
        elif reconnects is None:
            console.warn(f"{self._not_there()} Trying again until it is there.")
        else:
            raise self._not_there()

    @abstractmethod
    def _opened(self) -> cv2.VideoCapture | None:
        """The device or address, opened; None where that fails."""

    @abstractmethod
    def _not_there(self) -> FaceTrackerError:
        """Why it could not be opened, for a person."""

    @abstractmethod
    def _went_away(self, attempts: int) -> FaceTrackerError:
        """That there is no picture any more, after so many attempts to open it again."""

    def _learn(self, capture: cv2.VideoCapture) -> None:
        self.fps = sensible_fps(capture.get(cv2.CAP_PROP_FPS))
        self.width = int(capture.get(cv2.CAP_PROP_FRAME_WIDTH)) or None
        self.height = int(capture.get(cv2.CAP_PROP_FRAME_HEIGHT)) or None

    def _next(self) -> float | None:
        picture = self._read()
        if picture is None and not self._closed:
            picture = self._read_again()
        if picture is None:
            return None
        self._picture, self._taken = picture, now()
        self._began = self._taken if self._began is None else self._began
        self._index += 1
        return self._taken - self._began

    def _read(self) -> Any:
        if self._capture is None:
            return None
        try:
            done, picture = self._capture.read()
        except cv2.error:
            return None
        return picture if done else None

    def _read_again(self) -> Any:
        """The next picture after opening it again, with growing pauses; None once it is closed meanwhile."""
        silent, attempts, pause, picture = now(), 0, 0.0, None
        longest = PAUSE if self.reconnects is None else LAST_PAUSE
        while picture is None and not self._closed:
            if attempts == self.reconnects:
                raise self._went_away(attempts)
            attempts += 1
            self._tell(attempts)
            self._wait(pause)
            pause = min(2 * pause or FIRST_PAUSE, longest)
            if self._capture is not None:
                self._capture.release()
            self._capture = None if self._closed else self._opened()
            if self._capture is not None and self.width is None:
                self._learn(self._capture)
            picture = self._read()
        if self.reconnects is None and picture is not None:
            console.warn(f"{self.name}: is back, after {console.duration(now() - silent)}")
        return picture

    def _tell(self, attempts: int) -> None:
        """Say that it is opened again; of one that is away for an hour once, not two thousand times."""
        if self.reconnects is not None:
            console.warn(f"{self.name}: the stream stopped, opening it again ({attempts} of {self.reconnects})")
        elif attempts == 1 and self._capture is not None:
            console.warn(f"{self.name}: stopped, trying again until it is back")

    def _wait(self, seconds: float) -> None:
        end = now() + seconds
        while not self._closed and now() < end:
            time.sleep(0.05)

    def _frame(self) -> Frame:
        return Frame(as_colour(self._picture), self._index, self._taken - (self._began or 0.0), self._taken)

    def interrupt(self) -> None:
        self._closed = True

    def close(self) -> None:
        self._closed = True
        if self._capture is not None:
            self._capture.release()


class Camera(LiveSource):
    """A camera on this machine, by number or device file."""

    HICCUPS = 10  # failed reads in a row until a camera counts as gone; USB hubs drop single frames

    def __init__(
        self,
        device: int | str,
        width: int | None = None,
        height: int | None = None,
        fps: float | None = None,
        reconnects: int | None = 0,
    ):
        self.device = device
        self.wishes = {cv2.CAP_PROP_FRAME_WIDTH: width, cv2.CAP_PROP_FRAME_HEIGHT: height, cv2.CAP_PROP_FPS: fps}
        super().__init__(f"camera {device}", reconnects)

    def _opened(self) -> cv2.VideoCapture | None:
        capture = open_capture(self.device)
        for wish, value in self.wishes.items():
            if capture is not None and value is not None:
                capture.set(wish, value)
        return capture

    def _read(self) -> Any:
        for _ in range(self.HICCUPS):
            if (picture := super()._read()) is not None:
                return picture
        return None

    def _not_there(self) -> FaceTrackerError:
        return FaceTrackerError(*_no_camera(self.device))

    def _went_away(self, attempts: int) -> FaceTrackerError:
        if self._began is None:
            return FaceTrackerError(f"{self.name} gives no picture", fix="Another program may hold it; close that one.")
        return FaceTrackerError(f"{self.name} went away", fix="Plug it in again; what was taken before that is kept.")


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
