"""The pictures of faces in memory, and the batches that a classifier is trained on."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from threading import Lock
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from facetracker.core.crop import fit_square
from facetracker.core.errors import FaceTrackerError, Rejects
from facetracker.core.photo import read_picture
from facetracker.core.reading import read_all
from facetracker.data.augment.transforms import compose, read_pipeline
from facetracker.data.batches import Change, Feed
from facetracker.data.folders import Face
from facetracker.training.classifier.settings import ClassifierData

Pictures = NDArray[np.uint8]
PIPELINES = Path(__file__).parent / "pipelines"


@dataclass(frozen=True)
class FacePictures:
    """Faces at the network's size: `(N, S, S, 3)` uint8 RGB, class numbers `(N,)`, and where they came from."""

    pictures: Pictures
    classes: NDArray[np.int64]
    origin: list[Face]

    def __len__(self) -> int:
        return len(self.pictures)


def read_faces(
    faces: Sequence[Face], classes: Sequence[str], rejects: Rejects, size: int, centre: float | None = None
) -> FacePictures:
    """Read pictures of faces, whole or the `centre` of them; those that cannot be read go to the rejects."""

    def read(face: Face) -> Pictures:
        fitted = fit_square(read_picture(face.path), size, centre)
        return np.asarray(cv2.cvtColor(fitted, cv2.COLOR_BGR2RGB), np.uint8)

    pictures, origin = [], []
    for face, found in read_all(read, faces, "read", "faces"):
        if isinstance(found, FaceTrackerError):
            rejects.add(face.path, found)
        else:
            pictures.append(found)
            origin.append(face)
    numbers = np.array([classes.index(face.label) for face in origin], np.int64)
    return FacePictures(np.stack(pictures) if pictures else np.zeros((0, size, size, 3), np.uint8), numbers, origin)


def class_weights(faces: FacePictures, kinds: int) -> NDArray[np.float32]:
    """A weight for each class `(K,)`, so that all classes together count alike; 0 for one without a face."""
    counts = np.bincount(faces.classes, minlength=kinds)
    present = counts > 0
    weights = np.zeros(kinds, np.float32)
    weights[present] = len(faces) / (present.sum() * counts[present])
    return weights


@dataclass(frozen=True)
class Changing:
    """A pipeline of a classifier: albumentations' dictionary (None: pictures stay as they are), and what of a picture
    is looked at when it is used (`centre` of `fit_square`)."""

    spec: dict[str, Any] | None
    centre: float | None = None

    def read_at(self, size: int) -> tuple[int, float | None]:
        """Size and centre at which training pictures are kept, for a network of `size`: its crops come out of the
        whole square in the middle, of which the centre is as large as the network."""
        return (size, self.centre) if self.spec is None or self.centre is None else (round(size / self.centre), 1.0)

    def change(self, size: int) -> Change | None:
        """Changes each picture of a batch; what comes out depends on the batch and `[seed, epoch, step]` alone."""
        if self.spec is None:
            return None
        # Batches are made on several threads, and the pipeline has one state.
        pipeline, turn = compose(self.spec, "pipeline")[0], Lock()

        def changed(pictures: Pictures, classes: Any, weights: Any, numbers: NDArray[np.int64]) -> tuple[Any, ...]:
            seed, epoch, step = (int(number) for number in numbers)
            with turn:
                pipeline.set_random_seed((seed * 1_000_003 + epoch * 10_007 + step) % (1 << 31))
                made = [fit_square(pipeline(image=picture)["image"], size) for picture in pictures]
            return np.stack(made), classes, weights

        return changed


def changing(data: ClassifierData, centre: float | None = None) -> Changing:
    """The pipeline that the settings name: of the package, a YAML file, or none; `centre` stands in for its own."""
    if data.pipeline == "none":
        return Changing(None, centre)
    spec = dict(read_pipeline(data.pipeline, PIPELINES))
    own = spec.pop("centre", None)
    if own is not None and (not isinstance(own, int | float) or not 0 < own <= 1):
        raise FaceTrackerError(f"centre {own!r} is not a share between 0 and 1", path=data.pipeline)
    return Changing(spec, own if centre is None else centre)


def make_feed(
    faces: FacePictures, kinds: int, data: ClassifierData, seed: int, change: Change | None, size: int
) -> Feed:
    """The training batches `(pictures, classes, weights)` as the settings want them, pictures of `size` pixels."""
    weights = class_weights(faces, kinds) if data.class_weights else np.ones(kinds, np.float32)
    labels = (faces.classes, weights[faces.classes])
    return Feed(faces.pictures, labels, data.batch_size, seed, change=change, size=size)
