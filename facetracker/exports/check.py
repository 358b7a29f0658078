"""Is an exported file the same network? Both get the same pictures, and the largest difference counts."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

import cv2
import numpy as np

from facetracker import scenes
from facetracker.core.letterbox import letterbox
from facetracker.core.photo import Picture
from facetracker.exports.formats.base import Run
from facetracker.exports.network import Exportable

# float32 engines add up in another order; measured here: up to 1e-5.
TOLERANCE = 1e-4
DRAWN = 4


def drawn_frames(count: int = DRAWN) -> list[Picture]:
    """Drawn scenes with faces, BGR, when there are no photos to check with."""
    return [scenes.photo(0, index, faces=1 + index % 3).picture for index in range(count)]


def inputs(frames: Iterable[Picture], height: int, width: int) -> Picture:
    """Frames `(H, W, 3)` BGR as the network's input `(B, height, width, 3)` RGB."""
    return np.stack([cv2.cvtColor(letterbox(frame, width, height)[0], cv2.COLOR_BGR2RGB) for frame in frames])


def difference(network: Exportable, run: Run, frames: Sequence[Picture]) -> float:
    """The largest difference between the file's outputs and Keras's, over all frames and input sizes.

    Measured against 1 or the value, whichever is larger: scores lie in 0..1, a dense head's distances go beyond.
    Outputs that are missing, of another shape, or not a number are an infinite difference.
    """
    largest = 0.0
    for height, width in network.input_sizes():
        batch = inputs(frames, height, width)
        expected = network.run(batch)
        found = run_in_ones(run, batch)
        if set(found) != set(expected):
            return float("inf")
        for name, values in expected.items():
            if found[name].shape != values.shape or not np.isfinite(found[name]).all():
                return float("inf")
            gap = np.abs(found[name].astype(np.float64) - values) / np.maximum(1.0, np.abs(values))
            largest = max(largest, float(gap.max()))
    return largest


def agreement(network: Exportable, run: Run, frames: Sequence[Picture]) -> float:
    """The share of frames that a classifier's file gives the class that Keras gives them."""
    (height, width) = network.input_sizes()[0]
    batch = inputs(frames, height, width)
    expected, found = (values["probabilities"] for values in (network.run(batch), run_in_ones(run, batch)))
    if not np.isfinite(found).all():
        return 0.0
    return float((expected.argmax(axis=1) == found.argmax(axis=1)).mean())


def run_in_ones(run: Run, batch: Picture) -> dict[str, np.ndarray]:
    """The outputs for a batch, asked picture by picture as the live loop does, put together again."""
    parts = [{name: np.array(array) for name, array in run(batch[i : i + 1]).items()} for i in range(len(batch))]
    return {name: np.concatenate([part[name] for part in parts]) for name in parts[0]}
