"""Perceptual fingerprints: which photos show nearly the same thing.

A fingerprint is a 64-bit difference hash (is each of 8x8 cells brighter than its right neighbour?) of the grey
picture. Nearly identical frames differ in a few bits, unrelated photos in about half of them.
"""

from __future__ import annotations

from collections.abc import Sequence

import cv2
import numpy as np
from numpy.typing import NDArray

from facetracker.pictures import Picture

NEAR = 5  # of 64 bits: frames half a second apart of a person who sits still differ by 0-4


def fingerprint(picture: Picture) -> int:
    """The 64-bit fingerprint of a picture `(H, W[, 3])`."""
    grey = picture if picture.ndim == 2 else cv2.cvtColor(picture, cv2.COLOR_BGR2GRAY)
    cells = cv2.resize(grey, (9, 8), interpolation=cv2.INTER_AREA).astype(np.int16)
    bits = (cells[:, 1:] > cells[:, :-1]).ravel()
    return int.from_bytes(np.packbits(bits).tobytes(), "big")


def distance(a: int, b: int) -> int:
    """How many of the 64 bits differ."""
    return (a ^ b).bit_count()


def distances(one: int, many: NDArray[np.uint64]) -> NDArray[np.uint8]:
    """Bits in which one fingerprint differs from each of many `(N,)`."""
    return np.bitwise_count(many ^ np.uint64(one))


def near_pairs(prints: Sequence[int], near: int = NEAR) -> list[tuple[int, int]]:
    """Index pairs (i < j) of fingerprints at most `near` bits apart."""
    many = np.asarray(prints, np.uint64)
    pairs: list[tuple[int, int]] = []
    for i in range(len(many) - 1):
        close = np.flatnonzero(distances(int(many[i]), many[i + 1 :]) <= near)
        pairs.extend((i, i + 1 + int(j)) for j in close)
    return pairs


def near_groups(prints: Sequence[int], near: int = NEAR) -> list[int]:
    """A group number for each fingerprint: chains of near-duplicates share one, numbered by first member."""
    parent = list(range(len(prints)))

    def root(i: int) -> int:
        while parent[i] != i:
            parent[i] = parent[parent[i]]
            i = parent[i]
        return i

    for i, j in near_pairs(prints, near):
        a, b = sorted((root(i), root(j)))
        parent[b] = a
    return [root(i) for i in range(len(prints))]
