"""Killed at any moment, `split` and `augment` leave a folder that the next call completes to the same bytes."""

from __future__ import annotations

import contextlib
import os
import random
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
from drawn_photos import draw_photos

from tests.data.conftest import fingerprint_of

MOMENTS = int(os.environ.get("FACETRACKER_KILLS", "1"))  # the figure is 20; CI takes fewer of each

# Runs one stage; says "begun" when everything is imported, so that the kill falls into the work.
CHILD = """
import sys, facetracker.core.console
facetracker.core.console.quiet = True
{imports}
if __name__ == "__main__":
    print("begun", flush=True)
    {call}
"""

CALLS = {
    "split": "split({data!r}, {out!r}, by='near-duplicate')",
    "split by moving": "split({data!r}, {out!r}, by='photo', move=True)",
    "augment": "augment({data!r}, {out!r}, variants=12, workers=2)",
    "augment to records": "augment({data!r}, {out!r}, variants=30, workers=2, format='tfrecord', size=64)",
}


def run(folder: Path, stage: str, kill_at: int | None = None) -> None:
    """Run a stage to its end; with `kill_at`, its whole process group is killed once so many files are there."""
    script = folder / "child.py"
    call = CALLS[stage].format(data=str(folder / "data"), out=str(folder / "out"))
    name = call.partition("(")[0]
    home = {"split": "data.split", "augment": "data.augment.augment"}[name]
    script.write_text(CHILD.format(imports=f"from facetracker.{home} import {name}", call=call))
    child = subprocess.Popen([sys.executable, str(script)], stdout=subprocess.PIPE, start_new_session=True)
    assert child.stdout is not None
    assert child.stdout.readline() == b"begun\n"
    if kill_at is None:
        child.communicate()
        assert child.returncode == 0
        return
    while child.poll() is None and files_in(folder / "out") < kill_at:
        time.sleep(0.0005)
    with contextlib.suppress(ProcessLookupError):
        os.killpg(child.pid, signal.SIGKILL)
    child.communicate()


def files_in(folder: Path) -> int:
    return sum(len(names) for _, _, names in os.walk(folder))


def prepare(folder: Path, source: Path, stage: str) -> Path:
    if folder.exists():
        shutil.rmtree(folder)
    shutil.copytree(source / ("flat" if stage.startswith("split") else "split"), folder / "data")
    return folder


@pytest.fixture(scope="module")
def source(tmp_path_factory) -> Path:
    folder = tmp_path_factory.mktemp("source")
    draw_photos(folder / "flat", 40, width=80, height=60)
    draw_photos(folder / "split" / "train", 12)
    draw_photos(folder / "split" / "val", 3, seed=1)
    return folder


@pytest.mark.no_cover
@pytest.mark.slow
@pytest.mark.parametrize("stage", CALLS)
def test_killed_and_called_again(stage, source, tmp_path):
    undisturbed = prepare(tmp_path / "undisturbed", source, stage)
    run(undisturbed, stage)
    expected = fingerprint_of(undisturbed / "out")
    dice = random.Random(stage)
    moments = unfinished = 0
    while moments < MOMENTS or unfinished <= MOMENTS // 2:  # a kill that comes too late proves nothing
        assert moments < 5 * MOMENTS, "the work was always done before the kill came"
        moments += 1
        folder = prepare(tmp_path / "killed", source, stage)
        run(folder, stage, kill_at=dice.randrange(len(expected)))
        unfinished += fingerprint_of(folder / "out") != expected
        run(folder, stage)
        assert fingerprint_of(folder / "out") == expected
        if "moving" in stage:
            assert not list((folder / "data" / "images").iterdir())
