"""Ray on this machine with two processors, started once for all tests of this room, and ended with them."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from drawn_photos import draw_photos

from facetracker.cluster.cluster import connected


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
        draw_photos(folder / part, count, seed=len(part))
    cut = folder / "train/images/05-003.jpg"
    cut.write_bytes(cut.read_bytes()[:700])
    (folder / "train/labels/05-005.json").write_text("{")
    return folder
