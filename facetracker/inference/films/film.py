"""A film read frame by frame and written again, with all that is not picture as it was: sound, subtitles, times.

PyAV and not OpenCV: OpenCV knows neither sound nor the time of a frame, and gives every film a steady rate.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path
from typing import Any, Self

import numpy as np

from facetracker.capture.video import ENDS_EARLY
from facetracker.core import console
from facetracker.core.errors import BadFile, FaceTrackerError, one_line
from facetracker.core.photo import Picture

PLANES = ("yuv420p", "yuvj420p")  # how nearly every film keeps its pictures; others are converted
KEPT = ("audio", "subtitle")
# What a film is written as, by its suffix: the codec and its options, by preference.
CODECS: dict[str, list[tuple[str, dict[str, str]]]] = {
    ".webm": [("libvpx-vp9", {"deadline": "realtime", "cpu-used": "7", "crf": "28", "row-mt": "1"})],
    ".avi": [("mpeg4", {"qscale": "3"})],
    "": [("libx264", {"preset": "veryfast", "crf": "19"}), ("mpeg4", {"qscale": "3"})],
}
FRONT = 1 << 20  # bytes from which a film is known again, with its length
FILMS = (".mp4", ".m4v", ".mov", ".mkv", ".webm", ".avi")  # that can be written


@dataclass(frozen=True)
class FilmFrame:
    """A frame of a film: its number, its time stamp in units of the film's clock, in seconds, and the frame itself."""

    number: int
    stamp: int
    time: float
    picture: Any


def needed_film(path: str | Path) -> Path:
    """The path of a film that is there and can be read; anything else is a person's mistake."""
    path = Path(path)
    if path.is_dir():
        raise FaceTrackerError("is a folder, not a film", path=path, fix=f"Photos: facetracker annotate {path}")
    if not path.is_file():
        raise FaceTrackerError("no such film", path=path, fix="Record one: facetracker collect --film 20")
    with FilmReader(path):
        return path


