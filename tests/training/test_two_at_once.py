"""Two trainings into one run: the second is refused in one line, whatever it was told, and the first goes on."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from facetracker.core.errors import FaceTrackerError
from facetracker.core.settings import load_settings
from facetracker.training.run import find_run, new_run, open_run, start_run

ROOT = Path(__file__).parents[2]
TRAINS = """
import sys
from pathlib import Path
from facetracker.core.settings import load_settings
from facetracker.training.run import start_run
run = start_run(load_settings("nano"), sys.argv[1], "one", Path(sys.argv[2]))
print("trains", flush=True)
sys.stdin.read()
"""


@pytest.fixture
def other(tmp_path):
    """Another process that trains in `runs/one`."""
    (tmp_path / "data").mkdir()
    path = os.pathsep.join([str(ROOT), os.environ.get("PYTHONPATH", "")])
    words = [sys.executable, "-c", TRAINS, str(tmp_path / "data"), str(tmp_path / "runs")]
    environment = {**os.environ, "PYTHONPATH": path}
    with subprocess.Popen(words, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, env=environment) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == "trains\n"
        yield process
        process.kill()


@pytest.mark.parametrize("how", ["resume", "latest", "force", "learn", "new"])
def test_the_second_is_refused_and_the_first_keeps_its_files(tmp_path, other, how):
    before = {path.name: path.read_bytes() for path in (tmp_path / "runs" / "one").iterdir()}
    runs = tmp_path / "runs"
    ways = {
        "resume": lambda: open_run(tmp_path / "data", "nano", [], "one", True, False, runs),
        "latest": lambda: open_run(tmp_path / "data", "nano", [], None, True, False, runs),
        "force": lambda: start_run(load_settings("nano"), tmp_path / "data", "one", runs, force=True),
        "learn": lambda: new_run(tmp_path / "data", "one", runs, force=True),
        "new": lambda: start_run(load_settings("nano"), tmp_path / "data", "one", runs),
    }
    with pytest.raises(FaceTrackerError, match="is there already" if how == "new" else "trains in this run") as refused:
        ways[how]()
    assert "\n" not in str(refused.value)
    assert {path.name: path.read_bytes() for path in (runs / "one").iterdir()} == before
    other.kill()
    other.wait()
    find_run("one", runs).release()


def test_a_run_that_has_just_been_made_is_not_taken_for_one_cut_off(tmp_path, other):
    """Its folder, not yet its settings, is there: only the claim says that somebody is at work."""
    (tmp_path / "runs" / "one" / "config.yaml").unlink()
    (tmp_path / "runs" / "one" / "run.json").unlink()
    with pytest.raises(FaceTrackerError, match="trains in this run"):
        new_run(tmp_path / "data", "one", tmp_path / "runs")


def test_force_empties_the_folder_and_what_it_links_to_stays(tmp_path):
    (tmp_path / "data").mkdir()
    (tmp_path / "kept").mkdir()
    (tmp_path / "kept" / "a").write_text("a")
    run = start_run(load_settings("nano"), tmp_path / "data", "one", tmp_path)
    (run.folder / "inside").mkdir()
    (run.folder / "inside" / "b").write_text("b")
    (run.folder / "link").symlink_to(tmp_path / "kept", target_is_directory=True)
    run.release()
    again = start_run(load_settings("nano"), tmp_path / "data", "one", tmp_path, force=True)
    again.release()
    assert sorted(path.name for path in again.folder.iterdir()) == ["config.yaml", "run.json"]
    assert (tmp_path / "kept" / "a").is_file()
