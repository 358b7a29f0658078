"""`CameraOperator`: faces and a time in, the part of the picture to show out.

Three steps a frame. `Shots` says who is framed. From their boxes follows where the crop should be; it stays where it
is while they move a little (a dead zone in place and size), and looks ahead while they move. From there an aim goes at
a bounded speed, and the crop follows the aim through three equal low-pass filters, which is as quick as it gets
without overshooting. What comes of that, for whatever faces:

- The crop is a mean of earlier aims, none with a weight below zero. Every aim lies in the picture and has the right
  shape, so the crop does: nothing has to be cut off.
- Its acceleration and jerk are bounded by the aim's speed and the filters' time (`FramingSettings`).
- Neither dead zone nor filters add turns: the crop changes its direction no more often than the faces do.
- The filters are solved exactly for an aim that moves evenly between two frames, whatever the time between them.

The page frames by the same rules: web/static/js/vision/operator.js is this file once more.
"""

from __future__ import annotations

import math
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from facetracker.core.faces import Faces
from facetracker.inference.framing.settings import FramingSettings
from facetracker.inference.framing.shots import Box, Follow, Shots, Sighting

FILTERS = 3
CUT = 0.002  # picture widths from the rim within which a box ends at it


class Aim(NamedTuple):
    """A crop by its middle and width, all in picture widths; its height follows from the shape."""

    x: float
    y: float
    width: float


class CameraOperator:
    """Leads a crop of `shape` (width over height) through the pictures of one camera.

    >>> operator = CameraOperator(16 / 9)
    >>> operator.update(Faces.none(1920, 1080), 0.0).tolist()
    [0.0, 0.0, 1.0, 1.0]
    """

    def __init__(self, shape: float, follow: Follow = "all", settings: FramingSettings | None = None):
        if not (math.isfinite(shape) and shape > 0):
            raise ValueError(f"a crop of shape {shape}")
        self.shape = shape
        self.settings = settings or FramingSettings()
        self.turning = False  # whether it is on its way to another shot
        self._shots = Shots(follow, self.settings)
        self._time = -math.inf
        self._high = 0.0

    @property
    def subjects(self) -> tuple[int, ...]:
        """The numbers of the faces that are framed; none is the whole picture."""
        return self._shots.subjects

    @property
    def changed(self) -> float:
        """When the shot was changed the last time; -inf before."""
        return self._shots.changed

    def update(self, faces: Faces, time: float) -> NDArray[np.float64]:
        """The crop `(4,)` at `time` (seconds): xyxy, normalised to the picture, inside it, exactly of the shape.

        `faces` are those of one picture, with `ids`. The first call, a clock that goes back, a long gap and another
        size of the picture begin again.
        """
        passed = time - self._time
        if passed < 0 or passed > self.settings.gap or self._high != faces.height / max(1, faces.width):
            return self.start(faces, time)
        self._time = time
        turned = self._shots.update(_sightings(faces, self._high), time, self._fits, self._shows)
        self._aim_at(self._shots.framed(), passed, turned)
        self._move(passed)
        return self._crop()

    def start(self, faces: Faces, time: float) -> NDArray[np.float64]:
        """Begin at once where the faces are, numbered or not: the first frame, or the first after a cut of the film."""
        self._high = faces.height / max(1, faces.width)
        if self._high <= 0:
            raise ValueError("faces of a picture without a size")
        self._widest = min(1.0, self._high * self.shape)
        self._time = time
        self._shots.start(_sightings(faces, self._high), time, self._fits)
        self._speeds, self._middle, self._speed = (0.0, 0.0), None, 0.0
        self.turning = False
        self._aim_at(self._shots.framed(), 0.0, True)
        self.turning = False
        self._aim = self._inside(self._point)
        self._filters = [self._aim] * FILTERS
        return self._crop()

    _middle: tuple[float, float] | None
    _point: Aim  # where the crop should be: moved by faces at the rim of the dead zone only

    def _aim_at(self, boxes: list[Box], passed: float, turned: bool) -> None:
        """Move the point that the camera is to look at; `turned` where the shot is a new one."""
        chosen = self.settings
        self.turning |= turned
        if not boxes:
            self._point, self._middle = Aim(0.5, self._high / 2, self._widest), None
            return
        left, top = min(box[0] for box in boxes), min(box[1] for box in boxes)
        right, bottom = max(box[2] for box in boxes), max(box[3] for box in boxes)
        ahead = self._ahead((left + right) / 2, (top + bottom) / 2, passed, turned)
        width = self._width_for(boxes) + chosen.roam * self._speed
        if not turned:
            room = 1 + chosen.still_size
            width = max(min(max(self._point.width, width / room), width * room), self._least_for(boxes))
        width = min(max(width, self._widest * chosen.closest), self._widest)
        high = width / self.shape
        most = chosen.ahead_most * width
        x = (left + right) / 2 + min(max(ahead[0], -most), most)
        y = top - chosen.above * (high - (bottom - top)) + high / 2 + min(max(ahead[1], -most), most)
        if not turned:
            across, along = chosen.still_across * width, chosen.still_along * high
            if left < CUT or right > 1 - CUT:  # what is seen of a face on its way out says little of its height
                along *= 4
            x = min(max(self._point.x, x - across), x + across)
            y = min(max(self._point.y, y - along), y + along)
        x = self._to_the_rim(x, width / 2, left, right, 1.0)
        self._point = Aim(x, self._to_the_rim(y, high / 2, top, bottom, self._high), width)

    def _to_the_rim(self, middle: float, half: float, first: float, last: float, end: float) -> float:
        """The crop's middle in one direction; faces that the picture's rim cuts are not cut by the crop as well."""
        if last > end - self.settings.rim:
            middle = max(middle, end - half)
        return min(middle, half) if first < self.settings.rim else middle

    def _ahead(self, x: float, y: float, passed: float, turned: bool) -> tuple[float, float]:
        """How far the faces will have moved when the crop is where they are now."""
        chosen = self.settings
        if turned or self._middle is None:
            self._speeds, self._speed = (0.0, 0.0), 0.0
        elif passed > 0:
            share = 1 - math.exp(-passed / chosen.rate)
            across, along = (x - self._middle[0]) / passed, (y - self._middle[1]) / passed
            self._speeds = (
                self._speeds[0] + share * (across - self._speeds[0]),
                self._speeds[1] + share * (along - self._speeds[1]),
            )
            self._speed = max(self._speed * math.exp(-passed / chosen.calm), math.hypot(*self._speeds))
        self._middle = (x, y)
        return chosen.ahead * self._speeds[0], chosen.ahead * self._speeds[1]

    def _move(self, passed: float) -> None:
        """Let the aim go towards the point, and the crop towards the aim, for `passed` seconds."""
        if passed <= 0:
            return
        chosen = self.settings
        wanted = self._inside(self._point)
        way = math.dist(wanted, self._aim)
        speed = chosen.back if not self.subjects else chosen.turn if self.turning else chosen.follow
        share = 1.0 if way <= speed * passed else speed * passed / way
        aim = Aim(*(old + share * (new - old) for old, new in zip(self._aim, wanted, strict=True)))
        if share == 1.0:
            self.turning = False
        lines = zip(zip(*self._filters, strict=True), self._aim, aim, strict=True)
        moved = [_followed(values, start, end, passed, chosen.smooth) for values, start, end in lines]
        self._filters = [Aim(*values) for values in zip(*moved, strict=True)]
        self._aim = aim

    def _inside(self, view: Aim) -> Aim:
        """The nearest view of the same width that lies in the picture."""
        half, tall = view.width / 2, view.width / self.shape / 2
        return Aim(
            min(max(view.x, half), 1 - half),
            min(max(view.y, tall), max(self._high - tall, tall)),
            view.width,
        )

    def _crop(self) -> NDArray[np.float64]:
        x, y, width = self._filters[-1]
        half, tall = width / 2, width / self.shape / 2
        crop = np.array([x - half, (y - tall) / self._high, x + half, (y + tall) / self._high])
        return np.clip(crop, 0.0, 1.0)  # a rounding error at most

    def _width_for(self, boxes: list[Box]) -> float:
        """The crop's width that shows these faces comfortably."""
        tallest = max(box[3] - box[1] for box in boxes)
        high = max(box[3] for box in boxes) - min(box[1] for box in boxes) + (self.settings.height - 1) * tallest
        wide = max(box[2] for box in boxes) - min(box[0] for box in boxes) + 2 * self.settings.beside * tallest
        return max(wide, high * self.shape)

    def _least_for(self, boxes: list[Box]) -> float:
        """The crop's width below which a face could come too near to its sides, within the dead zone."""
        chosen = self.settings
        wide = max(box[2] for box in boxes) - min(box[0] for box in boxes)
        return wide / (1 - 2 * (chosen.safe + chosen.still_across))

    def _fits(self, boxes: list[Box], slack: float) -> bool:
        """Whether the largest crop holds all of these faces."""
        high = max(box[3] for box in boxes) - min(box[1] for box in boxes)
        wide = max(box[2] for box in boxes) - min(box[0] for box in boxes)
        return max(wide, high * self.shape) * slack <= 0.9 * self._widest

    def _shows(self, boxes: list[Box]) -> bool:
        """Whether the present crop shows all of these faces."""
        x, y, width = self._filters[-1]
        half, tall = width / 2, width / self.shape / 2
        return all(
            box[0] >= x - half and box[2] <= x + half and box[1] >= y - tall and box[3] <= y + tall for box in boxes
        )


