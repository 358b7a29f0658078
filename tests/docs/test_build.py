"""The documentation builds without a warning, and its reference is the program's own."""

from __future__ import annotations

import re
import subprocess
import sys

import pytest
from blocks import ROOT

from facetracker.cli import main as cli
from facetracker.core.settings import setting_keys
from facetracker.training.classifier.settings import ClassifierSettings

pytestmark = [pytest.mark.timeout(1200), pytest.mark.no_cover]


@pytest.fixture(scope="module")
def built(tmp_path_factory):
    pytest.importorskip("sphinx")
    folder = tmp_path_factory.mktemp("docs")
    words = [sys.executable, "-m", "sphinx", "--fail-on-warning", "--keep-going", "--quiet", ROOT / "docs", folder]
    done = subprocess.run([str(word) for word in words], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr[-3000:]
    return folder


@pytest.mark.slow
def test_every_command_stands_in_the_reference(built):
    page = (built / "reference" / "cli.html").read_text()
    for command in cli.app.registered_commands:
        name = command.name or command.callback.__name__.replace("_", "-")
        assert f'<section id="facetracker-{name}">' in page, name


@pytest.mark.slow
def test_the_reference_holds_signatures_and_docstrings(built):
    page = (built / "reference" / "python.html").read_text()
    for name in ("facetracker.Detector.detect", "facetracker.train", "facetracker.FaceTracker"):
        assert f'id="{name}"' in page
    assert "iou_threshold" in page
    assert "Finds faces with a model" in page


@pytest.mark.slow
def test_every_setting_stands_in_the_reference_with_its_meaning(built):
    page = (built / "reference" / "settings.html").read_text()
    for key in (*setting_keys(), *(key for key in setting_keys(ClassifierSettings()) if key != "kind")):
        assert f">{key}</span>" in page, key
    assert ">None<" not in page


@pytest.mark.slow
def test_the_search_needs_no_server_and_knows_every_page(built):
    page = (built / "search.html").read_text()
    for script in re.findall(r'<script[^>]+src="([^"?]+)', page):
        assert (built / script).is_file(), script
    index = (built / "searchindex.js").read_text()
    assert index.startswith("Search.setIndex(")
    for name in ("troubleshooting", "reference/settings", "reference/cli", "concepts"):
        assert f'"{name}"' in index


@pytest.mark.slow
def test_nothing_is_fetched_from_elsewhere_and_every_page_is_linked(built):
    pages = {path.relative_to(built).as_posix() for path in built.rglob("*.html")} - {"search.html", "genindex.html"}
    index = (built / "index.html").read_text()
    for page in pages - {"index.html"}:
        assert page in index, f"{page} is in no list"
    for page in pages:
        loaded = re.findall(r'<(?:script|link|img)[^>]+(?:src|href)="(https?:[^"]+)"', (built / page).read_text())
        assert not loaded, f"{page} loads {loaded}"
