"""Following: the same face keeps the same number from frame to frame.

`trackers`' ByteTrack gives the numbers; boxes are steadied by `steady.py`; a face that the detector misses for a
moment coasts on where it was going. Frames between two detections (detect every k-th frame) come from the motion.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import cast

import numpy as np
import supervision as sv
from numpy.typing import NDArray

from facetracker.core.boxes import Boxes, empty, iou
from facetracker.inference.detections import borrowed
from facetracker.inference.tracking.steady import Steady, SteadySettings

COAST = 0.3  # seconds for which a missed face is still shown where it was going
REMEMBER = 1.0  # seconds after which a face that comes back is a new one
SAME_PLACE = 0.3  # overlap from which a missed face counts as the seen one that took its place
DOUBLE, WEAK_DOUBLE = 0.3, 0.15  # overlap with a better box from which a box (a weak one) is a second of the same face
WEAK_FOR = 0.5  # seconds for which weak boxes alone may carry a face on: what stays weak is a hand or a picture
LOW = 0.4  # boxes down to this share of the threshold still carry a known face on, but start none


@dataclass(frozen=True)
class _Faces:
    """Faces with everything that is known of them; boxes `(N, 4)` in pixels, the rest `(N,)`."""

    boxes: Boxes
    scores: NDArray[np.float32]
    classes: NDArray[np.int64]
    names: NDArray[np.str_]
    ids: NDArray[np.int64]
    seen_at: NDArray[np.float64]

    def __getitem__(self, rows: NDArray) -> _Faces:
        return _Faces(*(getattr(self, name)[rows] for name in self.__dataclass_fields__))

    def __add__(self, more: _Faces) -> _Faces:
        return _Faces(*(np.concatenate([getattr(self, n), getattr(more, n)]) for n in self.__dataclass_fields__))


NOBODY = _Faces(
    empty(), np.zeros(0, np.float32), np.zeros(0, np.int64), np.zeros(0, "<U4"), np.zeros(0, np.int64), np.zeros(0)
)


class Follower:
    """Gives detections their numbers. `threshold` is the score from which a face is believed without history.

    Feed it detections found with `low_threshold`: what lies between the two keeps a known face alive through a
    blurred frame, but never starts one. `confirm` is how many detections in a row make a face
    (what only looks like one, a skull on a shirt, rarely does so three times); `steady` the filter's settings, or
    False for the detector's own boxes.
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
        # Alone: the package brings every tracker, all annotators and half of scipy, more than a second at the start.
        for name in ("core.Detections", "utils.iou_and_nms.box_iou_batch"):  # what it uses of supervision
            borrowed(f"supervision.detection.{name}")
        tracker = borrowed("trackers.core.bytetrack.tracker.ByteTrackTracker")
        self.threshold, self.coast = threshold, coast
        self.fps = fps if np.isfinite(fps) and fps > 0 else 30.0
        self._tracker = tracker(
            lost_track_buffer=round(REMEMBER * 30),  # its unit: frames at 30 frames/s
            frame_rate=self.fps,
            track_activation_threshold=threshold,
            high_conf_det_threshold=threshold,
            minimum_consecutive_frames=confirm,
        )
        self._settings = steady if isinstance(steady, SteadySettings) else None
        self._is_steady = bool(steady)
        self.reset()

    def reset(self) -> None:
        """Forget every face, and count from the beginning."""
        self._tracker.reset()
        self._steady = Steady(self._settings)
        self._faces = NOBODY
        self._strong_at: dict[int, float] = {}
        self._time = self._given = -np.inf
        self.broken: list[int] = []

    @property
    def low_threshold(self) -> float:
        """The score down to which a detector should hand over boxes."""
        return self.threshold * LOW

    def update(self, detections: sv.Detections, time: float) -> sv.Detections:
        """The faces at `time` (seconds) with `tracker_id`; `data["coasting"]` is True where this frame shows none.

        `broken` then lists the faces that were seen the last time and are not now. A clock that stands still is
        taken to go on (some containers know no times), one that jumps back starts following anew.
        """
        if time < self._given:
            self.reset()
        self._given = time
        time = max(time, self._time + (0.5 / self.fps))
        seen = self._tracked(detections, time)
        steadied = self._steady.update(seen.boxes, seen.ids, time)
        if self._is_steady:
            seen = replace(seen, boxes=steadied.astype(np.float32))
        last = self._faces
        missed = last[~_among(last.ids, seen.ids)]
        self.broken = missed.ids[missed.seen_at == self._time].tolist()
        self._faces, self._time = self._with_missed(seen, missed, time), time
        return self._handed_out(self._faces)

    def predict(self, time: float) -> sv.Detections:
        """The faces at `time` without a detection: where the last ones are by now."""
        faces = self._faces
        if len(faces.ids):
            faces = replace(faces, boxes=self._steady.predict(faces.ids, time).astype(np.float32))
        return self._handed_out(faces)

    def _tracked(self, detections: sv.Detections, time: float) -> _Faces:
        """The detections that belong to a confirmed face, with its number."""
        found = self._tracker.update(self._without_doubles(detections), timestamp=time)
        ids = np.zeros(0, np.int64) if found.tracker_id is None else np.asarray(found.tracker_id, np.int64)
        if not (ids >= 0).any():
            return NOBODY  # without tracks the tracker hands out detections that lack every other field
        count = len(ids)
        faces = _Faces(
            np.asarray(found.xyxy, np.float32),
            np.ones(count, np.float32) if found.confidence is None else np.asarray(found.confidence, np.float32),
            np.zeros(count, np.int64) if found.class_id is None else np.asarray(found.class_id, np.int64),
            np.asarray(found.data.get("class_name", np.full(count, "face")), str),
            ids + 1,  # a person counts from 1
            np.full(count, time),
        )
        faces = faces[ids >= 0]
        strong = faces.ids[faces.scores >= self.threshold].tolist()
        self._strong_at = {one: at for one, at in self._strong_at.items() if time - at <= WEAK_FOR} | dict.fromkeys(
            strong, time
        )
        return faces[np.array([one in self._strong_at for one in faces.ids.tolist()], bool)]

    def _without_doubles(self, detections: sv.Detections) -> sv.Detections:
        """The detections without second boxes on the same face, which would get a number and a life of their own.

        Suppression leaves those that overlap by up to half; a weak box must lie further away from every better one.
        """
        if len(detections) < 2 or detections.confidence is None:
            return detections
        order = np.argsort(-detections.confidence, kind="stable")
        boxes = np.asarray(detections.xyxy)[order]
        limit = np.where(detections.confidence[order] < self.threshold, WEAK_DOUBLE, DOUBLE)
        better = np.tril(iou(boxes, boxes), -1)  # of each box with those before it
        return cast(sv.Detections, detections[np.sort(order[(better <= limit[:, None]).all(axis=1)])])

    def _with_missed(self, seen: _Faces, missed: _Faces, time: float) -> _Faces:
        """The seen faces, and those missed only just now, unless a seen face is in their place."""
        missed = missed[time - missed.seen_at <= self.coast]
        if not len(missed.ids):
            return seen
        missed = replace(missed, boxes=self._steady.predict(missed.ids, time).astype(np.float32))
        if len(seen.ids):
            missed = missed[iou(missed.boxes, seen.boxes).max(axis=1) < SAME_PLACE]
        return seen + missed

    def _handed_out(self, faces: _Faces) -> sv.Detections:
        return sv.Detections(
            xyxy=faces.boxes,
            confidence=faces.scores,
            class_id=faces.classes,
            tracker_id=faces.ids,
            data={"class_name": faces.names, "coasting": faces.seen_at < self._time},
        )


def _among(some: NDArray, others: NDArray) -> NDArray[np.bool_]:
    """Which of `some` are among `others`; for a handful of ids this beats np.isin."""
    return (some[:, None] == others[None, :]).any(axis=1)
