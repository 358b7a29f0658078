"""The fixture of this room's tests."""

from __future__ import annotations

from pathlib import Path

import pytest
from photo_set import PhotoSet


@pytest.fixture
def photos(tmp_path: Path) -> PhotoSet:
    return PhotoSet(tmp_path / "data")
