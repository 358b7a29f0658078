"""Faces on known ways: what a follower would hand over, without a picture."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass

import numpy as np

from facetracker.core.faces import Faces
from facetracker.inference.events.events import Event, Noticing

WIDTH, HEIGHT, SIDE = 640, 480, 80

# Five points of a head that looks ahead, and turned by about 50 degrees to the picture's right (shares of the box).
AHEAD = np.array([[0.30, 0.38], [0.70, 0.38], [0.50, 0.58], [0.34, 0.78], [0.66, 0.78]], np.float32)
ASIDE = np.array([[0.52, 0.38], [0.80, 0.38], [0.88, 0.58], [0.55, 0.78], [0.77, 0.78]], np.float32)


@dataclass
class Track:
    """A face with number `id` at `way(seconds)`, its middle in pixels, from `begins` to `ends`, but not `hidden`."""

    id: int
    begins: float
    ends: float
    way: Callable[[float], tuple[float, float]] = lambda seconds: (320.0, 240.0)
    hidden: tuple[tuple[float, float], ...] = ()
    turned: tuple[tuple[float, float], ...] = ()

    def is_seen(self, time: float) -> bool:
        inside = self.begins - 1e-9 <= time <= self.ends + 1e-9
        return inside and not any(first <= time < last for first, last in self.hidden)


def faces_at(tracks: Iterable[Track], time: float, landmarks: bool = False) -> Faces:
    """The faces of all tracks that are seen at `time` (seconds)."""
    seen = [track for track in tracks if track.is_seen(time)]
    boxes, points = [], []
    for track in seen:
        x, y = track.way(time)
        boxes.append([x - SIDE / 2, y - SIDE / 2, x + SIDE / 2, y + SIDE / 2])
        shape = ASIDE if any(first <= time < last for first, last in track.turned) else AHEAD
        points.append((np.array([x, y]) + (shape - 0.5) * SIDE) / [WIDTH, HEIGHT])
    return Faces.from_pixels(
        np.reshape(boxes, (-1, 4)),
        WIDTH,
        HEIGHT,
        ids=np.array([track.id for track in seen], np.int64),
        landmarks=np.reshape(points, (-1, 5, 2)) if landmarks else None,
    )


def told(
    noticing: Noticing, tracks: Iterable[Track], seconds: float, fps: float = 30.0, landmarks: bool = False
) -> list[Event]:
    """All events of so many seconds, and those of the end."""
    tracks, events = list(tracks), []
    for index in range(int(seconds * fps)):
        events += noticing.look(faces_at(tracks, index / fps, landmarks), index / fps)
    return events + noticing.end()


def brief(events: Iterable[Event], *names: str) -> list[tuple]:
    """`(event, id, time)` of these events (default: all but `count`), times to a tenth."""
    return [
        (one.event, one.id, round(one.time, 1))
        for one in events
        if (one.event in names if names else one.event != "count")
    ]
