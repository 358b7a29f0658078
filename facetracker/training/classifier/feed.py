"""The pictures of faces in memory, and the batches that a classifier is trained on."""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import dataclass
from threading import Lock
from typing import Any

os.environ.setdefault("NO_ALBUMENTATIONS_UPDATE", "1")  # its import asks the network otherwise

import albumentations as A
import cv2
import numpy as np
from numpy.typing import NDArray

from facetracker.core.crop import fit_square
from facetracker.core.errors import FaceTrackerError, Rejects
from facetracker.core.photo import read_picture
from facetracker.core.reading import read_all
from facetracker.data.batches import Change, Feed
from facetracker.data.folders import Face
from facetracker.training.classifier.settings import ClassifierData

Pictures = NDArray[np.uint8]


@dataclass(frozen=True)
class FacePictures:
    """Faces at the network's size: `(N, S, S, 3)` uint8 RGB, class numbers `(N,)`, and where they came from."""

    pictures: Pictures
    classes: NDArray[np.int64]
    origin: list[Face]

    def __len__(self) -> int:
        return len(self.pictures)


def read_faces(faces: Sequence[Face], classes: Sequence[str], size: int, rejects: Rejects) -> FacePictures:
    """Read pictures of faces; those that cannot be read go to the rejects."""

    def read(face: Face) -> Pictures:
        return np.asarray(cv2.cvtColor(fit_square(read_picture(face.path), size), cv2.COLOR_BGR2RGB), np.uint8)

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


def augmentation(size: int) -> A.Compose:
    """The notes' crop, turn and mirror, and what a webcam does: light, colour, softness, JPEG."""
    return A.Compose(
        [
            A.HorizontalFlip(p=0.5),
            A.Affine(rotate=(-15, 15), scale=(0.85, 1.15), translate_percent=(-0.06, 0.06), border_mode=4, p=0.9),
            A.RandomBrightnessContrast(brightness_limit=0.25, contrast_limit=0.25, p=0.7),
            A.HueSaturationValue(hue_shift_limit=8, sat_shift_limit=25, val_shift_limit=0, p=0.4),
            A.OneOf(
                [
                    A.GaussianBlur(blur_limit=(3, 5)),
                    A.Downscale(scale_range=(0.4, 0.8)),
                    A.ImageCompression(quality_range=(40, 90)),
                ],
                p=0.4,
            ),
            A.CoarseDropout(
                num_holes_range=(1, 2), hole_height_range=(0.1, 0.2), hole_width_range=(0.1, 0.2), fill=114, p=0.15
            ),
        ]
    )


def changing(size: int) -> Change:
    """Changes each picture of a batch; what comes out depends on the batch and `[seed, epoch, step]` alone."""
    change, turn = augmentation(size), Lock()  # batches are made on several threads, and the pipeline has one state

    def changed(pictures: Pictures, classes: Any, weights: Any, numbers: NDArray[np.int64]) -> tuple[Any, ...]:
        seed, epoch, step = (int(number) for number in numbers)
        with turn:
            change.set_random_seed((seed * 1_000_003 + epoch * 10_007 + step) % (1 << 31))
            return np.stack([change(image=picture)["image"] for picture in pictures]), classes, weights

    return changed


def make_feed(faces: FacePictures, kinds: int, data: ClassifierData, seed: int) -> Feed:
    """The training batches `(pictures, classes, weights)` as the settings want them."""
    weights = class_weights(faces, kinds) if data.class_weights else np.ones(kinds, np.float32)
    change = changing(faces.pictures.shape[1]) if data.augment else None
    return Feed(faces.pictures, (faces.classes, weights[faces.classes]), data.batch_size, seed, change=change)
