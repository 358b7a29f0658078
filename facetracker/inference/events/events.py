"""What is told: the events of a run, from the faces of one frame after the other. No clock, no file, no network.

An event's time is the moment at which it began, in seconds of the source; it is told a little later, once it is sure.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from facetracker.core.faces import Faces
from facetracker.inference.events.settings import Patience
from facetracker.inference.events.visits import Box, Visit, Visits, centre_of, size_of
from facetracker.inference.events.zones import Zone

EVENTS = ("came", "left", "stayed", "entered", "left_zone", "looks_away", "looks_back", "count")
FINE = 3  # digits of a second


@dataclass(frozen=True)
class Event:
    """One event. `number` counts them from 1; `id` is the visit's, from 1 (None for `count`).

    `time` is when it began, in seconds of the source. `count` is how many people are here after it, `in_zone` how many
    are in the event's `zone`. `seconds`: of `left` the whole visit, of `stayed` how long so far, of `left_zone` the
    time in the zone, of `looks_back` the time away. `ended`: only the run ended it.
    """

    number: int
    time: float
    event: str
    id: int | None
    zone: str | None
    count: int
    seconds: float | None
    in_zone: int | None = None
    ended: bool = False

    def as_json(self) -> dict[str, Any]:
        """The event as it is written; what only some events have (`in_zone`, `ended`) is left out of the others."""
        row: dict[str, Any] = {
            "number": self.number,
            "time": round(self.time, FINE),
            "event": self.event,
            "id": self.id,
            "zone": self.zone,
            "count": self.count,
            "seconds": None if self.seconds is None else round(self.seconds, FINE),
        }
        if self.in_zone is not None:
            row["in_zone"] = self.in_zone
        return row | {"ended": True} if self.ended else row


class Flip:
    """A yes or no that changes only once it has been otherwise for `settle` seconds; `since` is when it began."""

    def __init__(self, since: float):
        self.state, self.since = False, since
        self._other: float | None = None
        self._sure = False

    def update(self, value: bool, sure: bool, time: float, settle: float, began: float | None = None) -> bool:
        """Take the value at a time; did the state change? It must have been `sure` of the other one at least once.

        `began` is when the value became what it is, if that is known better than by `time`.
        """
        if value == self.state:
            self._other = None
            return False
        if self._other is None:
            self._other, self._sure = max(time if began is None else began, self.since), False
        self._sure = self._sure or sure
        if not self._sure or time - self._other < settle:
            return False
        self.state, self.since, self._other = value, self._other, None
        return True

    def end(self, time: float) -> float:
        """When the state ended, if all ends at `time`: it may have been otherwise for a moment already."""
        return time if self._other is None else self._other


@dataclass
class _Told:
    """What has been told of one visit, or waits until the visit is believed (`id` is None until then)."""

    id: int | None = None
    zones: list[Flip] = field(default_factory=list)
    depths: dict[str, tuple[float, float]] = field(default_factory=dict)  # by zone: when, and how deep in it, at last
    away: Flip | None = None
    stays: list[float] = field(default_factory=list)  # seconds that are still to come
    waiting: list[Event] = field(default_factory=list)


class Noticing:
    """Turns the faces of frame after frame into events. `stays`: seconds after which somebody has `stayed`."""

    def __init__(self, patience: Patience | None = None, zones: Sequence[Zone] = (), stays: Sequence[float] = ()):
        self.patience = patience or Patience()
        self.zones, self.stays = list(zones), sorted(set(stays))
        self.count = 0  # people here
        self.visits = 0  # that were told
        self._here = Visits(self.patience)
        self._told: dict[Visit, _Told] = {}
        self._number = 0
        self._in_zone = dict.fromkeys((zone.name for zone in self.zones), 0)

    def look(self, faces: Faces, time: float, found: Faces | None = None) -> list[Event]:
        """The events that are sure by now, given the faces with `ids` at `time`.

        `found` are all boxes of the frame, also those that the follower does not believe in (yet): with them the time
        of `came` is that of the first sighting. A clock that jumps back ends all visits.
        """
        closed = self.end() if time < self._here.time else []
        events: list[Event] = []
        pose = faces.pose
        ended, sightings = self._here.look(faces, found, time)
        for visit in ended:
            events += self._left(visit, ended=False)
        for visit, way in sightings:
            turn = None if pose is None or visit.row < 0 else pose[visit.row]
            events += self._seen(visit, way, turn, (faces.width, faces.height))
        return closed + self._numbered(events)

    def end(self) -> list[Event]:
        """The run is over: close every visit."""
        events = [event for visit in self._here.here for event in self._left(visit, ended=True)]
        self._here = Visits(self.patience)
        self._told = {}
        return self._numbered(events)

    def in_zones(self) -> dict[str, int]:
        """How many people are in each zone, by name."""
        return dict(self._in_zone)

    def _seen(
        self, visit: Visit, way: list[tuple[float, Box]], turn: NDArray[np.float32] | None, size: tuple[int, int]
    ) -> list[Event]:
        """What one visit's sightings give."""
        told = self._told.get(visit)
        if told is None:
            told = self._told[visit] = _Told(zones=[Flip(visit.came) for _ in self.zones], stays=list(self.stays))
        events: list[Event] = []
        for time, box in way:
            events += self._zones(told, box, time, size)
        if turn is not None:
            events += self._turned(told, visit, turn)
        stayed = visit.seen_at - visit.came
        while told.stays and stayed >= told.stays[0]:
            seconds = told.stays.pop(0)
            events.append(_event(visit.came + seconds, "stayed", seconds=seconds))
        told.waiting += events
        if told.id is None and stayed >= self.patience.believe:
            self.visits += 1
            told.id = self.visits
            told.waiting.insert(0, _event(visit.came, "came"))
        if told.id is None:
            return []
        events, told.waiting = told.waiting, []
        return [replace(event, id=told.id) for event in events]

    def _left(self, visit: Visit, ended: bool) -> list[Event]:
        told = self._told.pop(visit, None)
        if told is None or told.id is None:
            return []  # too short to be told of
        events = [
            _event(at, "left_zone", zone=zone.name, seconds=at - flip.since)
            for zone, flip in zip(self.zones, told.zones, strict=True)
            if flip.state and (at := flip.end(visit.seen_at)) is not None
        ]
        events.append(_event(visit.seen_at, "left", seconds=visit.seen_at - visit.came))
        return [replace(event, id=told.id, ended=ended) for event in events]

    def _zones(self, told: _Told, box: Box, time: float, size: tuple[int, int]) -> list[Event]:
        events = []
        for zone, flip in zip(self.zones, told.zones, strict=True):
            depth, before = zone.depth(centre_of(box), *size), flip.since
            last, was = told.depths.get(zone.name, (time, depth))
            told.depths[zone.name] = time, depth
            if last > time:  # the last sighting turned out to be somebody else's
                last, was = time, depth
            # Between two frames, or while the face was hidden, it crossed the edge where a straight way does.
            crossed = last + (time - last) * abs(was) / (abs(was) + abs(depth)) if (was > 0) != (depth > 0) else time
            sure = abs(depth) >= self.patience.deep * size_of(box)
            if flip.update(depth > 0, sure, time, self.patience.settle, crossed):
                seconds = None if flip.state else flip.since - before
                events.append(
                    _event(flip.since, "entered" if flip.state else "left_zone", zone=zone.name, seconds=seconds)
                )
        return events

    def _turned(self, told: _Told, visit: Visit, turn: NDArray[np.float32]) -> list[Event]:
        """`turn` is roll, yaw and pitch in degrees (3,)."""
        told.away = told.away or Flip(visit.came)
        chosen, (yaw, pitch) = self.patience, np.abs(turn[1:])
        if told.away.state:
            away = bool(yaw > chosen.aside_back or pitch > chosen.updown_back)
        else:
            away = bool(yaw > chosen.aside or pitch > chosen.updown)
        before = told.away.since
        if not told.away.update(away, True, visit.seen_at, chosen.glance):
            return []
        seconds = None if away else told.away.since - before
        return [_event(told.away.since, "looks_away" if away else "looks_back", seconds=seconds)]

    def _numbered(self, events: list[Event]) -> list[Event]:
        """The events in the order of their times, with number and counts, and a `count` after each change of it."""
        numbered: list[Event] = []
        for event in sorted(events, key=lambda one: one.time):
            self.count += {"came": 1, "left": -1}.get(event.event, 0)
            in_zone = None
            if event.zone is not None:
                self._in_zone[event.zone] += 1 if event.event == "entered" else -1
                in_zone = self._in_zone[event.zone]
            numbered.append(self._next(replace(event, in_zone=in_zone)))
            if event.event in ("came", "left"):
                numbered.append(self._next(_event(event.time, "count", ended=event.ended)))
        return numbered

    def _next(self, event: Event) -> Event:
        self._number += 1
        return replace(event, number=self._number, count=self.count)


def _event(
    time: float, event: str, zone: str | None = None, seconds: float | None = None, ended: bool = False
) -> Event:
    """An event that has no number yet."""
    return Event(0, time, event, None, zone, 0, seconds, ended=ended)
