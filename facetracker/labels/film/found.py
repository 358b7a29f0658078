"""The faces that were found in a film, frame by frame: what a person's corrections start from.

They are kept in one file beside the film (`FILM.seen.npz`), so that opening the film again takes no time, and so that
the numbers of the faces mean next year what they mean today.
"""

from __future__ import annotations

import hashlib
import io
import json
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from facetracker.core.errors import BadFile
from facetracker.core.files import write_atomically
from facetracker.inference.films.film import FilmReader, mark_of
from facetracker.inference.films.linking import Floats, LinkSettings, Rows, is_face, linked, reach
from facetracker.inference.films.sightings import Looks, Sightings, look_through

SEEN = ".seen.npz"
VERSION = 1
LARGEST_LOOK = 1280  # pixels of the longer side
# A face is followed here as for hiding, but not beyond its sightings where it does not leave the picture: a box where
# no face can be seen is a wrong label.
LINKING = LinkSettings(reaches=0.0)
# A face whose best score is below this share of the threshold is no track by itself: sleeves, pictures on shirts. It
# waits for a person who draws a box there.
SURE = 0.8
SMOOTHED = 2  # frames on each side over which the trembling of found boxes is taken out


@dataclass(frozen=True, eq=False)
class Found:
    """One face as it was found: boxes `(N, 4)` in pixels, scores `(N,)`, in the frames from `first` on.

    The score is 0 where the face was not seen and the box lies between, or beyond, those that were. `agreed` `(N,)`
    is False where the film looked through backwards joins the face with another one.
    """

    first: int
    boxes: Floats
    scores: Floats
    agreed: NDArray[np.bool_]

    @property
    def last(self) -> int:
        """The last frame."""
        return self.first + len(self.boxes) - 1


@dataclass(frozen=True, eq=False)
class FilmSeen:
    """A film that was looked through: size in pixels, frames by stamp and time (seconds), shots, the faces found.

    `threshold` is the score from which a face counts without doubt; `digest` tells one look from another.
    """

    width: int
    height: int
    stamps: list[int]
    times: list[float]
    shots: list[tuple[int, int]]
    found: list[Found]
    threshold: float
    model: str
    digest: str = ""

    def __len__(self) -> int:
        return len(self.times)

    @property
    def step(self) -> float:
        """Seconds from one frame to the next, as a rule."""
        return float(np.median(np.diff(self.times))) if len(self) > 1 else 1 / 30

    def is_sure(self, number: int) -> bool:
        """Was the found face of this number seen well once?"""
        return bool(self.found[number].scores.max(initial=0.0) >= SURE * self.threshold)

    def shot_of(self, frame: int) -> tuple[int, int]:
        """First and last frame of the shot that a frame belongs to."""
        return next((start, end - 1) for start, end in self.shots if start <= frame < end)


def faces_in(seen: Sightings, threshold: float, model: str = "starter") -> FilmSeen:
    """The faces of a film from what its frames showed: linked forwards, and backwards to see where that agrees."""
    backwards = _owners_backwards(seen)
    found = [
        _filled(rows, seen, start, end, backwards)
        for start, end in seen.shots
        for rows in linked(seen, start, end, LINKING)
        if max(rows.scores) >= threshold or is_face(rows, seen, LINKING)
    ]
    found.sort(key=lambda one: (one.first, one.boxes[0].tolist()))
    return FilmSeen(seen.width, seen.height, seen.stamps, seen.times, seen.shots, found, threshold, model)


def seen_beside(film: Path) -> Path:
    """Where a film's faces lie."""
    return film.with_name(film.name + SEEN)


def look_at(
    film: Path, model: str | Path | None = None, threads: int | None = None, heard: Callable[[], None] | None = None
) -> FilmSeen:
    """The faces of a film: read from beside it, or the film is looked through and they are written there.

    `heard` is called after each frame.
    """
    known = read_seen(film)
    if known is not None:
        return known
    with FilmReader(film) as reader:
        looks = Looks(model, min(LARGEST_LOOK, max(reader.size)), threads)
        seen = faces_in(look_through(reader, looks, heard), looks.threshold, looks.detectors[0].card.name or "starter")
    return write_seen(film, seen)


def write_seen(film: Path, seen: FilmSeen) -> FilmSeen:
    """Write what was found beside the film; the same, with its digest."""
    counts = [len(one.boxes) for one in seen.found]
    rows = {name: [getattr(one, name) for one in seen.found] for name in ("boxes", "scores", "agreed")}
    about = {"version": VERSION, "film": mark_of(film), "model": seen.model, "threshold": seen.threshold}
    arrays = {
        "about": np.frombuffer(json.dumps(about).encode(), np.uint8),
        "size": np.array([seen.width, seen.height]),
        "stamps": np.array(seen.stamps, np.int64),
        "times": np.array(seen.times, np.float64),
        "shots": np.array(seen.shots, np.int64).reshape(-1, 2),
        "first": np.array([one.first for one in seen.found], np.int64),
        "count": np.array(counts, np.int64),
        "boxes": np.concatenate([np.zeros((0, 4)), *rows["boxes"]]).astype(np.float32),
        "scores": np.concatenate([np.zeros(0), *rows["scores"]]).astype(np.float32),
        "agreed": np.concatenate([np.zeros(0, bool), *rows["agreed"]]),
    }
    file = io.BytesIO()
    np.savez_compressed(file, **arrays)  # type: ignore[arg-type]
    write_atomically(seen_beside(film), file.getvalue())
    written = read_seen(film)
    assert written is not None
    return written


