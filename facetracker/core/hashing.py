"""Perceptual fingerprints: which photos show nearly the same thing.

A fingerprint is a 64-bit difference hash (is each of 8x8 cells brighter than its right neighbour?) of the grey
picture. Nearly identical frames differ in a few bits, unrelated photos in about half of them.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import TypeVar

import cv2
import numpy as np
from numpy.typing import NDArray

from facetracker.core.photo import Picture

Member = TypeVar("Member", int, str)

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
    return list(joined(range(len(prints)), near_pairs(prints, near)).values())


def joined(members: Iterable[Member], pairs: Iterable[tuple[Member, Member]]) -> dict[Member, Member]:
    """The group of each member, named by its smallest, when both of each pair belong together, through chains too."""
    parent = {member: member for member in members}

    def root(member: Member) -> Member:
        while parent[member] != member:
            parent[member] = parent[parent[member]]
            member = parent[member]
        return member

    for one, other in pairs:
        first, second = sorted((root(one), root(other)))
        parent[second] = first
    return {member: root(member) for member in parent}
