"""The command `frame` as a person types it, and where its pictures go."""

from __future__ import annotations

import os
import re
import subprocess
import sys
import types
import urllib.error
import urllib.request
from fractions import Fraction
from pathlib import Path
from typing import ClassVar

import av
import cv2
import numpy as np
import pytest
from painted import film, frame_with

from facetracker.core.errors import FaceTrackerError
from facetracker.core.install import install_command
from facetracker.core.photo import write_jpeg
from facetracker.inference.detect import Keep, Show, Take, detect
from facetracker.inference.framing.framing import Framed
from facetracker.inference.framing.outlets import open_outlet
from facetracker.inference.framing.sound import add_sound

NO_DISPLAY = {k: v for k, v in os.environ.items() if k not in ("DISPLAY", "WAYLAND_DISPLAY")}


def command(*arguments: object) -> list[str]:
    return [sys.executable, "-m", "facetracker.cli", "frame", *map(str, arguments)]


def run(*arguments: object, text: bool = True, **more):
    return subprocess.run(command(*arguments), capture_output=True, text=text, env=NO_DISPLAY, timeout=120, **more)


@pytest.fixture
def walk(tmp_path):
    """Twenty frames of a green square, which the test network finds."""
    return film(tmp_path / "walk.avi", 20)


def test_a_film_is_framed_and_recorded(models, walk, tmp_path):
    out = tmp_path / "out.mp4"
    done = run(walk, "--model", models / "dense.onnx", "--shape", "9:16", "--save", out, "--view", "none", "--table")
    assert done.returncode == 0, done.stderr
    assert "out.mp4: 20 frames" in done.stdout
    assert re.search(r"^frame +\d", done.stdout, re.MULTILINE)
    capture = cv2.VideoCapture(str(out))
    good, picture = capture.read()
    assert good
    assert picture.shape == (224, 126, 3)
    # Nothing is drawn on it: green and grey, and no line of another colour.
    assert (picture.max(axis=2) - picture[..., 1]).max() < 40


def test_the_pipe_gets_raw_video_and_stderr_the_one_command_for_it(models, walk):
    done = run(walk, "--model", models / "dense.onnx", "--shape", "1:1", "--to", "-", text=False)
    assert done.returncode == 0, done.stderr
    lines = done.stderr.decode().splitlines()
    assert len(lines) == 1
    found = re.fullmatch(
        r"ffmpeg -f rawvideo -pixel_format bgr24 -video_size (\d+)x(\d+) -framerate 30 -i - .*", lines[0]
    )
    width, height = int(found[1]), int(found[2])
    frames = np.frombuffer(done.stdout, np.uint8).reshape(-1, height, width, 3)
    assert len(frames) == 20
    assert (width, height) == (240, 240)
    assert (frames[10].astype(int) - frames[10].min(axis=2, keepdims=True)).max() > 100  # the square is in it


def test_a_reader_of_the_pipe_that_goes_ends_the_run_well(models):
    words = command("scene:live=1,width=320,height=240", "--model", models / "dense.onnx", "--to", "-")
    program = subprocess.Popen(words, stdout=subprocess.PIPE, stderr=subprocess.PIPE, env=NO_DISPLAY)
    assert len(program.stdout.read(320 * 180 * 3)) == 320 * 180 * 3
    program.stdout.close()
    told = program.stderr.read()
    assert program.wait(60) == 0, told
    assert b"Traceback" not in told


def test_a_reader_that_stands_still_does_not_hold_a_live_run(models):
    words = command("scene:live=1", "--model", models / "dense.onnx", "--to", "-", "--stop", "1")
    program = subprocess.Popen(words, stdout=subprocess.PIPE, stderr=subprocess.PIPE, env=NO_DISPLAY)
    try:
        assert program.wait(60) == 0  # its pipe is full, and nobody reads it
    finally:
        program.kill()
        program.communicate()


def test_what_a_film_leaves_out_is_sent_twice_so_that_the_pipe_keeps_its_time(models, tmp_path):
    path = tmp_path / "gap.mkv"
    with av.open(str(path), "w") as container:
        stream = container.add_stream("mpeg4", rate=30)
        stream.width, stream.height = 320, 240
        for number in (0, 1, 2, 12, 13):
            picture = av.VideoFrame.from_ndarray(frame_with((160, 120)), format="bgr24")
            picture.pts, picture.time_base = number, Fraction(1, 30)
            container.mux(stream.encode(picture))
        container.mux(stream.encode(None))
    done = run(path, "--model", models / "dense.onnx", "--to", "-", text=False)
    assert done.returncode == 0, done.stderr
    size = [int(n) for n in re.search(rb"(\d+)x(\d+)", done.stderr).groups()]
    assert len(done.stdout) / (size[0] * size[1] * 3) == 14


