"""A person at the real labelme: an X server of its own, and xdotool for hands."""

from __future__ import annotations

import os
import shutil
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager

import pytest
from waiting import until

from facetracker.core.errors import FaceTrackerError
from facetracker.labels.program import find_labelme


def skip_without_labelme() -> None:
    """Skip where labelme, Xvfb or xdotool are not installed."""
    try:
        command = find_labelme()
    except FaceTrackerError:
        pytest.skip("labelme is not installed")
    if command[0].endswith(("uvx", "pipx")):
        pytest.skip("labelme is not installed")
    if not (shutil.which("Xvfb") and shutil.which("xdotool")):
        pytest.skip("Xvfb and xdotool are not installed")


@contextmanager
def own_display() -> Iterator[str]:
    """The name of an X server of its own, for DISPLAY."""
    reader, writer = os.pipe()
    server = subprocess.Popen(
        ["Xvfb", "-displayfd", str(writer), "-screen", "0", "1280x900x24", "-nolisten", "tcp"],
        pass_fds=[writer],
        stderr=subprocess.DEVNULL,
    )
    os.close(writer)
    with os.fdopen(reader) as told:
        name = f":{told.readline().strip()}"
    try:
        yield name
    finally:
        server.terminate()
        server.wait(10)


def x(*command: object) -> str:
    return subprocess.run(["xdotool", *map(str, command)], capture_output=True, text=True, timeout=60).stdout.strip()


def shown(photo: str) -> str:
    """The window, once labelme shows this photo."""
    return until(lambda: x("search", "--onlyvisible", "--name", photo).split("\n")[0])


def drawn_rectangle(window: str, first: tuple[int, int], second: tuple[int, int]) -> None:
    """As a person does: ctrl+r, two clicks, the label, Return. Without a window manager the focus must be set."""
    x("windowfocus", window)
    x("key", "ctrl+r")
    for place in (first, second):
        time.sleep(0.4)
        x("mousemove", *place, "click", 1)
    time.sleep(1.0)
    x("type", "face")
    x("key", "Return")
