"""Copies and near-duplicates among photos, above all those that lie in two parts of a split."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray

from facetracker.core.hashing import NEAR, distances
from facetracker.labels.audit.checks import CheckedPhoto, Finding
from facetracker.labels.pairing import PARTS

ALIKE = 0.88  # correlation of the small grey pictures; fingerprints alone take any two portraits for one


def alike(seen: list[CheckedPhoto]) -> Iterator[Finding]:
    """Copies and near-duplicates: one finding for each photo but the first of its kind, worse across the split."""
    copies: dict[bytes, list[CheckedPhoto]] = defaultdict(list)
    for one in seen:
        if one.digest:
            copies[one.digest].append(one)
    for group in copies.values():
        parts = np.array([_part(one) for one in group])
        for position in range(1, len(group)):
            other = _worst_partner(np.arange(position), parts, position)
            yield _copy_of(group[position], group[other], "duplicate", "")
    firsts = [group[0] for group in copies.values() if group[0].thumb is not None]
    if len(firsts) < 2:
        return
    prints = np.array([one.fingerprint for one in firsts], np.uint64)
    thumbs = np.stack([one.thumb for one in firsts if one.thumb is not None])
    parts = np.array([_part(one) for one in firsts])
    for position in range(1, len(firsts)):
        bits = distances(int(prints[position]), prints[:position])
        near = np.flatnonzero(bits <= NEAR)
        near = near[thumbs[near] @ thumbs[position] >= ALIKE]
        if near.size:
            other = _worst_partner(near, parts, position)
            yield _copy_of(firsts[position], firsts[other], "near-duplicate", f" ({bits[other]} of 64 bits)")


def _worst_partner(earlier: NDArray[np.int64], parts: NDArray[np.str_], position: int) -> int:
    """The first of the earlier photos that lies in another part of the split, else the first."""
    across = earlier[(parts[earlier] != parts[position]) & (parts[earlier] != "") & (parts[position] != "")]
    return int(across[0] if across.size else earlier[0])


def _copy_of(one: CheckedPhoto, other: CheckedPhoto, kind: str, detail: str) -> Finding:
    across = " across the split" if _part(one) and _part(other) and _part(one) != _part(other) else ""
    return Finding(one.photo, f"{kind}{across}", f"of {other.photo}{detail}", other.photo)


def _part(one: CheckedPhoto) -> str:
    top = one.photo.split("/", 1)[0]
    return top if top in PARTS else ""
