"""Where a face is in every frame: what was found, pulled to where a person has put it.

A person's corrections are keyframes. How far each lies from the found box, in the found box's own width and height, is
carried on in time: between two keyframes it goes over from one to the other, so that both are met exactly, and beyond
them it goes over into the person's style. So one correction moves the boxes of the whole film.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from facetracker.core.boxes import Boxes, as_boxes
from facetracker.inference.films.linking import Floats
from facetracker.inference.style import Style, learn_style, relative
from facetracker.labels.film.found import FilmSeen, Found

Kind = Literal["found", "carried"]
PixelCorners = tuple[float, float, float, float]
BLENDS = 2.0  # seconds after which a keyframe counts as much as the style
LEAST_SHOWN = 0.12  # of a face's box inside the picture: with less it is no face to learn from
EDGE = 2.0  # pixels from the edge: a box that touches it is cut off, and teaches no style
USUAL = 0.3  # keyframes of a face that the style of all of them weighs, for this one
FAR = 1.0  # of a box's side: a found box that is corrected by more was not on this face


@dataclass(frozen=True)
class Origin:
    """Where the boxes of the frames `first` to `last` come from: what was found, or carried, under this number."""

    kind: Kind
    number: int
    first: int
    last: int


@dataclass(frozen=True, eq=False)
class Carried:
    """Boxes `(N, 4)`, pixels, that were carried through the picture from a drawn one, from the frame `first` on."""

    first: int
    boxes: Floats


@dataclass(frozen=True)
class Track:
    """One face: the frames in which it is there, where its boxes come from, and the keyframes, all in order of time."""

    number: int
    label: str
    spans: tuple[tuple[int, int], ...]
    sources: tuple[Origin, ...] = ()
    keys: tuple[tuple[int, PixelCorners], ...] = ()

    @property
    def first(self) -> int:
        return self.spans[0][0]

    @property
    def last(self) -> int:
        return self.spans[-1][1]

    def is_there(self, frame: int) -> bool:
        """Is the face in this frame?"""
        return any(first <= frame <= last for first, last in self.spans)

    def key(self, frame: int) -> PixelCorners | None:
        """The person's box in this frame, if it is a keyframe."""
        return dict(self.keys).get(frame)

    def with_key(self, frame: int, box: PixelCorners) -> Track:
        """The track with this box as a keyframe."""
        return replace(self, keys=tuple(sorted({**dict(self.keys), frame: box}.items())))

    def within(self, first: int, last: int) -> Track | None:
        """What of the track lies in the frames `first` to `last`; None when that is nothing."""
        spans = tuple((max(a, first), min(b, last)) for a, b in self.spans if a <= last and b >= first)
        if not spans:
            return None
        sources = tuple(
            replace(one, first=max(one.first, first), last=min(one.last, last))
            for one in self.sources
            if one.first <= last and one.last >= first
        )
        keys = tuple((frame, box) for frame, box in self.keys if any(a <= frame <= b for a, b in spans))
        if not sources and not keys:  # a piece of a gap: nothing says where the face is
            return None
        return replace(self, spans=spans, sources=sources, keys=keys)


@dataclass(frozen=True, eq=False)
class Boxed:
    """A track's boxes `(N, 4)`, pixels, clipped to the picture, in the frames `(N,)`; without area: all but gone.

    `scores` `(N,)` are those of the found boxes, 0 where there is none; `agreed` as in `Found`; `carried` where the
    box was carried through the picture from a drawn one.
    """

    frames: NDArray[np.int64]
    boxes: Floats
    scores: Floats
    agreed: NDArray[np.bool_]
    carried: NDArray[np.bool_]

    def at(self, frame: int) -> PixelCorners | None:
        """The box in a frame; None where the track is not there."""
        row = int(np.searchsorted(self.frames, frame))
        if row >= len(self.frames) or self.frames[row] != frame:
            return None
        left, top, right, bottom = (round(float(side), 2) for side in self.boxes[row])
        return left, top, right, bottom


