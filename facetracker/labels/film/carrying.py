"""Tracks that a carried box makes longer: from a corrected or a new box, up to where the face is known again."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
from numpy.typing import ArrayLike

from facetracker.core.boxes import iou
from facetracker.labels.film.carry import Carrier, carry
from facetracker.labels.film.found import FilmSeen
from facetracker.labels.film.pieces import extended
from facetracker.labels.film.tracks import Boxed, Carried, PixelCorners, Track

MEETS = 0.4  # overlap from which a drawn or carried box is on the face of another track, or of something faint
NEAR = 3  # frames from its begin or end within which a carried box has met another track
ASTRAY = 2.0  # seconds that a box is carried at most over what was found elsewhere
AGREES = 0.5  # overlap of the carried with the found box from which the track is on it again


def carried_around(
    track: Track,
    boxed: Boxed,
    seen: FilmSeen,
    frame: int,
    box: PixelCorners,
    carrier: Carrier,
    *,
    elsewhere: bool,
    number: int,
) -> tuple[Track, tuple[Carried, ...]]:
    """The box carried both ways from a frame in which the face was not seen, up to where it is known again.

    `boxed` is where the track was until now; `elsewhere`: it was on something else there. `number` is that of the next
    carried boxes.
    """
    known = {one for one, _ in track.keys if one != frame}
    if not elsewhere:
        known |= {int(one) for one in boxed.frames[boxed.scores > 0]}
    span = next((first, last) for first, last in track.spans if first <= frame <= last)
    more: list[Carried] = []
    for step, end in ((1, span[1]), (-1, span[0])):
        inside = [one for one in known if (one - frame) * step > 0 and (one - end) * step <= 0]
        limit = min(inside, key=lambda one: abs(one - frame)) - step if inside else end
        if elsewhere:
            reach = round(ASTRAY / seen.step)
            limit = max(limit, frame - reach) if step < 0 else min(limit, frame + reach)
        way = carry(carrier, frame, box, step, limit)
        if elsewhere:
            way = _until_it_agrees(boxed, frame, step, way)
        if way:
            track, carried = carried_on(track, frame, step, way, number + len(more))
            more.append(carried)
    return track, tuple(more)


def carried_on(track: Track, frame: int, step: int, way: list[PixelCorners], number: int) -> tuple[Track, Carried]:
    """The track with the boxes of `way` after a frame (before it: `step` -1), and these boxes under their number."""
    end = frame + step * len(way)
    first, last = min(frame + step, end), max(frame + step, end)
    boxes = np.array(way if step > 0 else way[::-1], np.float64)
    return extended(track, first, last, number), Carried(first, boxes)


def met(
    frame: int, step: int, way: list[PixelCorners], tracks: Mapping[int, Track], boxed: Mapping[int, Boxed]
) -> tuple[int | None, list[PixelCorners]]:
    """The track whose begin (or end, backwards) the carried boxes meet, and the boxes up to there.

    Where they run into the middle of another track, that face is before this one: they end there.
    """
    for place, box in enumerate(way):
        at = frame + step * (place + 1)
        for number, track in tracks.items():
            other = boxed[number].at(at)
            if other is None or overlap(box, other) < MEETS:
                continue
            begins = track.first if step > 0 else track.last
            return (number if abs(at - begins) <= NEAR else None), way[:place]
    return None, way


def overlap(one: ArrayLike, other: ArrayLike) -> float:
    """Intersection over union of two boxes `(4,)`."""
    return float(iou(np.array([one]), np.array([other]))[0, 0])


def _until_it_agrees(boxed: Boxed, frame: int, step: int, way: list[PixelCorners]) -> list[PixelCorners]:
    """The carried boxes up to where the track is on the same face again."""
    for place, box in enumerate(way):
        other = boxed.at(frame + step * (place + 1))
        if other is not None and overlap(box, other) >= AGREES:
            return way[:place]
    return way
