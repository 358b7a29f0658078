"""Where a person should look: stretches of a film in which a box may be wrong, or a face may be missing."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from facetracker.labels.film.found import FilmSeen
from facetracker.labels.film.tracks import Boxed, Track

UNSEEN = 0.2  # seconds without a sighting
CARRIED = 1.0  # seconds that a box is carried without a look
JUMPS = 0.35  # of the face's size, from one frame to the next, off the way that it went
BRIEF = 0.5  # seconds: a face that is there for less may be none
JOINED = 0.4  # seconds between two doubtful stretches of one track that are shown as one
REASONS = ("may not be a face", "not seen", "carried", "may be two faces", "jumps", "faint", "begins", "ends")


@dataclass(frozen=True)
class Doubt:
    """A stretch of a track, first and last frame, and why somebody should look at it."""

    track: int
    first: int
    last: int
    why: str


def doubts_of(tracks: Mapping[int, Track], boxed: Mapping[int, Boxed], seen: FilmSeen) -> list[Doubt]:
    """All stretches that nobody has looked at, in order of time: one that holds a keyframe is settled."""
    found = []
    for number, track in tracks.items():
        settled = [frame for frame, _ in track.keys]
        for one in _merged(list(_of_track(track, boxed[number], seen)), round(JOINED / seen.step)):
            if not any(one.first <= frame <= one.last for frame in settled):
                found.append(one)
    return sorted(found, key=lambda one: (one.first, one.track))


def _of_track(track: Track, boxed: Boxed, seen: FilmSeen) -> Iterator[Doubt]:
    def stretches(flags: NDArray[np.bool_], why: str, least: int = 1) -> Iterator[Doubt]:
        for first, last in _runs(flags, boxed.frames):
            if last - first + 1 >= least:
                yield Doubt(track.number, first, last, why)

    known = {frame for frame, _ in track.keys}
    seen_at = boxed.scores > 0
    brief = len(boxed.frames) * seen.step < BRIEF
    if not known and (boxed.scores.max(initial=0.0) < seen.threshold or brief):
        yield Doubt(track.number, track.first, track.last, "may not be a face")
        return
    unseen = max(1, round(UNSEEN / seen.step))
    yield from stretches(~seen_at & ~boxed.carried & ~np.isin(boxed.frames, list(known)), "not seen", unseen)
    yield from stretches(boxed.carried, "carried", max(1, round(CARRIED / seen.step)))
    yield from stretches(~boxed.agreed, "may be two faces")
    yield from stretches(_jumping(boxed), "jumps")
    yield from stretches(seen_at & (boxed.scores < seen.threshold * 0.7), "faint", unseen)
    yield from _ends(track, boxed, seen)


def _jumping(boxed: Boxed) -> NDArray[np.bool_]:
    """Frames in which a box leaves the way that it went."""
    jumping = np.zeros(len(boxed.frames), bool)
    if len(jumping) < 3:
        return jumping
    steps = np.diff(boxed.boxes, axis=0)
    turns = np.abs(np.diff(steps, axis=0)).max(axis=1)
    size = np.sqrt(np.maximum(np.prod(boxed.boxes[:, 2:] - boxed.boxes[:, :2], axis=1), 0.0))
    there = (size[:-2] > 1) & (size[1:-1] > 1) & (size[2:] > 1)
    together = (np.diff(boxed.frames)[:-1] == 1) & (np.diff(boxed.frames)[1:] == 1)
    jumping[1:-1] = together & there & (turns > JUMPS * size[1:-1])
    return jumping


def _ends(track: Track, boxed: Boxed, seen: FilmSeen) -> Iterator[Doubt]:
    """A face that comes or goes in the middle of the picture, in the middle of a shot."""
    for first, last in track.spans:
        for frame, why in ((first, "begins"), (last, "ends")):
            if frame in seen.shot_of(frame):
                continue
            x1, y1, x2, y2 = boxed.boxes[np.searchsorted(boxed.frames, frame)]
            near = 0.25 * max(x2 - x1, y2 - y1)
            if x1 > near and y1 > near and x2 < seen.width - near and y2 < seen.height - near:
                yield Doubt(track.number, frame, frame, why)


def _merged(doubts: list[Doubt], gap: int) -> list[Doubt]:
    """Stretches that follow each other closely, as one."""
    merged: list[Doubt] = []
    for one in sorted(doubts, key=lambda one: (one.first, one.last)):
        if merged and one.first <= merged[-1].last + gap:
            before = merged[-1]
            why = min(before.why, one.why, key=REASONS.index)
            merged[-1] = Doubt(before.track, before.first, max(before.last, one.last), why)
        else:
            merged.append(one)
    return merged


def _runs(flags: NDArray[np.bool_], frames: NDArray[np.int64]) -> Iterator[tuple[int, int]]:
    """First and last frame of each run of True in frames that follow each other."""
    rows = np.flatnonzero(flags)
    if not len(rows):
        return
    breaks = np.flatnonzero((np.diff(rows) > 1) | (np.diff(frames[rows]) > 1))
    for first, last in zip([0, *(breaks + 1)], [*breaks, len(rows) - 1], strict=True):
        yield int(frames[rows[first]]), int(frames[rows[last]])
