"""Ray on this machine with two processors, started once for all tests of this room, and ended with them."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from facetracker.cluster.cluster import connected
from facetracker.core.example import Example
from facetracker.core.photo import write_jpeg
from facetracker.labels.labelme import write_labels
from facetracker.scenes import photo


@pytest.fixture(scope="session")
def ray() -> Iterator[Any]:
    pytest.importorskip("ray")
    with connected(processors=2) as started:
        yield started


@pytest.fixture(scope="session")
def photos(tmp_path_factory) -> Path:
    """Twelve drawn photos in train and four in val; one of them is cut off, one label file is no JSON."""
    folder = tmp_path_factory.mktemp("photos")
    for part, count in (("train", 12), ("val", 4)):
        for number in range(count):
            drawn = photo(len(part), number, width=160, height=120)
            path = write_jpeg(folder / part / "images" / f"{part}-{number:02d}.jpg", drawn.picture)
            label = folder / part / "labels" / f"{path.stem}.json"
            label.parent.mkdir(parents=True, exist_ok=True)
            write_labels(label, Example(path, 160, 120, drawn.boxes, drawn.labels))
    cut = folder / "train/images/train-03.jpg"
    cut.write_bytes(cut.read_bytes()[:700])
    (folder / "train/labels/train-05.json").write_text("{")
    return folder
