"""Drawn films in which people do what a camera operator must cope with: the paths are known, and so is every face."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np

from facetracker.core.boxes import as_boxes, empty
from facetracker.scenes.background import background
from facetracker.scenes.face import Expression
from facetracker.scenes.paths import Pose
from facetracker.scenes.person import Person, person
from facetracker.scenes.placing import draw_person, landmarks_of, truth_of
from facetracker.scenes.scene import SceneFrame

WIDTH, HEIGHT, FPS = 1920, 1080, 30.0
UNIT = 62.0  # pixels to half a head's width: a face is then about a seventh of the picture's height
Way = Callable[[float], Pose]


@dataclass(frozen=True)
class Film:
    """People on known ways for so many seconds; `frame(index)` as of a `Scene`."""

    name: str
    seconds: float
    ways: Sequence[Way]
    seed: int
    crowd: int = 5

    @property
    def count(self) -> int:
        return round(self.seconds * FPS)

    @cached_property
    def people(self) -> list[Person]:
        return [person(self.crowd, number) for number in range(len(self.ways))]

    def frame(self, index: int) -> SceneFrame:
        """Frame `index` with its truth; a camera's noise is drawn once and shifted about."""
        seconds = index / FPS
        picture = background(self.seed, WIDTH, HEIGHT).copy()
        poses = [way(seconds) for way in self.ways]
        owner = np.full((HEIGHT, WIDTH), -1, np.int16) if len(poses) > 1 else None
        order = sorted(range(len(poses)), key=lambda number: poses[number].near)
        looks = {}
        for number in order:
            talks = 0.6 if np.sin(9 * seconds + 2 * number) > 0.4 and np.sin(0.7 * seconds + 3 * number) > 0 else 0.0
            blinks = 0.1 if (seconds + number) % 3.7 < 0.13 else 1.0
            looks[number] = Expression(blinks, talks, 0.3)
            draw_person(picture, self.people[number], poses[number], looks[number], 0.8, owner, number)
        seen = {n: truth_of(self.people[n], poses[n], WIDTH, HEIGHT, owner, n) for n in range(len(poses))}
        shown = {number: found for number, found in seen.items() if found is not None}
        boxes = as_boxes([box for box, _ in shown.values()]) if shown else empty()
        visible = np.array([share for _, share in shown.values()], np.float32)
        points = [landmarks_of(self.people[n], poses[n], looks[n]) for n in shown]
        landmarks = (np.array(points).reshape(-1, 5, 2) / [WIDTH, HEIGHT]).astype(np.float32)
        numbers, aside = np.array(list(shown), np.int64), np.zeros(len(shown), np.float32)
        return SceneFrame(picture, boxes, numbers, ("face",) * len(shown), visible, landmarks, aside)


def eased(seconds: float, begin: float, end: float) -> float:
    """From 0 to 1 between two times, setting off and stopping softly."""
    share = min(max((seconds - begin) / (end - begin), 0.0), 1.0)
    return share * share * (3 - 2 * share)


def pose(x: float, y: float, unit: float = UNIT, roll: float = 0.0, yaw: float = 0.0, pitch: float = 0.0) -> Pose:
    """A head at `x`, `y` (shares of the picture); who is larger stands nearer."""
    return Pose(x * WIDTH, y * HEIGHT, unit, roll, yaw, pitch, unit)


def wave(seconds: float, turns: float, start: float = 0.0) -> float:
    """A sine of so many turns a second."""
    return float(np.sin(2 * np.pi * (turns * seconds + start)))


def _walk(seconds: float) -> Pose:
    """To and fro over three fifths of the picture, at a brisk walk (0.56 picture widths a second)."""
    turn = seconds % 8
    there = eased(turn, 1, 2.6) - eased(turn, 5, 6.6)
    bounce = 0.006 * wave(seconds, 2.0) * (1 if 1 < turn < 2.6 or 5 < turn < 6.6 else 0)
    return pose(0.2 + 0.6 * there, 0.32 + bounce, yaw=0.5 * wave(seconds, 0.2))


def _sit(seconds: float) -> Pose:
    """Standing, sitting down, nodding, getting up."""
    turn = seconds % 12
    down = eased(turn, 2, 3.0) - eased(turn, 9.5, 10.5)
    nod = wave(seconds, 1.5) if 4 < turn < 8 else 0.0
    x = 0.45 + 0.04 * down + 0.004 * wave(seconds, 0.3)
    return pose(x, 0.24 + 0.3 * down + 0.012 * nod, pitch=0.6 * nod, roll=0.03 * wave(seconds, 0.25))


def _talker(side: int) -> Way:
    """One of two who talk: leans forward and back, turns to the other, changes size with it."""

    def way(seconds: float) -> Pose:
        lean = wave(seconds, 0.11, 0.3 * side)
        x = 0.5 + (0.17 + 0.012 * lean + 0.006 * wave(seconds, 0.4, 0.2)) * side
        y = 0.36 + 0.008 * wave(seconds, 0.5, 0.4 * side)
        return pose(x, y, UNIT * (1 + 0.18 * lean), roll=0.04 * lean, yaw=-0.5 * side)

    return way


def _comes_and_goes(seconds: float) -> Pose:
    """Walks out of the picture on the right, comes back after a while; then the same on the left."""
    turn = seconds % 32
    right = eased(turn, 4, 6.5) - eased(turn, 11, 13.5)
    left = eased(turn, 20, 22.5) - eased(turn, 28, 30.5)
    return pose(0.5 + 0.62 * right - 0.62 * left, 0.33, yaw=0.4 * wave(seconds, 0.15))


def _one_of_four(number: int) -> Way:
    def way(seconds: float) -> Pose:
        near = eased(seconds, 6, 8.5) - eased(seconds, 15, 17.5) if number == 2 else 0.0
        x = 0.26 + 0.16 * number + 0.01 * wave(seconds, 0.2 + 0.03 * number, 0.2 * number)
        y = 0.42 + 0.02 * (number % 2) + 0.006 * wave(seconds, 0.35, 0.3 * number)
        return pose(x, y - 0.04 * near, 48 * (1 + 0.7 * near), roll=0.05 * wave(seconds, 0.3, 0.1 * number))

    return way


# People whom the starter finds all the time: whom it overlooks no operator can frame.
FILMS = (
    Film("walk", 24, (_walk,), seed=3, crowd=1),
    Film("sit and nod", 24, (_sit,), seed=4, crowd=2),
    Film("two talk", 30, (_talker(-1), _talker(1)), seed=6, crowd=3),
    Film("leave and come back", 32, (_comes_and_goes,), seed=5, crowd=4),
    Film("group", 20, tuple(_one_of_four(number) for number in range(4)), seed=7, crowd=13),
)
