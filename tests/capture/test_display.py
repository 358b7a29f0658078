"""The display is asked before Qt is; and the real preview window under Xvfb, driven by xdotool."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import cv2
import numpy as np
import pytest

from facetracker.capture.preview import draw_preview, text_width

TOOLS = ("Xvfb", "xdotool")
needs_display = [
    pytest.mark.gui,
    pytest.mark.skipif(any(shutil.which(tool) is None for tool in TOOLS), reason=f"needs {', '.join(TOOLS)}"),
    pytest.mark.skipif(not cv2.currentUIFramework(), reason="needs the GUI build of OpenCV"),
]


def ask(**variables: str) -> str:
    """`why_no_display()` in a process of its own with these variables (and no DISPLAY of ours)."""
    environment = {k: v for k, v in os.environ.items() if k not in ("DISPLAY", "QT_QPA_PLATFORM", "WAYLAND_DISPLAY")}
    code = "from facetracker.capture.display import why_no_display; print(why_no_display())"
    done = subprocess.run(
        [sys.executable, "-c", code], env=environment | variables, capture_output=True, text=True, check=True
    )
    return done.stdout.strip()


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="X displays")
@pytest.mark.skipif(not cv2.currentUIFramework(), reason="needs the GUI build of OpenCV")
def test_without_a_display_it_says_why_and_the_process_lives():
    assert ask() == "no display (DISPLAY is not set)"
    assert ask(DISPLAY=":77") == "no display answers at DISPLAY=:77"
    assert ask(WAYLAND_DISPLAY="wayland-0") == "no display (DISPLAY is not set)"
    assert "offscreen" in ask(DISPLAY=":77", QT_QPA_PLATFORM="offscreen")


def test_a_preview_that_is_asked_for_without_a_display_is_a_clear_error(tmp_path):
    environment = {k: v for k, v in os.environ.items() if k != "DISPLAY"}
    done = subprocess.run(
        [sys.executable, "-m", "facetracker.cli", "collect", "--source", "scene:", "--preview", "-o", str(tmp_path)],
        env=environment, capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert done.returncode == 2
    assert done.stderr.startswith("facetracker: no preview: ")
    assert done.stderr.count("\n") == 1


class Screen:
    """A display of its own, whose pixels lie in a file."""

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


@pytest.fixture
def screen(tmp_path_factory) -> Iterator[Screen]:
    screen = Screen(tmp_path_factory.mktemp("screen"))
    yield screen
    screen.server.terminate()
    screen.server.wait(10)


class Person:
    """Sits before the display, looks at the window and presses keys."""

    def __init__(self, screen: Screen, folder: Path, *arguments: str):
        self.screen = screen
        self.environment = os.environ | {"DISPLAY": screen.display}
        command = [
            sys.executable,
            "-m",
            "facetracker.cli",
            "collect",
            "-o",
            str(folder),
            "--session",
            "20261121-120000-gui",
        ]
        self.folder = folder
        self.program = subprocess.Popen(
            [*command, *arguments], env=self.environment, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
        )
        self.window = self._tool("search", "--sync", "--onlyvisible", "--name", "facetracker collect").splitlines()[-1]
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
        end = time.monotonic() + 60
        while True:
            shown = self.screen.look()[y : y + height, x : x + width]
            if shown.mean() > 10 or time.monotonic() > end:  # black: Qt has not painted it yet
                return shown
            time.sleep(0.1)

    def photos(self) -> int:
        return len(list(self.folder.glob("*.jpg")))

    def wait_for(self, photos: int) -> None:
        end = time.monotonic() + 60
        while self.photos() < photos and time.monotonic() < end:
            time.sleep(0.05)
        assert self.photos() >= photos

    def ended(self) -> tuple[int, str, str]:
        out, err = self.program.communicate(timeout=60)
        return self.program.returncode, out, err


LIVE = ("--source", "scene:live=1,seed=5", "--every", "60")


class TestWindow:
    pytestmark = needs_display

    def test_space_takes_one_now_and_q_stops(self, screen, tmp_path):
        person = Person(screen, tmp_path, "--source", "scene:live=1,seed=5,faces=0", "--every", "60")
        person.press("space")
        person.wait_for(1)
        shown = person.look()
        person.press("q")
        code, out, err = person.ended()
        assert code == 0
        assert person.photos() in (1, 2)  # the second by the countdown, if the machine is slower than three seconds
        assert f"{person.photos()} new photo" in out
        assert "Traceback" not in err
        assert "QFont" not in err
        photo = cv2.imread(str(next(tmp_path.glob("*.jpg"))))
        assert shown.shape == photo.shape
        # The window shows the scene in a looking-glass, with a dark bar below: not black, not something else.
        middle = (slice(100, 380), slice(150, 500))
        looks = [np.corrcoef(shown[middle].ravel(), side[middle].ravel())[0, 1] for side in (photo[:, ::-1], photo)]
        assert looks[0] > 0.9  # not compared by brightness: the flash may still fade
        assert looks[0] > looks[1] + 0.2
        assert shown[440:470, 250:400].mean() < 0.6 * photo[440:470, 250:400].mean()

    def test_escape_stops(self, screen, tmp_path):
        person = Person(screen, tmp_path, *LIVE)
        person.press("Escape")
        assert person.ended()[0] == 0
        assert person.photos() <= 1

    def test_a_window_that_is_shut_stops_it(self, screen, tmp_path):
        person = Person(screen, tmp_path, *LIVE)
        person.press("space")
        person.wait_for(1)
        person.shut_window()
        code, out, err = person.ended()
        assert code == 0, err
        assert f"{person.photos()} new photo" in out

    def test_by_itself_it_counts_down_and_takes_them_all(self, screen, tmp_path):
        person = Person(screen, tmp_path, "--source", "scene:live=1,seed=5", "--every", "0.3", "--count", "3")
        code, out, _ = person.ended()
        assert code == 0
        assert "3 new photos in" in out
        assert person.photos() == 3

    def test_a_recording_can_be_watched_too(self, screen, tmp_path):
        person = Person(
            screen, tmp_path, "--source", "scene:seed=5,count=2000", "--every", "0.1", "--preview", "--count", "400"
        )
        person.press("q")
        assert person.ended()[0] == 0
        assert person.photos() < 400


def test_the_preview_leaves_the_frame_alone_and_shows_the_state():
    frame = np.full((480, 640, 3), 120, np.uint8)
    before = frame.copy()
    quarter, half = (draw_preview(frame, taken, 20, 0.2, 0.5) for taken in (5, 10))
    assert np.array_equal(frame, before)
    for shown, share in ((quarter, 0.25), (half, 0.5)):
        green = (shown[-2].astype(int) @ [-1, 2, -1]) > 100
        assert green.mean() == pytest.approx(share, abs=0.01)
    waiting, due = draw_preview(frame, 0, 20, 2.5, 3.0), draw_preview(frame, 0, 20, 0.0, 3.0)
    assert (due[:80, -90:] > 240).sum() > 2 * (waiting[:80, -90:] > 240).sum()


def test_the_preview_of_any_size_and_every_state():
    for width, height in ((160, 120), (1920, 1080), (480, 640)):
        frame = np.zeros((height, width, 3), np.uint8)
        shown = draw_preview(frame, 3, 30, 0.2, 0.0, flash=1.0, hint="move", mirror=True)
        assert shown.shape == frame.shape
        assert (shown == 255).any()
    assert text_width("wide text", 20) > text_width("wide", 20)
