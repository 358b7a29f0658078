"""Boxes that the page shows for photos nobody has labelled: as this folder's labelling has taught them.

The learner begins with the Label view: who only watches Live pays nothing for it.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from facetracker.core.boxes import to_pixels
from facetracker.core.errors import FaceTrackerError
from facetracker.inference.detector import find_model
from facetracker.labels.prelabel import digest_of
from facetracker.labels.provenance import boxes_digest, signature, state_of
from facetracker.personal.beside import BY
from facetracker.personal.while_labelling import WhileLabelling


class Suggestions:
    """The learner of one data folder as the page's server uses it; safe to use from several threads."""

    def __init__(self) -> None:
        self._learner: WhileLabelling | None = None
        self._later: list[tuple[Path, Mapping[str, Any] | None]] = []
        self._lock = threading.Lock()
        self._starter = ""

    @property
    def learner(self) -> WhileLabelling:
        """The learner; made when it is asked for first."""
        with self._lock:
            if self._learner is None:
                self._learner = WhileLabelling()
                for photo, content in self._later:
                    self._learner.note_later(photo, content)
                self._later.clear()
            return self._learner

    def begin(self, waiting: Sequence[Path]) -> None:
        """Look at these photos in the background."""
        self.learner.look_ahead(waiting)

    def close(self) -> None:
        """End what works in the background."""
        with self._lock:
            if self._learner is not None:
                self._learner.close()

    def note(self, photo: Path, content: Mapping[str, Any] | None) -> None:
        """A photo was saved, or taken back: learn from it now."""
        self.learner.note(photo, content)

    def note_later(self, photo: Path, content: Mapping[str, Any] | None) -> None:
        """A photo was found saved: learn from it when there is time."""
        with self._lock:
            if self._learner is None:
                self._later.append((photo, content))
                return
        self._learner.note_later(photo, content)

    def told(self) -> dict[str, Any]:
        """Where the learner stands: `by`, `version`, `lessons`, how many were `drawn`, `corrected`, `accepted`."""
        learner = self.learner
        return {"by": learner.by, "version": learner.version, "lessons": learner.lessons, **learner.counts()}

    def shapes(
        self,
        photo: Path,
        content: Mapping[str, Any] | None,
        width: int,
        height: int,
        classes: Callable[[], Sequence[str]],
    ) -> tuple[list[dict[str, Any]], dict[str, Any]] | None:
        """The suggested boxes of a photo for the page, and who drew them with what doubt.

        None where the photo's own file says more: a person saved it, or another model drew its boxes.
        """
        if content is not None and not self._by_starter(content):
            return None
        try:
            found = self.learner.suggest(photo)
        except (FaceTrackerError, OSError):
            return None
        label = self.learner.usual_label() or classes()[0]
        shapes = [
            {
                "index": None,
                "label": label,
                "box": [round(float(side), 4) for side in box],
                "unreviewed": True,
                "editable": True,
                "score": round(float(score), 3),
            }
            for box, score in zip(to_pixels(found.boxes, width, height), found.scores, strict=True)
            if np.all(box[2:] - box[:2] >= 1)
        ]
        return shapes, {"by": found.by, "doubt": found.doubt}

    def _by_starter(self, content: Mapping[str, Any]) -> bool:
        """Did the starter draw these boxes, and nobody has looked? Then the learner's are better."""
        if state_of(content) != "prelabelled":
            return False
        self._starter = self._starter or digest_of(find_model())
        return signature(content).get("model") == self._starter


def suggested_record(suggested: Sequence[Sequence[float]], kept: Sequence[Any]) -> dict[str, Any]:
    """What a label file keeps of the boxes that were suggested, in pixels, when a person saved it."""
    shapes = [{"points": [[left, top], [right, bottom]]} for left, top, right, bottom in suggested]
    return {"prelabelled_by": BY, "boxes": boxes_digest([*shapes, *kept])}
