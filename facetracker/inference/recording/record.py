"""Recording: a video, and a line of JSON a frame; both stay readable when the run ends badly.

Videos are written by PyAV and not by OpenCV, for three reasons: an mp4 in fragments is
playable up to the last second after a crash or a full disk, a disk that is full is an error and not silence, and
H.264 plays in every browser.
"""

from __future__ import annotations

import json
import os
import queue
import threading
import time
from contextlib import suppress
from fractions import Fraction
from pathlib import Path
from typing import Any

import cv2

from facetracker.core import console, disk
from facetracker.core.errors import FaceTrackerError, one_line
from facetracker.core.files import refuse_to_overwrite
from facetracker.core.photo import Picture

_FRAGMENTS = {"movflags": "frag_keyframe+empty_moov+default_base_moof", "flush_packets": "1"}
_H264 = ("libx264", "yuv420p", {"preset": "superfast", "tune": "zerolatency", "crf": "23"})
# Suffix: codecs by preference (codec, pixel format, its options), options of the container.
FORMATS: dict[str, tuple[list[tuple[str, str, dict[str, str]]], dict[str, str]]] = {
    ".mp4": ([_H264, ("mpeg4", "yuv420p", {"qscale": "3"})], _FRAGMENTS),
    ".mkv": ([_H264, ("mpeg4", "yuv420p", {"qscale": "3"})], {"cluster_time_limit": "1000", "flush_packets": "1"}),
    ".webm": (
        [("libvpx", "yuv420p", {"deadline": "realtime", "cpu-used": "8", "crf": "12", "lag-in-frames": "0"})],
        {"cluster_time_limit": "1000", "flush_packets": "1"},
    ),
    ".avi": ([("mjpeg", "yuvj420p", {"qmin": "3", "qmax": "3"})], {"flush_packets": "1"}),
}
STDOUT = "-"  # in place of a file's name
VP8_BITS = 0.25  # a pixel, at most
WAITING = 8  # frames that may wait to be written; a live run then leaves some out rather than fall behind


