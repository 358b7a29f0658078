"""From what each frame showed to what is hidden: every face through its shot, forwards and backwards, without a gap.

A live follower knows only the past, and a face is bare until it is believed. A film is known to its end: a face that
is seen well once is hidden from the first hint of it to the last, through the frames in which it was missed, and a
little beyond both ends.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace

import numpy as np

from facetracker.core.boxes import areas
from facetracker.inference.films.linking import Floats, LinkSettings, Rows, is_face, linked, reach
from facetracker.inference.films.sightings import Sightings
from facetracker.inference.hiding.cover import GROWN

ECHO = 0.85  # share of a faint box that lies beneath what hides another face


@dataclass(frozen=True)
class HidingSettings(LinkSettings):
    """When a track counts as a face, and how far what is hidden reaches. Seconds; distances in sizes of the face."""

    begins_among: float = 0.15  # `begins` and `sure` in a shot in which one face is seen without doubt: where somebody
    sure_among: float = 0.3  # is, there may be more, smaller and darker
    unseen: float = 0.5  # a gap from which a person should have a look, and a track that ends in the middle
    growing: float = 1.0  # by how much of itself the box grows for each second away from a sighting,
    grown: float = 0.5  # at most


@dataclass
class FilmTrack:
    """One face in one shot: `boxes` `(N, 4)`, pixels, what is hidden in the frames from `first` on.

    `scores` `(N,)` are those of the sightings, 0 where there is none. `hidden` says whether it is hidden, and `doubt`
    why a person should have a look, if they should.
    """

    number: int
    first: int
    boxes: Floats
    scores: Floats
    hidden: bool = True
    doubt: str = ""

    @property
    def last(self) -> int:
        """The last frame."""
        return self.first + len(self.boxes) - 1


def tracks_of(seen: Sightings, threshold: float, settings: HidingSettings = HidingSettings()) -> list[FilmTrack]:
    """All tracks of a film, by their first frame. From the score `threshold` on, a box is a face without doubt."""
    tracks = [one for start, end in seen.shots for one in _tracks_of_shot(seen, start, end, threshold, settings)]
    tracks.sort(key=lambda one: (one.first, one.boxes[0].tolist()))
    for number, one in enumerate(tracks, 1):
        one.number = number
    return tracks


def _tracks_of_shot(
    seen: Sightings, start: int, end: int, threshold: float, settings: HidingSettings
) -> list[FilmTrack]:
    faces = linked(seen, start, end, settings)
    if any(max(rows.scores) >= threshold for rows in faces):
        settings = replace(settings, begins=settings.begins_among, sure=settings.sure_among)
        faces = linked(seen, start, end, settings)
    tracks = [_filled(rows, seen, start, end, threshold, settings) for rows in faces]
    return [one for one in tracks if not _is_echo(one, tracks, threshold)]


def _is_echo(one: FilmTrack, tracks: Iterable[FilmTrack], threshold: float) -> bool:
    """Whether a faint track lies beneath what hides a surer one, wherever it was seen: an echo, no second face."""
    best = one.scores.max()
    if best >= threshold:
        return False
    frames = np.flatnonzero(one.scores) + one.first
    own = one.boxes[frames - one.first]
    for other in tracks:
        if other.hidden and other.first <= frames[0] and frames[-1] <= other.last and other.scores.max() > best:
            above = _grown(other.boxes[frames - other.first], np.full(len(frames), GROWN - 1))
            inside = np.minimum(own[:, 2:], above[:, 2:]) - np.maximum(own[:, :2], above[:, :2])
            if (np.maximum(inside, 0).prod(axis=1) >= ECHO * areas(own)).all():
                return True
    return False


def boxes_by_frame(tracks: Iterable[FilmTrack], frames: int) -> list[Floats]:
    """What is hidden in each frame: pixel boxes `(N, 4)`."""
    hidden: list[list[Floats]] = [[] for _ in range(frames)]
    for one in tracks:
        if one.hidden:
            for frame in range(max(0, one.first), min(frames, one.last + 1)):
                hidden[frame].append(one.boxes[frame - one.first])
    return [np.reshape(boxes, (-1, 4)) for boxes in hidden]


def _filled(rows: Rows, seen: Sightings, start: int, end: int, threshold: float, settings: HidingSettings) -> FilmTrack:
    """The track in every frame from before its first sighting until after its last one."""
    first = reach(rows, seen, rows.frames[0], start, -1, settings)
    last = reach(rows, seen, rows.frames[-1], end - 1, 1, settings)
    frames, known = np.arange(first, last + 1), np.array(rows.frames)
    steady = _steady(np.array(rows.boxes))
    boxes = np.stack([np.interp(frames, known, steady[:, side]) for side in range(4)], axis=1)
    for frame in (*range(first, known[0]), *range(known[-1] + 1, last + 1)):
        boxes[frame - first] = rows.expected(frame)
    times, sighted = np.array(seen.times[first : last + 1]), seen.times_of(rows.frames)
    boxes = _grown(boxes, np.minimum(settings.growing * _away(times, sighted), settings.grown))
    scores = np.zeros(len(frames))
    scores[known - first] = rows.scores
    hidden = is_face(rows, seen, settings)
    track = FilmTrack(0, first, boxes, scores, hidden)
    track.doubt = _doubt(track, rows, seen, end, threshold, settings)
    return track


def _doubt(track: FilmTrack, rows: Rows, seen: Sightings, end: int, threshold: float, settings: HidingSettings) -> str:
    """Why a person should have a look at the track."""
    if not track.hidden:
        return "may be a face"
    if track.scores.max() < threshold:
        return "may not be a face"
    times = seen.times_of(rows.frames)
    gaps = np.diff(times)
    if len(gaps) and gaps.max() > settings.unseen:
        return f"not seen from {times[gaps.argmax()]:.1f} to {times[gaps.argmax() + 1]:.1f} s"
    x1, y1, x2, y2 = track.boxes[-1]
    inside = x1 > 0 and y1 > 0 and x2 < seen.width and y2 < seen.height
    if inside and track.last < end - 1 and rows.scores[-1] >= settings.begins:
        return f"not seen after {times[-1]:.1f} s"
    return ""


def _steady(boxes: Floats) -> Floats:
    """Boxes as large as the largest of their neighbours, so that no single small one leaves a chin bare."""
    centres, sizes = (boxes[:, :2] + boxes[:, 2:]) / 2, boxes[:, 2:] - boxes[:, :2]
    padded = np.pad(sizes, ((2, 2), (0, 0)), mode="edge")
    largest = np.max([padded[shift : shift + len(sizes)] for shift in range(5)], axis=0)
    return np.concatenate([centres - largest / 2, centres + largest / 2], axis=1)


def _away(times: Floats, sighted: Floats) -> Floats:
    """Seconds from each time to the nearest sighting; `sighted` is in order."""
    after = np.searchsorted(sighted, times).clip(0, len(sighted) - 1)
    before = np.maximum(after - 1, 0)
    return np.minimum(np.abs(sighted[after] - times), np.abs(times - sighted[before]))


def _grown(boxes: Floats, share: Floats) -> Floats:
    reach = (boxes[:, 2:] - boxes[:, :2]) * share[:, None] / 2
    return np.concatenate([boxes[:, :2] - reach, boxes[:, 2:] + reach], axis=1)
