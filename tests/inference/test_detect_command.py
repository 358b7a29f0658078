"""The commands as a person types them."""

from __future__ import annotations

import json
import os
import re
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from facetracker.core import console
from facetracker.core.errors import FaceTrackerError
from facetracker.inference import benchmark as stage
from facetracker.inference.benchmark import model_files
from facetracker.inference.detect import Find, Keep, Show, detect

NO_DISPLAY = {k: v for k, v in os.environ.items() if k not in ("DISPLAY", "WAYLAND_DISPLAY")}


def run(*arguments, folder=None, environment=NO_DISPLAY):
    return subprocess.run(
        [sys.executable, "-m", "facetracker.cli", *map(str, arguments)],
        capture_output=True, text=True, check=False, cwd=folder, env=environment, timeout=120,
    )  # fmt: skip


def test_without_a_display_it_says_what_there_is_instead(models, green_film, tmp_path):
    done = run("detect", models / "dense.onnx", "--source", green_film, "--jsonl", tmp_path / "out.jsonl", "--table")
    assert done.returncode == 0, done.stderr
    assert "no window" in done.stderr
    for way in ("--view web", "--save out.mp4", "--jsonl out.jsonl"):
        assert way in done.stderr
    assert "60 frames in" in done.stdout
    assert "infer" in done.stdout
    assert len((tmp_path / "out.jsonl").read_text().splitlines()) == 60


@pytest.mark.parametrize(
    ("options", "says"),
    [
        ({"show": Show("window")}, "no window can be opened: no display"),
        ({"source": "scene:live=1"}, "never end"),
        ({"source": "none.mp4"}, "none.mp4: no such file"),
        ({"find": Find(every=2, follow=False)}, "need following"),
        ({"keep": Keep("film.gif")}, r"only \.mp4"),
        ({"model": "none.onnx"}, "no such file"),
    ],
)
def test_mistakes_are_told_before_anything_is_written(models, green_film, tmp_path, monkeypatch, options, says):
    for name in ("DISPLAY", "WAYLAND_DISPLAY"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.chdir(tmp_path)
    with pytest.raises(FaceTrackerError, match=says):
        detect(**({"model": models / "dense.onnx", "source": green_film} | options))
    assert list(tmp_path.iterdir()) == []


def test_a_bad_photo_is_left_out_and_the_exit_code_says_so(models, tmp_path):
    (tmp_path / "bad.jpg").write_bytes(b"no")
    done = run("detect", models / "dense.onnx", "--source", tmp_path, "--view", "none")
    assert done.returncode == 3
    assert "left out" in done.stdout
    assert "bad.jpg" in done.stdout


def test_ctrl_c_ends_a_live_run_well(models, tmp_path):
    program = subprocess.Popen(
        [sys.executable, "-m", "facetracker.cli", "detect", str(models / "dense.onnx"), "--source", "scene:live=1",
         "--view", "none", "--jsonl", "out.jsonl", "--save", "out.mp4"],
        cwd=tmp_path, env=NO_DISPLAY, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
        # A suite that runs in a shell's background hands on that SIGINT is ignored.
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.default_int_handler),
    )  # fmt: skip
    end = time.monotonic() + 150
    while time.monotonic() < end and not (
        (tmp_path / "out.jsonl").exists() and (tmp_path / "out.jsonl").stat().st_size
    ):
        time.sleep(0.1)
    program.send_signal(signal.SIGINT)
    out, err = program.communicate(timeout=60)
    assert program.returncode == 0, err
    assert re.search(r"frames? in", out)  # one, where the first look of a busy machine takes more than a second
    assert [json.loads(line) for line in (tmp_path / "out.jsonl").read_text().splitlines()]


def test_the_script_is_the_command(models, green_film, tmp_path):
    script = Path(__file__).parents[2] / "scripts" / "realtime_detection.py"
    done = subprocess.run(
        [sys.executable, str(script), str(models / "dense.onnx"), "--source", str(green_film), "--view", "none"],
        capture_output=True, text=True, check=False, cwd=tmp_path, env=NO_DISPLAY,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    assert "60 frames in" in done.stdout


def test_benchmark_times_every_file_and_number_of_threads(models, tmp_path, monkeypatch, capsys):
    monkeypatch.setattr(console, "quiet", True)
    timings = stage.benchmark([models], threads=[1, 2], rounds=3, png=tmp_path / "out.png", width=320, height=240)
    files = model_files([models])
    assert {(one.model, one.threads) for one in timings} == {(path.name, count) for path in files for count in (1, 2)}
    assert {one.engine for one in timings} == {"onnxruntime", "openvino", "litert"}
    for one in timings:
        parts = sum(one.median[name] for name in ("resize", "infer", "decode"))
        assert 0 < parts < 2 * one.median["all"]
        assert one.slow["all"] >= one.median["all"]
    lines = stage.table(timings).splitlines()
    assert len(lines) == len(timings) + 1
    assert lines[0].split() == ["model", "engine", "threads", "input", "resize", "infer", "decode", "all", "95", "%"]
    assert (tmp_path / "out.png").read_bytes()[:8] == b"\x89PNG\r\n\x1a\n"


def test_benchmark_as_a_command(models, tmp_path):
    done = run("benchmark", models / "dense.onnx", "--threads", 1, "--rounds", 2, "--png", "b.png", folder=tmp_path)
    assert done.returncode == 0, done.stderr
    assert "onnxruntime" in done.stdout
    assert (tmp_path / "b.png").exists()