def read_seen(film: Path) -> FilmSeen | None:
    """What was found in a film earlier; None where it was never looked through, or is another film by now."""
    path = seen_beside(film)
    try:
        with np.load(path, allow_pickle=False) as file:
            arrays: dict[str, Any] = {name: file[name] for name in file.files}
        about = json.loads(bytes(arrays["about"]))
        if about["version"] != VERSION:
            raise BadFile(
                "was written by another version", path=path, fix="Delete it: the film is looked through again."
            )
        if about["film"] != mark_of(film):
            return None
        return _read(arrays, about)
    except FileNotFoundError:
        return None
    except BadFile:
        raise
    except Exception as error:  # numpy and zip raise whatever they stumble over
        fix = "Delete it: the film is looked through again."
        raise BadFile(f"cannot be read ({type(error).__name__})", path=path, fix=fix) from None


def _read(arrays: dict[str, Any], about: dict[str, Any]) -> FilmSeen:
    digest = hashlib.blake2b(digest_size=8)
    for name in ("first", "count", "boxes", "scores"):
        digest.update(np.ascontiguousarray(arrays[name]).tobytes())
    ends = np.cumsum(arrays["count"])
    if len(ends) and (int(ends[-1]) != len(arrays["boxes"]) or len(arrays["scores"]) != len(arrays["boxes"])):
        raise ValueError("the counts do not fit")
    found = [
        Found(
            int(first),
            arrays["boxes"][end - count : end].astype(np.float64),
            arrays["scores"][end - count : end].astype(np.float64),
            arrays["agreed"][end - count : end],
        )
        for first, count, end in zip(arrays["first"], arrays["count"], ends, strict=True)
    ]
    width, height = (int(side) for side in arrays["size"])
    shots = [(int(start), int(end)) for start, end in arrays["shots"]]
    times = arrays["times"].tolist()
    threshold, model = float(about["threshold"]), str(about["model"])
    return FilmSeen(width, height, arrays["stamps"].tolist(), times, shots, found, threshold, model, digest.hexdigest())


def _filled(rows: Rows, seen: Sightings, start: int, end: int, backwards: dict[tuple[int, float], int]) -> Found:
    """A face in every frame from its first sighting to its last, and beyond where it leaves the picture."""
    first = reach(rows, seen, rows.frames[0], start, -1, LINKING)
    last = reach(rows, seen, rows.frames[-1], end - 1, 1, LINKING)
    frames, known = np.arange(first, last + 1), np.array(rows.frames)
    steady = _smoothed(known, np.array(rows.boxes))
    boxes = np.stack([np.interp(frames, known, steady[:, side]) for side in range(4)], axis=1)
    for frame in (*range(first, known[0]), *range(known[-1] + 1, last + 1)):
        boxes[frame - first] = rows.expected(frame)
    scores, agreed = np.zeros(len(frames)), np.ones(len(frames), bool)
    scores[known - first] = rows.scores
    owners = [backwards.get((frame, float(box[0]))) for frame, box in zip(rows.frames, rows.boxes, strict=True)]
    for place in range(1, len(known)):
        before, after = owners[place - 1], owners[place]
        if before is not None and after is not None and before != after:
            agreed[known[place - 1] - first : known[place] - first + 1] = False
    return Found(first, boxes, scores, agreed)


def _owners_backwards(seen: Sightings) -> dict[tuple[int, float], int]:
    """Which face each box belongs to when the film is looked through from its end: by frame and left side."""
    count = len(seen)
    turned = Sightings(
        seen.width,
        seen.height,
        seen.stamps,
        [seen.times[-1] - time for time in reversed(seen.times)],
        seen.boxes[::-1],
        seen.scores[::-1],
        seen.changes,
    )
    owners: dict[tuple[int, float], int] = {}
    number = 0
    for start, end in seen.shots:
        for rows in linked(turned, count - end, count - start, replace(LINKING, bridged=0.0)):
            number += 1
            for frame, box in zip(rows.frames, rows.boxes, strict=True):
                owners[count - 1 - frame, float(box[0])] = number
    return owners


def _smoothed(frames: NDArray[np.int64], boxes: Floats) -> Floats:
    """Boxes `(N, 4)` on the straight line that fits best through each and its neighbours in time."""
    smooth = boxes.copy()
    for place in range(len(boxes)):
        around = slice(max(0, place - SMOOTHED), place + SMOOTHED + 1)
        away = (frames[around] - frames[place]).astype(np.float64)
        near = np.abs(away) <= SMOOTHED + 1
        away, around_boxes = away[near], boxes[around][near]
        if len(away) < 3:
            continue
        middle = away.mean()
        spread = ((away - middle) ** 2).sum()
        slope = ((away - middle)[:, None] * around_boxes).sum(axis=0) / spread
        smooth[place] = around_boxes.mean(axis=0) - slope * middle
    return smooth
