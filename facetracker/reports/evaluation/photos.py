"""The photos that a model is judged on: labelled ones only, and said whether they are clean or augmented."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from facetracker.core.errors import FaceTrackerError, Rejects
from facetracker.core.example import Example
from facetracker.core.files import read_json
from facetracker.labels.collection import Collection, parts_of


@dataclass(frozen=True)
class LabelledPhotos:
    """Photos with their truth: of `part`, or of the whole folder. `kind` is "clean" or "augmented".

    `originals` is the number of photos that augmented pictures were made from: a hundred variants of one photo ask
    one question a hundred times.
    """

    collection: Collection
    part: str | None = None
    kind: str = "clean"
    originals: int = 0

    @property
    def folder(self) -> Path:
        return self.collection.folder

    @property
    def examples(self) -> list[Example]:
        return self.collection.examples

    @property
    def rejects(self) -> Rejects:
        return self.collection.rejects

    @property
    def unlabelled(self) -> int:
        """How many photos were left out because nobody knows what they show."""
        return len(self.collection.unlabelled)

    @property
    def prelabelled(self) -> int:
        """How many were left out because only a model has labelled them: no model is judged by what a model says."""
        return len(self.collection.prelabelled)

    @property
    def labels(self) -> dict[str, int]:
        """How many faces carry each label."""
        return dict(sorted(self.collection.label_counts().items()))

    def only(self, examples: Iterable[Example]) -> LabelledPhotos:
        """The same with these photos alone."""
        return replace(self, collection=self.collection.only(examples))

    def as_dict(self) -> dict[str, Any]:
        """Plain values for `metrics.json`."""
        return {
            "folder": str(self.folder),
            "part": self.part,
            "kind": self.kind,
            "originals": self.originals if self.originals else len(self.examples),
            "photos": len(self.examples),
            "photos_without_face": sum(not len(example) for example in self.examples),
            "faces": sum(len(example) for example in self.examples),
            "labels": self.labels,
            "not_labelled": self.unlabelled,
            "prelabelled": self.prelabelled,
            "rejected": len(self.rejects),
        }


def labelled_photos(data: str | Path, part: str | None = None) -> LabelledPhotos:
    """The labelled photos of a folder of any kind: photos, augmented pictures or records, split or not.

    `part` is train, val or test of a split folder; a folder that is not split has only itself.
    """
    folder = Path(data)
    if part is not None and not parts_of(folder):
        part = None
    photos = Collection.open(folder, part)
    if not len(photos) and photos.rejects:
        raise FaceTrackerError("none of its photos can be read", path=folder, fix="See `facetracker audit`.")
    if not len(photos):
        where = f"holds no labelled photo{f' in {part}' if part else ''}"
        stage = "review" if photos.prelabelled else "annotate"  # prelabelled ones need only a look
        raise FaceTrackerError(where, path=folder, fix=f"Label some with `facetracker {stage}`.")
    originals = {example.made_from for example in photos if example.made_from}
    kind = "augmented" if originals and not _taken_as_they_are(folder, part) else "clean"
    return LabelledPhotos(photos, part, kind, len(originals))


def _taken_as_they_are(folder: Path, part: str | None) -> bool:
    """Whether `augment` says that it left this part's photos as they are, as it does with val and test."""
    from facetracker.data.augment.earlier import SETTINGS  # brings albumentations, which only augmented pictures need

    if part not in ("val", "test") or not (folder / SETTINGS).is_file():
        return False
    settings = read_json(folder / SETTINGS)
    return isinstance(settings, dict) and settings.get("all_parts") is False
