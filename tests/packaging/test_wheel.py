"""What is shipped: the wheel in an empty environment finds a face, with the runtime's dependencies alone."""

from __future__ import annotations

import importlib.util
import json
import os
import shutil
import subprocess
import sys
import tarfile
import zipfile
from pathlib import Path

import pytest
import yaml

from facetracker.core.photo import write_jpeg
from facetracker.scenes import Scene
from facetracker.version import __version__

ROOT = Path(__file__).parents[2]
NOT_SHIPPED = shutil.ignore_patterns(".git", ".venv", "build", "dist", "*.egg-info", "runs", "aug_data", ".*cache*")


def run(*words, **options):
    done = subprocess.run([str(word) for word in words], capture_output=True, text=True, **options)
    assert done.returncode == 0, f"{' '.join(map(str, words))}\n{done.stdout[-2000:]}\n{done.stderr[-2000:]}"
    return done.stdout


@pytest.fixture(scope="module")
def dist(tmp_path_factory):
    """Wheel and sdist, built from a copy as a release would be; skips where no package index answers."""
    pytest.importorskip("build")
    folder = tmp_path_factory.mktemp("release")
    shutil.copytree(ROOT, folder / "source", ignore=NOT_SHIPPED)
    installer = ["--installer", "uv"] if importlib.util.find_spec("uv") or shutil.which("uv") else []
    words = [sys.executable, "-m", "build", *installer, "--outdir", str(folder / "dist"), str(folder / "source")]
    done = subprocess.run(words, capture_output=True, text=True)
    if done.returncode and any(sign in done.stdout + done.stderr for sign in ("No matching distribution", "dns error")):
        pytest.skip("no package index here")
    assert done.returncode == 0, done.stderr[-3000:]
    return folder / "dist"


@pytest.mark.slow
def test_the_wheel_holds_all_that_is_read_at_run_time_and_nothing_else(dist):
    (wheel,) = dist.glob("*.whl")
    assert wheel.name.startswith(f"own_facetracker-{__version__}-")
    names = set(zipfile.ZipFile(wheel).namelist())
    package = ROOT / "facetracker"
    wanted = [
        path.relative_to(ROOT).as_posix()
        for folder in ("assets", "presets", "data/augment/pipelines", "web/static")
        for path in (package / folder).rglob("*")
        if path.is_file()
    ]
    assert len(wanted) > 10
    assert set(wanted) <= names
    assert all(name.startswith(("facetracker/", f"own_facetracker-{__version__}.dist-info/")) for name in names)
    assert wheel.stat().st_size < 30e6


@pytest.mark.slow
def test_the_source_distribution_can_be_built_from(dist):
    (sdist,) = dist.glob("*.tar.gz")
    with tarfile.open(sdist) as packed:
        names = {name.partition("/")[2] for name in packed.getnames()}
    assert {"setup.cfg", "pyproject.toml", "LICENSE", "README.md", "facetracker/assets/starter.tflite"} <= names
    assert not any(name.startswith("data/") and name != "data/README.md" for name in names)


@pytest.mark.slow
@pytest.mark.timeout(600)
def test_the_wheel_detects_in_an_empty_environment(dist, tmp_path):
    (wheel,) = dist.glob("*.whl")
    uv = shutil.which("uv", path=os.pathsep.join([str(Path(sys.executable).parent), os.environ["PATH"]]))
    if uv:  # the same resolution and files as pip's, in a tenth of the time
        run(uv, "venv", "--quiet", "--python", sys.executable, tmp_path / "venv")
        run(uv, "pip", "install", "--quiet", "--python", tmp_path / "venv" / "bin" / "python", wheel)
    else:
        run(sys.executable, "-m", "venv", tmp_path / "venv")
        run(tmp_path / "venv" / "bin" / "python", "-m", "pip", "install", "--quiet", wheel)
    facetracker = tmp_path / "venv" / "bin" / "facetracker"
    clean = {"PATH": "/usr/bin:/bin", "HOME": str(tmp_path / "home")}
    assert run(facetracker, "--version", cwd=tmp_path, env=clean).strip() == f"facetracker {__version__}"
    photo, lines = write_jpeg(tmp_path / "photo.jpg", Scene(faces=1, seed=2).frame(0).picture), tmp_path / "faces.jsonl"
    run(facetracker, "detect", "--source", photo, "--view", "none", "--jsonl", lines, cwd=tmp_path, env=clean)
    assert [len(json.loads(line)["boxes"]) for line in lines.read_text().splitlines()] == [1]
    installed = [path.name for path in (tmp_path / "venv").glob("lib/python*/site-packages/*")]
    assert not {"tensorflow", "keras", "albumentations", "labelme"} & set(installed)


def test_the_citation_names_the_package():
    cited = yaml.safe_load((ROOT / "CITATION.cff").read_text())
    assert cited["cff-version"] == "1.2.0"
    assert cited["license"] == "MIT"
    assert "version" not in cited  # it stands in facetracker/version.py, and nowhere else
