"""`facetracker notice` as a person types it."""

from __future__ import annotations

import datetime
import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import cv2
import pytest
from receiver import Receiver

from facetracker.core.errors import FaceTrackerError
from facetracker.inference.detect import Show
from facetracker.inference.events.notice import Tell, notice
from facetracker.inference.live.browser import BrowserView

pytestmark = pytest.mark.slow
NO_DISPLAY = {k: v for k, v in os.environ.items() if k not in ("DISPLAY", "WAYLAND_DISPLAY")}
SCENE = "scene:faces=1,seed=5,width=320,height=240,fps=10"
NOTICE = [sys.executable, "-m", "facetracker.cli", "notice"]


def run(*arguments, folder=None):
    words = [*NOTICE, *map(str, arguments)]
    return subprocess.run(words, capture_output=True, text=True, check=False, cwd=folder, env=NO_DISPLAY, timeout=120)


def start(*arguments, folder=None):
    return subprocess.Popen(
        [*NOTICE, *map(str, arguments)],
        cwd=folder, env=NO_DISPLAY, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
        # A suite that runs in a shell's background hands on that SIGINT is ignored.
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.default_int_handler),
    )  # fmt: skip


def test_standard_output_holds_events_and_nothing_else(tmp_path):
    done = run(f"{SCENE},count=60", "--stay", 2, "--zone", "all=0,0,1,1", "--keep-pictures", "faces", folder=tmp_path)
    assert done.returncode == 0, done.stderr
    rows = [json.loads(line) for line in done.stdout.splitlines()]
    names = [one["event"] for one in rows]
    assert names == ["came", "count", "entered", "stayed", "left_zone", "left", "count"]
    keys = {"number", "time", "event", "id", "zone", "count", "seconds"}
    assert all(keys <= set(one) <= keys | {"in_zone", "ended", "picture"} for one in rows)
    assert [one["time"] for one in rows] == pytest.approx([0, 0, 0, 2, 5.9, 5.9, 5.9], abs=0.11)
    assert rows[-2]["seconds"] == pytest.approx(5.9, abs=0.11)
    assert [one.get("ended", False) for one in rows] == [False] * 4 + [True] * 3
    assert "60 frames in" in done.stderr
    assert "knows no landmarks" not in done.stderr  # the starter knows them
    pictures = list((tmp_path / "faces").iterdir())
    assert [str(path.relative_to(tmp_path)) for path in pictures] == [rows[0]["picture"]]
    assert cv2.imread(str(pictures[0])).shape == (240, 320, 3)


def test_nothing_is_stored_unless_asked(tmp_path):
    done = run(f"{SCENE},count=20", folder=tmp_path)
    assert '"came"' in done.stdout
    assert list(tmp_path.iterdir()) == []


def test_commands_hear_of_their_events(tmp_path):
    program = tmp_path / "program.py"
    program.write_text("import os; print(*(os.environ['FACETRACKER_' + key] for key in ('EVENT', 'ID', 'COUNT')))")
    command = f"{sys.executable} {program}"
    done = run(f"{SCENE},count=20", "--on", "came", command, "--on=left", command, "--on", "count=" + command)
    assert done.returncode == 0, done.stderr
    heard = [line for line in done.stderr.splitlines() if line.split(" ")[0] in ("came", "left", "count")]
    assert heard == ["came 1 1", "count  1", "left 1 0", "count  0"]


