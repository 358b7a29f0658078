"""Streams from the network (RTSP, MJPEG over HTTP, ...): they stall, go silent and come back, or do not."""

from __future__ import annotations

from http.client import HTTPException
from urllib.error import HTTPError, URLError
from urllib.parse import urlsplit, urlunsplit
from urllib.request import urlopen

import cv2

from facetracker.capture.video import LiveSource, open_capture, time_limits
from facetracker.core.errors import FaceTrackerError, one_line


class Stream(LiveSource):
    """A live stream. Silent for `timeout` seconds, it is opened again, up to `reconnects` times in a row (None: until
    it is back). `threads` are those of its decoder (None: OpenCV's choice, which is all cores)."""

    def __init__(self, address: str, timeout: float = 5.0, reconnects: int | None = 5, threads: int | None = None):
        self.address, self.timeout = address, timeout
        self._parameters = time_limits(timeout) + ([] if threads is None else [cv2.CAP_PROP_N_THREADS, threads])
        super().__init__(without_password(address), reconnects)

    def _opened(self) -> cv2.VideoCapture | None:
        return open_capture(self.address, cv2.CAP_FFMPEG, self._parameters)

    def _not_there(self) -> FaceTrackerError:
        why = web_answer(self.address, self.timeout) or f"no stream answers within {self.timeout:g} s"
        return FaceTrackerError(
            f"{self.name}: {why}",
            fix="Check the address, or play it with ffplay to see what it says.",
        )

    def _went_away(self, attempts: int) -> FaceTrackerError:
        return FaceTrackerError(
            f"{self.name}: the stream stopped and did not come back after {attempts} attempts",
            fix="What came before that is kept.",
        )


def web_answer(address: str, seconds: float) -> str | None:
    """Why a web address gives no pictures, as far as its server says so; None where nothing is known."""
    if urlsplit(address).scheme not in ("http", "https"):
        return None
    try:
        with urlopen(address, timeout=seconds) as answer:
            kind = answer.headers.get_content_type()
            return f"this is a web page, not a film ({kind})" if kind.startswith("text/") else None
    except HTTPError as error:
        return f"the server answers {error.code} {error.reason}"
    except URLError as error:
        return None if isinstance(error.reason, TimeoutError) else f"nobody answers ({one_line(str(error.reason))})"
    except (OSError, ValueError, HTTPException):
        return None


def without_password(address: str) -> str:
    """The address as it may stand in a message: `rtsp://user:***@host/...`."""
    parts = urlsplit(address)
    if parts.password is None:
        return address
    host = parts.netloc.rpartition("@")[2]
    return urlunsplit(parts._replace(netloc=f"{parts.username}:***@{host}"))
