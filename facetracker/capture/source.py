"""`open_source`: one way to every kind of source, chosen by how it is written.

0, 1, /dev/video2           a camera
film.mp4                    a video file
photos/, f_%03d.jpg, a.jpg  photos: a folder, a numbered sequence, one
rtsp://..., http://...      a stream (one that ends like a file is read like a file)
scene:faces=3,seed=7        drawn faces; options: `facetracker.scenes.Scene`, and count, live
"""

from __future__ import annotations

import re
from pathlib import Path
from urllib.parse import unquote, urlsplit

from facetracker.capture.drawn import open_scene
from facetracker.capture.frames import Frame, Source
from facetracker.capture.newest import NewestFrame
from facetracker.capture.stills import LOOKED_AT, Stills, open_folder, open_sequence
from facetracker.capture.stream import Stream, web_answer, without_password
from facetracker.capture.video import Camera, VideoFile, time_limits
from facetracker.core.errors import BadFile, FaceTrackerError
from facetracker.core.other_formats import FILM_SUFFIXES

__all__ = ["Frame", "NewestFrame", "Source", "open_source"]

PATIENT_TIMEOUT = 3.0  # seconds for an attempt: one that began just before a camera came back must not cost the five


def open_source(
    spec: str | int | Path,
    *,
    start: float = 0.0,
    stop: float | None = None,
    stride: int = 1,
    every: float = 0.0,
    width: int | None = None,
    height: int | None = None,
    fps: float | None = None,
    timeout: float = 5.0,
    reconnects: int = 5,
    patient: bool = False,
) -> Source:
    """Open a source by its specification (see the module).

    `start` and `stop` (seconds), `stride` (every so many frames) and `every` (seconds between frames) take a part.
    `width`, `height` and `fps` are wishes to a camera; `fps` is also the rate of a numbered sequence. `timeout`
    (seconds) and `reconnects` are for streams. `patient`, for one source of several: a camera or stream that is away is
    waited for, however long, and one thread decodes it.
    """
    if stride < 1 or start < 0 or every < 0 or (stop is not None and stop <= start):
        raise FaceTrackerError(f"start {start:g} s, stop {stop} s, stride {stride} leave nothing of {spec}")
    source = _opened(str(spec).strip(), width, height, fps, timeout, reconnects, patient)
    source.start, source.stop, source.stride, source.every = start, stop, stride, every
    return source


def _opened(
    spec: str, width: int | None, height: int | None, fps: float | None, timeout: float, reconnects: int, patient: bool
) -> Source:
    if re.fullmatch(r"\d+|/dev/video\d+", spec):
        device = int(spec) if spec.isdigit() else spec
        return Camera(device, width, height, fps, reconnects=None if patient else 0)
    if spec == "scene" or spec.startswith("scene:"):
        return open_scene(spec)
    if spec.startswith("file://"):
        spec = unquote(urlsplit(spec).path)
    if "://" in spec:
        if urlsplit(spec).scheme in ("http", "https") and urlsplit(spec).path.lower().endswith(FILM_SUFFIXES):
            try:
                return VideoFile(spec, time_limits(timeout))
            except BadFile as error:
                why = web_answer(spec, timeout) or error.fault
                raise FaceTrackerError(why, path=without_password(spec), fix="Check the address.") from None
        return Stream(spec, PATIENT_TIMEOUT, None, threads=1) if patient else Stream(spec, timeout, reconnects)
    path = Path(spec).expanduser()
    if path.is_dir():
        return open_folder(path)
    if not path.exists() and re.search(r"%0?\d*d|[*?\[]", path.name):
        return open_sequence(str(path), fps or 30.0)
    if not path.is_file():
        raise FaceTrackerError("no such file or folder", path=spec, fix="A camera is a number, a drawn scene `scene:`.")
    if path.suffix.lower() in LOOKED_AT:
        return Stills(str(path), [path])
    try:
        return VideoFile(path)
    except BadFile:
        if path.suffix.lower() in FILM_SUFFIXES:
            raise
        kinds = ", ".join(suffix[1:] for suffix in (*FILM_SUFFIXES, *LOOKED_AT))
        raise BadFile("is neither a film nor a photo", path=path, fix=f"Such are: {kinds}.") from None
