"""The notebook about masks runs from top to bottom, its own checks included."""

from __future__ import annotations

import resource
from pathlib import Path

import pytest
from notebook_runner import execute, pictures_in


@pytest.mark.slow
@pytest.mark.no_cover
@pytest.mark.study
@pytest.mark.timeout(900)
def test_the_notebook_runs(tmp_path: Path) -> None:
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    notebook = execute("masks.ipynb", tmp_path, timeout=600)
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    # Time of the processor, not of the clock: the machine may be busy with something else.
    assert after.ru_utime - before.ru_utime < 180
    assert pictures_in(notebook) >= 7
