"""What the tests have workers do; a module of its own, because workers import it."""

from __future__ import annotations

import json
import os
import signal
from pathlib import Path


def double(number: int) -> int:
    if number == 13:
        raise ValueError("unlucky")
    return number * 2


def die(task: tuple[str, int]) -> int:
    """Kills its own process: the first time with task 3, always with task 5."""
    marker, number = Path(task[0]), task[1]
    if number == 5 or (number == 3 and not marker.exists()):
        marker.touch()
        os.kill(os.getpid(), signal.SIGKILL)
    return number


def begin() -> None:
    os.environ["BEGUN"] = "yes"


def begun(number: int) -> str:
    return os.environ.get("BEGUN", "no")


def note_who(config: dict[str, str]) -> None:
    """A part in a training that only notes who it was asked to be; told so, worker 1 dies."""
    task = json.loads(os.environ["TF_CONFIG"])
    number = task["task"]["index"]
    (Path(config["folder"]) / f"who-{number}.txt").write_text(str(len(task["cluster"]["worker"])))
    if number == 1 and (Path(config["folder"]) / "die").exists():
        os.kill(os.getpid(), signal.SIGKILL)
