"""docs/design.md names every room and every module of the ground floor, and the floors as setup.cfg has them."""

from __future__ import annotations

import configparser
import re

from blocks import ROOT

DESIGN = (ROOT / "docs" / "design.md").read_text(encoding="utf-8")
PACKAGE = ROOT / "facetracker"


def test_every_room_and_module_has_its_place():
    house = DESIGN.partition("## The house")[2].partition("## Contracts")[0]
    rooms = sorted(path.name for path in PACKAGE.iterdir() if path.is_dir() and not path.name.startswith("__"))
    assert [room for room in rooms if f"`facetracker/{room}/`" not in house] == []
    modules = sorted(path.stem for path in PACKAGE.glob("*.py") if path.stem not in ("__init__", "cli"))
    ground = next(line for line in house.splitlines() if line.startswith("| the ground floor"))
    assert [module for module in modules if f"`{module}`" not in ground] == []
    scripts = sorted(path.name for path in (ROOT / "scripts").glob("*.py"))
    assert [script for script in scripts if f"`{script}`" not in house] == []


def test_the_floors_are_those_that_are_checked():
    settings = configparser.ConfigParser()
    settings.read(ROOT / "setup.cfg")
    floors = settings["importlinter:contract:floors"]["layers"].replace("facetracker.", "").split("\n")
    shown = re.search(r"```text\n(.*?)```", DESIGN, re.DOTALL)
    assert shown is not None
    assert [line.strip() for line in shown[1].splitlines() if line.strip()] == [line for line in floors if line]
    assert len([name for name in settings.sections() if name.startswith("importlinter:contract:")]) == 4


def test_the_numpy_network_is_kept_apart_from_all_of_it():
    settings = configparser.ConfigParser()
    settings.read(ROOT / "setup.cfg")
    forbidden = settings["importlinter:contract:from-scratch"]["forbidden_modules"]
    ours = {path.stem for path in PACKAGE.iterdir() if path.suffix == ".py" or (path / "__init__.py").is_file()}
    ours -= {"__init__", "from_scratch", "version"}
    assert ours <= {line.removeprefix("facetracker.") for line in forbidden.split()}
