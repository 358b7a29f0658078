"""Small trackers and pictures that the tests of the model share."""

from __future__ import annotations

import numpy as np
import pytest

from facetracker.models import FaceTracker


@pytest.fixture(scope="session")
def dense() -> FaceTracker:
    """A nano tracker with the dense head, nothing learnt. Tests do not train it."""
    return FaceTracker("nano", "dense", image_size=96)


@pytest.fixture(scope="session")
def single() -> FaceTracker:
    """A nano tracker with the single head, nothing learnt. Tests do not train it."""
    return FaceTracker("nano", "single", image_size=64)


@pytest.fixture(scope="session")
def pictures() -> np.ndarray:
    return np.random.default_rng(0).integers(0, 256, (4, 96, 96, 3), dtype=np.uint8)


@pytest.fixture(scope="session")
def targets() -> dict[str, np.ndarray]:
    """One face, two faces, none, one; padded to three."""
    boxes = np.zeros((4, 3, 4), np.float32)
    classes = np.full((4, 3), -1.0, np.float32)
    boxes[0, 0] = (0.2, 0.2, 0.7, 0.8)
    boxes[1, :2] = [(0.1, 0.1, 0.4, 0.5), (0.5, 0.4, 0.95, 0.95)]
    boxes[3, 0] = (0.4, 0.3, 0.6, 0.6)
    classes[0, 0] = classes[3, 0] = 0
    classes[1, :2] = 0
    return {"boxes": boxes, "classes": classes}
