"""What eight bits cost: the photos that calibrate them, and the AP that is lost."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np

from facetracker.core.errors import BadFile, FaceTrackerError
from facetracker.core.files import PHOTO_SUFFIXES, photos_in
from facetracker.core.photo import Picture, read_picture
from facetracker.inference.detector import Detector
from facetracker.labels.pairing import places_in
from facetracker.reports.evaluation.engines import FAINTEST
from facetracker.reports.evaluation.evaluate import judge
from facetracker.reports.evaluation.judged import JudgedPhoto
from facetracker.reports.evaluation.photos import LabelledPhotos, labelled_photos
from facetracker.reports.evaluation.scores import score

CALIBRATING = 100
JUDGED = 200


@dataclass(frozen=True)
class Loss:
    """AP of Keras and of the exported file on the same photos; `truth` says what counted as right.

    `before` and `after` are (AP50, AP50:95): eight bits loosen boxes before they lose faces, and only the second sees
    that.
    """

    before: tuple[float | None, float | None]
    after: tuple[float | None, float | None]
    photos: int
    truth: str

    @property
    def lost(self) -> float | None:
        """The larger of the two losses; negative when the file does better in both."""
        pairs = zip(self.before, self.after, strict=True)
        gaps = [before - after for before, after in pairs if before is not None and after is not None]
        return max(gaps) if gaps else None

    def line(self) -> str:
        """The loss as a person reads it."""
        if self.lost is None:
            return f"AP not measured: no face in {self.photos} photos"
        parts = [
            f"{name} {before:.3f} -> {after:.3f}"
            for name, before, after in zip(("AP50", "AP50:95"), self.before, self.after, strict=True)
        ]
        return f"{', '.join(parts)} on {self.photos} photos ({self.truth})"


def calibration_frames(folder: str | Path, most: int = CALIBRATING) -> list[Picture]:
    """Up to `most` photos `(H, W, 3)` BGR, evenly over the folder: its train photos where it is split."""
    folder = Path(folder)
    if not folder.is_dir():
        raise FaceTrackerError("no such folder", path=folder, fix="Name a folder of photos to calibrate with.")
    places = places_in(folder)
    train = places.parts.get("train")
    photos = [photo for place in ([train] if train else places.to_label()) for photo in photos_in(place.images)]
    if not photos:  # class folders, as `facetracker crops` makes them
        photos = sorted(path for path in folder.rglob("*") if path.suffix.lower() in PHOTO_SUFFIXES)
    frames = []
    for photo in _evenly(photos, most):
        try:
            frames.append(read_picture(photo))
        except BadFile:  # one bad photo of a hundred calibrates nothing worse
            continue
    if not frames:
        raise FaceTrackerError("holds no readable photo", path=folder, fix="Name a folder of photos to calibrate with.")
    return frames


def loss_of_ap(keras_file: Path, exported: Path, folder: str | Path) -> Loss:
    """AP before and after, on photos that did not calibrate where the folder is split.

    Photos with labels are judged by them. Without labels, what Keras finds counts as the truth, so that before is 1.
    """
    photos = _labelled(folder)
    if photos is not None:
        judged = judge([keras_file, exported], photos, what=f"AP of {exported.name}")
        keras, file = (model.scores for model in judged.models)
        return Loss((keras.ap50, keras.ap50_95), (file.ap50, file.ap50_95), len(photos.examples), "its labels")
    frames = calibration_frames(folder, JUDGED)
    reference, candidate = Detector.load(keras_file), Detector.load(exported, threshold=FAINTEST)
    pairs = [_against(reference, candidate, frame, number) for number, frame in enumerate(frames)]
    agreed = score(pairs, reference.classes, reference.card.threshold)
    itself = None if agreed.ap50 is None else 1.0
    return Loss((itself, itself), (agreed.ap50, agreed.ap50_95), len(frames), "what Keras finds")


def _labelled(folder: str | Path) -> LabelledPhotos | None:
    """Labelled photos to judge on: test, else val, else everything; None when there are none."""
    for part in ("test", "val", None):
        try:
            photos = labelled_photos(folder, part)
        except FaceTrackerError:
            continue
        if any(len(example) for example in photos.examples):
            return photos.only(_evenly(photos.examples, JUDGED))
    return None


def _against(reference: Detector, candidate: Detector, frame: Picture, number: int) -> JudgedPhoto:
    """One frame: what the reference finds as the truth, what the candidate finds as the answer."""
    truth, found = reference.detect(frame), candidate.detect(frame)
    scores = found.scores.astype(np.float64)
    size = truth.width, truth.height
    return JudgedPhoto(str(number), *size, truth.boxes, truth.classes, found.boxes, scores, found.classes)


def _evenly(items: list, most: int) -> list:
    """At most so many of the items, spread over all of them."""
    if len(items) <= most:
        return items
    return [items[int(i)] for i in np.linspace(0, len(items) - 1, most)]