def first_tracks(seen: FilmSeen, label: str = "face") -> dict[int, Track]:
    """A track for every face that was found, but for those that were only ever seen faintly."""
    return {
        number + 1: whole(number, number + 1, seen, label) for number in range(len(seen.found)) if seen.is_sure(number)
    }


def whole(found: int, number: int, seen: FilmSeen, label: str) -> Track:
    """A found face, from its first frame to its last, as track `number`."""
    face = seen.found[found]
    return Track(number, label, ((face.first, face.last),), (Origin("found", found, face.first, face.last),))


def style_of_keys(tracks: Mapping[int, Track], seen: FilmSeen) -> Style:
    """How this person draws boxes, from every keyframe at which the face was found as well."""
    pairs = [pair for track in tracks.values() for pair in _pairs_in(track, seen)]
    return learn_style(*_stacked(pairs))


def style_of_track(track: Track, seen: FilmSeen, usual: Style) -> Style:
    """How this person draws boxes of this face: by its own keyframes, drawn back a little to what is usual.

    Detectors see a beard or a fringe in their own way, so what is right for one face may be wrong for another.
    """
    pairs = _pairs_in(track, seen)
    own = np.array(learn_style(*_stacked(pairs)).numbers)
    share = len(pairs) / (len(pairs) + USUAL)
    return Style(*(share * own + (1 - share) * np.array(usual.numbers)).tolist())


def _pairs_in(track: Track, seen: FilmSeen) -> list[tuple[Floats, PixelCorners]]:
    """Found boxes and keyframes of a track where the face was seen, whole."""
    pairs = []
    edges = np.array([EDGE, EDGE, seen.width - EDGE, seen.height - EDGE])
    for frame, box in track.keys:
        here = [one for one in track.sources if one.kind == "found" and one.first <= frame <= one.last]
        if not here:
            continue
        face = seen.found[here[-1].number]
        there = face.boxes[frame - face.first]
        inside = (there[:2] > edges[:2]).all() and (there[2:] < edges[2:]).all()
        if face.scores[frame - face.first] > 0 and inside:
            pairs.append((there, box))
    return pairs


def _stacked(pairs: Sequence[tuple[Floats, PixelCorners]]) -> tuple[Boxes, Boxes]:
    return as_boxes([found for found, _ in pairs]), as_boxes([drawn for _, drawn in pairs])


def boxes_of(track: Track, seen: FilmSeen, carried: Sequence[Carried], style: Style) -> Boxed:
    """Where the face of a track is in each of its frames."""
    frames = np.concatenate([np.arange(first, last + 1) for first, last in track.spans])
    base, scores, agreed, by_hand = _given(track, seen.found, carried)
    start = track.first
    rows = frames - start
    keys = [(frame, np.array(box)) for frame, box in track.keys]
    _reanchor(base, scores, by_hand, start, keys, style)
    boxes = base[rows]
    sides = np.tile(boxes[:, 2:] - boxes[:, :2], 2)
    target = np.where(by_hand[rows][:, None], 0.0, np.array(style.numbers)[None])
    offsets = target
    if keys:
        at = np.array([frame for frame, _ in keys])
        drawn = np.stack([box for _, box in keys])
        theirs = relative(base[at - start].astype(np.float32), drawn.astype(np.float32)).astype(np.float64)
        offsets = _pulled(frames, at, theirs, target, by_hand[rows], np.array(seen.times))
    boxes = boxes + offsets * sides
    limits = np.array([seen.width, seen.height, seen.width, seen.height], np.float64)
    shown = np.clip(boxes, 0, limits)
    gone = _areas(shown) < LEAST_SHOWN * _areas(boxes)
    shown[gone] = shown[gone][:, [0, 1, 0, 1]]
    for frame, box in keys:
        shown[np.searchsorted(frames, frame)] = np.clip(box, 0, limits)
    return Boxed(frames, shown, scores[rows], agreed[rows], by_hand[rows])


