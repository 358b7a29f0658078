"""Which box is which face: ByteTrack (Zhang et al., ECCV 2022) with a Kalman filter for each side of a box.

Sure boxes are matched first, by overlap, to where each face is expected; what is left of the faces may take a weak
box, so that a blurred frame does not end it. The page follows by the same rules: web/static/js/vision/tracks.js is
this file once more, and a test holds the two together.
"""

from __future__ import annotations

from dataclasses import dataclass, fields

import numpy as np
from numpy.typing import NDArray

from facetracker.core.boxes import best_pairs, iou

Floats = NDArray[np.float64]
Ids = NDArray[np.int64]

NOBODY = -1
REMEMBER = 1.0  # seconds after which a face that comes back is a new one
LEAST_OVERLAP = 0.1  # of a box with where a face is expected, to be that face
# Variances, in frames: of a measured side, of what may happen to a side and its speed between two frames.
MEASURED, DRIFT = 0.1, 0.01
NOMINAL = 0.004  # seconds by which a camera's clock trembles: such a step counts as one frame


@dataclass
class _Tracks:
    """All faces under way: boxes `(T, 4)` and speeds `(T, 4)` a frame, in the boxes' own unit.

    `spread` `(T, 3)` holds the variance of a side, of side with speed, and of the speed; it is the same for all four.
    """

    boxes: Floats
    speeds: Floats
    spread: Floats
    ids: Ids
    hits: Ids  # sightings without a gap
    seen_at: Floats

    def keep(self, rows: NDArray) -> None:
        for one in fields(self):
            setattr(self, one.name, getattr(self, one.name)[rows])


class Tracks:
    """Gives boxes the numbers of the faces that they show. A face has a number from its `confirm`-th sighting on.

    A box of at least `threshold` starts a face; weaker ones only go on with one. `fps` are the frames a second.
    """

    def __init__(self, threshold: float, fps: float, confirm: int):
        self.threshold, self.fps, self.confirm = threshold, fps, confirm
        self.reset()

    def reset(self) -> None:
        """Forget every face, and count from the beginning."""
        none = np.zeros(0, np.int64)
        self._all = _Tracks(np.zeros((0, 4)), np.zeros((0, 4)), np.zeros((0, 3)), none, none, np.zeros(0))
        self._next, self._time = 1, -np.inf

    def update(self, boxes: Floats, scores: NDArray[np.floating], time: float) -> Ids:
        """The number of each box `(N, 4)`, `(N,)`, at `time` (seconds, always growing); NOBODY where it has none."""
        self._predict(time)
        mine = np.full(len(boxes), NOBODY, np.int64)  # the row of each box's track
        sure = scores >= self.threshold
        for these in (np.flatnonzero(sure), np.flatnonzero(~sure)):
            taken = set(mine.tolist())
            free = [row for row in range(len(self._all.ids)) if row not in taken]
            if not free or not len(these):
                continue
            for row, column in best_pairs(iou(self._all.boxes[free], boxes[these]), LEAST_OVERLAP):
                mine[these[column]] = free[row]
        self._correct(mine, boxes, time)
        new = np.flatnonzero(sure & (mine == NOBODY))
        if len(new):
            mine[new] = len(self._all.ids) + np.arange(len(new))
            self._begin(boxes[new], time)
        self._number()
        ids = np.array([NOBODY if row == NOBODY else self._all.ids[row] for row in mine], np.int64)
        self._keep((self._all.ids != NOBODY) | (self._all.seen_at == time))
        return ids

    def _predict(self, time: float) -> None:
        """Move every face on to `time`; those that were seen too long ago go."""
        every = self._all
        self._keep(time - every.seen_at <= REMEMBER)
        step = 1.0 if np.isinf(self._time) else (time - self._time) * self.fps
        self._time = time
        every.boxes = every.boxes + step * every.speeds
        side, both, speed = every.spread.T
        grown = np.stack([side + 2 * step * both + step**2 * speed, both + step * speed, speed], axis=1)
        if abs(step - 1) <= NOMINAL * self.fps:
            every.spread = grown + DRIFT * np.array([1, 0, 1])
        else:
            every.spread = grown + DRIFT * step**2 * np.array([step**2 / 4, step / 2, 1])

    def _correct(self, mine: Ids, boxes: Floats, time: float) -> None:
        """Draw each face that was seen towards its box."""
        every, seen = self._all, np.flatnonzero(mine != NOBODY)
        rows = mine[seen]
        side, both, speed = every.spread[rows].T
        gain, speed_gain = side / (side + MEASURED), both / (side + MEASURED)
        off = boxes[seen] - every.boxes[rows]
        every.boxes[rows] += gain[:, None] * off
        every.speeds[rows] += speed_gain[:, None] * off
        every.spread[rows] = np.stack([side * (1 - gain), both * (1 - gain), speed - speed_gain * both], axis=1)
        every.seen_at[rows] = time
        every.hits[rows] += 1

    def _keep(self, rows: NDArray[np.bool_]) -> None:
        if not rows.all():
            self._all.keep(rows)

    def _begin(self, boxes: Floats, time: float) -> None:
        every, count = self._all, len(boxes)
        every.boxes = np.concatenate([every.boxes, boxes])
        every.speeds = np.concatenate([every.speeds, np.zeros((count, 4))])
        every.spread = np.concatenate([every.spread, np.tile([1.0, 0.0, 1.0], (count, 1))])
        every.ids = np.concatenate([every.ids, np.full(count, NOBODY)])
        every.hits = np.concatenate([every.hits, np.ones(count, np.int64)])
        every.seen_at = np.concatenate([every.seen_at, np.full(count, time)])

    def _number(self) -> None:
        """Give the next numbers to those that have been seen often enough; a face that misses once before is gone."""
        for row in np.flatnonzero((self._all.ids == NOBODY) & (self._all.hits >= self.confirm)):
            self._all.ids[row], self._next = self._next, self._next + 1
