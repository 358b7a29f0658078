"""One track made of pieces: two that are one face, one that goes on beyond a frame, one with a stretch taken out."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import replace

from facetracker.labels.film.found import FilmSeen
from facetracker.labels.film.tracks import Origin, Track

BRIDGED = 1.5  # seconds: a gap between two joined tracks that is filled

Span = tuple[int, int]


def joined(one: Track, two: Track, seen: FilmSeen) -> Track:
    """One track of two: the second one fills where the first is not; a short gap between them is filled."""
    pieces = [one]
    at = 0
    for first, last in (*one.spans, (len(seen) + 1, len(seen) + 1)):
        if (piece := two.within(at, first - 1)) is not None:
            pieces.append(piece)
        at = last + 1
    bridged = round(BRIDGED / seen.step)
    spans = _merged(
        (span for piece in pieces for span in piece.spans),
        lambda end, begin: begin <= end + bridged and seen.shot_of(begin) == seen.shot_of(end),
    )
    sources = tuple(sorted((s for piece in pieces for s in piece.sources), key=lambda s: s.first))
    keys = tuple(sorted(key for piece in pieces for key in piece.keys))
    return replace(one, spans=spans, sources=sources, keys=keys)


def extended(track: Track, first: int, last: int, number: int) -> Track:
    """The track with the frames `first` to `last` too, whose boxes are the carried ones of this number."""
    spans = _merged((*track.spans, (first, last)), lambda end, begin: begin <= end + 1)
    return replace(track, spans=spans, sources=(*track.sources, Origin("carried", number, first, last)))


def both(before: Track | None, after: Track | None) -> Track | None:
    """What is left of a track before and after a stretch; None when that is nothing."""
    if before is None or after is None:
        return before or after
    return replace(
        before,
        spans=before.spans + after.spans,
        sources=before.sources + after.sources,
        keys=before.keys + after.keys,
    )


def _merged(spans: Iterable[Span], is_one: Callable[[int, int], bool]) -> tuple[Span, ...]:
    """The spans in order, two of them as one where `is_one(end of the first, begin of the second)`."""
    first, *rest = sorted(spans)
    merged = [first]
    for begin, end in rest:
        if is_one(merged[-1][1], begin):
            merged[-1] = (merged[-1][0], max(merged[-1][1], end))
        else:
            merged.append((begin, end))
    return tuple(merged)
