"""The command that adds a part names where this installation came from, and never the stranger's package."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest

from facetracker.core import install
from facetracker.core.install import DISTRIBUTION, install_command

ROOT = Path(__file__).resolve().parents[2]


class Installed:
    """What importlib.metadata knows of an installation."""

    def __init__(self, origin):
        self.origin = origin

    def read_text(self, name):
        assert name == "direct_url.json"
        return None if self.origin is None else json.dumps(self.origin)


@pytest.mark.parametrize(
    ("origin", "command"),
    [
        (None, "'own-facetracker[train,web]'"),
        ({"url": "file:///me/my%20code", "dir_info": {"editable": True}}, "-e '/me/my code[train,web]'"),
        ({"url": "file:///me/code", "dir_info": {}}, "'/me/code[train,web]'"),
        ({"url": "file:///tmp/a.whl", "archive_info": {}}, "'/tmp/a.whl[train,web]'"),
        ({"url": "https://example.org/a.whl"}, "'own-facetracker[train,web]'"),
    ],
)
def test_it_comes_from_where_the_package_came_from(monkeypatch, origin, command):
    monkeypatch.setattr(install, "distribution", lambda name: Installed(origin))
    assert install_command("train", "web") == f"pip install {command}"


def test_nothing_installed_is_the_name_alone(monkeypatch):
    def missing(name):
        raise install.PackageNotFoundError(name)

    monkeypatch.setattr(install, "distribution", missing)
    assert install_command() == "pip install 'own-facetracker'"


def test_no_text_advises_the_strangers_package():
    """Neither code, docs, notebooks nor settings install `facetracker` from the index."""
    folders = [ROOT / name for name in ("facetracker", "docs", "notebooks", "scripts", "tests")]
    files = [path for folder in folders for path in folder.rglob("*") if path.is_file()]
    files += [ROOT / name for name in ("README.md", "setup.cfg", "Makefile", "SECURITY.md", "CHANGELOG.md")]
    kinds = (".py", ".md", ".ipynb", ".cfg", ".js", ".html", ".yaml", "")
    wrong = re.compile(
        r"install[^\n]{0,40}?(?<![\w./-])facetracker(\[|['\"]?\s*(\\n|$))|^\s*facetracker\[", re.MULTILINE
    )
    for path in files:
        if path.suffix in kinds and path != Path(__file__) and "_build" not in path.parts:
            found = wrong.search(path.read_text(errors="ignore"))
            assert found is None, f"{path}: {found[0]}"


def test_the_distribution_has_that_name():
    assert f"\nname = {DISTRIBUTION}\n" in (ROOT / "setup.cfg").read_text()
