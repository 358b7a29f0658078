"""What a set holds, in numbers: the first thing to look at when a tracker does not learn."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field

import numpy as np

from facetracker.core import boxes as box_arithmetic
from facetracker.core.console import counted
from facetracker.labels.collection import Collection

FEW_EMPTY = 0.02  # below this share of pictures without a face, trackers tend to see faces everywhere


@dataclass(frozen=True)
class Summary:
    """Pictures, faces, pictures without a face, faces by label, and what was left out.

    `face_side` are the 5th, 50th and 95th percentile of a face's side (square root of its area) as a share of the
    picture's.
    """

    pictures: int
    faces: int
    without_face: int
    labels: dict[str, int]
    face_side: tuple[float, float, float] | None = None
    unlabelled: int = 0
    prelabelled: int = 0
    orphans: int = 0
    rejects: int = 0
    parts: dict[str, int] = field(default_factory=dict)

    def lines(self) -> list[str]:
        """The summary for a person."""
        lines = [
            f"{counted(self.pictures, 'picture')}, {counted(self.faces, 'face')}, "
            f"{counted(self.without_face, 'picture')} without a face"
        ]
        if len(self.parts) > 1:
            lines.append("by part: " + ", ".join(f"{name} {n}" for name, n in self.parts.items()))
        if len(self.labels) > 1:
            lines.append("by label: " + ", ".join(f"{name} {count}" for name, count in self.labels.items()))
        if self.face_side is not None:
            small, middle, large = (f"{side:.0%}" for side in self.face_side)
            lines.append(f"a face's side is {middle} of the picture's (most from {small} to {large})")
        if self.faces and self.without_face < FEW_EMPTY * self.pictures:
            lines.append("hardly any picture without a face: take some, or the tracker will see faces everywhere")
        if self.unlabelled:
            lines.append(f"{self.unlabelled} pictures left out: they have no label file")
        if self.prelabelled:
            lines.append(f"{self.prelabelled} pictures left out: only prelabelled, nobody has looked (`review`)")
        if self.orphans:
            lines.append(f"{self.orphans} label files have no picture")
        if self.rejects:
            lines.append(f"{self.rejects} files rejected")
        return lines


def summarise(photos: Collection) -> Summary:
    """The numbers of a collection."""
    counts = [len(example) for example in photos]
    areas = np.concatenate([box_arithmetic.areas(example.boxes) for example in photos] or [np.zeros(0)])
    sides = np.sqrt(areas)
    percentiles = tuple(round(float(p), 4) for p in np.percentile(sides, (5, 50, 95))) if len(sides) else None
    return Summary(
        pictures=len(photos),
        faces=sum(counts),
        without_face=counts.count(0),
        labels=dict(sorted(photos.label_counts().items())),
        face_side=percentiles,  # type: ignore[arg-type]
        unlabelled=len(photos.unlabelled),
        prelabelled=len(photos.prelabelled),
        orphans=len(photos.orphans),
        rejects=len(photos.rejects),
        parts=dict(Counter(example.part for example in photos if example.part)),
    )
