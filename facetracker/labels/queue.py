"""What waits for a person's eyes, least certain first."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from facetracker.core.errors import BadFile
from facetracker.labels.labelme import read_content
from facetracker.labels.pairing import pairs_in
from facetracker.labels.prelabel import images_of
from facetracker.labels.provenance import signature, state_of


@dataclass(frozen=True)
class Waiting:
    """A photo that no person has labelled yet; `doubt` of the model from 0 (sure) to 1, None: it has not looked."""

    photo: Path
    label: Path | None
    doubt: float | None
    faces: int = 0


def review_queue(folder: str | Path) -> list[Waiting]:
    """The photos of a folder that no person has labelled: not looked at by any model first, then by falling doubt."""
    waiting = []
    for pair in pairs_in(*images_of(folder)).owners:
        if pair.label is None:
            waiting.append(Waiting(pair.photo, None, None))
            continue
        try:
            content = read_content(pair.label)
        except BadFile:  # the audit's business
            continue
        if state_of(content) == "prelabelled":
            doubt = signature(content).get("doubt")
            sure = float(doubt) if isinstance(doubt, int | float) else 1.0
            waiting.append(Waiting(pair.photo, pair.label, sure, len(content["shapes"])))
    return sorted(waiting, key=lambda one: (one.doubt is not None, -(one.doubt or 0.0), one.photo.name))