class FilmReader:
    """A film on disk: `frames()` goes through it once, and hands over the packets of the `rest` on the way."""

    def __init__(self, path: str | Path):
        import av

        self.path = Path(path)
        try:
            self.container = av.open(str(path), metadata_errors="replace")
        except (OSError, ValueError, av.error.FFmpegError) as error:
            raise BadFile(f"is not a film that can be read ({_why(error)})", path=path) from None
        pictures = [one for one in self.container.streams.video if not _is_cover(one)]
        if not pictures:
            self.container.close()
            raise BadFile("holds no moving picture", path=path)
        self.stream = pictures[0]
        self.stream.thread_type = "AUTO"
        self.turned = 0  # degrees to the right by which a frame is turned to be upright; known from the first frame on
        self.count = self.stream.frames or None
        self._length = (self.container.duration or 0) / 1e6  # seconds, as far as the film says

    @property
    def rest(self) -> list[Any]:
        """The streams that are copied as they are."""
        return [one for one in self.container.streams if one.type in KEPT]

    @property
    def left_out(self) -> list[str]:
        """What else the film holds, which is not copied: positions, cover pictures, further films."""
        kept = {one.index for one in (self.stream, *self.rest)}
        return [one.type for one in self.container.streams if one.index not in kept]

    @property
    def fps(self) -> float:
        """Frames a second, as far as the film says."""
        return float(self.stream.average_rate or self.stream.guessed_rate or 30)

    def frames(self, packets: Any = None) -> Iterator[FilmFrame]:
        """All frames in order; `packets(packet)` is called with the packets of the other streams on the way."""
        import av

        streams = [self.stream, *(self.rest if packets is not None else [])]
        number, damaged, last = 0, 0, None
        for packet in self._packets(streams):
            if packet.stream_index != self.stream.index:
                if packet.dts is not None and packets is not None:
                    packets(packet)
                continue
            try:
                frames: list[Any] = packet.decode()
            except av.error.DecoderNotFoundError:
                raise BadFile("is of a kind that cannot be read here", path=self.path) from None
            except av.error.FFmpegError:  # not only InvalidDataError: a damaged piece may claim to be anything
                damaged += 1
                continue
            for frame in frames:
                # A film without times (raw streams) has its frames one after the other.
                stamp = frame.pts if frame.pts is not None else (0 if last is None else last + self._step)
                if last is not None and stamp <= last:
                    continue
                if number == 0:
                    self.turned = -round(frame.rotation / 90) * 90 % 360
                last = stamp
                yield FilmFrame(number, stamp, stamp * self._clock, frame)
                number += 1
        if number == 0:
            raise BadFile("holds no frame that can be read", path=self.path)
        if damaged:
            console.warn(f"{self.path}: {damaged} damaged pieces were left out")
        if packets is None:  # the second time through it has been said
            self._say_if_it_ended_early(number, ((last or 0) + self._step) * self._clock)

    def _say_if_it_ended_early(self, frames: int, seconds: float) -> None:
        """Matroska does not say how many frames there are, only how long the film is."""
        if self.count and frames < ENDS_EARLY * self.count - 1:
            console.warn(f"{self.path}: ends after {frames} of {self.count} frames, the rest cannot be read")
        elif not self.count and seconds < ENDS_EARLY * self._length - 1 / self.fps:
            console.warn(f"{self.path}: ends after {seconds:.1f} of {self._length:.1f} s, the rest cannot be read")

    def _packets(self, streams: list[Any]) -> Iterator[Any]:
        """The packets of these streams; a film that breaks off in the middle of one ends there."""
        import av

        try:
            yield from self.container.demux(streams)
        except av.error.FFmpegError as error:
            console.warn(f"{self.path}: breaks off ({_why(error)})")

    @property
    def _clock(self) -> float:
        """Seconds of one unit of the stamps."""
        return float(self.stream.time_base or Fraction(1, 1000))

    @property
    def _step(self) -> int:
        return max(1, round(1 / (self.fps * self._clock)))

    @property
    def size(self) -> tuple[int, int]:
        """Width and height of the upright picture, both even, as they are written."""
        wide, high = self.stream.codec_context.width // 2 * 2, self.stream.codec_context.height // 2 * 2
        return (high, wide) if self.turned % 180 else (wide, high)

    def small(self, frame: FilmFrame, side: int) -> Picture:
        """The frame upright, BGR, its longer side at most `side` pixels."""
        wide, high = frame.picture.width, frame.picture.height
        scale = min(1.0, side / max(wide, high))
        size = max(2, round(wide * scale)), max(2, round(high * scale))
        shown = frame.picture.to_ndarray(format="bgr24", width=size[0], height=size[1], interpolation="AREA")
        return np.ascontiguousarray(np.rot90(shown, -self.turned // 90))

    def planes(self, frame: FilmFrame) -> tuple[Picture, Picture, Picture]:
        """The frame upright as brightness `(H, W)` and two colours `(H/2, W/2)`: a copy that may be changed."""
        flat = self._as_planes(frame.picture).to_ndarray()
        high = flat.shape[0] * 2 // 3
        wide = flat.shape[1]
        parts = flat[:high], *flat[high:].reshape(2, high // 2, wide // 2)
        bright, blue, red = (np.ascontiguousarray(np.rot90(one, -self.turned // 90)) for one in parts)
        return bright, blue, red

    @staticmethod
    def _as_planes(frame: Any) -> Any:
        wide, high = frame.width // 2 * 2, frame.height // 2 * 2
        name = frame.format.name if frame.format.name in PLANES else PLANES[0]
        return frame.reformat(wide, high, name)

    def close(self) -> None:
        """Close the file."""
        self.container.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()


class FilmWriter:
    """Writes a film like another one: its frames at their times, its sound and subtitles packet by packet.

    It writes to `part`, which becomes `path` when it is whole. Titles, places, dates and whatever else a camera wrote
    into the file are left out.
    """

    def __init__(self, path: Path, part: Path, like: FilmReader):
        import av

        self.path, self.like = path, like
        options = {"fflags": "+bitexact"}
        if path.suffix.lower() in (".mp4", ".m4v", ".mov"):
            options["movflags"] = "+faststart"
        self._container = av.open(str(part), "w", options=options)
        self._stream: Any = None
        self._copied: dict[int, Any] = {}
        self._early: list[Any] = []  # packets from before the first frame, which tells the size of the picture

    def copy(self, packet: Any) -> None:
        """Take a packet of another stream as it is."""
        if self._stream is None:
            self._early.append(packet)
        elif (target := self._copied.get(packet.stream_index)) is not None:
            packet.stream = target
            self._container.mux(packet)

    def write(self, frame: FilmFrame, planes: tuple[Picture, Picture, Picture] | None) -> None:
        """Write a frame: its changed planes, or the frame as it is."""
        import av

        shown = self.like._as_planes(frame.picture)
        if planes is not None or self.like.turned:
            planes = planes or self.like.planes(frame)
            flat = np.concatenate([planes[0].ravel(), planes[1].ravel(), planes[2].ravel()])
            flat = flat.reshape(-1, planes[0].shape[1])
            shown = av.VideoFrame.from_ndarray(flat, format=shown.format.name)
        self._begin(shown.format.name)
        shown.pts, shown.time_base = frame.stamp, self.like.stream.time_base
        shown.pict_type = 0  # the writer chooses which frames stand for themselves, not the film it came from
        for packet in self._stream.encode(shown):
            self._container.mux(packet)

    def _begin(self, pixels: str) -> None:
        """Set up every stream before the first packet; later none can be added."""
        if self._stream is not None:
            return
        source: Any = self.like.stream.codec_context
        codec, options = _codec_for(self.path.suffix.lower())
        stream: Any = self._container.add_stream(codec, rate=Fraction(self.like.fps).limit_denominator(1001))
        stream.options = options
        context = stream.codec_context
        stream.width, stream.height = self.like.size
        stream.pix_fmt = pixels
        stream.time_base = context.time_base = self.like.stream.time_base
        for name in ("color_range", "colorspace", "color_primaries", "color_trc"):
            setattr(context, name, getattr(source, name))
        shape = source.sample_aspect_ratio
        if shape:
            context.sample_aspect_ratio = 1 / shape if self.like.turned % 180 else shape
        self._stream = stream
        for one in self.like.rest:
            if _codec_of(one) in self._container.supported_codecs:
                self._copied[one.index] = self._container.add_stream_from_template(one)
            else:
                self._refuse(one)
        for packet in self._early:
            self.copy(packet)
        self._early.clear()

    def _refuse(self, stream: Any) -> None:
        """A stream that this kind of file cannot hold: sound must not be lost, subtitles may."""
        name = _codec_of(stream) or "unknown"
        what = f"cannot hold the film's {'sound' if stream.type == 'audio' else 'subtitles'} ({name})"
        if stream.type == "audio":
            raise FaceTrackerError(what, path=self.path, fix="Name a file that ends in .mkv: it holds any.")
        console.warn(f"{self.path}: {what}; they are left out. A file that ends in .mkv holds them.")

    def close(self) -> None:
        """Finish the file."""
        if self._stream is not None:
            for packet in self._stream.encode(None):
                self._container.mux(packet)
        self._container.close()

    def abandon(self) -> None:
        """Close what cannot be finished; the half file is removed by whoever asked for it."""
        with suppress(OSError, ValueError, RuntimeError):
            self._container.close()


def _codec_of(stream: Any) -> str | None:
    """What a stream is coded as; the name of its decoder may be another one (mp3float, libdav1d)."""
    return None if stream.codec_context is None else stream.codec_context.codec.canonical_name


def _codec_for(suffix: str) -> tuple[str, dict[str, str]]:
    import av

    choices = CODECS.get(suffix, CODECS[""])
    return next((one for one in choices if one[0] in av.codecs_available), choices[-1])


def _is_cover(stream: Any) -> bool:
    """A picture on the film's cover, no film."""
    import av

    return bool(stream.disposition & av.stream.Disposition.attached_pic)


def _why(error: Exception) -> str:
    return one_line(str(getattr(error, "strerror", None) or error))


def check_suffix(path: Path) -> None:
    """Refuse a name that no film can be written under."""
    if path.suffix.lower() not in FILMS:
        raise FaceTrackerError(f"cannot be written to, only {', '.join(FILMS)}", path=path)


def mark_of(film: Path) -> dict[str, Any]:
    """What a film is known by again: its length in bytes, and a digest of how it begins."""
    with film.open("rb") as file:
        return {"bytes": film.stat().st_size, "begins": hashlib.sha256(file.read(FRONT)).hexdigest()}
