"""Films, folders and a stream server that misbehaves on demand."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest
from films import numbered, write_film

from facetracker.core.photo import encode_jpeg


@pytest.fixture(scope="session")
def film(tmp_path_factory) -> Path:
    """50 numbered frames, 25 a second."""
    return write_film(tmp_path_factory.mktemp("film") / "film.avi", 50)


class StreamServer:
    """MJPEG over HTTP on this machine. `script` is called for each connection with (send, number of connection)."""

    def __init__(self) -> None:
        self.script: Callable[[Callable[[int], None], int], None] = lambda send, _: None
        self.raw: Callable[[Callable[[bytes], None]], None] | None = None
        self.connections = 0
        self.over = threading.Event()
        server = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                number = server.connections
                server.connections += 1
                self.send_response(200)
                self.send_header("Content-Type", "multipart/x-mixed-replace; boundary=frame")
                self.end_headers()

                def send(value: int | bytes) -> None:
                    data = value if isinstance(value, bytes) else encode_jpeg(numbered(value))
                    head = b"--frame\r\nContent-Type: image/jpeg\r\nContent-Length: %d\r\n\r\n" % len(data)
                    self.wfile.write(head + data + b"\r\n")
                    self.wfile.flush()

                with suppress(BrokenPipeError, ConnectionResetError):
                    server.script(send, number)

            def log_message(self, format: str, *args: object) -> None:
                pass

        self.http = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.http.daemon_threads = True
        self.address = f"http://127.0.0.1:{self.http.server_address[1]}/stream"
        self.thread = threading.Thread(target=self.http.serve_forever, args=(0.05,), daemon=True)
        self.thread.start()

    def silence(self, seconds: float = 30.0) -> None:
        """Keep the connection open and say nothing."""
        self.over.wait(seconds)

    def paced(self, send: Callable[[int], None], numbers: range, fps: float) -> None:
        for number in numbers:
            send(number)
            time.sleep(1 / fps)


@pytest.fixture
def server() -> Iterator[StreamServer]:
    stream = StreamServer()
    yield stream
    stream.over.set()
    stream.http.shutdown()
    stream.http.server_close()
