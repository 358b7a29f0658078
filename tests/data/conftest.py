"""Small drawn sets of photos with labels, in each of the layouts."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from pathlib import Path

import pytest

from facetracker.core.example import Example
from facetracker.core.photo import write_jpeg
from facetracker.labels.labelme import write_labels
from facetracker.scenes import photo

Draw = Callable[..., Path]


@pytest.fixture(scope="session")
def draw() -> Draw:
    """Draws photos into `FOLDER/images` and `FOLDER/labels`; returns FOLDER."""

    def draw_into(folder: Path, count: int, seed: int = 0, width: int = 160, height: int = 120, **options) -> Path:
        for number in range(count):
            drawn = photo(seed, number, width=width, height=height, **options)
            path = write_jpeg(folder / "images" / f"{seed:02d}-{number:03d}.jpg", drawn.picture)
            label = folder / "labels" / f"{path.stem}.json"
            label.parent.mkdir(parents=True, exist_ok=True)
            write_labels(label, Example(path, width, height, drawn.boxes, drawn.labels))
        return folder

    return draw_into


@pytest.fixture
def data(tmp_path: Path, draw: Draw) -> Path:
    """A split folder: 4 photos in train, 2 in val, 1 in test, with no to three faces each."""
    for seed, (part, count) in enumerate((("train", 3), ("val", 2), ("test", 1))):
        draw(tmp_path / "data" / part, count, seed=seed)
    draw(tmp_path / "data" / "train", 1, seed=3, faces=0)
    return tmp_path / "data"


def fingerprint_of(folder: Path) -> dict[str, str]:
    """Every file under a folder with a digest of its content."""
    return {
        str(path.relative_to(folder)): hashlib.sha256(path.read_bytes()).hexdigest()
        for path in sorted(folder.rglob("*"))
        if path.is_file()
    }
