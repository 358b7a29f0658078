"""The labelled photos that a person's tracker is learnt from, and those that are held back to judge it."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path

from facetracker.core.boxes import Boxes
from facetracker.core.console import track
from facetracker.core.errors import FaceTrackerError, Rejects
from facetracker.core.photo import Picture
from facetracker.data.grouping import group_photos
from facetracker.labels.collection import Collection

HELD_BACK = 0.2
# What is never learnt from: the photos that a person keeps to test with.
TEST = "test"


@dataclass(frozen=True)
class OwnPhoto:
    """One labelled photo: the picture `(H, W, 3)` BGR and its faces `(N, 4)` normalised, N 0 where there is none."""

    path: Path
    picture: Picture
    boxes: Boxes
    part: str = ""


@dataclass
class OwnPhotos:
    """The photos of a folder, without the part `test`."""

    folder: Path
    photos: list[OwnPhoto]
    rejects: Rejects = field(default_factory=Rejects)

    def __len__(self) -> int:
        return len(self.photos)

    def halves(self) -> tuple[list[OwnPhoto], list[OwnPhoto]]:
        """Those to learn from and those held back: the part `val`, or else a fifth whose near-twins go with them.

        A photo of a burst that was learnt says nothing about its neighbour. Both are empty when all photos are one
        burst.
        """
        val = [photo for photo in self.photos if photo.part == "val" and len(photo.boxes)]
        if val and any(photo.part == "train" for photo in self.photos):
            return [photo for photo in self.photos if photo.part != "val"], val
        groups = group_photos({str(photo.path): photo.path for photo in self.photos}, "near-duplicate").groups
        wanted = max(1, round(HELD_BACK * len(self.photos)))
        sizes: dict[str, int] = {}
        for name in groups.values():
            sizes[name] = sizes.get(name, 0) + 1
        chosen: set[str] = set()
        for name in sorted(sizes, key=lambda name: (sizes[name], name)):
            if sum(sizes[one] for one in chosen) < wanted and sum(sizes[one] for one in {*chosen, name}) <= 2 * wanted:
                chosen.add(name)
        back = [photo for photo in self.photos if groups[str(photo.path)] in chosen and len(photo.boxes)]
        rest = [photo for photo in self.photos if groups[str(photo.path)] not in chosen]
        return (rest, back) if back and rest else ([], [])


def read_photos(folder: str | Path) -> OwnPhotos:
    """The labelled photos of a folder, split or not, as `annotate` leaves it; all boxes must be of one kind."""
    found = Collection.open(folder)
    if not len(found):
        raise found.nothing_to_learn()
    found.refuse_slips()
    labels = sorted(found.label_counts())
    if len(labels) > 1:
        raise FaceTrackerError(
            f"has boxes of several kinds ({', '.join(labels)}); learn knows one kind, faces",
            path=folder,
            fix="Use facetracker train --preset nano.",
        )
    photos = []
    for example in track(found.examples, "read"):
        if example.part == TEST:
            continue
        try:
            photos.append(OwnPhoto(example.photo, example.picture(), example.boxes, example.part))
        except FaceTrackerError as error:
            found.rejects.add(example.photo, error)
    if not any(len(photo.boxes) for photo in photos):
        fix = f"Draw some: facetracker annotate {folder}"
        raise FaceTrackerError("has no photo with a box to learn from", path=folder, fix=fix)
    return OwnPhotos(Path(folder), photos, found.rejects)
