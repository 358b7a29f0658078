"""Handwritten digits: MNIST by its own files, or without them the small ones that scikit-learn carries with it."""

from __future__ import annotations

import gzip
from pathlib import Path

import numpy as np

from facetracker.from_scratch.trainer import Pictures

FILES = ("train-images-idx3-ubyte", "train-labels-idx1-ubyte", "t10k-images-idx3-ubyte", "t10k-labels-idx1-ubyte")
TRAINING = 1347  # of scikit-learn's 1,797 digits


def read_idx(path: str | Path) -> np.ndarray:
    """The array in an IDX file of bytes, packed with gzip or not: its sides stand before the numbers."""
    path = Path(path)
    content = path.read_bytes()
    try:
        if content[:2] == b"\x1f\x8b":
            content = gzip.decompress(content)
    except (OSError, EOFError) as error:
        raise ValueError(f"{path} is a damaged gzip file: {error}") from None
    # Two zeros, 8 for bytes, the number of axes; then each side as four bytes, the largest first.
    if len(content) < 4 or content[:3] != b"\x00\x00\x08" or len(content) < 4 + 4 * content[3]:
        raise ValueError(f"{path} is no IDX file of bytes")
    sides = np.frombuffer(content, ">u4", content[3], 4)
    numbers = np.frombuffer(content, np.uint8, offset=4 + 4 * content[3])
    if numbers.size != np.prod(sides, dtype=np.uint64):
        raise ValueError(f"{path} is cut off: {numbers.size} numbers, not {' x '.join(map(str, sides))}")
    return numbers.reshape(sides.astype(int))


def load_digits(folder: str | Path | None = None) -> tuple[Pictures, Pictures]:
    """Pictures (N, 1, H, W), floats 0..1, with their classes (N,), for training and for testing.

    `folder` holds MNIST's four files, as they are offered everywhere (`train-images-idx3-ubyte.gz` ...): 60,000 and
    10,000 pictures of 28x28. Without a folder: scikit-learn's digits, 1,347 and 450 of 8x8.
    """
    if folder is None:
        return _small_digits()
    pictures, classes, test_pictures, test_classes = (read_idx(_find(Path(folder), name)) for name in FILES)
    return _pair(pictures, classes, folder), _pair(test_pictures, test_classes, folder)


def _pair(pictures: np.ndarray, classes: np.ndarray, folder: str | Path) -> Pictures:
    if pictures.ndim != 3 or classes.shape != (len(pictures),):
        raise ValueError(f"{folder}: pictures {pictures.shape} and classes {classes.shape} do not belong together")
    return pictures[:, np.newaxis].astype(np.float32) / 255, classes.astype(np.int64)


def _find(folder: Path, name: str) -> Path:
    """The file of that name: packed or not, and with the dot that some programs write for the last hyphen."""
    dotted = name.replace("-idx", ".idx")
    for one in (name, f"{name}.gz", dotted, f"{dotted}.gz"):
        if (folder / one).is_file():
            return folder / one
    raise FileNotFoundError(f"{folder} does not hold {name} or {name}.gz")


def _small_digits() -> tuple[Pictures, Pictures]:
    from sklearn.datasets import load_digits as carried

    loaded = carried()
    pictures = (loaded.images[:, np.newaxis] / 16).astype(np.float32)
    order = np.random.default_rng(0).permutation(len(pictures))
    first, rest = order[:TRAINING], order[TRAINING:]
    return (pictures[first], loaded.target[first]), (pictures[rest], loaded.target[rest])
