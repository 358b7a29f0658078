"""The sound of a film, copied packet by packet into what was made of its pictures."""

from __future__ import annotations

import heapq
import math
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

from facetracker.core import console
from facetracker.core.errors import one_line
from facetracker.core.files import written_beside

CONTAINERS = {".mp4": "mp4", ".mkv": "matroska", ".webm": "webm", ".avi": "avi"}
SPARE = 0.001  # seconds that clocks may differ by


def add_sound(film: Path, source: str, start: float = 0.0, stop: float | None = None) -> int:
    """Put the sound of the film `source` (from `start` to `stop` seconds) into `film`; how many tracks that were.

    Nothing is encoded again. A track that this kind of file cannot hold is left out, with a warning.
    """
    import av

    try:
        with ExitStack() as stack:
            heard, seen = stack.enter_context(av.open(source)), stack.enter_context(av.open(str(film)))
            if not heard.streams.audio or not seen.streams.video:
                return 0
            part = stack.enter_context(written_beside(film))
            options = {"movflags": "faststart"} if film.suffix.lower() == ".mp4" else {}
            kind = CONTAINERS[film.suffix.lower()]
            made = stack.enter_context(av.open(str(part), "w", format=kind, options=options))
            picture = made.add_stream_from_template(seen.streams.video[0])
            tracks = {}
            for track in heard.streams.audio:
                if track.codec_context.codec.canonical_name in made.supported_codecs:
                    tracks[track.index] = made.add_stream_from_template(track)
                else:
                    console.warn(f"{film}: a {kind} file cannot hold {track.codec_context.name} sound, left out")
            began = _seconds(heard.streams.video[0].start_time, heard.streams.video[0]) if heard.streams.video else 0.0
            end = math.inf if stop is None else stop + began
            pictures = ((_when(packet), picture, packet) for packet in seen.demux(video=0) if packet.dts is not None)
            sounds = _shifted(heard, tracks, began + start, end, whole=start <= 0)
            for _, stream, packet in heapq.merge(pictures, sounds, key=lambda row: row[0]):
                packet.stream = stream
                made.mux(packet)
        return len(tracks)
    except (OSError, ValueError, av.error.FFmpegError) as error:  # some of PyAV's errors are none of the first two
        console.warn(f"{film}: without the sound of {source} ({one_line(str(error))})")
        return 0


def _shifted(
    heard: Any, tracks: dict[int, Any], start: float, end: float, whole: bool
) -> Iterator[tuple[float, Any, Any]]:
    """The packets of the sound between `start` and `end`, moved so that `start` is 0.

    Of a `whole` film what comes before its picture is kept as well: decoders need it to get going.
    """
    if not tracks:
        return
    for packet in heard.demux(list(heard.streams.audio)):
        if packet.pts is None or packet.dts is None or packet.stream_index not in tracks:
            continue
        at = _when(packet)
        if (whole or start - SPARE <= at) and at < end:
            back = round(start / packet.time_base)
            packet.pts, packet.dts = packet.pts - back, packet.dts - back
            yield at - start, tracks[packet.stream_index], packet


def _when(packet: Any) -> float:
    return float(packet.dts * packet.time_base)


def _seconds(count: int | None, stream: Any) -> float:
    return 0.0 if count is None else float(count * stream.time_base)
