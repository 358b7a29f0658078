"""`Watcher`: one frame after the other through detector and follower."""

from __future__ import annotations

import threading
from dataclasses import dataclass, field
from typing import Protocol

from facetracker.capture.source import Frame
from facetracker.core.errors import FaceTrackerError
from facetracker.core.faces import Faces
from facetracker.core.photo import Picture
from facetracker.inference.classifier import ClassVotes
from facetracker.inference.detector import Timer
from facetracker.inference.stages import Stages
from facetracker.inference.tracking.follow import Follower

# A score is in doubt from DOUBT_BELOW times the threshold up to this share of the way from the threshold to 1.
DOUBT_BELOW, DOUBT_ABOVE = 0.7, 0.2


class Finder(Protocol):
    """What finds faces in a frame: a `Detector`, a `HaarDetector`, several of them as one."""

    @property
    def threshold(self) -> float: ...

    @property
    def classes(self) -> list[str]: ...

    def detect(self, frame: Picture, threshold: float | None = None, timer: Timer | None = None) -> Faces: ...


@dataclass(frozen=True)
class Seen:
    """What was seen in one frame: its faces, with `ids` and `coasting` where they are followed.

    `found` are all boxes that may be a face, also those that have no number yet or are too faint to get one: whoever
    hides faces hides these as well, or each face would be bare until it is believed. `measured` is False for a frame
    between two detections. `doubt` says why a person should look at the frame.
    """

    frame: Frame
    faces: Faces
    found: Faces | None = None
    measured: bool = True
    doubt: str = ""
    broken: list[int] = field(default_factory=list)


class Watcher:
    """Finds and follows the faces of one source. `every`: detect in every so many frames, follow in between.

    `votes` classifies the faces that were found (mask or no mask) in place of the detector's own classes.

    `look` belongs to one thread; `predict` may be asked from another.
    """

    def __init__(
        self,
        detector: Finder,
        fps: float | None = None,
        *,
        follow: bool = True,
        every: int = 1,
        steady: bool = True,
        stages: Stages | None = None,
        votes: ClassVotes | None = None,
    ):
        if every < 1:
            raise FaceTrackerError(f"--every {every}: detection needs every 1st, 2nd, ... frame")
        if every > 1 and not follow:
            raise FaceTrackerError(
                "frames between two detections need following", fix="Leave --every or --no-follow out."
            )
        self.detector, self.every, self.votes = detector, every, votes
        self.stages = stages or Stages()
        rate = (fps or 30.0) / every
        self._follower = Follower(detector.threshold, rate, steady=steady) if follow else None
        self._threshold = self._follower.low_threshold if self._follower else detector.threshold
        self._lock = threading.Lock()
        self._looked = 0
        self._found: Faces | None = None

    @property
    def classes(self) -> list[str]:
        """The names of the classes that faces are given."""
        return self.detector.classes if self.votes is None else self.votes.classes

    def look(self, frame: Frame) -> Seen:
        """The faces in the next frame."""
        between = self._looked % self.every != 0
        self._looked += 1
        if between and self._follower is not None:
            with self._lock, self.stages.timed("follow"):
                return Seen(frame, self._known(self._follower.predict(frame.time)), self._found, measured=False)
        faces = self._found = self.detector.detect(frame.picture, self._threshold, self.stages)
        doubt = self._doubt(faces.scores)
        if self._follower is None:
            return Seen(frame, self._classified(frame, faces), self._found, doubt=doubt)
        with self._lock, self.stages.timed("follow"):
            faces = self._follower.update(faces, frame.time)
            broken = list(self._follower.broken)
        faces = self._classified(frame, faces)
        return Seen(frame, faces, self._found, doubt=doubt or ("track broke" if broken else ""), broken=broken)

    def predict(self, at: float) -> Faces | None:
        """Where the faces are by the source's time `at`, without looking; None when nothing is followed."""
        if self._follower is None:
            return None
        with self._lock:
            return self._known(self._follower.predict(at))

    def _classified(self, frame: Frame, faces: Faces) -> Faces:
        if self.votes is None:
            return faces
        with self.stages.timed("classify"):
            return self.votes.look(frame.picture, faces, frame.time)

    def _known(self, faces: Faces) -> Faces:
        return faces if self.votes is None else self.votes.known(faces)

    def _doubt(self, scores) -> str:
        threshold = self.detector.threshold
        low, high = threshold * DOUBT_BELOW, threshold + (1 - threshold) * DOUBT_ABOVE
        return "score in doubt" if ((scores >= low) & (scores < high)).any() else ""
