"""Who is here: tracks become visits.

A follower gives a face a new number when it has lost it for a while. Whoever counts people must not count that person
twice: a track that begins where another has just ended goes on with its visit. And a follower believes in a face at its
third sighting; a visit begins at the first, found by going back through the boxes that were seen before.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from facetracker.core.boxes import best_pairs, iou
from facetracker.core.faces import Faces
from facetracker.inference.events.settings import Patience

Box = NDArray[np.float64]  # (4,) left, top, right, bottom in pixels

SAME_FACE = 0.4  # overlap from which a box as it was found is a followed face's: steadying moves it a little
GOES_ON = 0.1  # overlap with the frame before from which a box is still the same face; as the follower has it
SKIPPED = 1  # frames in a row in which a face may be missed on the way back to its first sighting
STOOD = 0.75  # overlap of two boxes of a face that stands still
AWAY = 0.2  # overlap below which a face has gone from a place
MISSED = 0.3  # seconds unseen after which a box that is nobody's no longer carries a visit on
EASE = 0.2  # seconds over which a face's speed is averaged: one step is mostly the box's trembling


@dataclass(eq=False)
class Visit:
    """One person's time before the camera, from `came` to `seen_at`, in seconds of the source.

    `looked` is the clock of looking when the person was last seen: it stands still while nobody looks.
    """

    track: int
    came: float
    box: Box
    seen_at: float
    looked: float = 0.0
    followed: float = 0.0  # the same clock when the follower had the face at last; else a box alone carries it on
    speed: NDArray[np.float64] = field(default_factory=lambda: np.zeros(2))  # pixels a second
    trail: deque[tuple[float, Box]] = field(default_factory=deque)  # the last few seconds' sightings
    row: int = -1  # of the face in the last frame; -1: the follower did not have it

    def see(self, box: Box, time: float) -> None:
        """The face is at `box` at `time`."""
        passed = time - self.seen_at
        if passed > 0:
            share = passed / (passed + EASE)
            self.speed = self.speed + share * ((centre_of(box) - centre_of(self.box)) / passed - self.speed)
        self.box, self.seen_at = box, time
        self.trail.append((time, box))

    def forget(self, before: float) -> None:
        """Keep the trail from a time on."""
        while self.trail[0][0] < before:
            self.trail.popleft()

    def part(self, step: int) -> list[tuple[float, Box]]:
        """Give away the trail from a step on: these sightings were somebody else's."""
        steps = list(self.trail)
        self.trail = deque(steps[:step])
        (self.seen_at, self.box), self.speed = steps[step - 1], np.zeros(2)
        return steps[step:]