class VideoRecorder:
    """Writes frames at their times; what two frames leave between them is shown longer. Encodes in its own thread.

    After an error (a full disk) `failed` holds the one line for the person, and further frames are ignored.
    """

    def __init__(self, path: str | Path, fps: float, *, force: bool = False, live: bool = False):
        self.path = Path(path)
        if self.path.suffix.lower() not in FORMATS:
            raise FaceTrackerError(f"cannot be recorded to, only {', '.join(FORMATS)}", path=self.path)
        refuse_to_overwrite(self.path, force)
        self.path.parent.mkdir(parents=True, exist_ok=True)
        self.fps = Fraction(fps).limit_denominator(1001)
        self.live = live
        self.frames = self.left_out = 0
        self.failed: str | None = None
        self._container: Any = None
        self._size = (0, 0)
        self._began: float | None = None
        self._number = -1
        self._queue: queue.Queue[tuple[Picture, float] | None] = queue.Queue(WAITING)
        self._thread = threading.Thread(target=self._work, name=f"writes {self.path.name}", daemon=True)
        self._thread.start()

    def write(self, picture: Picture, at: float) -> None:
        """Put a BGR frame at the source's time `at` (seconds); the picture must not change afterwards."""
        if self.failed:
            return
        if not self.live:
            self._queue.put((picture, at))
            return
        try:
            self._queue.put_nowait((picture, at))
        except queue.Full:
            self.left_out += 1

    def close(self) -> None:
        """Write what is waiting and finish the file."""
        if self._thread.is_alive():
            self._queue.put(None)
            self._thread.join()

    def _work(self) -> None:
        while (item := self._queue.get()) is not None:
            self._guarded(self._encode, *item)
        if self._container is not None:
            self._guarded(self._finish)

    def _guarded(self, step: Any, *values: Any) -> None:
        if self.failed:
            return
        try:
            step(*values)
        except (OSError, ValueError, RuntimeError) as error:  # PyAV's errors are OSErrors and ValueErrors as well
            until = max(self._number, 0) / self.fps
            why = disk.reason(error, self.path) if isinstance(error, OSError) else one_line(str(error))
            self.failed = f"{self.path}: recording stopped after {console.duration(float(until))} ({why})"
            if self._container is not None:
                # The disk is still full, so this fails too; the fragments that are on it stand for themselves.
                with suppress(OSError, ValueError, RuntimeError):
                    self._container.close()
            kept = "What was recorded stays playable" if keep_if_it_plays(self.path) else "Nothing could be kept"
            console.warn(f"{self.failed}. {kept}.")

    def _encode(self, picture: Picture, at: float) -> None:
        import av

        if self._container is None:
            self._open(picture)
        self._began = at if self._began is None else self._began
        number = round((at - self._began) * self.fps)
        if number <= self._number:
            return  # two frames within one frame time
        self._number = number
        height, width = picture.shape[:2]
        wide, high = self._size
        if (width // 2 * 2, height // 2 * 2) != self._size:
            picture = cv2.resize(picture, self._size, interpolation=cv2.INTER_AREA)
        frame = av.VideoFrame.from_ndarray(picture[:high, :wide], format="bgr24")
        frame.pts, frame.time_base = number, 1 / self.fps
        for packet in self._stream.encode(frame):
            self._container.mux(packet)
        self.frames += 1

    def _open(self, picture: Picture) -> None:
        import av

        codecs, container_options = FORMATS[self.path.suffix.lower()]
        name, pixels, options = next((c for c in codecs if c[0] in av.codecs_available), codecs[-1])
        self._size = (picture.shape[1] // 2 * 2, picture.shape[0] // 2 * 2)  # 4:2:0 wants even sides
        self._container = av.open(str(self.path), "w", options=container_options)
        self._stream = self._container.add_stream(name, rate=self.fps, options=options)
        self._stream.width, self._stream.height = self._size
        self._stream.pix_fmt = pixels
        if name == "libvpx":  # its crf works within a bit rate, whose default is that of a modem
            self._stream.bit_rate = round(self._size[0] * self._size[1] * self.fps * VP8_BITS)
        self._stream.codec_context.time_base = 1 / self.fps
        self._stream.codec_context.gop_size = max(1, round(self.fps))  # a fragment a second
        self._stream.codec_context.max_b_frames = 0
        self._stream.codec_context.thread_count = 1  # the cores belong to the detector

    def _finish(self) -> None:
        for packet in self._stream.encode(None):
            self._container.mux(packet)
        self._container.close()


def keep_if_it_plays(path: Path) -> bool:
    """Whether a recording that broke off shows anything; one that does not is removed. A last fragment that is cut
    off stays: players show its beginning."""
    import av

    with suppress(OSError, ValueError, av.error.FFmpegError), av.open(str(path)) as film:
        if next(film.decode(video=0), None) is not None:
            return True
    with suppress(OSError):
        path.unlink()
    return False


class JsonLines:
    """A line of JSON a frame; flushed every second, never half a line. The path `-` is standard output, at once.

    Several threads may write.
    """

    def __init__(self, path: str | Path, *, force: bool = False):
        self.path, self.piped = Path(path), str(path) == STDOUT
        if not self.piped:
            refuse_to_overwrite(self.path, force)
            self.path.parent.mkdir(parents=True, exist_ok=True)
        self.failed: str | None = None
        self.lines = 0
        self._whole = 0
        self._lock = threading.Lock()
        self._flushed = time.monotonic()
        self._file = os.fdopen(os.dup(1), "wb", buffering=0) if self.piped else self.path.open("wb", buffering=0)
        self._waiting: list[bytes] = []

    def write(self, value: dict[str, Any]) -> None:
        """Add one line."""
        if self.failed:
            return
        line = json.dumps(value, separators=(",", ":")).encode() + b"\n"
        with self._lock:
            self._waiting.append(line)
            self.lines += 1
            if self.piped or time.monotonic() - self._flushed >= 1.0:
                self._flush()

    def _flush(self) -> None:
        data = b"".join(self._waiting)
        self._waiting.clear()
        self._flushed = time.monotonic()
        try:
            rest = memoryview(data)
            while rest:  # a disk that is nearly full takes a part and says how much
                rest = rest[self._file.write(rest) :]
            self._whole += len(data)
        except OSError as error:
            if self.piped:  # whoever read has gone
                raise
            self._file.truncate(self._whole)
            self.failed = f"{self.path}: writing stopped ({disk.reason(error, self.path)})"
            console.warn(f"{self.failed}. The lines before are whole.")

    def close(self) -> None:
        """Write what is waiting."""
        if not self._file.closed:
            if not self.failed:
                self._flush()
            self._file.close()
