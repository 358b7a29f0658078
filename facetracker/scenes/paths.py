"""How drawn faces move: smooth, without end, each a pure function of time."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np


@dataclass(frozen=True)
class Pose:
    """Where a head is: its middle between the eyes in pixels, half its width in pixels, and how it is turned.

    `roll` in radians; `yaw` and `pitch` as the shift of the features, -1..1; `near` orders who covers whom. `aside` in
    degrees, positive to the picture's right: a head that is really turned, which `yaw` does not move any more.
    """

    x: float
    y: float
    unit: float
    roll: float
    yaw: float
    pitch: float
    near: float
    aside: float = 0.0


class Path:
    """One head's way through the picture: sways of different pace around a place of its own.

    `crossing` lets it walk to and fro over the whole width, past the others; `leaving` lets it walk out of the
    picture on one side and come back; `turning` lets it turn aside by up to so many degrees and back.
    """

    def __init__(
        self,
        seed: int,
        number: int,
        faces: int,
        width: int,
        height: int,
        crossing: bool = False,
        leaving: bool = False,
        size: float | None = None,
        turning: float = 0.0,
    ):
        self.turning = turning
        rng = np.random.default_rng((seed, number, 0x0ACE))
        self.width, self.height, self.crossing, self.leaving = width, height, crossing, leaving
        # People who walk past each other share one row; the others get a cell of a grid each.
        columns = faces if crossing else max(1, round(float(np.sqrt(faces * width / height / 1.1))))
        rows = 1 if crossing else int(np.ceil(faces / columns))
        row, column = divmod(number, columns)
        in_row = min(columns, faces - row * columns)
        self.lane_width, self.lane_height = width / in_row, height / rows
        # A head with its hair is 2.7 units wide and 3.2 high; with room to sway that is what fits into a lane.
        fits = min(
            self.lane_width / (2.4 if crossing else 3.6), self.lane_height / (5.6 if crossing else 4.2), height / 4.6
        )
        share = rng.uniform(0.72, 1.0) if faces > 1 else rng.uniform(0.55, 0.95)
        self.unit = float(fits * (size if size is not None else share))
        self.x0 = (column + 0.5) * self.lane_width
        self.y0 = (row + 0.5) * self.lane_height + 0.12 * self.unit
        self.sway_x = max(self.lane_width / 2 - 1.55 * self.unit, 0)
        self.sway_y = max(self.lane_height / 2 - 1.95 * self.unit, 0)
        self.pace = rng.uniform(0.10, 0.22, 8)  # turns a second
        self.start = rng.uniform(0, 2 * np.pi, 8)
        # Who stands lower in the picture stands nearer.
        self.near = float(rng.random()) + row

    def at(self, seconds: float) -> Pose:
        """The pose at a time."""
        s = [float(v) for v in np.sin(2 * np.pi * self.pace * seconds + self.start)]
        breath = 1 + 0.06 * s[2]
        reach = self.sway_x
        x, y = self.x0, self.y0
        if self.crossing:
            x, reach = self.width / 2, self.width / 2 - 1.3 * self.unit
        elif self.leaving:
            x, reach = self.width / 2, self.width / 2 + 2.6 * self.unit
        x += reach * (0.8 * s[0] + 0.2 * s[3])
        y += self.sway_y * (0.75 * s[1] + 0.25 * s[4])
        unit = self.unit * breath * (0.9 + 0.2 * self.near if self.crossing else 1.0)
        yaw, aside = (0.0, self.turning * s[6]) if self.turning else (0.9 * s[6], 0.0)
        return Pose(x, y, unit, 0.12 * s[5], yaw, 0.6 * s[7], self.near + 0.2 * s[2], aside)
