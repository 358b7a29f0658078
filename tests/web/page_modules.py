"""The page's JavaScript modules under node: what they answer to values, beside Python's own answers."""

from __future__ import annotations

import json
import shutil
import subprocess
from pathlib import Path
from typing import Any

from facetracker.web import app

JS = Path(app.__file__).parent / "static" / "js"


def run_node(script: str, folder: Path, told: Any = None) -> Any:
    """What a module `script` prints as JSON; it imports the page's from "./js/..." and reads `told` from its input."""
    if not (folder / "js").exists():
        shutil.copytree(JS, folder / "js")
        (folder / "package.json").write_text('{"type": "module"}')
    (folder / "run.js").write_text(script)
    done = subprocess.run(
        ["node", "run.js"], cwd=folder, input=json.dumps(told), capture_output=True, text=True, timeout=120
    )
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)
