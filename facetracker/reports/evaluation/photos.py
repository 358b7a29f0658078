"""The photos that a model is judged on: labelled ones only, and said whether they are clean or augmented."""

from __future__ import annotations

from collections import Counter
from collections.abc import Set
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from facetracker.core.errors import FaceTrackerError, Rejects
from facetracker.core.files import read_json
from facetracker.core.photo import read_picture
from facetracker.core.sample import Sample
from facetracker.data.augmented import is_augmented, read_augmented
from facetracker.data.layout import Pair, lay_out, parts_of, read_sample


@dataclass(frozen=True)
class LabelledPhotos:
    """Photos with their truth. `kind` is "clean" or "augmented"; `unlabelled` photos were left out: nobody knows.
    So were `prelabelled` ones: a model is not judged by what a model says.

    `originals` is the number of photos that augmented pictures were made from: a hundred variants of one photo ask
    one question a hundred times.
    """

    folder: Path
    part: str | None
    samples: list[Sample]
    kind: str = "clean"
    originals: int = 0
    unlabelled: int = 0
    prelabelled: int = 0
    rejects: Rejects = field(default_factory=Rejects)

    @property
    def labels(self) -> dict[str, int]:
        """How many faces carry each label."""
        return dict(sorted(Counter(label for sample in self.samples for label in sample.labels).items()))

    def only(self, stems: Set[str]) -> LabelledPhotos:
        """Those of the photos whose stem is in the set."""
        return replace(self, samples=[sample for sample in self.samples if sample.stem in stems])

    def as_dict(self) -> dict[str, Any]:
        """Plain values for `metrics.json`."""
        return {
            "folder": str(self.folder),
            "part": self.part,
            "kind": self.kind,
            "originals": self.originals if self.originals else len(self.samples),
            "photos": len(self.samples),
            "photos_without_face": sum(not len(sample) for sample in self.samples),
            "faces": sum(len(sample) for sample in self.samples),
            "labels": self.labels,
            "not_labelled": self.unlabelled,
            "prelabelled": self.prelabelled,
            "rejected": len(self.rejects),
        }


def labelled_photos(data: str | Path, part: str | None = None) -> LabelledPhotos:
    """The labelled photos of a folder: labelme's JSON or augmented labels, split or flat.

    `part` is train, val or test of a split folder; a folder that is not split has only itself. Label files that
    cannot be read, and photos that share their stem with another, are rejects.
    """
    folder = Path(data)
    if part is not None and folder.is_dir() and not parts_of(folder):
        part = None
    layout = lay_out(folder, part)
    rejects = Rejects([(str(photo), f"another photo has the same stem {photo.stem}") for photo in layout.doubles])
    samples: list[Sample] = []
    originals: set[str] = set()
    prelabelled = 0
    for pair in layout.pairs:
        if pair.label is None:
            continue
        try:
            if is_augmented(read_json(pair.label)):
                sample, original = _augmented_sample(pair)
                originals.add(original)
            else:
                sample = read_sample(pair)
        except FaceTrackerError as error:
            rejects.add(error.path or pair.photo, error)
            continue
        if not sample.reviewed:
            prelabelled += 1
            continue
        samples.append(sample)
    if not samples:
        where = f"holds no labelled photo{f' in {part}' if part else ''}"
        stage = "review" if prelabelled else "annotate"  # prelabelled ones need only a look
        raise FaceTrackerError(where, path=folder, fix=f"Label some with `facetracker {stage}`.")
    kind = "augmented" if originals and not _taken_as_they_are(folder, part) else "clean"
    return LabelledPhotos(folder, part, samples, kind, len(originals), len(layout.unlabelled), prelabelled, rejects)


def _taken_as_they_are(folder: Path, part: str | None) -> bool:
    """Whether `augment` says that it left this part's photos as they are, as it does with val and test."""
    from facetracker.data.augment.earlier import SETTINGS  # brings albumentations, which only augmented pictures need

    if part not in ("val", "test") or not (folder / SETTINGS).is_file():
        return False
    settings = read_json(folder / SETTINGS)
    return isinstance(settings, dict) and settings.get("all_parts", settings.get("all_partitions")) is False


def _augmented_sample(pair: Pair) -> tuple[Sample, str]:
    """An augmented picture with its faces, and the name of the photo that it was made from."""
    assert pair.label is not None
    labels = read_augmented(pair.label)
    height, width = read_picture(pair.photo).shape[:2]
    return Sample(pair.photo, width, height, labels.boxes, labels.labels), labels.image or pair.stem
