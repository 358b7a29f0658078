"""Small drawn sets of photos with labels, in each of the layouts."""

from __future__ import annotations

import hashlib
from pathlib import Path

import pytest
from drawn_photos import draw_photos


@pytest.fixture
def data(tmp_path: Path) -> Path:
    """A split folder: 4 photos in train, 2 in val, 1 in test, with no to three faces each."""
    for seed, (part, count) in enumerate((("train", 3), ("val", 2), ("test", 1))):
        draw_photos(tmp_path / "data" / part, count, seed=seed)
    draw_photos(tmp_path / "data" / "train", 1, seed=3, faces=0)
    return tmp_path / "data"


def fingerprint_of(folder: Path) -> dict[str, str]:
    """Every file under a folder with a digest of its content."""
    return {
        str(path.relative_to(folder)): hashlib.sha256(path.read_bytes()).hexdigest()
        for path in sorted(folder.rglob("*"))
        if path.is_file()
    }
