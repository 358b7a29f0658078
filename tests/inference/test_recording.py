"""What was recorded can be played: after a good end, a kill, and on a full disk."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time

import cv2
import numpy as np
import pytest

from facetracker.core.errors import FaceTrackerError
from facetracker.inference.recording.record import FORMATS, JsonLines, VideoRecorder

RECORD = """
import resource, sys, time
import numpy as np
from facetracker.inference.recording.record import VideoRecorder
path, limit, wait = sys.argv[1], int(sys.argv[2]), float(sys.argv[3])
if limit:
    resource.setrlimit(resource.RLIMIT_FSIZE, (limit, limit))  # a write beyond fails as on a full disk
random = np.random.default_rng(0)
recorder = VideoRecorder(path, 30.0)
for index in range(120):
    recorder.write(random.integers(0, 256, (120, 160, 3), np.uint8), index / 30)
if wait:
    time.sleep(1.0)
    print("written", flush=True)
    time.sleep(wait)
recorder.close()
print(recorder.failed, recorder.frames)
"""


def played(path) -> tuple[int, float, np.ndarray | None]:
    """How many frames can be read, at which rate, and the last one."""
    capture, count, last = cv2.VideoCapture(str(path)), 0, None
    while capture.isOpened():
        done, picture = capture.read()
        if not done:
            break
        count, last = count + 1, picture
    return count, capture.get(cv2.CAP_PROP_FPS), last


@pytest.mark.parametrize("suffix", FORMATS)
def test_a_film_has_its_frames_its_rate_and_its_colours(tmp_path, suffix):
    path = tmp_path / "new" / f"film{suffix}"
    recorder = VideoRecorder(path, 25.0)
    for index in range(30):
        picture = np.full((121, 161, 3), (40, 200, 90), np.uint8)  # odd sides
        recorder.write(picture, 7 + index / 25)
    recorder.close()
    recorder.close()
    count, fps, last = played(path)
    assert (recorder.failed, recorder.frames, count) == (None, 30, 30)
    assert fps == pytest.approx(25, abs=0.01)
    assert last.shape == (120, 160, 3)
    assert np.abs(last.astype(int) - (40, 200, 90)).max() < 12


def test_frames_left_out_are_shown_longer_and_too_many_are_dropped(tmp_path):
    recorder = VideoRecorder(tmp_path / "film.mp4", 30.0)
    for at in (0.0, 0.001, 1.0, 2.0):
        recorder.write(np.zeros((64, 64, 3), np.uint8), at)
    recorder.close()
    assert recorder.frames == 3
    capture = cv2.VideoCapture(str(tmp_path / "film.mp4"))
    times = [capture.get(cv2.CAP_PROP_POS_MSEC) for _ in range(3) if capture.read()[0]]
    assert times == pytest.approx([0, 1000, 2000], abs=1)


def test_a_frame_of_another_size_is_fitted(tmp_path):
    recorder = VideoRecorder(tmp_path / "film.mkv", 30.0)
    for index, size in enumerate(((64, 64), (128, 32), (64, 64))):
        recorder.write(np.zeros((*size, 3), np.uint8), index / 30)
    recorder.close()
    assert played(tmp_path / "film.mkv")[0] == 3


@pytest.mark.parametrize("suffix", FORMATS)
def test_after_a_kill_it_plays_up_to_the_last_second(tmp_path, suffix):
    path = tmp_path / f"film{suffix}"
    program = subprocess.Popen([sys.executable, "-c", RECORD, str(path), "0", "60"], stdout=subprocess.PIPE)
    assert program.stdout is not None
    assert program.stdout.readline() == b"written\n"
    os.kill(program.pid, signal.SIGKILL)
    program.wait()
    program.stdout.close()
    assert played(path)[0] >= 120 - 31


@pytest.mark.parametrize("suffix", FORMATS)
def test_a_full_disk_ends_it_with_a_line_and_it_plays(tmp_path, suffix):
    path = tmp_path / f"film{suffix}"
    # Without coverage: its own file would not fit on that disk either.
    unmeasured = {name: value for name, value in os.environ.items() if not name.startswith("COVERAGE_")}
    command = [sys.executable, "-c", RECORD, str(path), "100000", "0"]
    done = subprocess.run(command, capture_output=True, text=True, check=True, env=unmeasured)
    assert "recording stopped after" in done.stdout
    assert "File too large" in done.stdout
    assert "stays playable" in done.stderr
    assert "Traceback" not in done.stderr
    assert path.stat().st_size <= 100000
    assert played(path)[0] >= 3


def test_nothing_is_overwritten_and_only_known_formats_are_written(tmp_path):
    (tmp_path / "film.mp4").touch()
    with pytest.raises(FaceTrackerError, match="there already"):
        VideoRecorder(tmp_path / "film.mp4", 30)
    with pytest.raises(FaceTrackerError, match=r"only \.mp4"):
        VideoRecorder(tmp_path / "film.gif", 30)
    VideoRecorder(tmp_path / "film.mp4", 30, force=True).close()


def test_a_live_run_leaves_frames_out_rather_than_wait(tmp_path):
    recorder = VideoRecorder(tmp_path / "film.mp4", 30, live=True)
    pictures = [np.random.default_rng(i).integers(0, 256, (1080, 1920, 3), np.uint8) for i in range(3)]
    began = time.perf_counter()
    for index in range(60):
        recorder.write(pictures[index % 3], index / 30)
    assert time.perf_counter() - began < 1.0
    recorder.close()
    assert recorder.left_out > 0
    assert recorder.left_out + recorder.frames == 60


def test_lines_are_whole_and_in_order(tmp_path):
    lines = JsonLines(tmp_path / "new" / "out.jsonl")
    for index in range(100):
        lines.write({"frame": index})
    lines.close()
    lines.close()
    assert [json.loads(line)["frame"] for line in lines.path.read_text().splitlines()] == list(range(100))
    with pytest.raises(FaceTrackerError, match="there already"):
        JsonLines(lines.path)


def test_lines_on_a_full_disk_end_with_a_whole_line(tmp_path):
    code = """
import resource, sys
from facetracker.inference.recording.record import JsonLines
resource.setrlimit(resource.RLIMIT_FSIZE, (5000, 5000))
lines = JsonLines(sys.argv[1])
for index in range(2000):
    lines.write({"frame": index, "text": "x" * 20})
    if index % 10 == 0:
        lines._flush()
lines.write({"more": 1})
lines.close()
print(lines.failed)
"""
    path = tmp_path / "out.jsonl"
    done = subprocess.run([sys.executable, "-c", code, str(path)], capture_output=True, text=True, check=True)
    assert "writing stopped (File too large)" in done.stdout
    rows = [json.loads(line) for line in path.read_text().splitlines()]
    assert len(rows) > 50
    assert rows[-1]["frame"] == len(rows) - 1
