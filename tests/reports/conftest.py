"""Models and photos for the tests of this room."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
from small_files import constant_model, labelled_photo


@pytest.fixture(scope="session")
def constant(tmp_path_factory) -> Callable[..., Path]:
    """Makes constant models: `constant("name", box=..., scores=..., classes=...)`."""
    folder = tmp_path_factory.mktemp("models")
    return lambda name, **options: constant_model(folder / f"{name}.onnx", **options)


@pytest.fixture
def photos(tmp_path: Path) -> Path:
    """Four labelled photos in one folder: three with the face in the middle, one without a face."""
    folder = tmp_path / "data"
    for number in range(3):
        labelled_photo(folder / "images", f"photo{number}", index=number)
    labelled_photo(folder / "images", "nobody", boxes=(), index=3)
    return folder
