"""A reader under watch, for `fuzz.py`: one process in which it gets file after file, and another that looks after it.

A process goes on until the reader dies, hangs or takes gigabytes. It is then ended, the file is kept as a finding, and
a new process goes on with the next file: the inputs come from a seed, and how far it came lies on the disk, so that a
run that was stopped goes on too.
"""

from __future__ import annotations

import json
import os
import resource
import shutil
import sys
import time
from collections.abc import Callable, Iterable, Iterator
from dataclasses import asdict, dataclass
from multiprocessing.process import BaseProcess
from pathlib import Path

from facetracker.core import console
from facetracker.core.errors import FaceTrackerError

LONGEST, LARGEST = 2.0, 300.0  # seconds a file, MB above the start
HANGS, STARTS = 30.0, 600.0  # seconds for one file before it is ended; until the first is there (libraries, sound ones)
ENDED_AT = 4000.0  # MB at which a process is ended before it takes the machine with it
MOST_DEATHS = 20  # of one reader: whoever reads on knows enough
FINDINGS, TALLY, DONE = "findings.txt", "tally.json", "done.json"


@dataclass
class Tally:
    """How far a reader came: `number` is the file that it has now."""

    number: int = -1
    read: int = 0
    refused: int = 0
    slowest: float = 0.0
    more: float = 0.0

    @classmethod
    def of(cls, folder: Path) -> Tally:
        path = folder / TALLY
        return cls(**json.loads(path.read_text())) if path.is_file() else cls()

    def save(self, folder: Path) -> None:
        part = folder / f"{TALLY}.part"
        part.write_text(json.dumps(asdict(self)))
        os.replace(part, folder / TALLY)


class Peak:
    """The most memory that this process has had since `reset`, MB; where that cannot be asked, since it began."""

    def reset(self) -> None:
        if sys.platform == "linux":
            Path("/proc/self/clear_refs").write_text("5")

    @property
    def most(self) -> float:
        if sys.platform == "linux":
            return _memory(os.getpid(), "VmHWM")
        return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


def _memory(process: int, what: str) -> float:
    """A line of a process's status in MB; 0 when it is gone."""
    try:
        lines = Path(f"/proc/{process}/status").read_text().splitlines()
    except OSError:
        return 0.0
    return next((int(line.split()[1]) / 1024 for line in lines if line.startswith(f"{what}:")), 0.0)


def attempt(read: Callable[[Path], object], path: Path) -> tuple[str, str]:
    """What a reader makes of a file: `read` or `refused`, and what is wrong with that."""
    try:
        read(path)
    except FaceTrackerError as error:
        line = str(error)
        return "refused", "" if "\n" not in line and len(line) < 2000 else f"not one line: {line[:200]!r}"
    except BaseException as error:
        return "refused", f"{type(error).__name__}: {str(error)[:300]!r}"
    return "read", ""


def try_files(
    read: Callable[[Path], object],
    beside: Callable[[Path], None],
    sound: Iterable[tuple[str, bytes]],
    inputs: Iterator[tuple[str, bytes]],
    folder: Path,
    until: float,
) -> None:
    """Give files to a reader, from where an earlier process ended. Findings stand in a list, their files beside it."""
    tally, peak, start = Tally.of(folder), Peak(), 0.0
    first = tally.number + 1
    with (folder / FINDINGS).open("a") as out:

        def found(path: Path, name: str, fault: str) -> None:
            kept = folder / f"found-{name}{path.name.removeprefix('file')}"
            shutil.copy(path, kept)
            out.write(f"{kept}: {fault}\n")
            out.flush()

        def given(suffix: str, data: bytes) -> tuple[Path, str, str]:
            path = folder / f"file{suffix}"
            path.write_bytes(data)
            beside(path)
            with console.silenced():
                return path, *attempt(read, path)

        # Libraries are loaded by the sound ones; a sound one that is refused makes all that follow worthless.
        for number, (suffix, data) in enumerate(sound):
            path, outcome, fault = given(suffix, data)
            if outcome != "read" and not first:
                found(path, f"sound-{number}", f"is sound, and refused {fault}")
            start = _memory(os.getpid(), "VmRSS")
        for number, (suffix, data) in enumerate(inputs):
            if number < first:
                continue
            if time.monotonic() > until:
                return
            tally.number = number
            tally.save(folder)
            if not start:
                given(suffix, data)
                start = _memory(os.getpid(), "VmRSS")
            peak.reset()
            began, cpu = time.monotonic(), time.process_time()
            path, outcome, fault = given(suffix, data)
            # Not the neighbours' share; waiting for nothing is caught by who looks after this process.
            took = min(time.monotonic() - began, time.process_time() - cpu + 0.1)
            more = peak.most - start
            if took > LONGEST:
                fault = f"took {took:.1f} s"
            if more > LARGEST:
                fault, start = f"took {more:.0f} MB", _memory(os.getpid(), "VmRSS")
            setattr(tally, outcome, getattr(tally, outcome) + 1)
            tally.slowest, tally.more = max(tally.slowest, took), max(tally.more, more)
            if fault:
                found(path, str(number), fault)
    tally.save(folder)
    (folder / DONE).write_text("done")


def look_after(begin: Callable[[], BaseProcess], folder: Path) -> tuple[Tally, list[str]]:
    """Begin processes until all files were tried (or time is over): what came out, and the findings."""
    folder.mkdir(parents=True, exist_ok=True)
    deaths = 0
    while not (folder / DONE).is_file():
        before = Tally.of(folder).number
        process = begin()
        why = _ended(process, folder)
        if not process.exitcode:
            break
        number = Tally.of(folder).number
        last = max(folder.glob("file*"), key=lambda path: path.stat().st_mtime, default=None)
        kept = folder / f"killed-{number}{'' if last is None else last.name.removeprefix('file')}"
        if last is not None:
            shutil.copy(last, kept)
        with (folder / FINDINGS).open("a") as out:
            out.write(f"{kept}: the reader {why or f'died (exit code {process.exitcode})'}\n")
        deaths += 1
        if number == before or deaths >= MOST_DEATHS:
            break
    lines = (folder / FINDINGS).read_text().splitlines() if (folder / FINDINGS).is_file() else []
    return Tally.of(folder), lines


def _ended(process: BaseProcess, folder: Path) -> str:
    """Wait until a process is over; one that hangs or grows is ended: why, or nothing."""
    number, since, patience = Tally.of(folder).number, time.monotonic(), STARTS
    while process.is_alive():
        process.join(0.25)
        now = Tally.of(folder).number
        if now != number:
            number, since, patience = now, time.monotonic(), HANGS
        larger = _memory(process.pid or 0, "VmRSS") > ENDED_AT
        if larger or time.monotonic() - since > patience:
            process.kill()
            process.join()
            return f"took more than {ENDED_AT:.0f} MB" if larger else f"did not end in {patience:.0f} s"
    return ""
