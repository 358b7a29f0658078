"""The labels of a film on disk: one JSON beside it, written whole or not at all, with the one before it kept.

kitchen.mp4                 the film
kitchen.mp4.labels.json     tracks, keyframes, everything that can be undone
kitchen.mp4.labels.before   the same before the last change: for a file that a power cut has torn
kitchen.mp4.seen.npz        what was found in it
"""

from __future__ import annotations

import hashlib
import json
import os
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from facetracker.core import console
from facetracker.core.errors import BadFile, FaceTrackerError
from facetracker.core.files import write_atomically
from facetracker.core.naming import is_session
from facetracker.inference.films.film import mark_of
from facetracker.labels.film.found import FilmSeen
from facetracker.labels.film.labels import Change, FilmLabels
from facetracker.labels.film.tracks import Carried, Origin, Track

VERSION = 1
LABELS, BEFORE = ".labels.json", ".labels.before"
FIX = "Move it away: labelling then begins again with the faces that were found."


class FilmChanged(FaceTrackerError):
    """Another program wrote the labels since they were read."""


@dataclass(frozen=True)
class Saved:
    """Labels as they lie on disk: `etag` tells whether they still do, `session` names the film's frames."""

    labels: FilmLabels
    session: str
    etag: str


def labels_beside(film: Path) -> Path:
    """Where a film's labels lie."""
    return film.with_name(film.name + LABELS)


def read(film: Path, seen: FilmSeen) -> Saved | None:
    """The labels of a film; None where it has none. A torn file is replaced by the one before it, and that is said."""
    path = labels_beside(film)
    for place in (path, film.with_name(film.name + BEFORE)):
        try:
            data = place.read_bytes()
        except FileNotFoundError:
            continue
        except OSError as error:
            raise BadFile(f"cannot be read ({error.strerror})", path=place) from None
        try:
            content = json.loads(data)
        except (ValueError, RecursionError):
            console.warn(f"{place}: breaks off in the middle; it is kept as {place.name}.damaged")
            os.replace(place, place.with_name(f"{place.name}.damaged"))
            continue
        if place != path:
            console.warn(f"{path}: is restored as it was before the last change")
            write_atomically(path, data)
        return _parsed(content, path, film, seen, _etag(data))
    if path.with_name(f"{path.name}.damaged").exists() and not path.exists():
        raise BadFile("is damaged, and there is no earlier one", path=f"{path}.damaged", fix=FIX)
    return None


def save(film: Path, saved: Saved) -> Saved:
    """Write the labels; `FilmChanged` where somebody else has written them since."""
    path = labels_beside(film)
    data = json.dumps(_as_json(film, saved), ensure_ascii=False, separators=(",", ":")).encode()
    try:
        now = path.read_bytes()
    except FileNotFoundError:
        now = b""
    if (_etag(now) if now else "") != saved.etag:
        raise FilmChanged("was changed by another program", path=path.name, fix="Load the film again.")
    if now:
        before = film.with_name(film.name + BEFORE)
        with suppress(OSError):
            write_atomically(before, now, sync=False)
    write_atomically(path, data)
    return Saved(saved.labels, saved.session, _etag(data))


def _etag(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()[:32]


def _as_json(film: Path, saved: Saved) -> dict[str, Any]:
    labels = saved.labels
    return {
        "version": VERSION,
        "film": mark_of(film),
        "found": labels.seen.digest,
        "session": saved.session,
        "size": [labels.seen.width, labels.seen.height],
        "frames": len(labels.seen),
        "label": labels.label,
        "actions": labels.actions,
        "next": labels.next,
        "tracks": [_track_as_json(track) for track in labels.tracks.values()],
        "carried": [{"first": one.first, "boxes": one.boxes.round(2).tolist()} for one in labels.carried],
        "past": [_step_as_json(step) for step in labels.past],
        "future": [_step_as_json(step) for step in labels.future],
    }


def _track_as_json(track: Track) -> dict[str, Any]:
    return {
        "number": track.number,
        "label": track.label,
        "spans": [list(span) for span in track.spans],
        "sources": [[one.kind, one.number, one.first, one.last] for one in track.sources],
        "keys": [[frame, list(box)] for frame, box in track.keys],
    }


def _step_as_json(step: Change) -> dict[str, Any]:
    def side(tracks: dict[int, Track | None]) -> list[list[Any]]:
        return [[number, None if track is None else _track_as_json(track)] for number, track in tracks.items()]

    return {"name": step.name, "before": side(step.before), "after": side(step.after)}


def _parsed(content: Any, path: Path, film: Path, seen: FilmSeen, etag: str) -> Saved:
    try:
        if content["version"] != VERSION:
            raise BadFile("was written by another version", path=path, fix=FIX)
        if content["film"] != mark_of(film):
            raise BadFile("belongs to another film of that name", path=path, fix=FIX)
        if content["found"] != seen.digest:
            raise BadFile("belongs to what was found in the film at another time", path=path, fix=FIX)
        carried = tuple(
            Carried(int(one["first"]), np.array(one["boxes"], np.float64).reshape(-1, 4)) for one in content["carried"]
        )
        tracks = [_track(one, seen, carried) for one in content["tracks"]]
        labels = FilmLabels(
            seen,
            {track.number: track for track in tracks},
            carried,
            tuple(_step(one, seen, carried) for one in content["past"]),
            tuple(_step(one, seen, carried) for one in content["future"]),
            int(content["actions"]),
            int(content["next"]),
            str(content["label"]),
        )
        session = str(content["session"])
        if not is_session(session):
            raise ValueError("no session")
    except BadFile:
        raise
    except (KeyError, TypeError, ValueError, IndexError) as error:
        raise BadFile(f"holds no labels of a film ({error})", path=path, fix=FIX) from None
    return Saved(labels, session, etag)


def _track(content: Any, seen: FilmSeen, carried: tuple[Carried, ...]) -> Track:
    """A track, checked: what it names is there."""
    spans = tuple((int(first), int(last)) for first, last in content["spans"])
    sources = tuple(Origin(str(kind), int(n), int(a), int(b)) for kind, n, a, b in content["sources"])  # type: ignore[arg-type]
    keys = tuple((int(frame), tuple(float(side) for side in box)) for frame, box in content["keys"])
    flat = [frame for span in spans for frame in span]
    if not spans or flat != sorted(flat) or flat[0] < 0 or flat[-1] >= len(seen):
        raise ValueError("the frames of a track")
    for one in sources:
        if one.kind not in ("found", "carried") or one.number < 0:
            raise ValueError("a source")
        first = (seen.found if one.kind == "found" else carried)[one.number].first
        count = len((seen.found if one.kind == "found" else carried)[one.number].boxes)
        if not first <= one.first <= one.last < first + count or one.first < flat[0] or one.last > flat[-1]:
            raise ValueError("the frames of a source")
    for frame, box in keys:
        if len(box) != 4 or not np.isfinite(box).all() or not any(a <= frame <= b for a, b in spans):
            raise ValueError("a keyframe")
    return Track(int(content["number"]), str(content["label"]), spans, sources, keys)  # type: ignore[arg-type]


def _step(content: Any, seen: FilmSeen, carried: tuple[Carried, ...]) -> Change:
    def side(rows: Any) -> dict[int, Track | None]:
        return {int(number): None if one is None else _track(one, seen, carried) for number, one in rows}

    return Change(str(content["name"]), side(content["before"]), side(content["after"]))
