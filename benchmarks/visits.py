"""Drawn films of people who come, stay, walk about, pass each other and go, with the truth about every visit.

A face is there while at least `ENOUGH` of it can be seen. It is the same visit while it is away for less than a second
(somebody passes in front). Films whose truth hangs on a hair are drawn again: absences and visits that are neither
short nor long, faces half hidden for long, glimpses, steps across a zone's edge that are neither, and people who
come out where somebody else has just gone in, for nobody can tell those two apart who does not recognise faces.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from facetracker.capture.frames import Frame, Source
from facetracker.core.boxes import iou, to_pixels
from facetracker.inference.detector import Detector
from facetracker.inference.events.visits import centre_of, size_of
from facetracker.inference.events.zones import Zone
from facetracker.scenes.background import background
from facetracker.scenes.face import Expression
from facetracker.scenes.paths import Pose
from facetracker.scenes.person import person
from facetracker.scenes.placing import draw_person, truth_of
from facetracker.scenes.scene import _with_noise

ENOUGH = 0.4  # of a face can be seen: it is there
BRIDGED, GONE = 1.0, 2.2  # seconds: an absence up to here is none, one from here on is a leaving; none lie in between
BRIEF, VISIT = 0.2, 1.0  # the same for a visit
STEP = (0.15, 0.5)  # ... and for the time on the other side of a zone's edge
HALF = (0.2, 0.75)  # of a face: neither hidden nor there, ...
HALF_FOR = 0.28  # ... which it is for less than so many seconds: nobody could say to 0.2 s when it came
GLIMPSE = 0.3  # seconds for which the first and the last sighting of a visit last at least
HAIR = (0.05, 0.2)  # ... and for how far from it, in sizes of the face
APART = 2.5  # sizes of the face by which somebody who comes just after another has gone must be away from there
ROUGH = 0.34  # scale at which a film is looked through first
LOUD = 3.0  # grey levels of noise


@dataclass
class Stay:
    """One true visit: who, from when to when; for each zone the times in and out (None: in it until the end)."""

    who: int
    came: float
    left: float
    zones: dict[str, list[tuple[float, float]]] = field(default_factory=dict)


class Film(Source):
    """A drawn film of so many `people` by its seed. `zones` are the two of every film."""

    name = "drawn people"
    zones = (
        Zone("left", ((0.0, 0.0), (0.4, 0.0), (0.4, 1.0), (0.0, 1.0))),
        Zone("right", ((0.62, 0.0), (1.0, 0.0), (1.0, 1.0), (0.58, 1.0))),
    )

    def __init__(self, seed: int, people: int, width: int = 480, height: int = 360, fps: float = 12.0):
        self.seed, self.people, self.width, self.height, self.fps = seed, people, width, height, fps
        rng = np.random.default_rng((seed, 0x07F11))
        self.seconds = float(rng.uniform(12, 18))
        self.count = int(self.seconds * fps)
        self.ways = [_way(rng, number, self) for number in range(self.people)]
        self.light = float(rng.choice([-0.8, 0.8]))
        self._index = -1

    def _next(self) -> float | None:
        self._index += 1
        return self._index / self.fps if self._index < self.count else None

    def _frame(self) -> Frame:
        return Frame(self.drawn[self._index], self._index, self._index / self.fps, 0.0)

    def close(self) -> None:
        pass

    @property
    def drawn(self) -> list[NDArray[np.uint8]]:
        return self._material[0]

    @cached_property
    def _material(self) -> tuple[list, NDArray, NDArray]:
        return self._made(1.0)

    def _made(self, scale: float) -> tuple[list, NDArray, NDArray]:
        """The pictures at a scale; how much of each face can be seen `(frames, people)`; where `(frames, people, 4)`,
        in pixels of the whole size.
        """
        visible = np.zeros((self.count, self.people))
        boxes = np.zeros((self.count, self.people, 4))
        width, height = round(self.width * scale), round(self.height * scale)
        pictures = []
        who = [person(self.seed, number) for number in range(self.people)]
        for index in range(self.count):
            poses = [way.at(index / self.fps) for way in self.ways]
            poses = [replace(one, x=one.x * scale, y=one.y * scale, unit=one.unit * scale) for one in poses]
            picture = background(self.seed, width, height).copy()
            owner = np.full((height, width), -1, np.int16)
            for number in sorted(range(self.people), key=lambda number: poses[number].near):
                draw_person(picture, who[number], poses[number], Expression(), self.light, owner, number)
            for number in range(self.people):
                seen = truth_of(who[number], poses[number], width, height, owner, number)
                if seen is not None:
                    visible[index, number] = seen[1]
                    boxes[index, number] = to_pixels(seen[0][None], self.width, self.height)[0]
            pictures.append(_with_noise(picture, LOUD, self.seed, index) if scale == 1 else picture)
        return pictures, visible, boxes

    @cached_property
    def truth(self) -> list[Stay] | None:
        """The visits in the order in which they began; None where the film hangs on a hair."""
        # Most of those that do can be told from a small one, which is drawn in no time.
        return None if self._stays(*self._made(ROUGH)[1:]) is None else self._stays(*self._material[1:])

    def found(self, stay: Stay, detector: Detector) -> float:
        """In which share of the frames of a visit that show most of the face the detector finds it."""
        _, visible, boxes = self._material
        hits = []
        for index in range(round(stay.came * self.fps), round(stay.left * self.fps) + 1):
            if visible[index, stay.who] > HALF[1]:
                faces = detector.detect(self.drawn[index])
                hits.append(len(faces) > 0 and iou(boxes[index, stay.who][None], faces.pixels).max() > 0.3)
        return float(np.mean(hits)) if hits else 0.0

    def _stays(self, visible: NDArray, boxes: NDArray) -> list[Stay] | None:
        """The visits, given how much of each face can be seen and where."""
        stays: list[Stay] = []
        for who in range(self.people):
            half = _runs((visible[:, who] > HALF[0]) & (visible[:, who] < HALF[1]))
            if any((last - first) / self.fps > HALF_FOR for first, last in half):
                return None
            runs = list(_runs(visible[:, who] >= ENOUGH))
            joined: list[list[int]] = []
            for first, last in runs:
                away = (first - joined[-1][1]) / self.fps if joined else np.inf
                if BRIDGED < away < GONE:
                    return None
                if away <= BRIDGED:
                    joined[-1][1] = last
                else:
                    joined.append([first, last])
            lengths = {edge: (last - first) / self.fps for first, last in runs for edge in (first, last)}
            if any(min(lengths[first], lengths[last]) < GLIMPSE for first, last in joined):
                return None
            for first, last in joined:
                if BRIEF < (last - first) / self.fps < VISIT:
                    return None
                if (last - first) / self.fps >= VISIT:
                    stay = Stay(who, first / self.fps, last / self.fps)
                    seen = [index for index in range(first, last + 1) if visible[index, who] >= ENOUGH]
                    if not self._zoned(stay, seen, boxes[:, who]):
                        return None
                    stays.append(stay)
        stays.sort(key=lambda one: one.came)
        return stays if stays and self._are_apart(stays, visible, boxes) else None

    def _zoned(self, stay: Stay, seen: list[int], boxes: NDArray) -> bool:
        """Fill in the times in each zone; False where a step across an edge is neither short nor long."""
        for zone in self.zones:
            depth = np.array(
                [zone.depth(centre_of(boxes[i]), self.width, self.height) / size_of(boxes[i]) for i in seen]
            )
            times = np.array(seen) / self.fps
            steps = np.maximum(np.abs(np.diff(depth)), 1e-9)
            crossed = [stay.came, *(times[1:] - np.diff(times) * np.abs(depth[1:]) / steps)]
            inside, since, rows = False, stay.came, []
            for first, last in _runs_of(depth > 0):
                lasts, far = times[last] - times[first], float(np.abs(depth[first : last + 1]).max())
                if (STEP[0] < lasts < STEP[1] and last + 1 < len(times)) or HAIR[0] < far < HAIR[1]:
                    return False
                if lasts >= STEP[1] and far >= HAIR[1] and (depth[first] > 0) != inside:
                    if inside:
                        rows.append((since, crossed[first]))
                    inside, since = not inside, crossed[first]
                elif lasts < STEP[1] and last + 1 == len(times) and (depth[first] > 0) != inside:
                    return False  # gone while it crossed
            if inside:
                rows.append((since, stay.left))
            stay.zones[zone.name] = [(float(a), float(b)) for a, b in rows]
        return True

    def _are_apart(self, stays: list[Stay], visible: NDArray, boxes: NDArray) -> bool:
        """Does nobody come, or come out, where another has gone just before?"""
        begins, ends = [], []
        for stay in stays:
            first, last = round(stay.came * self.fps), round(stay.left * self.fps)
            for a, b in _runs(visible[first : last + 1, stay.who] >= ENOUGH):
                begins.append((a + first, stay.who))
                ends.append((b + first, stay.who))
        for end, gone in ends:
            for begin, came in begins:
                if came != gone and 0 <= (begin - end) / self.fps < GONE:
                    a, b = boxes[end, gone], boxes[begin, came]
                    if np.linalg.norm(centre_of(a) - centre_of(b)) < APART * (size_of(a) + size_of(b)) / 2:
                        return False
        return True


def film(number: int) -> Film:
    """Film `number` of any number of them, of one to three people in turn, none of which hangs on a hair."""
    for seed in range(1000 * number, 1000 * (number + 1)):
        found = Film(seed, 1 + number % 3)
        if found.truth is not None:
            return found
    raise LookupError(f"no film {number}")


@dataclass
class _Way:
    """Where one person is: places `(N, 2)` in pixels at times `(N,)`, eased in between; `unit` half a head's width."""

    times: NDArray
    places: NDArray
    unit: float
    near: float
    sway: NDArray  # paces and beginnings of three small movements (2, 3)

    def at(self, seconds: float) -> Pose:
        after = int(np.clip(np.searchsorted(self.times, seconds), 1, len(self.times) - 1))
        share = (seconds - self.times[after - 1]) / (self.times[after] - self.times[after - 1])
        share = float(np.clip(share, 0, 1))
        share = share * share * (3 - 2 * share)
        x, y = self.places[after - 1] + share * (self.places[after] - self.places[after - 1])
        s = np.sin(2 * np.pi * (self.sway[0] * seconds + self.sway[1]))
        x, y = x + 0.1 * self.unit * s[0], y + 0.06 * self.unit * s[1]
        roll, yaw, pitch = (s * [0.08, 0.5, 0.3]).tolist()
        return Pose(float(x), float(y), self.unit, roll, yaw, pitch, self.near)