@pytest.mark.parametrize(
    ("words", "says"),
    [
        (["none.mp4"], "none.mp4: no such file"),
        ([SCENE, "--on", "came"], "--on"),
        ([SCENE, "--on", "goes", "true"], "no such event"),
        ([SCENE, "--zone", "desk=1"], "--zone desk=1"),
        ([SCENE, "--stay", "0"], "--stay 0"),
        ([SCENE, "--gone", "0"], "--gone 0"),
        ([SCENE, "--webhook", "http://8.8.8.8/"], "--anywhere"),
        (["."], "photos"),
    ],
)
def test_mistakes_are_one_line_and_exit_code_2(words, says, tmp_path):
    (tmp_path / "a.jpg").write_bytes(b"no")
    done = run(*words, folder=tmp_path)
    assert done.returncode == 2
    assert done.stdout == ""
    assert says in done.stderr
    assert "Traceback" not in done.stderr


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_ctrl_c_closes_the_visits_of_a_live_run(number):
    program = start(f"{SCENE},live=1", "--stay", 1)
    first = json.loads(program.stdout.readline())
    program.send_signal(number)
    out, err = program.communicate(timeout=60)
    assert program.returncode == 0, err
    rows = [first, *map(json.loads, out.splitlines())]
    assert first["event"] == "came"
    assert [one["event"] for one in rows[-2:]] == ["left", "count"]
    assert rows[-2]["ended"] is True
    # Times of a live source are those of the day, with its zone.
    moment = datetime.datetime.fromisoformat(first["time"])
    assert moment.tzinfo is not None
    age = datetime.datetime.now(datetime.UTC) - moment
    assert datetime.timedelta(0) < age < datetime.timedelta(minutes=2)
    assert "frames in" in err


def test_ctrl_c_in_a_film_is_an_interruption_and_closes_the_visits():
    program = start(f"{SCENE},count=100000")
    first = json.loads(program.stdout.readline())
    program.send_signal(signal.SIGINT)
    out, err = program.communicate(timeout=60)
    assert program.returncode == 130
    assert "Traceback" not in err
    rows = [first, *map(json.loads, out.splitlines())]
    assert [one["event"] for one in rows[-2:]] == ["left", "count"]


def test_a_reader_who_has_gone_ends_it():
    """Without a word, but not with 0: whoever keeps a pipe running must notice."""
    program = start(f"{SCENE},live=1", *(word for stay in range(1, 40) for word in ("--stay", stay / 4)))
    program.stdout.readline()
    program.stdout.close()
    assert program.wait(60) == 1
    assert "Traceback" not in program.stderr.read()
    program.stderr.close()


def test_a_camera_that_goes_away_closes_the_visits(painted, monkeypatch, models):
    rows = []

    class Stream:
        def write(self, text):
            rows.append(json.loads(text))

        def flush(self):
            pass

    camera = painted(200, fails_after=60)
    monkeypatch.setattr("facetracker.inference.events.notice.open_source", lambda *_, **__: camera)
    with pytest.raises(FaceTrackerError, match="no pictures any more"):
        notice("0", models / "dense.onnx", tell=Tell(Stream()))
    names = [one["event"] for one in rows]
    assert names.count("came") == names.count("left") > 0
    assert (names[-1], rows[-1]["count"]) == ("count", 0)
    assert camera.closed


def test_the_view_shows_the_zones(monkeypatch, models, green_film):
    from facetracker.inference.events.zones import parse_zone

    shown = []
    monkeypatch.setattr(BrowserView, "show", lambda self, picture: shown.append(picture))
    notice(green_film, models / "dense.onnx", zones=[parse_zone("right=0.75,0,1,1")], show=Show("web"))
    assert shown
    assert shown[0][200, 300].mean() > 65  # the film is grey, 60
    assert shown[0][200, 160].mean() < 65


def test_the_page_of_help_names_every_event():
    done = run("--help")
    for name in ("came", "left", "stayed", "entered", "left_zone", "looks_away", "looks_back", "count"):
        assert name in done.stdout
    assert Path(sys.executable).exists()
    assert "--on EVENT COMMAND" in done.stdout


def test_the_webhook_of_a_command_gets_what_standard_output_gets():
    with Receiver() as receiver:
        began = time.monotonic()
        done = run(f"{SCENE},count=60", "--stay", 1, "--stay", 2, "--webhook", receiver.url)
        assert time.monotonic() - began < 60
    assert done.returncode == 0, done.stderr
    assert receiver.rows == [json.loads(line) for line in done.stdout.splitlines()]
