"""Nothing goes out: real commands under strace, which sees every name looked up and every connection."""

from __future__ import annotations

import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from drawn_photos import draw_photos

from facetracker.inference.detector import ASSETS

OUTSIDE = re.compile(r"(connect|sendto|sendmsg|sendmmsg)\(.*AF_INET6?.*")
ONNX = f"""
import facetracker, onnxruntime, time
onnxruntime.InferenceSession({str(ASSETS / "starter.onnx")!r}); time.sleep(3)
"""
# An own head is learnt, in few steps: the way is the same.
EXPORT = """
from facetracker import export, learn
from facetracker.personal import own
own.VIEWS, own.STEPS = 60, 20
export(learn("data").run, ["onnx", "openvino", "h5"])
"""
CLI = ["-m", "facetracker.cli"]
COMMANDS = {
    "onnxruntime": ["-c", ONNX],
    "detect": [*CLI, "detect", str(ASSETS / "starter.onnx"), "--source", "photo.jpg", "--save", "seen.mp4"],
    "learn": [*CLI, "learn", "data", "--instant"],
    "audit": [*CLI, "audit", "data"],
    "augment": ["-c", "from facetracker import augment, split; split('data', 'parts'); augment('parts', variants=2)"],
    "export": ["-c", EXPORT],
    "openvino": ["-c", "from facetracker.inference.engines.openvino import OpenVINOEngine"],
    "doctor": [*CLI, "doctor"],
    "hide": [*CLI, "hide", "photo.jpg", "--save", "hidden.jpg"],
    "frame": [*CLI, "frame", "photo.jpg", "--shape", "1:1", "--save", "framed.jpg"],
    "notice": [*CLI, "notice", "scene:faces=1,width=320,height=240,fps=10,count=20"],
}


@pytest.fixture
def folder(tmp_path):
    data = draw_photos(tmp_path / "work" / "data", 6, 1, 320, 240, faces=1)
    shutil.copy(data / "images" / "01-005.jpg", tmp_path / "work" / "photo.jpg")
    return tmp_path / "work"


def run(arguments: list[str], folder: Path) -> tuple[list[str], list[Path]]:
    """A command in a home of its own: the lines that show a way out, and the files that it left in the home."""
    home, log = folder.parent / "home", folder.parent / "calls"
    home.mkdir()
    environment = {"HOME": str(home), "PATH": "/usr/bin:/bin", "MPLCONFIGDIR": str(folder.parent / "mpl")}
    # With --seccomp-bpf only the calls that are looked for stop the command, not each of its calls.
    strace = ["strace", "-f", "--seccomp-bpf", "-qq", "-e", "trace=network", "-o", str(log)]
    command = [*strace, sys.executable, *arguments]
    done = subprocess.run(command, cwd=folder, env=environment, capture_output=True, text=True, timeout=300)
    assert done.returncode in (0, 1), done.stderr
    # Keras keeps its own settings at home, as everybody who uses Keras knows.
    left = [path for path in home.rglob("*") if path.is_file() and path.parent.name != ".keras"]
    return [line for line in log.read_text(errors="replace").splitlines() if OUTSIDE.search(line)], left


@pytest.mark.skipif(shutil.which("strace") is None, reason="strace is not here")
@pytest.mark.slow
@pytest.mark.timeout(600)
@pytest.mark.parametrize("name", COMMANDS)
def test_no_command_looks_up_a_name_or_connects_or_leaves_files_at_home(name, folder):
    calls, left = run(COMMANDS[name], folder)
    assert calls == []
    assert left == []


@pytest.mark.skipif(shutil.which("strace") is None, reason="strace is not here")
def test_a_connection_would_be_seen(folder):
    calls, _ = run(["-c", "import socket; socket.socket().connect_ex(('127.0.0.1', 9))"], folder)
    assert len(calls) == 1
