"""From what each frame showed to what is hidden: every face through its shot, forwards and backwards, without a gap.

A live follower knows only the past, and a face is bare until it is believed. A film is known to its end: a face that
is seen well once is hidden from the first hint of it to the last, through the frames in which it was missed, and a
little beyond both ends.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from facetracker.core.boxes import iou
from facetracker.inference.hiding.sightings import Sightings
from facetracker.inference.tracking.tracks import NOBODY, Tracks

Floats = NDArray[np.float64]

FOR_SPEED = 6  # sightings from which a speed is taken


@dataclass(frozen=True)
class HidingSettings:
    """When a track counts as a face, and how far what is hidden reaches. Seconds; distances in sizes of the face."""

    begins: float = 0.25  # score from which a box begins a track; weaker ones only carry one on
    sure: float = 0.4  # a track that has once this score is a face
    lasting: float = 0.3  # and so is one that is seen this long, weakly all the time;
    small: float = 0.12  # one of less than this share of the picture's longer side may be missed meanwhile
    meets: float = 0.2  # overlap of a weak box with where a face is expected
    bridged: float = 1.5  # two tracks with up to such a gap are one face, when places and sizes agree
    near: float = 0.8  # how far apart these places may be,
    drift: float = 1.0  # and how much further for each second of the gap
    alike: float = 1.7  # ratio of their sizes
    reaches: float = 0.25  # beyond the first and the last sighting,
    to_cut: float = 0.7  # or up to the next cut, when it is no further than this
    leaving: float = 1.0  # a face at the edge that moves out is followed until it is gone, for so long
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
    tracks = [
        _filled(rows, seen, start, end, threshold, settings)
        for start, end in seen.shots
        for rows in _joined(_linked(seen, start, end, settings), seen, settings)
    ]
    tracks.sort(key=lambda one: (one.first, one.boxes[0].tolist()))
    for number, one in enumerate(tracks, 1):
        one.number = number
    return tracks


def boxes_by_frame(tracks: Iterable[FilmTrack], frames: int) -> list[Floats]:
    """What is hidden in each frame: pixel boxes `(N, 4)`."""
    hidden: list[list[Floats]] = [[] for _ in range(frames)]
    for one in tracks:
        if one.hidden:
            for frame in range(max(0, one.first), min(frames, one.last + 1)):
                hidden[frame].append(one.boxes[frame - one.first])
    return [np.reshape(boxes, (-1, 4)) for boxes in hidden]


class _Rows:
    """The sightings of one face: frame numbers in order, boxes `(N, 4)`, scores."""

    def __init__(self, frames: list[int], boxes: list[Floats], scores: list[float]):
        self.frames, self.boxes, self.scores = frames, boxes, scores

    def add(self, frame: int, box: Floats, score: float, first: bool) -> None:
        place = 0 if first else len(self.frames)
        self.frames.insert(place, frame)
        self.boxes.insert(place, box)
        self.scores.insert(place, score)

    def expected(self, frame: int) -> Floats:
        """Where the face is in a frame before its first sighting or after its last, if it goes on as it did there."""
        end = slice(0, FOR_SPEED) if frame < self.frames[0] else slice(-FOR_SPEED, None)
        frames, boxes = np.array(self.frames[end]), np.array(self.boxes[end])
        near, box = (frames[0], boxes[0]) if frame < self.frames[0] else (frames[-1], boxes[-1])
        if len(frames) < 3:
            return box
        speeds = ((boxes[-1] - boxes[0]) / (frames[-1] - frames[0])).reshape(2, 2)
        # A face that leaves the picture is cut off there: the side that still moves says how fast it goes.
        speed = speeds[np.abs(speeds).argmax(axis=0), [0, 1]]
        return box + np.tile(speed * (frame - near), 2)


def _linked(seen: Sightings, start: int, end: int, settings: HidingSettings) -> list[_Rows]:
    """The sightings of a shot as tracks, weak boxes included that lie before the first good one or after the last."""
    tracks = Tracks(settings.begins, 1 / seen.step, confirm=1)
    rows: dict[int, _Rows] = {}
    free: dict[int, list[int]] = {}
    for frame in range(start, end):
        boxes, scores = seen.boxes[frame].astype(np.float64), seen.scores[frame]
        ids = tracks.update(boxes, scores, seen.times[frame])
        for row, number in enumerate(ids.tolist()):
            if number == NOBODY:
                free.setdefault(frame, []).append(row)
                continue
            rows.setdefault(number, _Rows([], [], [])).add(frame, boxes[row], float(scores[row]), first=False)
    limit = max(1, round(settings.reaches / seen.step))
    for one in rows.values():
        _carried(one, seen, free, range(one.frames[0] - 1, start - 1, -1), limit, settings.meets)
        _carried(one, seen, free, range(one.frames[-1] + 1, end), limit, settings.meets)
    return list(rows.values())


def _carried(one: _Rows, seen: Sightings, free: dict[int, list[int]], way: range, limit: int, meets: float) -> None:
    """Carry a track on along the way by weak boxes, until too many frames in a row have none."""
    missed = 0
    for frame in way:
        left = free.get(frame, [])
        overlap = iou(one.expected(frame)[None], seen.boxes[frame][left])[0] if left else np.zeros(0)
        if len(overlap) and overlap.max() >= meets:
            row = left.pop(int(overlap.argmax()))
            one.add(frame, seen.boxes[frame][row].astype(np.float64), float(seen.scores[frame][row]), way.step < 0)
            missed = 0
        elif (missed := missed + 1) > limit:
            return


def _joined(rows: list[_Rows], seen: Sightings, settings: HidingSettings) -> list[_Rows]:
    """Tracks that are one face, missed for a while, as one."""
    rows = sorted(rows, key=lambda one: one.frames[0])
    chains: list[_Rows] = []
    for one in rows:
        fits = [(gap, chain) for chain in chains if (gap := _misfit(chain, one, seen, settings)) is not None]
        if not fits:
            chains.append(one)
            continue
        chain = min(fits, key=lambda pair: pair[0])[1]
        chain.frames += one.frames
        chain.boxes += one.boxes
        chain.scores += one.scores
    return chains


def _misfit(before: _Rows, after: _Rows, seen: Sightings, settings: HidingSettings) -> float | None:
    """How far apart the end of a track and the begin of another are, in sizes of the face; None: not one face."""
    ends, begins = before.frames[-1], after.frames[0]
    if ends >= begins or (gap := seen.times[begins] - seen.times[ends]) > settings.bridged:
        return None
    going, coming = before.expected(begins), after.expected(ends)
    if _is_gone(going, seen) or _is_gone(coming, seen):  # it left the picture, or came into it, meanwhile
        return None
    one, other = before.boxes[-1], after.boxes[0]
    size, others = _size(one), _size(other)
    if max(size, others) > settings.alike * min(size, others):
        return None
    # A face may have gone on or stopped meanwhile: the nearest of the places where each end expects the other.
    apart = min(_apart(going, other), _apart(one, coming), _apart(one, other))
    apart /= (size + others) / 2
    return apart if apart <= settings.near + settings.drift * gap else None


def _filled(
    rows: _Rows, seen: Sightings, start: int, end: int, threshold: float, settings: HidingSettings
) -> FilmTrack:
    """The track in every frame from before its first sighting until after its last one."""
    first = _reach(rows, seen, rows.frames[0], start, -1, settings)
    last = _reach(rows, seen, rows.frames[-1], end - 1, 1, settings)
    frames, known = np.arange(first, last + 1), np.array(rows.frames)
    steady = _steady(np.array(rows.boxes))
    boxes = np.stack([np.interp(frames, known, steady[:, side]) for side in range(4)], axis=1)
    for frame in (*range(first, known[0]), *range(known[-1] + 1, last + 1)):
        boxes[frame - first] = rows.expected(frame)
    times, sighted = np.array(seen.times[first : last + 1]), seen.times_of(rows.frames)
    boxes = _grown(boxes, np.minimum(settings.growing * _away(times, sighted), settings.grown))
    scores = np.zeros(len(frames))
    scores[known - first] = rows.scores
    hidden = _counts(rows, seen, settings)
    track = FilmTrack(0, first, boxes, scores, hidden)
    track.doubt = _doubt(track, rows, seen, end, threshold, settings)
    return track


def _counts(rows: _Rows, seen: Sightings, settings: HidingSettings) -> bool:
    """Whether a track is hidden: somebody's face, or what may be one."""
    if max(rows.scores) >= settings.sure:
        return True
    size = float(np.median([_size(box) for box in rows.boxes])) / max(seen.width, seen.height)
    if size < settings.small:
        return (rows.frames[-1] - rows.frames[0]) * seen.step >= settings.lasting
    return sum(score >= settings.begins for score in rows.scores) * seen.step >= settings.lasting


