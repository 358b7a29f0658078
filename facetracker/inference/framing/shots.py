"""Who is framed: one person, a group, or nobody; calmly, so that two people never pull the camera to and fro.

The page frames by the same rules: web/static/js/vision/shots.js is this file once more, and a test holds the two
together. Boxes here are left, top, right, bottom in picture widths, in both directions.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Literal

from facetracker.inference.framing.settings import FramingSettings

Box = tuple[float, float, float, float]
Follow = int | Literal["all", "largest"]


@dataclass(frozen=True)
class Sighting:
    """One face of a frame; `coasting` where it was not seen but is expected."""

    id: int
    box: Box
    coasting: bool = False


@dataclass
class _Known:
    first: float
    last: float
    box: Box
    height: float


class Shots:
    """Chooses the `subjects`, the numbers of the framed faces; `()` is the whole picture.

    `follow`: "all" (a group is shown together where it fits, else its largest face), "largest", or a face's number.
    """

    def __init__(self, follow: Follow, settings: FramingSettings):
        self.follow, self.settings = follow, settings
        self.start([], 0.0, lambda boxes, slack: True)

    def start(self, faces: Sequence[Sighting], time: float, fits: Callable[[list[Box], float], bool]) -> None:
        """Begin with the faces of a first frame, framed at once."""
        self._known = {face.id: _Known(-math.inf, time, face.box, _height(face.box)) for face in faces}
        self.changed = -math.inf
        self.subjects: tuple[int, ...] = ()
        self.subjects = self._wish(time, fits)

    def update(
        self,
        faces: Sequence[Sighting],
        time: float,
        fits: Callable[[list[Box], float], bool],
        shows: Callable[[list[Box]], bool],
    ) -> bool:
        """Take the faces of the next frame; whether the shot changed.

        `fits(boxes, slack)` says whether a crop can hold these boxes (with `slack` more room than is needed, as a
        factor), `shows(boxes)` whether the present one does.
        """
        self._meet(faces, time)
        wish = self._wish(time, fits)
        if wish == self.subjects:
            return False
        lost = not any(self._is_here(one, time) for one in self.subjects)
        hurried = lost and bool(wish) and not shows(self._boxes(wish))
        if time - self.changed < self.settings.hold and not hurried:
            return False
        self.subjects, self.changed = wish, time
        return True

    def framed(self) -> list[Box]:
        """The boxes of the subjects, where they were seen last."""
        return self._boxes(self.subjects)

    def _boxes(self, ids: Sequence[int]) -> list[Box]:
        return [self._known[one].box for one in ids]

    def _meet(self, faces: Sequence[Sighting], time: float) -> None:
        seen = {face.id for face in faces}
        for face in faces:
            if face.id not in self._known and not face.coasting:
                self._rename(face, seen)
        for face in faces:
            known = self._known.setdefault(face.id, _Known(time, time, face.box, _height(face.box)))
            known.box = face.box
            if not face.coasting:
                share = 1 - math.exp(-(time - known.last) / self.settings.weigh)
                known.height += share * (_height(face.box) - known.height)
                known.last = time
        self._known = {
            one: known for one, known in self._known.items() if one in self.subjects or self._is_recent(known, time)
        }

    def _rename(self, face: Sighting, seen: set[int]) -> None:
        """A new number where a framed face was lost is that face."""
        for one in self.subjects:
            if one not in seen and overlap(self._known[one].box, face.box) > self.settings.same:
                self._known[face.id] = self._known.pop(one)
                self.subjects = tuple(sorted(face.id if other == one else other for other in self.subjects))
                if self.follow == one:
                    self.follow = face.id
                return

    def _is_recent(self, known: _Known, time: float) -> bool:
        return time - known.last <= self.settings.patience

    def _is_here(self, one: int, time: float) -> bool:
        known = self._known.get(one)
        if known is None or not self._is_recent(known, time):
            return False
        settle = self.settings.settle if self.subjects else self.settings.settle_alone
        return one in self.subjects or known.last - known.first >= settle

    def _wish(self, time: float, fits: Callable[[list[Box], float], bool]) -> tuple[int, ...]:
        here = sorted(one for one in self._known if self._is_here(one, time))
        if not isinstance(self.follow, str):
            return (self.follow,) if self.follow in here else ()
        if not here:
            return ()
        # A group that has only just found room would lose it again with the next step.
        slack = 1.0 if len(self.subjects) > 1 else 1.1
        if self.follow == "all" and (len(here) == 1 or fits(self._boxes(here), slack)):
            return tuple(here)
        return (self._largest(here),)

    def _largest(self, here: list[int]) -> int:
        """The face to show alone: the framed one, unless another is clearly larger."""
        heights = {one: self._known[one].height for one in here}
        best = max(here, key=lambda one: heights[one])  # of two alike the first
        for one in self.subjects[:1] if len(self.subjects) == 1 else ():
            if one in heights and heights[best] < self.settings.larger * heights[one]:
                return one
        return best


def _height(box: Box) -> float:
    return box[3] - box[1]


def overlap(a: Box, b: Box) -> float:
    """Intersection over union of two boxes."""
    wide = min(a[2], b[2]) - max(a[0], b[0])
    high = min(a[3], b[3]) - max(a[1], b[1])
    if wide <= 0 or high <= 0:
        return 0.0
    both = wide * high
    return both / ((a[2] - a[0]) * (a[3] - a[1]) + (b[2] - b[0]) * (b[3] - b[1]) - both)