class Visits:
    """The visits under way. `here` are all of them, also those that are missed only just now."""

    def __init__(self, patience: Patience):
        self.patience = patience
        self.here: list[Visit] = []
        self.time = -np.inf
        self._looked = 0.0
        self._loose: deque[tuple[float, NDArray[np.float64]]] = deque()  # boxes that were nobody's, by frame

    def look(self, faces: Faces, found: Faces | None, time: float) -> tuple[list[Visit], list[tuple[Visit, list]]]:
        """Take the faces of one frame: the visits that have ended, and those that went on or began.

        With each of the latter come its sightings `(time, box)` since the last look, this frame's last. `found` are all
        boxes of the frame, also those that have no number (yet).
        """
        if np.isfinite(self.time):
            # One step, however long, never makes somebody leave: nobody looked in between.
            self._looked += min(max(time - self.time, 0.0), self.patience.gone / 2)
        self.time = time
        boxes = faces.pixels.astype(np.float64)
        seen = np.ones(len(faces), bool) if faces.coasting is None else ~faces.coasting
        ids = np.zeros(0, np.int64) if faces.ids is None else faces.ids
        rows = {int(ids[row]): int(row) for row in np.flatnonzero(seen[: len(ids)])}
        sightings = self._seen(rows, boxes)
        loose = self._carry_on(_loose(boxes[list(rows.values())], found), sightings)
        self._remember(loose, time)
        ended = [one for one in self.here if self._looked - one.looked > self.patience.gone]
        self.here = [one for one in self.here if one not in ended]
        return ended, sightings

    def _seen(self, rows: dict[int, int], boxes: NDArray[np.float64]) -> list[tuple[Visit, list]]:
        """The visits of the tracks `rows` (number: row of `boxes` (N, 4)), with their sightings."""
        known = {one.track: one for one in self.here}
        ways = {track: self._way(boxes[row]) for track, row in rows.items() if track not in known}
        known |= self._gone_on({track: way[0] for track, way in ways.items()}, set(rows))
        for track, way in list(ways.items()):
            if track not in known and (stolen := self._stolen(way[0][0], way[-1][1], rows)) is not None:
                # The number went off with somebody who passed in front; who stood there is still there.
                visit, step = stolen
                del known[visit.track]
                ways[visit.track] = [*visit.part(step), (self.time, boxes[rows[visit.track]])]
                known[track] = visit
        sightings = []
        for one in self.here:
            one.row = -1
        for track, row in rows.items():
            way = ways.get(track, [(self.time, boxes[row])])
            if track in known:
                visit = known[track]
                visit.track = track
                way = [step for step in way if step[0] > visit.seen_at] or way[-1:]
            else:
                visit = Visit(track, way[0][0], way[0][1], way[0][0])
                self.here.append(visit)
            for at, box in way:
                visit.see(box, at)
            visit.looked = visit.followed = self._looked
            visit.row = row
            visit.forget(self.time - self.patience.back)
            sightings.append((visit, way))
        return sightings

    def _gone_on(self, began: dict[int, tuple[float, Box]], tracks: set[int]) -> dict[int, Visit]:
        """Which of the tracks that `began` at a time and box go on with a visit whose own track is not there."""
        missed = [one for one in self.here if one.track not in tracks]
        pairs = []
        for track, (at, box) in began.items():
            for place, visit in enumerate(missed):
                away = self._away(visit, box, at)
                if away <= 1:
                    pairs.append((away, track, place))
        found: dict[int, Visit] = {}
        taken: set[int] = set()
        for _, track, place in sorted(pairs):
            if track not in found and place not in taken:
                found[track] = missed[place]
                taken.add(place)
        return found

    def _stolen(self, at: float, box: Box, rows: dict[int, int]) -> tuple[Visit, int] | None:
        """The visit that stood at the `box` of a track that began `at` a time, if its own track has just gone from
        there; and since which step of its trail.
        """
        for visit in self.here:
            if visit.track not in rows or not visit.trail:
                continue
            times = np.array([time for time, _ in visit.trail])
            overlap = iou([step for _, step in visit.trail], box[None])[:, 0]
            stood = np.flatnonzero((overlap >= STOOD) & (times < at))
            if len(stood) and overlap[-1] < AWAY and stood[-1] + 1 < len(times):
                long = times[stood[-1]] - times[stood[0]] >= self.patience.settle
                if long and at - times[stood[-1]] <= self.patience.gone:
                    return visit, int(stood[-1]) + 1
        return None

    def _away(self, visit: Visit, box: Box, at: float) -> float:
        """How far a box at a time is from being the missed visit's: 1 is the furthest that counts."""
        passed = at - visit.seen_at
        one, other = size_of(visit.box), size_of(box)
        if passed <= 0 or max(one, other) > self.patience.resized * min(one, other):
            return np.inf
        here, way = centre_of(box) - centre_of(visit.box), visit.speed * passed
        # Between where the face was and where it would be by now: people slow down.
        share = np.clip(here @ way / max(float(way @ way), 1e-9), 0.0, 1.0)
        distance = float(np.linalg.norm(here - share * way)) / ((one + other) / 2)
        return distance / (self.patience.near + self.patience.walk * passed)

    def _way(self, box: Box) -> list[tuple[float, Box]]:
        """Where a face that has just been given a number was since its first sighting, and is now."""
        way, skipped = [(self.time, box)], 0
        for time, boxes in reversed(self._loose):
            overlap = iou(way[-1][1][None], boxes)[0] if len(boxes) else np.zeros(0)
            if len(overlap) and overlap.max() >= GOES_ON:
                way.append((time, boxes[int(overlap.argmax())]))
                skipped = 0
            elif (skipped := skipped + 1) > SKIPPED:
                break
        return way[::-1]

    def _carry_on(self, loose: NDArray[np.float64], sightings: list[tuple[Visit, list]]) -> NDArray[np.float64]:
        """Let the visits that the follower has lost go on with boxes (N, 4) in their place; the boxes that are left."""
        lost = [
            one
            for one in self.here
            if one.row < 0
            and self._looked - one.followed <= self.patience.faint
            and self._looked - one.looked <= MISSED
        ]
        if not lost or not len(loose):
            return loose
        free = np.ones(len(loose), bool)
        for number, row in best_pairs(iou([one.box for one in lost], loose), SAME_FACE):
            visit, box = lost[number], loose[row]
            visit.see(box, self.time)
            visit.looked, free[row] = self._looked, False
            sightings.append((visit, [(self.time, box)]))
        return loose[free]

    def _remember(self, loose: NDArray[np.float64], time: float) -> None:
        """Keep the boxes that are nobody's, for the way back."""
        self._loose.append((time, loose))
        while self._loose and time - self._loose[0][0] > self.patience.back:
            self._loose.popleft()


def _loose(owned: NDArray[np.float64], found: Faces | None) -> NDArray[np.float64]:
    """The boxes `(N, 4)` of a frame that are none of the followed faces'."""
    if found is None:
        return np.zeros((0, 4))
    loose = found.pixels.astype(np.float64)
    return loose[iou(loose, owned).max(axis=1) < SAME_FACE] if len(loose) and len(owned) else loose


def centre_of(box: Box) -> NDArray[np.float64]:
    """The middle (2,) of a box (4,)."""
    return (box[:2] + box[2:]) / 2


def size_of(box: Sequence[float] | Box) -> float:
    """The root of a box's area: what distances are measured in."""
    return float(np.sqrt(max((box[2] - box[0]) * (box[3] - box[1]), 1e-9)))
