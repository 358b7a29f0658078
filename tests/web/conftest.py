"""A real server of the page on a loopback port, its folders, and clients that talk to it."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import cv2
import httpx
import pytest

from facetracker import scenes
from facetracker.inference.recording.record import VideoRecorder
from facetracker.web.safety import Rules
from facetracker.web.server import address_of, listening, make_server


@dataclass
class Served:
    """A server that runs: where, with which token, on which folders."""

    address: str  # with the token, as `facetracker web` prints it
    base: str  # http://127.0.0.1:PORT
    token: str
    data: Path
    runs: Path
    aug_data: Path
    server: Any

    @property
    def socket(self) -> str:
        """The address of the WebSocket."""
        return self.base.replace("http", "ws") + "/ws/detect"

    @property
    def port(self) -> int:
        return int(self.base.rsplit(":", 1)[1])

    @contextmanager
    def client(self) -> Iterator[httpx.Client]:
        """A client that is let in, as the page is: with the cookie and the Origin."""
        with httpx.Client(base_url=self.base, headers={"Origin": self.base}, timeout=60) as client:
            assert client.get(f"/?token={self.token}").status_code == 303
            yield client


class Serving:
    """Starts servers, and ends those it started."""

    def __init__(self) -> None:
        self._running: list[tuple[Any, threading.Thread]] = []

    def __call__(self, folder: Path, model: Any = None, rules: Rules | None = None) -> Served:
        rules = rules or Rules()
        listener = listening("127.0.0.1", 0)
        ready = threading.Event()
        place = (folder / "data", folder / "runs", folder / "aug_data")
        server = make_server(rules, model, *place, on_start=ready.set)
        thread = threading.Thread(target=server.run, args=([listener],), daemon=True)
        thread.start()
        self._running.append((server, thread))
        assert ready.wait(60)
        address = address_of(listener, "127.0.0.1", rules.token)
        return Served(address, address.split("/?")[0], rules.token, *place, server)

    def close(self) -> None:
        for server, _ in self._running:
            server.should_exit = True
        for _, thread in self._running:
            thread.join(90)


@pytest.fixture(scope="module")
def serve():
    """Starts a server on a folder with `data`, `runs` and `aug_data` in it."""
    serving = Serving()
    yield serving
    serving.close()


@pytest.fixture
def served(serve, tmp_path) -> Served:
    """A server on empty folders, with the starter."""
    return serve(tmp_path)


@pytest.fixture
def film(tmp_path) -> bytes:
    """A short film, as bytes."""
    recorder = VideoRecorder(tmp_path / "made.mp4", 10)
    for index in range(6):
        recorder.write(scenes.Scene(160, 120, seed=1).frame(index).picture, index / 10)
    recorder.close()
    return (tmp_path / "made.mp4").read_bytes()


@pytest.fixture(scope="session")
def frames() -> list[bytes]:
    """Drawn photos with one face each, as JPEG bytes of 640x480."""
    pictures = [scenes.photo(0, number, faces=1).picture for number in range(6)]
    return [cv2.imencode(".jpg", picture)[1].tobytes() for picture in pictures]
