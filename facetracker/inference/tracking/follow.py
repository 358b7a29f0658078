"""Following: the same face keeps the same number from frame to frame.

`tracks.py` gives the numbers; boxes are steadied by `steady.py`; a face that the detector misses for a moment coasts
on where it was going. Frames between two detections (detect every k-th frame) come from the motion. The page follows
by the same rules: web/static/js/vision/follow.js is this file once more, and a test holds the two together.
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from facetracker.core.boxes import from_pixels, iou
from facetracker.core.faces import Faces
from facetracker.inference.tracking.steady import Steady, SteadySettings
from facetracker.inference.tracking.tracks import NOBODY, Tracks

COAST = 0.3  # seconds for which a missed face is still shown where it was going
SAME_PLACE = 0.3  # overlap from which a missed face counts as the seen one that took its place
DOUBLE, WEAK_DOUBLE = 0.3, 0.15  # overlap with a better box from which a box (a weak one) is a second of the same face
WEAK_FOR = 0.5  # seconds for which weak boxes alone may carry a face on: what stays weak is a hand or a picture
LOW = 0.4  # boxes down to this share of the threshold still carry a known face on, but start none


class Follower:
    """Gives faces their numbers. `threshold` is the score from which a face is believed without history.

    Feed it faces found with `low_threshold`: what lies between the two keeps a known face alive through a blurred
    frame, but never starts one. `confirm` is how many detections in a row make a face (what only looks like one, a
    skull on a shirt, rarely does so three times); `steady` the filter's settings, or False for the detector's own
    boxes.
    """

    def __init__(
        self,
        threshold: float = 0.5,
        fps: float = 30.0,
        *,
        confirm: int = 3,
        coast: float = COAST,
        steady: SteadySettings | bool = True,
    ):
        self.threshold, self.coast = threshold, coast
        self.fps = fps if np.isfinite(fps) and fps > 0 else 30.0
        self._tracks = Tracks(threshold, self.fps, confirm)
        self._settings = steady if isinstance(steady, SteadySettings) else None
        self._is_steady = bool(steady)
        self.reset()

    def reset(self) -> None:
        """Forget every face, and count from the beginning."""
        self._tracks.reset()
        self._steady = Steady(self._settings)
        self._faces: Faces | None = None
        self._seen_at: NDArray[np.float64] = np.zeros(0)  # of each of the faces
        self._strong_at: dict[int, float] = {}
        self._time = self._given = -np.inf
        self.broken: list[int] = []

    @property
    def low_threshold(self) -> float:
        """The score down to which a detector should hand over boxes."""
        return self.threshold * LOW

    def update(self, found: Faces, time: float) -> Faces:
        """The faces at `time` (seconds) with `ids`; `coasting` is True where this frame shows none.

        `broken` then lists the faces that were seen the last time and are not now. A clock that stands still is
        taken to go on (some containers know no times), one that jumps back starts following again.
        """
        if time < self._given:
            self.reset()
        self._given = time
        time = max(time, self._time + (0.5 / self.fps))
        seen = self._tracked(found, time)
        steadied = self._steady.update(seen.pixels, _ids(seen), time)
        if self._is_steady:
            seen = _moved(seen, steadied)
        self._faces, self._seen_at = self._with_missed(seen, time)
        self._time = time
        return self._faces

    def predict(self, time: float) -> Faces:
        """The faces at `time` without a detection: where the last ones are by now. Before the first, none."""
        faces = self._faces
        if faces is None:
            return Faces.none(0, 0)
        return _moved(faces, self._steady.predict(_ids(faces), time)) if len(faces) else faces

    def _tracked(self, found: Faces, time: float) -> Faces:
        """The detections that belong to a confirmed face, with its number."""
        found = self._without_doubles(found)
        ids = self._tracks.update(found.pixels.astype(np.float64), found.scores, time)
        faces = replace(found, ids=ids, coasting=np.zeros(len(ids), bool))
        strong = ids[(faces.scores >= self.threshold) & (ids != NOBODY)].tolist()
        self._strong_at = {one: at for one, at in self._strong_at.items() if time - at <= WEAK_FOR} | dict.fromkeys(
            strong, time
        )
        rows = np.array([one in self._strong_at for one in ids.tolist()], bool)
        return faces if rows.all() else faces[rows]

    def _without_doubles(self, found: Faces) -> Faces:
        """The detections without second boxes on the same face, which would get a number and a life of their own.

        Suppression leaves those that overlap by up to half; a weak box must lie further away from every better one.
        """
        if len(found) < 2:
            return found
        order = np.argsort(-found.scores, kind="stable")
        boxes = found.boxes[order]
        limit = np.where(found.scores[order] < self.threshold, WEAK_DOUBLE, DOUBLE)
        better = np.tril(iou(boxes, boxes), -1)  # of each box with those before it
        return found[np.sort(order[(better <= limit[:, None]).all(axis=1)])]

    def _with_missed(self, seen: Faces, time: float) -> tuple[Faces, NDArray[np.float64]]:
        """The seen faces, and those missed only just now, unless a seen face is in their place; when each was seen."""
        last, seen_at, now = self._faces, self._seen_at, np.full(len(seen), time)
        self.broken = []
        if last is None or (rows := ~_among(_ids(last), _ids(seen))).sum() == 0:
            return seen, now
        self.broken = _ids(last)[rows & (seen_at == self._time)].tolist()
        rows &= time - seen_at <= self.coast
        missed, seen_at = last[rows], seen_at[rows]
        missed = _moved(missed, self._steady.predict(_ids(missed), time))
        if len(seen) and len(missed):
            free = iou(missed.boxes, seen.boxes).max(axis=1) < SAME_PLACE
            missed, seen_at = missed[free], seen_at[free]
        missed = replace(missed, coasting=np.ones(len(missed), bool))
        return seen + missed, np.concatenate([now, seen_at])


def _ids(faces: Faces) -> NDArray[np.int64]:
    return np.zeros(0, np.int64) if faces.ids is None else faces.ids


def _moved(faces: Faces, pixels: NDArray) -> Faces:
    """The faces at other boxes `(N, 4)`, in pixels; their landmarks move along."""
    boxes = from_pixels(pixels, faces.width, faces.height)
    points = faces.landmarks
    if points is not None and len(points):
        old = faces.boxes[:, None]
        share = (points - old[..., :2]) / np.maximum(old[..., 2:] - old[..., :2], 1e-6)
        points = boxes[:, None, :2] + share * (boxes[:, None, 2:] - boxes[:, None, :2])
    return replace(faces, boxes=boxes, landmarks=points)


def _among(some: NDArray, others: NDArray) -> NDArray[np.bool_]:
    """Which of `some` are among `others`; for a handful of ids this beats np.isin."""
    return (some[:, None] == others[None, :]).any(axis=1)
