"""Who looks after a reader sees when it hangs, dies or grows, and goes on with the next file."""

from __future__ import annotations

import multiprocessing
import os
import sys
import time
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parents[2] / "benchmarks"))

import fuzz_watch as watch

from facetracker.core.errors import BadFile

HANGS, LARGEST, ENDED_AT = 10.0, 60.0, 400.0  # less memory and patience than in earnest
FILES = (b"fine", b"sleep", b"refuse", b"die", b"grow", b"grow much", b"raise", b"ramble", b"fine")


def read(path: Path) -> None:
    deed = path.read_bytes()
    if deed == b"sleep":
        time.sleep(60)
    elif deed == b"refuse":
        raise BadFile("is damaged", path=path)
    elif deed == b"die":
        os.abort()
    elif deed.startswith(b"grow"):
        held = bytearray(os.urandom(1 << 20)) * (500 if deed.endswith(b"much") else 90)
        time.sleep(60 if len(held) > 100 << 20 else 0)
    elif deed == b"raise":
        raise ValueError("raw")
    elif deed == b"ramble":
        raise BadFile("is damaged, " * 400, path=path)


def work(place: str) -> None:
    watch.LARGEST = LARGEST
    inputs = ((".bin", deed) for deed in FILES)
    sound = [(".bin", b"fine"), (".bin", b"refuse")]
    watch.try_files(read, lambda path: None, sound, inputs, Path(place), float("inf"))


@pytest.mark.slow
@pytest.mark.skipif(sys.platform != "linux", reason="memory is asked of Linux")
def test_every_way_to_fail_is_found_once_and_the_rest_is_tried(tmp_path, monkeypatch):
    monkeypatch.setattr(watch, "HANGS", HANGS)
    monkeypatch.setattr(watch, "ENDED_AT", ENDED_AT)
    begun = []

    def begin():
        process = multiprocessing.get_context("spawn").Process(target=work, args=(str(tmp_path),))
        process.start()
        begun.append(process)
        return process

    tally, found = watch.look_after(begin, tmp_path)
    said = {Path(line.partition(": ")[0]).name: line.partition(": ")[2] for line in found}
    assert list(said) == [
        "found-sound-1.bin",
        "killed-1.bin",
        "killed-3.bin",
        "found-4.bin",
        "killed-5.bin",
        "found-6.bin",
        "found-7.bin",
    ]
    assert "did not end in 10 s" in said["killed-1.bin"]
    assert "exit code -6" in said["killed-3.bin"]
    assert "MB" in said["found-4.bin"]
    assert "more than 400 MB" in said["killed-5.bin"]
    assert said["found-6.bin"] == "ValueError: 'raw'"
    assert "not one line" in said["found-7.bin"]
    assert (tally.number, tally.read, tally.refused) == (8, 3, 3)
    assert (tmp_path / "killed-3.bin").read_bytes() == b"die"
    assert len(begun) == 4
    assert watch.look_after(begin, tmp_path) == (tally, found)  # what is done is not done again
    assert len(begun) == 4
