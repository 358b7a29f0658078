"""The display is asked before Qt is; and the real preview window under Xvfb, driven by xdotool."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable, Iterator

import cv2
import numpy as np
import pytest
from desktop import Person, needs_display, opened_screen
from waiting import until

from facetracker.capture.preview import draw_preview
from facetracker.core.files import photos_in
from facetracker.core.lettering import text_width
from facetracker.core.photo import read_picture


def ask(first: str = "", **variables: str) -> str:
    """`why_no_display()` in a process of its own that begins with the line `first`, with these variables only."""
    environment = {k: v for k, v in os.environ.items() if k not in ("DISPLAY", "QT_QPA_PLATFORM", "WAYLAND_DISPLAY")}
    code = f"{first}\nfrom facetracker.capture.display import why_no_display; print(why_no_display())"
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


def test_who_only_starts_kernels_is_no_notebook():
    pytest.importorskip("ipykernel")
    pytest.importorskip("jupyter_client")
    assert "notebook" not in ask("import ipykernel.kernelspec, jupyter_client, IPython")


def test_a_shell_of_jupyter_is_a_notebook():
    pytest.importorskip("ipykernel")
    said = ask("from ipykernel.zmqshell import ZMQInteractiveShell; ZMQInteractiveShell.instance()")
    assert said == "a notebook has no windows (imshow would end its kernel)"


def test_a_preview_that_is_asked_for_without_a_display_is_a_clear_error(tmp_path):
    environment = {k: v for k, v in os.environ.items() if k != "DISPLAY"}
    done = subprocess.run(
        [sys.executable, "-m", "facetracker.cli", "collect", "--source", "scene:", "--preview", "-o", str(tmp_path)],
        env=environment, capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert done.returncode == 2
    assert done.stderr.startswith("facetracker: no preview: ")
    assert done.stderr.count("\n") == 1


@pytest.fixture
def collecting(tmp_path_factory, tmp_path) -> Iterator[Callable[..., Person]]:
    """Starts `facetracker collect` into `tmp_path` before a person; what still runs at the end is killed."""
    persons = []
    with opened_screen(tmp_path_factory.mktemp("screen")) as screen:

        def start(*arguments: str) -> Person:
            command = ("collect", "-o", str(tmp_path), "--session", "20261121-120000-gui", *arguments)
            persons.append(Person(screen, "facetracker collect", *command))
            return persons[-1]

        yield start
        for person in persons:
            person.program.kill()
            person.program.communicate()


LIVE = ("--source", "scene:live=1,seed=5", "--every", "60")


class TestWindow:
    pytestmark = needs_display

    def test_space_takes_one_now_and_q_stops(self, collecting, tmp_path):
        person = collecting("--source", "scene:live=1,seed=5,faces=0", "--every", "60")
        person.press("space")
        photo = read_picture(until(lambda: photos_in(tmp_path))[0])
        middle, bar = (slice(100, 380), slice(150, 500)), (slice(440, 470), slice(250, 400))

        def in_a_looking_glass_over_a_dark_bar(shown: np.ndarray) -> bool:
            """False while the window is still black, or the flash of the photo still fades."""
            if shown.shape != photo.shape or shown[middle].std() == 0:
                return False
            sides = (photo[:, ::-1], photo)
            mirrored, straight = (np.corrcoef(shown[middle].ravel(), side[middle].ravel())[0, 1] for side in sides)
            dark = shown[bar].mean() < 0.6 * photo[bar].mean()
            return mirrored > 0.9 and mirrored > straight + 0.2 and dark

        person.sees(in_a_looking_glass_over_a_dark_bar)
        person.press("q")
        code, out, err = person.ended()
        assert code == 0
        taken = len(photos_in(tmp_path))
        assert taken in (1, 2)  # the second by the countdown, if the machine is slower than three seconds
        assert f"{taken} new photo" in out
        assert "Traceback" not in err
        assert "QFont" not in err

    def test_escape_stops(self, collecting, tmp_path):
        person = collecting(*LIVE)
        person.press("Escape")
        assert person.ended()[0] == 0
        assert len(photos_in(tmp_path)) <= 1

    def test_a_window_that_is_shut_stops_it(self, collecting, tmp_path):
        person = collecting(*LIVE)
        person.press("space")
        until(lambda: photos_in(tmp_path))
        person.shut_window()
        code, out, err = person.ended()
        assert code == 0, err
        assert f"{len(photos_in(tmp_path))} new photo" in out

    def test_by_itself_it_counts_down_and_takes_them_all(self, collecting, tmp_path):
        person = collecting("--source", "scene:live=1,seed=5", "--every", "0.3", "--count", "3")
        code, out, _ = person.ended()
        assert code == 0
        assert "3 new photos in" in out
        assert len(photos_in(tmp_path)) == 3

    def test_a_recording_can_be_watched_too(self, collecting, tmp_path):
        person = collecting("--source", "scene:seed=5,count=2000", "--every", "0.1", "--preview", "--count", "400")
        person.press("q")
        assert person.ended()[0] == 0
        assert len(photos_in(tmp_path)) < 400


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
