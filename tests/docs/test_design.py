"""docs/design.md names every room and every module of the ground, and the floors as setup.cfg has them."""

from __future__ import annotations

import configparser
import re
import subprocess
import sys

from blocks import ROOT

DESIGN = (ROOT / "docs" / "design.md").read_text(encoding="utf-8")
PACKAGE = ROOT / "facetracker"


def test_every_room_and_module_has_its_place():
    house = DESIGN.partition("## The house")[2].partition("## Contracts")[0]
    rooms = sorted(path.name for path in PACKAGE.iterdir() if path.is_dir() and not path.name.startswith("__"))
    assert [room for room in rooms if f"`facetracker/{room}/`" not in house] == []
    modules = sorted(path.stem for path in (PACKAGE / "core").glob("*.py") if path.stem != "__init__")
    ground = next(line for line in house.splitlines() if line.startswith("| `facetracker/core/`"))
    assert [module for module in modules if f"`{module}`" not in ground] == []
    scripts = sorted(path.name for path in (ROOT / "scripts").rglob("*.py"))
    assert [script for script in scripts if f"`{script}`" not in house] == []


def test_the_floors_are_those_that_are_checked():
    settings = configparser.ConfigParser()
    settings.read(ROOT / "setup.cfg")
    shown = re.findall(r"```text\n(.*?)```", DESIGN.partition("CI checks")[2], re.DOTALL)
    for contract, prefix, block in zip(("floors", "core"), ("facetracker.", "facetracker.core."), shown, strict=True):
        floors = settings[f"importlinter:contract:{contract}"]["layers"].replace(prefix, "").split("\n")
        assert [line.strip() for line in block.splitlines() if line.strip()] == [line for line in floors if line]
    assert len([name for name in settings.sections() if name.startswith("importlinter:contract:")]) == 5


def test_the_picture_of_the_house_shows_the_imports_as_they_are():
    made = subprocess.run(
        [sys.executable, "-c", "import house; print(house.draw(), end='')"],
        cwd=ROOT / "scripts",
        capture_output=True,
        text=True,
        check=True,
    )
    shown = (ROOT / "docs/images/house.svg").read_text(encoding="utf-8")
    used = [set(re.findall(r"(\w+) uses (\w+):", picture)) for picture in (shown, made.stdout)]
    assert len(used[1]) > 30
    assert used[0] == used[1], "run scripts/house.py"


def test_the_numpy_network_is_kept_apart_from_all_of_it():
    settings = configparser.ConfigParser()
    settings.read(ROOT / "setup.cfg")
    forbidden = settings["importlinter:contract:from-scratch"]["forbidden_modules"]
    ours = {path.stem for path in PACKAGE.iterdir() if path.suffix == ".py" or (path / "__init__.py").is_file()}
    ours -= {"__init__", "from_scratch", "private", "version"}
    assert ours <= {line.removeprefix("facetracker.") for line in forbidden.split()}
