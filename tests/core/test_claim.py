"""One process at a time in a folder, and nobody is locked out by a crash."""

from __future__ import annotations

import errno
import os
import subprocess
import sys
from pathlib import Path

import pytest

from facetracker.core import claim as claims
from facetracker.core.claim import CLAIM, claim
from facetracker.core.errors import FaceTrackerError

HOLD = """
import sys
from pathlib import Path
from facetracker.core.claim import claim
held = claim(Path(sys.argv[1]), "works here")
print("held", flush=True)
sys.stdin.read()
"""
ROOT = Path(__file__).parents[2]


@pytest.fixture
def other(tmp_path):
    """Another process that holds the folder."""
    words = [sys.executable, "-c", HOLD, str(tmp_path / "run")]
    path = os.pathsep.join([str(ROOT), os.environ.get("PYTHONPATH", "")])
    with subprocess.Popen(
        words, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, env={**os.environ, "PYTHONPATH": path}
    ) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == "held\n"
        yield process
        process.kill()


def test_a_second_process_is_told_who_has_it_until_that_one_ends(tmp_path, other):
    with pytest.raises(FaceTrackerError, match=rf"another process \({other.pid}\) trains in it") as refused:
        claim(tmp_path / "run", "trains in it")
    assert refused.value.path == tmp_path / "run"
    other.kill()
    other.wait()
    assert (tmp_path / "run" / CLAIM).is_file()  # a crash leaves the file, and it keeps nobody out
    claim(tmp_path / "run", "trains in it").release()
    assert os.listdir(tmp_path / "run") == []


def test_one_process_gets_its_own_claim_again_and_lets_it_go_once(tmp_path):
    first = claim(tmp_path / "run", "trains in it")
    assert (tmp_path / "run" / CLAIM).read_text() == str(os.getpid())
    assert claim(tmp_path / "run" / ".." / "run", "trains in it") is first
    first.release()
    first.release()
    second = claim(tmp_path / "run", "trains in it")
    assert second is not first
    del first
    assert (tmp_path / "run" / CLAIM).is_file()
    del second
    assert not (tmp_path / "run" / CLAIM).exists()


def test_a_claim_whose_file_is_taken_away_meanwhile_is_made_again(tmp_path, monkeypatch):
    """The holder lets go between our opening the file and locking it: what we have locked then has no name."""
    lock, times = claims._lock, []

    def let_go_first(handle):
        if not times:
            (tmp_path / CLAIM).unlink()
        times.append(handle)
        lock(handle)

    monkeypatch.setattr(claims, "_lock", let_go_first)
    held = claim(tmp_path, "works here")
    assert len(times) == 2
    assert (tmp_path / CLAIM).is_file()
    held.release()


def test_where_there_are_no_locks_everybody_is_let_in_and_other_faults_are_not_hidden(tmp_path, monkeypatch):
    fcntl = pytest.importorskip("fcntl")

    def fails(number):
        def flock(handle, how):
            raise OSError(number, os.strerror(number))

        return flock

    monkeypatch.setattr(fcntl, "flock", fails(errno.ENOLCK))
    claim(tmp_path, "works here").release()
    monkeypatch.setattr(fcntl, "flock", fails(errno.EIO))
    with pytest.raises(OSError, match="Input/output"):
        claim(tmp_path, "works here")
