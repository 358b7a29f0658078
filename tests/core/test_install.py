"""The command that adds a part names where this installation came from, and never the stranger's package."""

from __future__ import annotations

import configparser
import importlib.metadata
import json
import re
import sys
from pathlib import Path

import pytest

from facetracker.cli import main as cli
from facetracker.core.install import BROUGHT_BY, DISTRIBUTION, install_command

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
    monkeypatch.setattr(importlib.metadata, "distribution", lambda name: Installed(origin))
    assert install_command("train", "web") == f"pip install {command}"


def test_nothing_installed_is_the_name_alone(monkeypatch):
    def missing(name):
        raise importlib.metadata.PackageNotFoundError(name)

    monkeypatch.setattr(importlib.metadata, "distribution", missing)
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


@pytest.mark.parametrize(
    ("module", "extra"),
    [("tensorflow", "train"), ("jinja2.sandbox", "train"), ("openvino", "openvino"), ("ray", "scale")],
)
def test_a_missing_module_is_one_line_with_its_extra(monkeypatch, capsys, module, extra):
    def lacking(**_):
        raise ModuleNotFoundError(f"No module named {module!r}", name=module)

    monkeypatch.setattr(cli, "app", lacking)
    monkeypatch.setattr(sys, "argv", ["facetracker", "train"])
    with pytest.raises(SystemExit) as left:
        cli.main()
    assert left.value.code == 2
    told = capsys.readouterr().err
    assert told == f"facetracker: this needs {module.split('.')[0]}, which is not installed. {install_command(extra)}\n"


def test_a_module_of_no_extra_is_our_mistake_and_keeps_its_traceback(monkeypatch):
    def lacking(**_):
        raise ModuleNotFoundError("No module named 'wombat'", name="wombat")

    monkeypatch.setattr(cli, "app", lacking)
    monkeypatch.setattr(sys, "argv", ["facetracker", "train"])
    with pytest.raises(ModuleNotFoundError):
        cli.main()


def test_whatever_an_extra_declares_is_known_here():
    """The first module of every package of these extras, so that no extra is forgotten."""
    settings = configparser.ConfigParser()
    settings.read(ROOT / "setup.cfg")
    for extra, modules in BROUGHT_BY.items():
        for line in settings["options.extras_require"][extra].splitlines():
            name = re.match(r"[A-Za-z0-9_.-]*", line.strip())[0].lower().replace("-", "_")
            known = {"protobuf": "google", "universal_pathlib": "upath"}.get(name, name)
            assert not name or name == "own_facetracker" or known in modules, line
