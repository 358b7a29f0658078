"""Recording a film with a camera: its frames as they come, each a JPEG at its own time.

Every frame stands for itself, so that a film can be opened at any place at once, and one that was cut off by a crash
plays up to there. A second of 640x480 takes about 1.5 MB.
"""

from __future__ import annotations

import time
from fractions import Fraction
from pathlib import Path
from typing import Any, Self

from facetracker.capture.frames import Source
from facetracker.capture.newest import NewestFrame
from facetracker.capture.source import open_source
from facetracker.core import console, disk
from facetracker.core.errors import FaceTrackerError
from facetracker.core.naming import new_session
from facetracker.core.photo import encode_jpeg

FILMS = "films"  # the folder of a data folder in which films lie
SUFFIX = ".mkv"
QUALITY = 90
MOST_SECONDS = 600.0
CLOCK = 1000  # units to a second


class FilmRecorder:
    """A film that is being recorded; `add` its frames as JPEG bytes of one size, with their times."""

    def __init__(self, path: Path, width: int, height: int, fps: float = 30.0):
        import av

        self.path, self.size, self.frames, self.seconds = path, (width, height), 0, 0.0
        path.parent.mkdir(parents=True, exist_ok=True)
        self._last, self._failed = -1, False
        try:
            self._container = av.open(str(path), "w", format="matroska")
        except OSError as error:
            raise FaceTrackerError(f"cannot be written ({disk.reason(error, path)})", path=path) from None
        stream: Any = self._container.add_stream("mjpeg", rate=Fraction(fps).limit_denominator(1001))
        stream.width, stream.height, stream.pix_fmt = width, height, "yuvj420p"
        stream.codec_context.time_base = stream.time_base = Fraction(1, CLOCK)
        self._stream = stream

    def add(self, jpeg: bytes, seconds: float) -> bool:
        """Add a frame that was taken so many seconds into the film; False where it is no later than the last one."""
        import av

        stamp = round(seconds * CLOCK)
        if stamp <= self._last:
            return False
        packet = av.Packet(jpeg)
        packet.stream, packet.time_base = self._stream, Fraction(1, CLOCK)
        packet.pts = packet.dts = stamp
        packet.is_keyframe = True
        try:
            self._container.mux(packet)
        except OSError as error:
            self._failed = True
            raise FaceTrackerError(f"cannot be written ({disk.reason(error, self.path)})", path=self.path) from None
        self._last, self.frames, self.seconds = stamp, self.frames + 1, seconds
        return True

    def close(self) -> None:
        """Finish the film. One of which nothing can be shown is removed: frames wait in memory, and a disk that is full
        says so late.
        """
        try:
            self._container.close()
        except OSError as error:
            if not _plays(self.path):
                self.path.unlink(missing_ok=True)
            raise FaceTrackerError(f"cannot be written ({disk.reason(error, self.path)})", path=self.path) from None
        if not self.frames or (self._failed and not _plays(self.path)):
            self.path.unlink(missing_ok=True)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()


def _plays(path: Path) -> bool:
    """Whether a film shows anything."""
    import av

    try:
        with av.open(str(path)) as film:
            return next(film.decode(video=0), None) is not None
    except (av.error.FFmpegError, IndexError):  # damaged, or without a picture
        return False


def record_film(
    source: str | int | Path | Source = "0", folder: str | Path = "data", seconds: float = 20.0, word: str | None = None
) -> Path:
    """Record so many seconds of a source into the `films` of a data folder; the film's path.

    `word` (letters, digits, `-`) goes into the film's name. Ctrl-C ends it early; what was taken is kept.
    """
    if not 0 < seconds <= MOST_SECONDS:
        raise FaceTrackerError(f"{seconds:g} s cannot be recorded", fix=f"At most {MOST_SECONDS:g} s at once.")
    opened = source if isinstance(source, Source) else open_source(source)
    path = Path(folder) / FILMS / f"{new_session(word)}{SUFFIX}"
    recorder: FilmRecorder | None = None
    began = time.monotonic()
    with opened, console.progress("film", round(seconds), "s") as meter:
        try:
            for frame in NewestFrame(opened) if opened.live else opened:
                if frame.time > seconds:
                    break
                height, width = frame.picture.shape[:2]
                recorder = recorder or FilmRecorder(path, width, height, opened.fps or 30.0)
                if (width, height) == recorder.size:
                    recorder.add(encode_jpeg(frame.picture, QUALITY), frame.time)
                if int(frame.time) > int(frame.time - 1 / (opened.fps or 30.0)):
                    meter.advance()
        except KeyboardInterrupt:
            console.warn(f"stopped after {time.monotonic() - began:.0f} s")
        finally:
            if recorder is not None:
                recorder.close()
    if recorder is None or not recorder.frames:
        raise FaceTrackerError("gives no frame", path=str(getattr(opened, "name", source)))
    return path