def _doubt(track: FilmTrack, rows: _Rows, seen: Sightings, end: int, threshold: float, settings: HidingSettings) -> str:
    """Why a person should have a look at the track."""
    if not track.hidden:
        return "may be a face"
    if track.scores.max() < threshold:
        return "may be no face"
    times = seen.times_of(rows.frames)
    gaps = np.diff(times)
    if len(gaps) and gaps.max() > settings.unseen:
        return f"not seen from {times[gaps.argmax()]:.1f} to {times[gaps.argmax() + 1]:.1f} s"
    x1, y1, x2, y2 = track.boxes[-1]
    inside = x1 > 0 and y1 > 0 and x2 < seen.width and y2 < seen.height
    if inside and track.last < end - 1 and rows.scores[-1] >= settings.begins:
        return f"not seen after {times[-1]:.1f} s"
    return ""


def _reach(rows: _Rows, seen: Sightings, sighted: int, limit: int, step: int, settings: HidingSettings) -> int:
    """The last frame that is hidden beyond a sighting, in one direction; `limit` is the end of the shot."""
    if abs(seen.times[limit] - seen.times[sighted]) <= settings.to_cut:
        return limit
    frame = sighted
    while frame != limit:
        away = abs(seen.times[frame + step] - seen.times[sighted])
        box = rows.expected(frame + step)
        outwards = (box[:2] < 0).any() or box[2] > seen.width or box[3] > seen.height
        if _is_gone(box, seen) or away > (settings.leaving if outwards else settings.reaches):
            break
        frame += step
    return frame


def _is_gone(box: Floats, seen: Sightings) -> bool:
    """Nothing of the box is in the picture."""
    return bool((box[2:] <= 0).any() or box[0] >= seen.width or box[1] >= seen.height)


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


def _size(box: Floats) -> float:
    return float(np.sqrt(max((box[2] - box[0]) * (box[3] - box[1]), 1e-9)))


def _apart(one: Floats, other: Floats) -> float:
    return float(np.linalg.norm((one[:2] + one[2:] - other[:2] - other[2:]) / 2))
