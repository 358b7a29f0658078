"""Photos with one round face, drawn and labelled."""

from __future__ import annotations

from pathlib import Path

import cv2
import numpy as np

from facetracker.core.boxes import from_pixels
from facetracker.core.example import Example
from facetracker.core.photo import write_jpeg
from facetracker.labels.labelme import write_labels

WIDTH, HEIGHT = 64, 48


def draw_photo(random: np.random.Generator, face: bool = True):
    """A photo `(48, 64, 3)` BGR with one round face, or none, and its boxes in pixels."""
    picture = random.integers(30, 120, (6, 8, 3), dtype=np.uint8).repeat(8, 0).repeat(8, 1)
    if not face:
        return picture, np.zeros((0, 4))
    radius = int(random.integers(8, 14))
    x, y = int(random.integers(radius, WIDTH - radius)), int(random.integers(radius, HEIGHT - radius))
    cv2.circle(picture, (x, y), radius, (170, 200, 235), -1)
    return picture, np.array([[x - radius, y - radius, x + radius, y + radius]])


def write_photos(folder: Path, count: int, seed: int, empty_every: int = 4, label: str = "face") -> Path:
    """Drawn photos with labelme files: `folder/images` and `folder/labels`."""
    random = np.random.default_rng(seed)
    for number in range(count):
        picture, boxes = draw_photo(random, face=number % empty_every != empty_every - 1)
        photo = write_jpeg(folder / "images" / f"photo-{seed}-{number}.jpg", picture)
        sample = Example(photo, WIDTH, HEIGHT, from_pixels(boxes, WIDTH, HEIGHT), (label,) * len(boxes))
        write_labels(folder / "labels" / f"{photo.stem}.json", sample)
    return folder
