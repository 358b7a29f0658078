"""How good a classifier is: accuracy, by class, by size of the face, and who is taken for whom."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from facetracker.training.classifier.feed import FacePictures

SIZES = {"under 32 px": (0.0, 32.0), "32 to 48 px": (32.0, 48.0), "48 px and more": (48.0, 1e9)}


@dataclass(frozen=True)
class Score:
    """Shares in 0..1; `confusion[i][j]`: faces of class i called j. `by_size`: faces and accuracy, shorter side."""

    classes: list[str]
    faces: int
    accuracy: float
    balanced: float
    confusion: NDArray[np.int64]
    by_size: dict[str, tuple[int, float | None]]

    def line(self) -> str:
        """One line for a person."""
        large, share = self.by_size.get("48 px and more", (0, None))
        line = f"{self.accuracy:.1%} of {self.faces} faces right, {self.balanced:.1%} with the classes counting alike"
        return line if share is None or large == self.faces else f"{line}; {share:.1%} of {large} from 48 pixels on"

    def as_dict(self) -> dict[str, Any]:
        """Plain values for `metrics.json`."""
        rows, columns = self.confusion.sum(axis=1), self.confusion.sum(axis=0)
        right = self.confusion.diagonal()
        return {
            "accuracy": self.accuracy,
            "balanced_accuracy": self.balanced,
            "by_class": {
                name: {
                    "faces": int(rows[i]),
                    "recall": float(right[i] / rows[i]) if rows[i] else None,
                    "precision": float(right[i] / columns[i]) if columns[i] else None,
                }
                for i, name in enumerate(self.classes)
            },
            "confusion": self.confusion.tolist(),
            "by_size": {name: {"faces": count, "accuracy": share} for name, (count, share) in self.by_size.items()},
        }


def score(said: NDArray[Any], faces: FacePictures, classes: Sequence[str]) -> Score:
    """Score probabilities `(N, K)` against the true classes of the faces."""
    best, kinds = said.argmax(axis=1), len(classes)
    confusion = np.zeros((kinds, kinds), np.int64)
    np.add.at(confusion, (faces.classes, best), 1)
    right = best == faces.classes
    rows = confusion.sum(axis=1)
    present = rows > 0
    sizes = np.array([face.size for face in faces.origin])
    by_size: dict[str, tuple[int, float | None]] = {}
    if (sizes > 0).any():
        for name, (low, high) in SIZES.items():
            part = right[(sizes >= low) & (sizes < high)]
            by_size[name] = (len(part), float(part.mean()) if len(part) else None)
    balanced = float((confusion.diagonal()[present] / rows[present]).mean())
    return Score(list(classes), len(said), float(right.mean()), balanced, confusion, by_size)
