"""The labels of one film: its tracks, and everything that a person can do to them, each one step to undo.

Nothing here is changed in place. A step remembers the tracks that it changed, as they were and as they became, so
undoing is exact.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property

import numpy as np

from facetracker.core.errors import FaceTrackerError
from facetracker.inference.style import Style
from facetracker.labels.film.carry import Carrier, carry
from facetracker.labels.film.carrying import MEETS, carried_around, carried_on, met, overlap
from facetracker.labels.film.doubts import Doubt, doubts_of
from facetracker.labels.film.found import FilmSeen
from facetracker.labels.film.pieces import both, joined
from facetracker.labels.film.tracks import (
    Boxed,
    Carried,
    PixelCorners,
    Track,
    boxes_of,
    first_tracks,
    style_of_keys,
    style_of_track,
    whole,
)

SMALLEST = 2.0  # pixels to a side
ELSEWHERE = 0.25  # overlap with the corrected box below which the track was not on this face at all
MOST_TRACKS, MOST_KEYS = 2000, 20_000
LABEL_LENGTH = 100


@dataclass(frozen=True)
class Change:
    """What one action changed: tracks by number, None where there is none."""

    name: str
    before: dict[int, Track | None]
    after: dict[int, Track | None]


@dataclass(frozen=True)
class FilmLabels:
    """All tracks of a film, the boxes that were carried, and the steps that led here and those taken back.

    `actions` counts what a person did, undoing included; `next` is the number of the next track.
    """

    seen: FilmSeen
    tracks: dict[int, Track]
    carried: tuple[Carried, ...] = ()
    past: tuple[Change, ...] = ()
    future: tuple[Change, ...] = ()
    actions: int = 0
    next: int = 1
    label: str = "face"

    @classmethod
    def of(cls, seen: FilmSeen, label: str = "face") -> FilmLabels:
        """What was found, before anybody has looked."""
        tracks = first_tracks(seen, label)
        return cls(seen, tracks, next=len(seen.found) + 1, label=label)

    # What follows from it

    @cached_property
    def style(self) -> Style:
        """How this person draws boxes."""
        return style_of_keys(self.tracks, self.seen)

    @cached_property
    def boxed(self) -> dict[int, Boxed]:
        """The boxes of every track."""
        return {
            number: boxes_of(track, self.seen, self.carried, style_of_track(track, self.seen, self.style))
            for number, track in self.tracks.items()
        }

    @cached_property
    def doubts(self) -> list[Doubt]:
        """Where somebody should look."""
        return doubts_of(self.tracks, self.boxed, self.seen)

    @property
    def labels(self) -> list[str]:
        """The class names that occur."""
        return sorted({track.label for track in self.tracks.values()}) or [self.label]

    def box(self, number: int, frame: int) -> PixelCorners | None:
        """The box of a track in a frame, pixels; None where it is not there."""
        return self.boxed[number].at(frame)

    def faces(self, frame: int) -> dict[int, PixelCorners]:
        """All boxes of a frame, by track."""
        found = {number: self.box(number, frame) for number in self.tracks}
        return {number: box for number, box in found.items() if box is not None and _has_area(box)}

    # What a person does

    def correct(self, number: int, frame: int, box: Sequence[float], carrier: Carrier | None = None) -> FilmLabels:
        """Put the face of a track where it is in this frame: a keyframe.

        Where the face was not seen, or something else was, the new box is carried on both ways up to where it was.
        """
        track, corners = self._track(number), self._checked(box)
        if not track.is_there(frame):
            raise FaceTrackerError(f"track {number} is not in frame {frame}", fix="Draw a new box there.")
        if len(track.keys) >= MOST_KEYS:
            raise FaceTrackerError("the track has too many keyframes")
        new = track.with_key(frame, corners)
        more: tuple[Carried, ...] = ()
        boxed = self.boxed[number]
        row = int(np.searchsorted(boxed.frames, frame))
        elsewhere = overlap(corners, boxed.boxes[row]) < ELSEWHERE
        if carrier is not None and (boxed.scores[row] <= 0 or elsewhere):
            new, more = carried_around(
                new, boxed, self.seen, frame, corners, carrier, elsewhere=elsewhere, number=len(self.carried)
            )
        return self._step("correct", {number: new}, more)

    def confirm(self, frame: int) -> FilmLabels:
        """Every box of this frame whose stretch is doubtful is right: a keyframe each."""
        numbers = {one.track for one in self.doubts if one.first <= frame <= one.last} or set(self.faces(frame))
        changed: dict[int, Track | None] = {}
        for number in sorted(numbers):
            box = self.box(number, frame)
            if box is not None and _has_area(box) and self.tracks[number].key(frame) is None:
                changed[number] = self.tracks[number].with_key(frame, box)
        if not changed:
            raise FaceTrackerError("there is no box to confirm in this frame")
        return self._step("confirm", changed)

    def unkey(self, number: int, frame: int) -> FilmLabels:
        """Take a keyframe away."""
        track = self._track(number)
        if track.key(frame) is None:
            raise FaceTrackerError(f"track {number} has no keyframe at {frame}")
        return self._step("unkey", {number: replace(track, keys=tuple(one for one in track.keys if one[0] != frame))})

    def begin(self, number: int, frame: int) -> FilmLabels:
        """The track begins with this frame."""
        return self._cut("begin", number, frame, self._track(number).last)

    def end(self, number: int, frame: int) -> FilmLabels:
        """The track ends with this frame."""
        return self._cut("end", number, self._track(number).first, frame)

    def split(self, number: int, frame: int) -> FilmLabels:
        """From this frame on it is another face."""
        track = self._track(number)
        before, after = track.within(0, frame - 1), track.within(frame, len(self.seen))
        if before is None or after is None:
            raise FaceTrackerError(f"track {number} cannot be split at frame {frame}", fix="Go to its middle first.")
        return self._step("split", {number: before, self.next: replace(after, number=self.next)})

    def join(self, number: int, other: int) -> FilmLabels:
        """The two tracks are one face; where both have a box, the first one's counts."""
        one, two = self._track(number), self._track(other)
        if number == other:
            raise FaceTrackerError("a track cannot be joined with itself", fix="Choose another one.")
        return self._step("join", {number: joined(one, two, self.seen), other: None})

    def rename(self, number: int, label: str) -> FilmLabels:
        """Name the class of a track."""
        label = label.strip()
        if not label or len(label) > LABEL_LENGTH or not label.isprintable():
            raise FaceTrackerError(f"{label[:40]!r} is no name for a class")
        return self._step("rename", {number: replace(self._track(number), label=label)})

    def delete(self, number: int) -> FilmLabels:
        """The track is no face."""
        self._track(number)
        return self._step("delete", {number: None})

    def only(self, number: int) -> FilmLabels:
        """This track is a face, and none of the others is."""
        self._track(number)
        others: dict[int, Track | None] = {other: None for other in self.tracks if other != number}
        if not others:
            raise FaceTrackerError("there is no other track")
        return self._step("only this one", others)

    def no_face(self, first: int, last: int, number: int | None = None) -> FilmLabels:
        """There is no face from frame `first` to `last`: none at all, or none of this track."""
        if not 0 <= first <= last < len(self.seen):
            raise FaceTrackerError(f"the film has no frames {first} to {last}")
        changed: dict[int, Track | None] = {}
        for one in [self._track(number)] if number is not None else list(self.tracks.values()):
            before, after = one.within(0, first - 1), one.within(last + 1, len(self.seen))
            if any(a <= last and b >= first for a, b in one.spans):
                changed[one.number] = both(before, after)
        if not changed:
            raise FaceTrackerError("there is no box in these frames already")
        return self._step("no face", changed)

    def add(
        self, frame: int, box: Sequence[float], label: str | None = None, carrier: Carrier | None = None
    ) -> FilmLabels:
        """A face that was missed: carried both ways from here, to the cut, to where it is lost, or to another track.

        Where it meets the end or the begin of another track, the two are one face. Where something was seen faintly all
        along, that is the face.
        """
        corners = self._checked(box)
        if not 0 <= frame < len(self.seen):
            raise FaceTrackerError(f"the film has no frame {frame}")
        if len(self.tracks) >= MOST_TRACKS:
            raise FaceTrackerError("the film has too many tracks")
        if (faint := self._faint(frame, corners)) is not None:
            track = whole(faint, self.next, self.seen, label or self.label)
            return self._step("add", {self.next: track.with_key(frame, corners)})
        new = Track(self.next, label or self.label, ((frame, frame),), (), ((frame, corners),))
        start, end = self.seen.shot_of(frame)
        more: list[Carried] = []
        changed: dict[int, Track | None] = {}
        for step, limit in ((1, end), (-1, start)):
            way = carry(carrier, frame, corners, step, limit) if carrier is not None else []
            others = {number: track for number, track in self.tracks.items() if number not in changed}
            reached, way = met(frame, step, way, others, self.boxed)
            if way:
                new, carried = carried_on(new, frame, step, way, len(self.carried) + len(more))
                more.append(carried)
            if reached is not None:
                changed[reached] = None
                new = joined(replace(new, number=self.next), self.tracks[reached], self.seen)
        # The oldest of the tracks that turned out to be one face keeps its number.
        kept = min(changed, default=self.next)
        changed[kept] = replace(new, number=kept, label=self.tracks[kept].label if kept in self.tracks else new.label)
        return self._step("add", changed, tuple(more))

    def undo(self) -> FilmLabels:
        """Take the last step back."""
        if not self.past:
            raise FaceTrackerError("there is nothing to undo")
        step = self.past[-1]
        return self._with(step.before, past=self.past[:-1], future=(*self.future, step))

    def redo(self) -> FilmLabels:
        """Take the step that was undone last again."""
        if not self.future:
            raise FaceTrackerError("there is nothing to redo")
        step = self.future[-1]
        return self._with(step.after, past=(*self.past, step), future=self.future[:-1])

    # How it is done

    def _step(self, name: str, changed: dict[int, Track | None], more: tuple[Carried, ...] = ()) -> FilmLabels:
        step = Change(name, {number: self.tracks.get(number) for number in changed}, changed)
        carried = (*self.carried, *more)
        number = max(self.next, *(one + 1 for one in changed))
        return replace(self._with(changed, past=(*self.past, step), future=()), carried=carried, next=number)

    def _with(
        self, changed: Mapping[int, Track | None], past: tuple[Change, ...], future: tuple[Change, ...]
    ) -> FilmLabels:
        tracks = {number: track for number, track in {**self.tracks, **changed}.items() if track is not None}
        tracks = dict(sorted(tracks.items()))
        return replace(self, tracks=tracks, past=past, future=future, actions=self.actions + 1)

    def _track(self, number: int) -> Track:
        if number not in self.tracks:
            raise FaceTrackerError(f"there is no track {number}")
        return self.tracks[number]

    def _checked(self, box: Sequence[float]) -> PixelCorners:
        sides = np.asarray(box, np.float64).reshape(-1)
        if sides.shape != (4,) or not np.isfinite(sides).all():
            raise FaceTrackerError("a box is four numbers", fix="Draw it again.")
        left, right = sorted(np.clip(sides[[0, 2]], 0, self.seen.width).tolist())
        top, bottom = sorted(np.clip(sides[[1, 3]], 0, self.seen.height).tolist())
        if right - left < SMALLEST or bottom - top < SMALLEST:
            raise FaceTrackerError("the box is too small", fix="Draw it again.")
        return round(left, 2), round(top, 2), round(right, 2), round(bottom, 2)

    def _cut(self, name: str, number: int, first: int, last: int) -> FilmLabels:
        track = self._track(number)
        left = track.within(first, last)
        if left is None or left == track:
            raise FaceTrackerError(f"track {number} cannot {name} there", fix="Go to a frame in which it is.")
        return self._step(name, {number: left})

    def _faint(self, frame: int, box: PixelCorners) -> int | None:
        """A found face that is no track, where the person draws a box."""
        used = {source.number for track in self.tracks.values() for source in track.sources if source.kind == "found"}
        for number, face in enumerate(self.seen.found):
            if number in used or self.seen.is_sure(number) or not face.first <= frame <= face.last:
                continue
            if overlap(box, face.boxes[frame - face.first]) >= MEETS:
                return number
        return None


def _has_area(box: PixelCorners) -> bool:
    return box[2] - box[0] >= 1 and box[3] - box[1] >= 1
