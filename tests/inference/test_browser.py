"""The picture in a browser's tab: served to this machine alone, keys come back."""

from __future__ import annotations

import http.client
import re
import threading
from urllib.parse import urlsplit

import cv2
import numpy as np
import pytest
from painted import Painted, film, frame_with

from facetracker.inference.detect import Show, detect
from facetracker.inference.live.browser import BrowserView
from facetracker.inference.live.live import LiveLoop
from facetracker.inference.live.views import open_view
from facetracker.inference.tracking.watch import Watcher


@pytest.fixture
def view(capsys):
    opened = open_view("web", "a <title>")
    assert isinstance(opened, BrowserView)
    assert opened.address in capsys.readouterr().out
    yield opened
    opened.close()


def ask(view: BrowserView, path: str, method: str = "GET", host: str | None = None) -> http.client.HTTPResponse:
    """One request; `path` may say TOKEN."""
    parts = urlsplit(view.address)
    connection = http.client.HTTPConnection(parts.hostname, parts.port, timeout=20)
    headers = {"Host": host} if host else {}
    connection.request(method, path.replace("TOKEN", view.token), headers=headers)
    return connection.getresponse()


def next_picture(stream: http.client.HTTPResponse) -> np.ndarray:
    """The next JPEG of an open stream."""
    while (line := stream.readline()) and not line.lower().startswith(b"content-length"):
        pass
    length = int(line.split(b":")[1])
    stream.readline()
    return cv2.imdecode(np.frombuffer(stream.read(length), np.uint8), cv2.IMREAD_COLOR)


def test_the_page_allows_nothing_but_itself(view):
    answer = ask(view, "/?token=TOKEN")
    page = answer.read().decode()
    assert answer.status == 200
    assert "a &lt;title&gt;" in page
    policy = answer.headers["Content-Security-Policy"]
    nonce = re.search(r"script-src 'nonce-([^']+)'", policy)[1]
    assert "default-src 'none'" in policy
    assert page.count(f'nonce="{nonce}"') == 2


@pytest.mark.parametrize(
    ("path", "method", "host"),
    [
        ("/", "GET", None),
        ("/?token=wrong", "GET", None),
        ("/stream?token=", "GET", None),
        ("/key?key=q&token=wr%C3%B6ng", "POST", None),
        ("/?token=TOKEN", "GET", "evil.example"),
        ("/key?key=q&token=TOKEN", "POST", "evil.example:80"),
    ],
)
def test_strangers_are_refused(view, path, method, host):
    assert ask(view, path, method, host).status == 403
    assert view.show(frame_with()) is None


def test_the_newest_picture_is_streamed(view):
    view.show(frame_with((64, 120)))
    stream = ask(view, "/stream?token=TOKEN")
    assert next_picture(stream)[120, 64].argmax() == 1  # green there
    view.show(frame_with((200, 120)))
    while (moved := next_picture(stream))[120, 200].argmax() != 1:
        pass
    assert abs(int(moved[120, 64, 1]) - 60) < 12
    view.close()
    assert stream.read().strip() == b""  # the tab learns that it is over


def test_keys_come_back_in_order_and_others_are_nothing(view):
    for key in ("%20", "F5", "Escape", "q"):
        assert ask(view, f"/key?token=TOKEN&key={key}", "POST").status == 200
    assert [view.show(frame_with()) for _ in range(4)] == ["space", "esc", "q", None]


def test_a_person_at_the_tab_watches_and_quits(models, view):
    from facetracker.inference.detector import Detector

    loop = LiveLoop(Painted(10**6), Watcher(Detector.load(models / "dense.onnx", threads=1), 30.0), view=view)
    ended = threading.Thread(target=loop.run)
    ended.start()
    stream = ask(view, "/stream?token=TOKEN")
    for _ in range(3):
        assert next_picture(stream).shape == (240, 320, 3)
    ask(view, "/key?token=TOKEN&key=q", "POST")
    ended.join(30)
    assert not ended.is_alive()
    assert loop.controls.quit


def test_detect_offers_it(models, tmp_path, capsys):
    done = detect(models / "dense.onnx", film(tmp_path / "f.avi", 10), show=Show("web"))
    assert done.report.frames == 10
    assert re.search(r"open http://127\.0\.0\.1:\d+/\?token=", capsys.readouterr().out)