def _way(rng: np.random.Generator, number: int, film: Film) -> _Way:
    """Comes at some time, walks from place to place, goes; and perhaps comes once more."""
    width, height = film.width, film.height
    unit = float(rng.uniform(0.075, 0.125) * height)
    level = float(rng.uniform(0.3, 0.62) * height)
    speed = float(rng.uniform(2.0, 4.0)) * 2 * unit  # pixels a second
    time = float(rng.choice([-3.0, rng.uniform(0.0, 0.45 * film.seconds)], p=[0.25, 0.75]))
    times, places = [time], [_outside(rng, width, level, unit)]

    def go(place: tuple[float, float]) -> None:
        away = float(np.hypot(*np.subtract(place, places[-1])))
        times.append(times[-1] + max(away / speed, 0.3))
        places.append(place)

    for visit in range(int(rng.integers(1, 3))):
        if visit:
            times.append(times[-1] + float(rng.uniform(2.5, 4.0)))
            places.append(places[-1])
        for _ in range(int(rng.integers(1, 4))):
            go((_standing(rng, width, unit), level))
            times.append(times[-1] + float(rng.uniform(0.8, 3.5)))
            places.append(places[-1])
        go(_outside(rng, width, level, unit))
    return _Way(
        np.array(times),
        np.array(places),
        unit,
        unit + 0.01 * number,
        np.stack([rng.uniform(0.1, 0.25, 3), rng.random(3)]),
    )


def _standing(rng: np.random.Generator, width: int, unit: float) -> float:
    """Somewhere in the picture, and not on the edge of a zone."""
    edges = np.array([x for zone in Film.zones for x, _ in zone.corners]) * width
    while True:
        x = float(rng.uniform(0.1, 0.9) * width)
        if np.abs(edges - x).min() > 0.9 * unit:
            return x


def _outside(rng: np.random.Generator, width: int, level: float, unit: float) -> tuple[float, float]:
    return (-2.6 * unit if rng.random() < 0.5 else width + 2.6 * unit), level


def _runs_of(flags: NDArray) -> Iterator[tuple[int, int]]:
    """First and last of each run of equal flags."""
    edges = np.flatnonzero(np.diff(flags.astype(int))) + 1
    begins, ends = [0, *edges.tolist()], [*edges.tolist(), len(flags)]
    yield from ((a, b - 1) for a, b in zip(begins, ends, strict=True) if b > a)


def _runs(flags: NDArray) -> Iterator[tuple[int, int]]:
    """First and last of each run of True."""
    yield from ((a, b) for a, b in _runs_of(flags) if flags[a])
