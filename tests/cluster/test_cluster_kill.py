"""On Ray, the driver and then a worker killed at any moment: the next call completes the folder to the same bytes."""

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

from facetracker.data.augment.augment import augment
from tests.data.conftest import fingerprint_of

psutil = pytest.importorskip("psutil")

MOMENTS = int(os.environ.get("FACETRACKER_KILLS", "1"))  # the figure is 10; CI takes one of each
HOW = {"variants": 40, "size": 64, "format": "jpeg"}

CHILD = """
import facetracker.core.console
facetracker.core.console.quiet = True
from facetracker.data.augment.augment import augment
if __name__ == "__main__":
    augment({data!r}, {out!r}, on="ray", workers=2, **{how!r})
"""


def start(folder: Path, data: Path) -> subprocess.Popen[bytes]:
    script = folder / "child.py"
    script.write_text(CHILD.format(data=str(data), out=str(folder / "out"), how=HOW))
    return subprocess.Popen([sys.executable, str(script)], start_new_session=True)


def wait_for(child: subprocess.Popen[bytes], place: Path, files: int) -> None:
    while child.poll() is None and sum(len(names) for _, _, names in os.walk(place)) < files:
        time.sleep(0.001)


def offspring(child: subprocess.Popen[bytes]) -> list[psutil.Process]:
    with contextlib.suppress(psutil.NoSuchProcess):
        return psutil.Process(child.pid).children(recursive=True)
    return []


def kill_a_worker(child: subprocess.Popen[bytes], dice: random.Random) -> bool:
    """SIGKILL a worker that has begun; False if none was found in time."""
    workers = [process for process in offspring(child) if "ray::_attempt" in _title(process)]
    if not workers:
        return False
    with contextlib.suppress(psutil.NoSuchProcess):
        dice.choice(workers).kill()
        return True
    return False


def _title(process: psutil.Process) -> str:
    try:
        return " ".join(process.cmdline())
    except psutil.Error:
        return ""


def is_agent(process: psutil.Process) -> bool:
    """Whether it is one of Ray's two agents: they touch no photo, and end later than what they watch."""
    return _title(process).startswith(("ray::DashboardAgent", "ray::RuntimeEnvAgent"))


@pytest.mark.cluster
@pytest.mark.slow
def test_driver_and_worker_killed_and_called_again(photos, tmp_path):
    pytest.importorskip("ray")
    augment(photos, tmp_path / "undisturbed", workers=1, **HOW)
    expected = fingerprint_of(tmp_path / "undisturbed")
    dice = random.Random("ray")
    unfinished = killed = 0
    for _ in range(MOMENTS):
        folder = tmp_path / "killed"
        shutil.rmtree(folder, ignore_errors=True)
        folder.mkdir()
        child = start(folder, photos)
        wait_for(child, folder / "out", dice.randrange(3, len(expected) // 2))
        left = offspring(child)
        with contextlib.suppress(ProcessLookupError):
            os.kill(child.pid, signal.SIGKILL)
        child.wait()
        unfinished += fingerprint_of(folder / "out") != expected
        _, alive = psutil.wait_procs([process for process in left if not is_agent(process)], timeout=60)
        assert not alive  # the cluster of a killed driver goes with it
        for agent in filter(psutil.Process.is_running, left):
            agent.kill()
        child = start(folder, photos)
        done = sum(len(names) for _, _, names in os.walk(folder / "out"))
        wait_for(child, folder / "out", min(len(expected) - 100, done + dice.randrange(5, 200)))
        killed += kill_a_worker(child, dice)
        assert child.wait() == 0
        assert fingerprint_of(folder / "out") == expected
    assert unfinished > MOMENTS // 2  # else the kills came too late to prove anything
    assert killed > MOMENTS // 2
