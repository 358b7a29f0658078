"""Are the lower bounds in setup.cfg true? Installs the lowest version of everything that it names, and runs the tests.

    python scripts/lowest_versions.py [--python 3.12] [--where FOLDER] [--newest] [tests/core tests/models ...]

What our dependencies bring themselves comes in its newest version, as it does for whoever keeps an old version of one
package and installs another today. The environment is made with uv (which pip brings here), in a folder of its own
that is kept if you name it; the Python must be on this machine, or where uv may fetch one. The quick tests run one
folder after the other, and each folder's verdict is printed as it comes. `--newest` takes the newest version of
everything instead: for a Python on which the tests do not run every day.
"""

from __future__ import annotations

import argparse
import os
import shutil
import subprocess
import sys
import tempfile
import time
from pathlib import Path

ROOT = Path(__file__).parents[1]
HELD_BACK = "not (slow or browser or gui or cluster)"  # as in `make test`


def installed(where: Path, python: str, lowest: bool) -> Path:
    """Make an environment in `where` with our dependencies, and ours in place; its interpreter."""
    interpreter = where / ("Scripts/python.exe" if sys.platform == "win32" else "bin/python")
    if interpreter.exists():
        return interpreter
    subprocess.run([sys.executable, "-m", "venv", where / "uv"], check=True)
    subprocess.run([*_pip(where / "uv"), "install", "--quiet", "uv"], check=True)
    uv = shutil.which("uv", path=str(_programs(where / "uv")))
    assert uv is not None
    subprocess.run([uv, "venv", "--quiet", "--allow-existing", "--python", python, where], check=True)
    install = [uv, "pip", "install", "--quiet", "--python", interpreter]
    how = ["--resolution", "lowest-direct" if lowest else "highest"]
    subprocess.run([*install, *how, "--editable", f"{ROOT}[dev]"], check=True)
    # As the Makefile does: albumentations brings the headless OpenCV, and the one installed last wins.
    listed = subprocess.run([uv, "pip", "freeze", "--python", interpreter], check=True, capture_output=True, text=True)
    (opencv,) = (line for line in listed.stdout.splitlines() if line.startswith("opencv-python=="))
    subprocess.run([*install, "--reinstall", "--no-deps", opencv], check=True)
    (where / "versions.txt").write_text(listed.stdout)
    return interpreter


def _programs(environment: Path) -> Path:
    return environment / ("Scripts" if sys.platform == "win32" else "bin")


def _pip(environment: Path) -> list[str]:
    return [str(_programs(environment) / "python"), "-m", "pip"]


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument(
        "--python", default=f"{sys.version_info.major}.{sys.version_info.minor}", help="a version, or an interpreter"
    )
    parser.add_argument("--where", type=Path, help="the environment's folder; what is there already is used again")
    parser.add_argument("--newest", action="store_true", help="the newest versions, not the lowest")
    parser.add_argument("tests", nargs="*", help="folders or files; default: all of them")
    options = parser.parse_args()
    tests = options.tests or sorted(
        str(path.relative_to(ROOT)) for path in ROOT.glob("tests/*") if any(path.glob("test_*.py"))
    )
    with tempfile.TemporaryDirectory(prefix="lowest-") as place:
        python = installed(options.where or Path(place), options.python, not options.newest)
        failed = []
        for test in tests:
            began = time.monotonic()
            words = [python, "-m", "pytest", "-q", "--no-header", "-p", "no:cacheprovider", "-m", HELD_BACK, test]
            done = subprocess.run(words, cwd=ROOT, env={**os.environ, "PYTHONPATH": str(ROOT)})
            good = done.returncode in (0, 5)  # 5: every test of a folder is held back
            failed += [] if good else [test]
            print(f"{test}: {'green' if good else 'RED'} in {time.monotonic() - began:.0f} s", flush=True)
    print(f"{len(tests) - len(failed)} of {len(tests)} folders green on Python {options.python}", *failed)
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
