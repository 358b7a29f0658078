"""Faces on known ways, and what is asked of every course of crops."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np
from numpy.typing import NDArray

from facetracker.core.faces import Faces
from facetracker.inference.framing.operator import CameraOperator

WIDTH, HEIGHT = 1920, 1080
Person = tuple[int, float, float, float]  # number, middle x and y, height; the last three as shares of the picture
Way = Callable[[float], Sequence[Person]]


def faces_of(people: Sequence[Person], width: int = WIDTH, height: int = HEIGHT) -> Faces:
    """Faces three quarters as wide as high; what lies outside the picture is cut off."""
    boxes = []
    for _, x, y, high in people:
        wide = 0.75 * high * height / width
        boxes.append([x - wide / 2, y - high / 2, x + wide / 2, y + high / 2])
    clipped = np.clip(np.reshape(boxes, (-1, 4)), 0, 1)
    count = len(people)
    return Faces(clipped, np.ones(count), np.zeros(count), width, height, ids=[one[0] for one in people])


def crops_of(
    operator: CameraOperator, way: Way, seconds: float, fps: float = 30.0, tremble: float = 0.0
) -> NDArray[np.float64]:
    """The crops `(N, 4)` of people on their way; `tremble` as a share of the picture."""
    random, rows = np.random.default_rng(0), []
    for index in range(round(seconds * fps)):
        people = [
            (one, x + random.normal(0, tremble), y + random.normal(0, tremble), high)
            for one, x, y, high in way(index / fps)
        ]
        rows.append(operator.update(faces_of(people), index / fps))
    return np.array(rows)


def states(crops: NDArray[np.float64], width: int = WIDTH, height: int = HEIGHT) -> NDArray[np.float64]:
    """Middle x, middle y and width of crops, in picture widths `(N, 3)`."""
    left, top, right, bottom = crops.T
    return np.stack([(left + right) / 2, (top + bottom) / 2 * height / width, right - left], axis=1)


def turns(values: NDArray[np.float64], least: float = 0.004) -> int:
    """How often a value turns round, ways back of up to `least` left out."""
    count = way = 0
    low = high = values[0]
    for value in values.tolist():
        low, high = min(low, value), max(high, value)
        if way <= 0 and value > low + least:
            count, way, high = count + (way < 0), 1, value
        elif way >= 0 and value < high - least:
            count, way, low = count + (way > 0), -1, value
    return count
