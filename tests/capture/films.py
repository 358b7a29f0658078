"""Pictures that carry a number which survives lossy coding, and films of them."""

from __future__ import annotations

import time
from pathlib import Path

import cv2
import numpy as np

SIZE = (160, 120)
BITS = 6


def numbered(number: int) -> np.ndarray:
    """A picture with the number (0..63) as a row of white and black fields; its left upper corner is red."""
    picture = np.full((SIZE[1], SIZE[0], 3), 128, np.uint8)
    picture[:20, :20] = (0, 0, 255)
    for bit in range(BITS):
        picture[60:100, 20 + bit * 20 : 40 + bit * 20] = 235 if number >> bit & 1 else 20
    return picture


def number_in(picture: np.ndarray) -> int:
    """The number that a picture carries."""
    return sum(1 << bit for bit in range(BITS) if picture[70:90, 25 + bit * 20 : 35 + bit * 20].mean() > 128)


def drain(frames, found: list[int], pause: float = 0.0) -> None:
    """Read to the end and note the numbers in `found`, which keeps them when an error ends it."""
    for frame in frames:
        found.append(number_in(frame.picture))
        time.sleep(pause)


def write_film(path: Path, count: int, fps: float = 25.0, code: str = "MJPG") -> Path:
    """A film of the pictures 0, 1, ..."""
    writer = cv2.VideoWriter(str(path), cv2.VideoWriter.fourcc(*code), fps, SIZE)
    assert writer.isOpened()
    for number in range(count):
        writer.write(numbered(number))
    writer.release()
    return path