def _areas(boxes: Floats) -> Floats:
    return np.asarray(np.prod(np.maximum(boxes[:, 2:] - boxes[:, :2], 0.0), axis=1))


def _given(
    track: Track, found: Sequence[Found], carried: Sequence[Carried]
) -> tuple[Floats, Floats, NDArray[np.bool_], NDArray[np.bool_]]:
    """What the sources say, in all frames from the track's first to its last: boxes, NaN where they say nothing."""
    count = track.last - track.first + 1
    base, scores = np.full((count, 4), np.nan), np.zeros(count)
    agreed, by_hand = np.ones(count, bool), np.zeros(count, bool)
    for source in track.sources:
        to = slice(source.first - track.first, source.last - track.first + 1)
        if source.kind == "carried":
            one = carried[source.number]
            base[to] = one.boxes[source.first - one.first : source.last - one.first + 1]
            scores[to], agreed[to], by_hand[to] = 0.0, True, True
        else:
            face = found[source.number]
            part = slice(source.first - face.first, source.last - face.first + 1)
            base[to], scores[to], agreed[to], by_hand[to] = (
                face.boxes[part],
                face.scores[part],
                face.agreed[part],
                False,
            )
    return base, scores, agreed, by_hand


def _reanchor(
    base: Floats,
    scores: Floats,
    by_hand: NDArray[np.bool_],
    start: int,
    keys: Sequence[tuple[int, Floats]],
    style: Style,
) -> None:
    """Where the face was not seen, its place is led through the keyframes: in place, between and beyond sightings.

    What was found counts as seen only where it is on this face: a keyframe far from it says that it is not.
    """
    known = (scores > 0) | (by_hand & ~np.isnan(base[:, 0]))
    given = base.copy()
    for frame, box in keys:
        row = frame - start
        off = relative(given[row].astype(np.float32), box.astype(np.float32)) if known[row] else None
        if by_hand[max(0, row - 1) : row + 2].any():  # what was carried from a drawn box is in its style already
            if not known[row] or not by_hand[row]:
                base[row], by_hand[row], known[row] = box, True, True
        elif off is None or np.abs(off).max() > FAR:
            base[row], known[row] = style.undo(box.astype(np.float32))[0], True
    if not known.any():  # nothing but guesses is left of it
        known = ~np.isnan(base[:, 0])
    anchors = np.flatnonzero(known)
    if not len(anchors):
        base[:] = 0.0
        return
    rows = np.arange(len(base))
    between = ~known & (rows > anchors[0]) & (rows < anchors[-1])
    for side in range(4):
        base[between, side] = np.interp(rows[between], anchors, base[anchors, side])
    for end, beyond in ((anchors[0], rows < anchors[0]), (anchors[-1], rows > anchors[-1])):
        if np.isnan(given[end]).any():
            base[beyond] = base[end]
            continue
        moved = given[beyond] + (base[end] - given[end])
        base[beyond] = np.where(np.isnan(moved), base[end], moved)


def _pulled(
    frames: NDArray[np.int64],
    at: NDArray[np.int64],
    theirs: Floats,
    target: Floats,
    by_hand: NDArray[np.bool_],
    times: Floats,
) -> Floats:
    """The offset in each frame `(N, 4)`: from keyframe to keyframe, beyond them into what is usual.

    Between two keyframes that lie far apart the usual counts in the middle as well, unless the boxes were carried.
    """
    line = np.stack([np.interp(frames, at, theirs[:, side]) for side in range(4)], axis=1)
    place = np.searchsorted(at, frames)
    nearest = np.minimum(
        np.abs(times[frames] - times[at[np.minimum(place, len(at) - 1)]]),
        np.abs(times[frames] - times[at[np.maximum(place - 1, 0)]]),
    )
    beyond = (frames < at[0]) | (frames > at[-1])
    share = np.where(beyond & ~by_hand, np.exp(-nearest / BLENDS), 1.0)[:, None]
    return share * line + (1 - share) * target
