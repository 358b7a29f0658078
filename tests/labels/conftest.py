"""Small sets of photos with labels, and drawn photos in which the starter finds faces."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from photo_set import PhotoSet

from facetracker.core.photo import write_jpeg
from facetracker.labels.prelabel import prelabel
from facetracker.scenes import photo


@pytest.fixture
def photos(tmp_path: Path) -> PhotoSet:
    return PhotoSet(tmp_path / "data")


@pytest.fixture(scope="session")
def pictures():
    """Six stills of 320x240: the third is an empty wall, the others show one person each."""
    stills = [photo(6, number, 320, 240, faces=1) for number in range(6)]
    wall = np.broadcast_to(np.linspace(90, 140, 320).astype(np.uint8)[None, :, None], (240, 320, 3)).copy()
    stills[2] = replace(stills[2], picture=wall, boxes=np.zeros((0, 4), np.float32), labels=())
    return stills


@pytest.fixture
def folder(tmp_path: Path, pictures) -> Path:
    """`data/images` with the six stills, no labels."""
    for number, still in enumerate(pictures):
        write_jpeg(tmp_path / "data" / "images" / f"p{number}.jpg", still.picture)
    return tmp_path / "data"


@pytest.fixture
def prelabelled(folder: Path) -> Path:
    prelabel(folder)
    return folder
