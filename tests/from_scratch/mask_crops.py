"""Faces cut from the shared mask photos, with a mask or without; near-duplicate photos stay on one side."""

from __future__ import annotations

from pathlib import Path

import cv2
import numpy as np

from facetracker.core import boxes as box_arithmetic
from facetracker.core.hashing import fingerprint, near_groups
from facetracker.core.photo import read_picture
from facetracker.labels.labelme import read_labels

CLASSES = ("with_mask", "without_mask")
MARGIN = 0.15  # of the longer side, all around
SMALLEST = 32  # pixels of the shorter side

Photos = tuple[np.ndarray, np.ndarray]


def mask_crops(faces: Path, size: int, held_out: float = 0.25, seed: int = 0) -> tuple[Photos, Photos]:
    """Crops (N, size, size, 3) uint8 RGB with their classes (N,), for training and for testing."""
    crops, classes, owners, prints = [], [], [], []
    for number, label_file in enumerate(sorted((faces / "labels").glob("mask_*.json"))):
        sample = read_labels(label_file, faces / "images" / f"{label_file.stem}.jpg")
        picture = read_picture(sample.photo)
        prints.append(fingerprint(picture))
        for box, label in zip(
            box_arithmetic.to_pixels(sample.boxes, sample.width, sample.height), sample.labels, strict=True
        ):
            if label in CLASSES and min(box[2] - box[0], box[3] - box[1]) >= SMALLEST:
                crops.append(_square(picture, box, size))
                classes.append(CLASSES.index(label))
                owners.append(number)
    groups = np.array(near_groups(prints))[owners]
    known = np.unique(groups)
    kept_back = np.random.default_rng(seed).permutation(known)[: round(held_out * len(known))]
    testing = np.isin(groups, kept_back)
    stacked, numbers = np.stack(crops), np.array(classes)
    return (stacked[~testing], numbers[~testing]), (stacked[testing], numbers[testing])


def _square(picture: np.ndarray, box: np.ndarray, size: int) -> np.ndarray:
    """The square around a box (4,) in pixels, with its margin; what lies beside the photo repeats its edge."""
    side = max(box[2] - box[0], box[3] - box[1]) * (1 + 2 * MARGIN)
    scale = size / side
    x, y = (box[0] + box[2]) / 2 - side / 2, (box[1] + box[3]) / 2 - side / 2
    move = np.array([[scale, 0, -x * scale], [0, scale, -y * scale]], np.float32)
    flags = cv2.INTER_AREA if scale < 1 else cv2.INTER_LINEAR
    crop = cv2.warpAffine(picture, move, (size, size), flags=flags, borderMode=cv2.BORDER_REPLICATE)
    return cv2.cvtColor(crop, cv2.COLOR_BGR2RGB)