def test_mjpeg_is_served_to_this_machine_alone(models, tmp_path):
    words = command("scene:live=1,width=320,height=240", "--model", models / "dense.onnx", "--to", "mjpeg")
    program = subprocess.Popen(words, stdout=subprocess.PIPE, stderr=subprocess.PIPE, env=NO_DISPLAY, text=True)
    try:
        line = program.stdout.readline()
        address = re.fullmatch(r"MJPEG: (http://127\.0\.0\.1:\d+/stream\?token=\S+)\n", line)[1]
        with pytest.raises(urllib.error.HTTPError):
            urllib.request.urlopen(address.split("?")[0], timeout=20)
        with urllib.request.urlopen(address, timeout=60) as stream:
            length = next(line for line in stream if line.lower().startswith(b"content-length"))
            stream.readline()
            jpeg = stream.read(int(length.split(b":")[1]))
        picture = cv2.imdecode(np.frombuffer(jpeg, np.uint8), cv2.IMREAD_COLOR)
        assert picture.shape == (180, 320, 3)
    finally:
        program.terminate()
        program.communicate(timeout=60)


def test_a_virtual_camera_without_its_package_is_one_line_and_exit_code_2(walk, monkeypatch):
    code = "import sys; sys.modules['pyvirtualcam'] = None; from facetracker.cli.main import main; main()"
    done = subprocess.run(
        [sys.executable, "-c", code, "frame", str(walk), "--to", "camera"],
        capture_output=True, text=True, env=NO_DISPLAY, timeout=60,
    )  # fmt: skip
    assert done.returncode == 2
    assert done.stderr.splitlines() == [
        "facetracker: a virtual camera needs the package pyvirtualcam. " + install_command("camera")
    ]


class StandIn:
    """pyvirtualcam's camera, as far as it is used: of another machine, where there is a driver."""

    made: ClassVar[list[StandIn]] = []

    def __init__(self, width, height, fps, *, fmt, device):
        if device == "/dev/none":
            raise RuntimeError("no driver\nis loaded")
        self.size, self.fps, self.fmt, self.device = (width, height), fps, fmt, device or "/dev/video9"
        self.frames: list[np.ndarray] = []
        self.closed = False
        StandIn.made.append(self)

    def send(self, frame):
        self.frames.append(frame)

    def close(self):
        self.closed = True


@pytest.fixture
def driver(monkeypatch):
    package = types.SimpleNamespace(Camera=StandIn, PixelFormat=types.SimpleNamespace(BGR="bgr"))
    monkeypatch.setitem(sys.modules, "pyvirtualcam", package)
    StandIn.made.clear()


def test_a_virtual_camera_gets_the_pictures(models, walk, driver, capsys):
    detect(models / "dense.onnx", walk, show=Show("none"), keep=Keep(to=("camera",)), framed=Framed())
    (camera,) = StandIn.made
    assert (camera.size, camera.fps, camera.fmt, camera.closed) == ((320, 180), 30.0, "bgr", True)
    assert [frame.shape for frame in camera.frames] == [(180, 320, 3)] * 20
    assert "virtual camera: /dev/video9, 320x180" in capsys.readouterr().out


def test_a_driver_that_is_missing_is_told_before_the_first_frame(models, walk, driver):
    with pytest.raises(FaceTrackerError, match="no virtual camera: no driver is loaded") as told:
        detect(models / "dense.onnx", walk, show=Show("none"), keep=Keep(to=("camera:/dev/none",)), framed=Framed())
    assert "\n" not in str(told.value)


@pytest.mark.parametrize("target", ["", "udp://1.2.3.4", "mjpeg:x", "mjpeg:99999", "file"])
def test_other_targets_are_refused(target):
    with pytest.raises(FaceTrackerError, match=r"--to .*: not known"):
        open_outlet(target, "title", 30.0, False)


def test_photos_are_framed_one_by_one_under_their_names(models, tmp_path):
    for name, x in (("a", 80), ("b", 240)):
        write_jpeg(tmp_path / "photos" / f"{name}.jpg", frame_with((x, 120)))
    done = run(tmp_path / "photos", "--model", models / "dense.onnx", "--shape", "1:2", "--save", tmp_path / "out")
    assert done.returncode == 0, done.stderr
    for name in ("a", "b"):
        picture = cv2.imread(str(tmp_path / "out" / f"{name}.jpg"))
        assert picture.shape == (240, 120, 3)
        green = (picture[..., 1] > picture[..., 2] + 60).any(axis=0)
        assert green[30:90].any()  # in the middle of both, wherever it was
        assert not green[0]
    assert run(tmp_path / "photos", "--save", tmp_path / "out").returncode == 2  # nothing is overwritten
    one = run(tmp_path / "photos" / "a.jpg", "--model", models / "dense.onnx", "--save", tmp_path / "one.jpg")
    assert one.returncode == 0, one.stderr
    assert (tmp_path / "one.jpg").is_file()


