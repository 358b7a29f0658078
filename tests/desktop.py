"""A display of its own (Xvfb) and a person before it who looks at a window, presses keys and shuts it (xdotool)."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import cv2
import numpy as np
import pytest

TOOLS = ("Xvfb", "xdotool")
needs_display = [
    pytest.mark.gui,
    pytest.mark.skipif(any(shutil.which(tool) is None for tool in TOOLS), reason=f"needs {', '.join(TOOLS)}"),
    pytest.mark.skipif(not cv2.currentUIFramework(), reason="needs the GUI build of OpenCV"),
]


class Screen:
    """A display whose pixels lie in a file."""

    def __init__(self, folder: Path):
        reads, writes = os.pipe()
        self.server = subprocess.Popen(
            ["Xvfb", "-displayfd", str(writes), "-screen", "0", "800x600x24", "-fbdir", str(folder)],
            pass_fds=(writes,),
            stderr=subprocess.DEVNULL,
        )
        os.close(writes)
        with os.fdopen(reads) as answer:
            self.display = f":{answer.readline().strip()}"
        self.file = folder / "Xvfb_screen0"

    def look(self) -> np.ndarray:
        """The whole screen, BGR. The file is an X window dump: a head of big-endian words, colours, pixels."""
        dump = self.file.read_bytes()
        head = np.frombuffer(dump[:100], ">u4")
        width, height, line, colours = int(head[4]), int(head[5]), int(head[12]), int(head[19])
        pixels = np.frombuffer(dump[int(head[0]) + 12 * colours :], np.uint8)[: line * height]
        return pixels.reshape(height, line // 4, 4)[:, :width, :3]


@contextmanager
def opened_screen(folder: Path) -> Iterator[Screen]:
    screen = Screen(folder)
    try:
        yield screen
    finally:
        screen.server.terminate()
        screen.server.wait(10)


class Person:
    """Starts `facetracker ARGUMENTS` before the screen and waits for the window called `title`."""

    def __init__(self, screen: Screen, title: str, *arguments: str, folder: Path | None = None):
        self.screen = screen
        self.environment = os.environ | {"DISPLAY": screen.display}
        self.program = subprocess.Popen(
            [sys.executable, "-m", "facetracker.cli", *arguments],
            env=self.environment,
            cwd=folder,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        self.window = self._tool("search", "--sync", "--onlyvisible", "--name", title).splitlines()[-1]
        self._tool("windowfocus", self.window)

    def _tool(self, *arguments: str) -> str:
        return subprocess.run(
            ["xdotool", *arguments], env=self.environment, capture_output=True, text=True, check=True, timeout=60
        ).stdout

    def press(self, key: str) -> None:
        self._tool("key", key)

    def shut_window(self) -> None:
        """What a window manager does when its button is clicked: it sends WM_DELETE_WINDOW (there is none here)."""
        code = """
import ctypes, sys
x = ctypes.CDLL("libX11.so.6")
x.XOpenDisplay.restype = ctypes.c_void_p
for function in (x.XInternAtom, x.XSendEvent, x.XCloseDisplay):
    function.restype = ctypes.c_ulong
display = ctypes.c_void_p(x.XOpenDisplay(None))
x.XInternAtom.argtypes = [ctypes.c_void_p, ctypes.c_char_p, ctypes.c_int]
protocols, delete = (x.XInternAtom(display, name, 0) for name in (b"WM_PROTOCOLS", b"WM_DELETE_WINDOW"))
window = int(sys.argv[1])
event = (ctypes.c_long * 24)(33, 0, 1, 0, window, protocols, 32, delete, 0)  # 33: ClientMessage
x.XSendEvent.argtypes = [ctypes.c_void_p, ctypes.c_ulong, ctypes.c_int, ctypes.c_long, ctypes.c_void_p]
assert x.XSendEvent(display, window, 0, 0, ctypes.byref(event))
x.XCloseDisplay(display)
"""
        subprocess.run([sys.executable, "-c", code, self.window], env=self.environment, check=True)

    def look(self) -> np.ndarray:
        """The window as pixels, BGR."""
        where = dict(line.split("=") for line in self._tool("getwindowgeometry", "--shell", self.window).split())
        x, y, width, height = (int(where[key]) for key in ("X", "Y", "WIDTH", "HEIGHT"))
        return self.screen.look()[y : y + height, x : x + width]

    def sees(self, what, seconds: float = 30.0) -> np.ndarray:
        """Look until `what(pixels)` is true; the pixels then."""
        end = time.monotonic() + seconds
        while time.monotonic() < end:
            if what(pixels := self.look()):
                return pixels
            time.sleep(0.05)
        raise AssertionError(f"not seen within {seconds} s: {what.__name__}")

    def ended(self) -> tuple[int, str, str]:
        """Exit code, stdout, stderr, once the program has ended by itself."""
        out, err = self.program.communicate(timeout=60)
        return self.program.returncode, out, err
