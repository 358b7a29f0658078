"""A real HTTP receiver, which can be away for a while, and answer as it is told."""

from __future__ import annotations

import json
import ssl
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer


class Receiver:
    """Keeps the JSON of every POST in `rows`; `answers` are the next status codes, then 200."""

    def __init__(self, port: int = 0, answers: list[int] | None = None, certificate: str | None = None):
        self.rows: list[dict] = []
        self.keys: list[str] = []
        self.paths: list[str] = []
        self.answers = answers or []
        self.port, self.certificate = port, certificate
        self.start()

    def start(self) -> None:
        """Be there (again), at the same port."""
        receiver = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self):
                body = self.rfile.read(int(self.headers["Content-Length"]))
                status = receiver.answers.pop(0) if receiver.answers else 200
                receiver.paths.append(self.path)
                if status == 200:
                    assert self.headers["Content-Type"] == "application/json"
                    receiver.rows.append(json.loads(body))
                    receiver.keys.append(self.headers["Idempotency-Key"])
                self.send_response(status)
                if status in (301, 302, 307, 308):
                    self.send_header("Location", f"http://127.0.0.1:{receiver.port}/elsewhere")
                self.send_header("Content-Length", "0")
                self.end_headers()

            def log_message(self, format, *args):
                pass

        self._server = ThreadingHTTPServer(("127.0.0.1", self.port), Handler)
        self.port = self._server.server_port
        if self.certificate:
            secure = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
            secure.load_cert_chain(self.certificate)
            self._server.socket = secure.wrap_socket(self._server.socket, server_side=True)
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.05,), daemon=True)
        self._thread.start()

    def stop(self) -> None:
        """Be away: connections are refused."""
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}/events?from=here"

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.stop()


def row(number: int, event: str = "came", **more) -> dict:
    """An event as it is written."""
    values = {"number": number, "time": number / 10, "event": event, "id": number, "zone": None, "count": 1}
    return values | {"seconds": None} | more