def with_sound(path: Path, seconds: float = 1.0, codec: str = "aac") -> Path:
    """A film of a green square with a tone."""
    with av.open(str(path), "w") as container:
        video = container.add_stream("mpeg4", rate=30)
        video.width, video.height = 320, 240
        audio = container.add_stream(codec, rate=44100)
        for _ in range(round(30 * seconds)):
            picture = av.VideoFrame.from_ndarray(frame_with((160, 120)), format="bgr24")
            container.mux(video.encode(picture))
        for block in range(round(44100 * seconds) // 1024):
            wave = np.sin(2 * np.pi * 440 * (block * 1024 + np.arange(1024)) / 44100).astype(np.float32)[None]
            sound = av.AudioFrame.from_ndarray(wave, format="fltp", layout="mono")
            sound.sample_rate, sound.pts = 44100, block * 1024
            container.mux(audio.encode(sound))
        for stream in (video, audio):
            container.mux(stream.encode(None))
    return path


def packets(path: Path) -> list[bytes]:
    with av.open(str(path)) as container:
        return [bytes(packet) for packet in container.demux(audio=0) if packet.size]


def test_the_sound_of_a_film_is_kept_packet_by_packet(models, tmp_path):
    source, out = with_sound(tmp_path / "talk.mp4", 2.0), tmp_path / "out.mp4"
    detect(models / "dense.onnx", source, show=Show("none"), keep=Keep(out), framed=Framed("1:1"))
    assert packets(out) == packets(source)
    with av.open(str(out)) as made:
        assert sum(1 for _ in made.decode(video=0)) == 60
    part = tmp_path / "part.mkv"
    detect(models / "dense.onnx", source, take=Take(0.5, 1.0), show=Show("none"), keep=Keep(part), framed=Framed("1:1"))
    kept, everything = packets(part), packets(source)
    assert 18 < len(kept) < 25
    first = everything.index(kept[0])
    assert everything[first : first + len(kept)] == kept
    with av.open(str(part)) as made:
        assert float(next(made.demux(audio=0)).pts * made.streams.audio[0].time_base) < 0.05


def test_sound_that_a_file_cannot_hold_is_left_out_with_a_warning(models, tmp_path, capsys):
    out = tmp_path / "out.webm"
    detect(models / "dense.onnx", with_sound(tmp_path / "t.mp4"), show=Show("none"), keep=Keep(out), framed=Framed())
    assert "cannot hold aac sound" in capsys.readouterr().err
    with av.open(str(out)) as made:
        assert not made.streams.audio
        assert sum(1 for _ in made.decode(video=0)) == 30


def test_a_film_without_sound_stays_as_it_is(walk, tmp_path):
    before = walk.read_bytes()
    assert add_sound(walk, str(walk)) == 0
    assert walk.read_bytes() == before
    assert list(tmp_path.iterdir()) == [walk]


@pytest.mark.parametrize(
    ("words", "says"),
    [
        (["--shape", "wide"], "no shape"),
        (["--follow", "anna"], "--follow anna: not known"),
        (["--to", "nowhere"], "--to nowhere: not known"),
        (["--save", "out.gif"], "only .mp4"),
    ],
)
def test_mistakes_are_one_line_and_exit_code_2(walk, words, says, tmp_path):
    done = run(walk, *words, cwd=tmp_path)
    assert done.returncode == 2
    assert says in done.stderr
    assert "Traceback" not in done.stderr


def test_a_film_is_hidden_in_the_framed_picture_too(models, walk, tmp_path):
    out = tmp_path / "hidden.avi"
    detect(models / "dense.onnx", walk, show=Show("none", hidden="pixelate"), keep=Keep(out), framed=Framed("1:1"))
    plain = tmp_path / "plain.avi"
    detect(models / "dense.onnx", walk, show=Show("none"), keep=Keep(plain), framed=Framed("1:1"))
    pictures = [cv2.VideoCapture(str(path)).read()[1].astype(int) for path in (out, plain)]
    assert (np.abs(pictures[0] - pictures[1]).max(axis=2) > 30).sum() > 200
