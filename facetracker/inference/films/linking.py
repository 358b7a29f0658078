"""Every face of a film through its shot: sightings linked forwards, carried on both ways by weak ones, gaps bridged.

A live follower knows only the past. A film is known to its end: a face that is seen well once is known from the first
hint of it to the last. Hiding faces and labelling films both begin here.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from facetracker.core.boxes import iou
from facetracker.inference.films.sightings import Sightings
from facetracker.inference.tracking.tracks import NOBODY, Tracks

Floats = NDArray[np.float64]

FOR_SPEED = 6  # sightings from which a speed is taken


@dataclass(frozen=True)
class LinkSettings:
    """What counts as the same face, and how far it is followed beyond its sightings.

    Seconds; distances in sizes of the face.
    """

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


def linked(seen: Sightings, start: int, end: int, settings: LinkSettings) -> list[Rows]:
    """The faces of a shot, from frame `start` to one before `end`."""
    return _joined(_followed(seen, start, end, settings), seen, settings)


class Rows:
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


def _followed(seen: Sightings, start: int, end: int, settings: LinkSettings) -> list[Rows]:
    """The sightings of a shot as tracks, weak boxes included that lie before the first good one or after the last."""
    tracks = Tracks(settings.begins, 1 / seen.step, confirm=1)
    rows: dict[int, Rows] = {}
    free: dict[int, list[int]] = {}
    for frame in range(start, end):
        boxes, scores = seen.boxes[frame].astype(np.float64), seen.scores[frame]
        ids = tracks.update(boxes, scores, seen.times[frame])
        for row, number in enumerate(ids.tolist()):
            if number == NOBODY:
                free.setdefault(frame, []).append(row)
                continue
            rows.setdefault(number, Rows([], [], [])).add(frame, boxes[row], float(scores[row]), first=False)
    limit = max(1, round(settings.reaches / seen.step))
    for one in rows.values():
        _carried(one, seen, free, range(one.frames[0] - 1, start - 1, -1), limit, settings.meets)
        _carried(one, seen, free, range(one.frames[-1] + 1, end), limit, settings.meets)
    return list(rows.values())


def _carried(one: Rows, seen: Sightings, free: dict[int, list[int]], way: range, limit: int, meets: float) -> None:
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


def _joined(rows: list[Rows], seen: Sightings, settings: LinkSettings) -> list[Rows]:
    """Tracks that are one face, missed for a while, as one."""
    rows = sorted(rows, key=lambda one: one.frames[0])
    chains: list[Rows] = []
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


def _misfit(before: Rows, after: Rows, seen: Sightings, settings: LinkSettings) -> float | None:
    """How far apart the end of a track and the begin of another are, in sizes of the face; None: not one face."""
    ends, begins = before.frames[-1], after.frames[0]
    if ends >= begins or (gap := seen.times[begins] - seen.times[ends]) > settings.bridged:
        return None
    going, coming = before.expected(begins), after.expected(ends)
    if is_gone(going, seen) or is_gone(coming, seen):  # it left the picture, or came into it, meanwhile
        return None
    one, other = before.boxes[-1], after.boxes[0]
    size, others = size_of(one), size_of(other)
    if max(size, others) > settings.alike * min(size, others):
        return None
    # A face may have gone on or stopped meanwhile: the nearest of the places where each end expects the other.
    apart = min(_apart(going, other), _apart(one, coming), _apart(one, other))
    apart /= (size + others) / 2
    return apart if apart <= settings.near + settings.drift * gap else None


def is_face(rows: Rows, seen: Sightings, settings: LinkSettings) -> bool:
    """Whether a track is somebody's face, or what may be one; or else noise."""
    if max(rows.scores) >= settings.sure:
        return True
    size = float(np.median([size_of(box) for box in rows.boxes])) / max(seen.width, seen.height)
    if size < settings.small:
        return (rows.frames[-1] - rows.frames[0]) * seen.step >= settings.lasting
    return sum(score >= settings.begins for score in rows.scores) * seen.step >= settings.lasting


def reach(rows: Rows, seen: Sightings, sighted: int, limit: int, step: int, settings: LinkSettings) -> int:
    """The last frame that is hidden beyond a sighting, in one direction; `limit` is the end of the shot."""
    if abs(seen.times[limit] - seen.times[sighted]) <= settings.to_cut:
        return limit
    frame = sighted
    while frame != limit:
        away = abs(seen.times[frame + step] - seen.times[sighted])
        box = rows.expected(frame + step)
        outwards = (box[:2] < 0).any() or box[2] > seen.width or box[3] > seen.height
        if is_gone(box, seen) or away > (settings.leaving if outwards else settings.reaches):
            break
        frame += step
    return frame


def is_gone(box: Floats, seen: Sightings) -> bool:
    """Nothing of the box is in the picture."""
    return bool((box[2:] <= 0).any() or box[0] >= seen.width or box[1] >= seen.height)


def size_of(box: Floats) -> float:
    return float(np.sqrt(max((box[2] - box[0]) * (box[3] - box[1]), 1e-9)))


def _apart(one: Floats, other: Floats) -> float:
    return float(np.linalg.norm((one[:2] + one[2:] - other[:2] - other[2:]) / 2))