def _followed(values: tuple[float, ...], start: float, end: float, passed: float, smooth: float) -> list[float]:
    """What filters in a row, each following the one before it, hold after an input that went evenly from start to end.

    To a steady slope the k-th filter answers with the same slope, k time constants late; what it is off from that
    dies out, and is fed by what the filters before it are off.
    """
    slope, steps = (end - start) / passed, passed / smooth
    off = [value - (start - slope * smooth * (k + 1)) for k, value in enumerate(values)]
    weights, weight = [], math.exp(-steps)
    for k in range(len(values)):
        weights.append(weight)
        weight *= steps / (k + 1)
    return [
        end - slope * smooth * (k + 1) + sum(weights[i] * off[k - i] for i in range(k + 1)) for k in range(len(values))
    ]


def _sightings(faces: Faces, high: float) -> list[Sighting]:
    """The faces with their boxes in picture widths; without numbers they get such as no face has."""
    boxes = faces.boxes.astype(np.float64) * [1, high, 1, high]
    ids = [-1 - row for row in range(len(boxes))] if faces.ids is None else faces.ids.tolist()
    coasting = [False] * len(boxes) if faces.coasting is None else faces.coasting.tolist()
    return [
        Sighting(one, (left, top, right, bottom), lost)
        for one, (left, top, right, bottom), lost in zip(ids, boxes.tolist(), coasting, strict=True)
        if right > left and bottom > top and math.isfinite(right - left + bottom - top)
    ]
