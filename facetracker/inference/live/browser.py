"""The picture in a browser's tab: for machines without a display, through ssh, from a container.

Only this machine is listened to, and only who knows the token of the printed address is answered. The stream is MJPEG,
which every browser shows in an `<img>`; a slow tab gets fewer pictures, never old ones. Keys typed in the tab do what
they do in a window. (`facetracker web` is the page in which the tab's own camera is used; this is for any source.)
"""

from __future__ import annotations

import secrets
import threading
from html import escape
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs, urlsplit

import cv2

from facetracker.core import console
from facetracker.core.photo import Picture

QUALITY = 80
WAIT = 1.0  # seconds after which a stream without a new picture sends the last one again, to notice a closed tab
KEYS = {" ": "space", "Escape": "esc", "q": "q", "s": "s", "m": "m", "b": "b", "h": "h"}
PAGE = """<!doctype html><html lang="en"><meta charset="utf-8"><title>TITLE</title>
<style nonce="NONCE">html,body{margin:0;height:100%;background:#111}
img{display:block;width:100%;height:100%;object-fit:contain}</style>
<img src="/stream?token=TOKEN" alt="The live picture with its faces">
<script nonce="NONCE">
addEventListener("keydown", event => {
  if (event.ctrlKey || event.altKey || event.metaKey) return;
  fetch("/key?token=TOKEN&key=" + encodeURIComponent(event.key), {method: "POST"});
});
</script></html>
"""


class BrowserView:
    """A picture served to tabs of this machine's browser; `address` is where, `stream` the pictures alone."""

    def __init__(self, title: str, port: int = 0, *, quiet: bool = False):
        self.closed = False
        self.title, self.token = title, secrets.token_urlsafe(16)
        self._jpeg = b""
        self._number = self._watching = 0
        self._keys: list[str] = []
        self._news = threading.Condition()
        self._server = _Server(("127.0.0.1", port), self)
        here = f"http://127.0.0.1:{self._server.server_port}"
        self.address, self.stream = f"{here}/?token={self.token}", f"{here}/stream?token={self.token}"
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.2,), name="shows", daemon=True)
        self._thread.start()
        if not quiet:
            console.say(f"open {self.address}")

    def show(self, picture: Picture) -> str | None:
        with self._news:
            key = self._keys.pop(0) if self._keys else None
            first = not self._jpeg
            watched = bool(self._watching)
        if watched or first:  # encoding costs more than all the drawing
            jpeg = cv2.imencode(".jpg", picture, [cv2.IMWRITE_JPEG_QUALITY, QUALITY])[1].tobytes()
            with self._news:
                self._jpeg, self._number = jpeg, self._number + 1
                self._news.notify_all()
        return key

    def close(self) -> None:
        if self.closed:
            return
        with self._news:
            self.closed = True
            self._news.notify_all()
        self._server.shutdown()
        self._server.server_close()
        self._thread.join(5.0)

    def press(self, key: str) -> None:
        """A key of the tab; only those that do something."""
        if key in KEYS:
            with self._news:
                self._keys.append(KEYS[key])

    def watch(self, number: int) -> tuple[int, bytes] | None:
        """The next picture after `number` (0: the first), or the same again when none comes; None at the end."""
        with self._news:
            self._news.wait_for(lambda: self._number > number or self.closed, WAIT if number else None)
            return None if self.closed else (self._number, self._jpeg)

    def count(self, change: int) -> None:
        """A tab more, or one less."""
        with self._news:
            self._watching += change


class _Server(ThreadingHTTPServer):
    daemon_threads = True

    def __init__(self, address: tuple[str, int], view: BrowserView):
        self.view = view
        super().__init__(address, _Handler)

    def handle_error(self, request: Any, client_address: Any) -> None:
        """A tab that was shut is no error."""


class _Handler(BaseHTTPRequestHandler):
    server: _Server
    disable_nagle_algorithm = True  # or the end of a frame waits until the browser has acknowledged its beginning

    def do_GET(self) -> None:
        view, path = self.server.view, urlsplit(self.path).path
        if not self._is_let_in():
            return
        if path == "/":
            nonce = secrets.token_urlsafe(12)
            page = PAGE.replace("TITLE", escape(view.title)).replace("TOKEN", view.token).replace("NONCE", nonce)
            policy = (
                f"default-src 'none'; img-src 'self'; connect-src 'self'; script-src 'nonce-{nonce}'; "
                f"style-src 'nonce-{nonce}'; frame-ancestors 'none'"
            )
            self._answer("text/html; charset=utf-8", page.encode(), policy)
        elif path == "/stream":
            self._stream()
        else:
            self.send_error(HTTPStatus.NOT_FOUND)

    def do_POST(self) -> None:
        if self._is_let_in():
            if urlsplit(self.path).path == "/key":
                self.server.view.press(self._query("key"))
            self._answer("text/plain", b"", "default-src 'none'")

    def _stream(self) -> None:
        view, number = self.server.view, 0
        self.send_response(HTTPStatus.OK)
        self.send_header("Content-Type", "multipart/x-mixed-replace; boundary=picture")
        self.send_header("Cache-Control", "no-store")
        self.end_headers()
        view.count(1)
        try:
            while (found := view.watch(number)) is not None:
                number, jpeg = found
                head = f"--picture\r\nContent-Type: image/jpeg\r\nContent-Length: {len(jpeg)}\r\n\r\n"
                self.wfile.write(head.encode() + jpeg + b"\r\n")
        finally:
            view.count(-1)

    def _is_let_in(self) -> bool:
        """This machine by its own name (no page elsewhere that points a name at it), and the token."""
        host = urlsplit(f"//{self.headers.get('Host', '')}").hostname
        token = self._query("token").encode()
        right = host in ("127.0.0.1", "localhost") and secrets.compare_digest(token, self.server.view.token.encode())
        if not right:
            self.send_error(HTTPStatus.FORBIDDEN)
        return right

    def _query(self, name: str) -> str:
        return parse_qs(urlsplit(self.path).query).get(name, [""])[0]

    def _answer(self, kind: str, body: bytes, policy: str) -> None:
        self.send_response(HTTPStatus.OK)
        headers = {"Content-Type": kind, "Content-Length": str(len(body)), "Content-Security-Policy": policy}
        for name, value in (headers | {"Referrer-Policy": "no-referrer", "Cache-Control": "no-store"}).items():
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, format: str, *args: Any) -> None:
        """Nothing of it is for a person."""
