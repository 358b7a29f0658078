"""For the tests of notebooks: run one from top to bottom, and look at what it showed."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

NOTEBOOKS = Path(__file__).parents[1] / "notebooks"


def execute(name: str, folder: Path, timeout: int = 900) -> Any:
    """The notebook of that name with its outputs, run in `folder`; skips where nothing can run notebooks."""
    nbformat, nbclient = pytest.importorskip("nbformat"), pytest.importorskip("nbclient")
    pytest.importorskip("ipykernel")
    notebook = nbformat.read(NOTEBOOKS / name, as_version=4)
    nbformat.validate(notebook)
    nbclient.NotebookClient(notebook, timeout=timeout, resources={"metadata": {"path": str(folder)}}).execute()
    return notebook


def pictures_in(notebook: Any) -> int:
    """How many pictures its cells showed."""
    return sum("image/png" in output.get("data", {}) for output in _outputs(notebook))


def said_in(notebook: Any) -> str:
    """What its cells printed."""
    return "".join(output.get("text", "") for output in _outputs(notebook))


def _outputs(notebook: Any) -> list[Any]:
    return [output for cell in notebook.cells for output in cell.get("outputs", [])]
