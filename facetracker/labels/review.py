"""The stage `review`: a person goes through what a model labelled, the least certain photos first."""

from __future__ import annotations

import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from facetracker.core import console
from facetracker.core.errors import BadFile, FaceTrackerError
from facetracker.core.files import link_or_copy
from facetracker.labels.labelme import read_content
from facetracker.labels.pairing import label_path, pairs_in
from facetracker.labels.prelabel import images_of, prelabel
from facetracker.labels.program import open_labelme, write_classes
from facetracker.labels.provenance import signature, state_of

SHOWN = 20  # rows of the list


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


def review(
    folder: str | Path, model: str | Path | None = None, *, list_only: bool = False, first: int | None = None
) -> int:
    """Prelabel what has no label file, and open labelme on what waits, in the order of doubt; how many wait after.

    `first` takes only so many photos. `list_only` prints the order and opens nothing. A split folder is reviewed a
    part at a time: name it.
    """
    images = images_of(folder)
    if len(images) > 1:
        raise FaceTrackerError(
            "is split", path=folder, fix=f"Name one part: facetracker review {images[0].images.parent}"
        )
    if any(one.label is None for one in review_queue(folder)):
        prelabelled = prelabel(folder, model)
        console.say(*prelabelled.lines())
    waiting = [one for one in review_queue(folder) if one.label is not None]
    for line in as_text(waiting[:first]):
        console.say(line)
    if waiting and not list_only:
        labels = label_path(waiting[0].photo).parent
        # labelme sorts a folder by path, so the order is made of folders: 001/NAME.jpg, 002/NAME.jpg. The name of
        # the label file follows from the photo's alone, so the boxes land where they belong.
        with tempfile.TemporaryDirectory(prefix=".review-", dir=labels) as queue:
            in_order(waiting[:first], Path(queue))
            open_labelme(Path(queue), labels, write_classes(Path(folder), images[0].images, None))
        waiting = review_queue(folder)
    return len(waiting)


def in_order(waiting: Sequence[Waiting], queue: Path) -> list[Path]:
    """Links to the photos in `queue` whose paths sort as the photos stand."""
    digits = len(str(len(waiting)))
    return [
        link_or_copy(one.photo, queue / f"{number:0{digits}}" / one.photo.name)
        for number, one in enumerate(waiting, start=1)
    ]


def as_text(waiting: Sequence[Waiting]) -> list[str]:
    """The head of the queue for a person."""
    if not waiting:
        return []
    wide = max(len(one.photo.name) for one in waiting[:SHOWN])
    lines = [f"{'photo':<{wide}}  doubt  faces"]
    lines += [f"{one.photo.name:<{wide}}  {one.doubt or 0:>5.2f}  {one.faces:>5}" for one in waiting[:SHOWN]]
    return lines + ([f"... and {len(waiting) - SHOWN} more"] if len(waiting) > SHOWN else [])
