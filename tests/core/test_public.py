"""The public interface: what `facetracker.__all__` names is there, is light to import, and stands in the reference."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path
from types import ModuleType

import facetracker

REFERENCE = Path(__file__).parents[2] / "docs" / "reference" / "python.md"


def test_every_public_name_is_the_thing_and_not_a_module():
    import facetracker.exports

    for name in facetracker.__all__:
        assert not isinstance(getattr(facetracker, name), ModuleType), name
    assert set(facetracker.__all__) <= set(dir(facetracker))


def test_every_public_name_stands_in_the_reference():
    named = set(re.findall(r"auto(?:class|function):: facetracker\.(\w+)$", REFERENCE.read_text(), re.MULTILINE))
    assert named == set(facetracker.__all__) - {"__version__"}


def test_importing_it_loads_nothing_heavy():
    code = "import sys, facetracker; print([m for m in ('numpy', 'cv2', 'keras', 'tensorflow') if m in sys.modules])"
    assert subprocess.run([sys.executable, "-c", code], capture_output=True, text=True).stdout.strip() == "[]"
