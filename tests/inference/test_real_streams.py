"""Streams of real servers that die and come back: one of RTSP, and ffmpeg's MPEG-TS over HTTP."""

from __future__ import annotations

import json
import os
import shutil
import signal
import socket
import subprocess
import sys
import threading
import time
from importlib.util import find_spec

import av
import pytest
from painted import frame_with, walk

pytestmark = pytest.mark.slow
BACK = 5.0  # seconds within which a source that is back is followed again
OTHER = "scene:live=1,fps=10,width=64,height=48,faces=0"
SERVE = """
import asyncio, sys
from aio_rtsp_toolkit import server
asyncio.run(server.serve(sys.argv[1], "127.0.0.1", int(sys.argv[2])))
"""


@pytest.fixture(scope="module")
def film(tmp_path_factory):
    """Twenty seconds of a green square in H.264, 15 frames a second."""
    path = tmp_path_factory.mktemp("served") / "walk.mp4"
    with av.open(str(path), "w") as container:
        stream = container.add_stream(
            "libx264", rate=15, options={"preset": "ultrafast", "tune": "zerolatency", "g": "15"}
        )
        stream.width, stream.height, stream.pix_fmt = 320, 240, "yuv420p"
        for number in range(300):
            container.mux(stream.encode(av.VideoFrame.from_ndarray(frame_with(walk(number)), format="bgr24")))
        container.mux(stream.encode(None))
    return path


class Rtsp:
    """aio-rtsp-toolkit's server: a film a path, from its beginning for each who asks."""

    why_not = None if find_spec("aio_rtsp_toolkit") else "aio-rtsp-toolkit is not installed"

    def __init__(self, film, port):
        self.film, self.port, self.address = film, port, f"rtsp://127.0.0.1:{port}/{film.name}"

    def start(self) -> float:
        """Serve; when it began to answer."""
        words = [sys.executable, "-c", SERVE, str(self.film.parent), str(self.port)]
        self.process = subprocess.Popen(words, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        while True:
            try:
                socket.create_connection(("127.0.0.1", self.port), 1).close()
                return time.monotonic()
            except OSError:
                time.sleep(0.05)

    def kill(self) -> None:
        self.process.kill()
        self.process.wait()


class Ffmpeg(Rtsp):
    """ffmpeg, which sends to one who asks."""

    why_not = None if shutil.which("ffmpeg") else "there is no ffmpeg"

    def __init__(self, film, port):
        super().__init__(film, port)
        self.address = f"http://127.0.0.1:{port}/live"

    def start(self) -> float:
        words = [
            "ffmpeg",
            "-v",
            "quiet",
            "-re",
            "-stream_loop",
            "-1",
            "-i",
            str(self.film),
            "-c",
            "copy",
            "-f",
            "mpegts",
        ]
        self.process = subprocess.Popen([*words, "-listen", "1", self.address])
        return time.monotonic()


class Watching:
    """`facetracker detect` over a stream and another source; every row with the moment at which it came."""

    def __init__(self, model, address):
        self.address, self.rows = address, []
        words = ["detect", str(model), address, OTHER, "--view", "none", "--jsonl", "-", "--stop", "60"]
        self.program = subprocess.Popen(
            [sys.executable, "-m", "facetracker.cli", *words],
            stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, env=os.environ,
            preexec_fn=lambda: signal.signal(signal.SIGINT, signal.default_int_handler),
        )  # fmt: skip
        self.thread = threading.Thread(target=self._read, daemon=True)
        self.thread.start()

    def _read(self):
        for line in self.program.stdout:
            self.rows.append((time.monotonic(), json.loads(line)))

    def followed(self, since: float, timeout: float = 25.0) -> float:
        """When the first face with a number came from the stream after a moment."""
        while time.monotonic() < since + timeout:
            for at, row in list(self.rows):
                if at > since and row["source"] == self.address and row["ids"]:
                    return at
            time.sleep(0.05)
        pytest.fail(f"not followed within {timeout:g} s")

    def other(self, since: float, until: float) -> int:
        return sum(since < at < until and row["source"] == OTHER for at, row in self.rows)


@pytest.mark.parametrize("kind", [Rtsp, Ffmpeg])
def test_a_source_that_dies_and_comes_back_is_followed_again(kind, film, models):
    if kind.why_not:
        pytest.skip(kind.why_not)
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    sender = kind(film, port)
    began = sender.start()
    watching = Watching(models / "dense.onnx", sender.address)
    try:
        watching.followed(began)
        time.sleep(0.5)
        sender.kill()
        died = time.monotonic()
        time.sleep(3.0)
        back = sender.start()
        again = watching.followed(back)
        assert again - back < BACK
        assert watching.other(died, back) > 0.5 * 10 * (back - died)  # of ten frames a second
        watching.program.send_signal(signal.SIGINT)
        assert watching.program.wait(20) == 0
        said = watching.program.stderr.read()
        assert said.count("stopped, trying again until it is back") == 1
        assert said.count("is back, after ") == 1
        times = [row["time"] for _, row in watching.rows if row["source"] == watching.address]
        assert times == sorted(times)
    finally:
        watching.program.kill()
        watching.program.wait()
        watching.program.stderr.close()
        sender.kill()
