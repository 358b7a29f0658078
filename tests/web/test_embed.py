"""The page in a notebook's output cell."""

from __future__ import annotations

import logging
import re
import sys
import types

import httpx
import pytest

from facetracker.core.errors import FaceTrackerError
from facetracker.web import embed as public
from facetracker.web import server


@pytest.fixture
def folders(tmp_path):
    return {"data": tmp_path / "data", "runs": tmp_path / "runs", "aug_data": tmp_path / "aug_data"}


def test_a_notebook_gets_a_frame_whose_page_answers_until_it_is_closed(folders):
    from IPython.core.interactiveshell import InteractiveShell
    from IPython.utils.capture import capture_output

    InteractiveShell.instance()
    try:
        with capture_output() as shown:
            page = public(**folders, height=500)
    finally:
        InteractiveShell.clear_instance()
    try:
        (output,) = shown.outputs
        frame = output.data["text/html"]
        source = re.search(r'src="([^"]+)"', frame)
        assert source is not None
        assert source[1].startswith(page.address.split("?")[0])
        assert 'allow="camera' in frame
        answer = httpx.get(page.address)
        assert answer.status_code == 303
        # A frame is another site's guest: only such a cookie is sent along there.
        assert "SameSite=None; Partitioned" in answer.headers["set-cookie"]
        assert "http://localhost:*" in answer.headers["content-security-policy"]
        cookie = {"cookie": answer.headers["set-cookie"].split(";")[0]}
        assert httpx.get(page.address.split("?")[0] + "api/state", headers=cookie).status_code == 200
        framed = {**cookie, "sec-fetch-site": "cross-site", "sec-fetch-mode": "navigate"}
        assert httpx.get(page.address.split("?")[0], headers=framed).status_code == 200
        assert httpx.get(page.address.split("?")[0] + "api/state", headers=framed).status_code == 403
    finally:
        page.close()
    with pytest.raises(httpx.ConnectError):
        httpx.get(page.address)


def test_in_colab_the_page_comes_through_its_proxy(folders, monkeypatch):
    asked = {}
    colab = types.ModuleType("google.colab")
    colab.output = types.SimpleNamespace(  # type: ignore[attr-defined]
        serve_kernel_port_as_iframe=lambda port, **more: asked.update(port=port, **more)
    )
    monkeypatch.setitem(sys.modules, "google", types.ModuleType("google"))
    monkeypatch.setitem(sys.modules, "google.colab", colab)
    page = public(**folders)
    try:
        assert asked["path"].startswith("/?token=")
        assert f":{asked['port']}/" in page.address
        proxied = {"host": "8765-abc.colab.googleusercontent.com"}
        token = page.address.split("token=")[1]
        base = f"http://127.0.0.1:{asked['port']}"
        assert httpx.get(f"{base}/?token={token}", headers=proxied).status_code == 303
    finally:
        page.close()


def test_a_port_that_is_taken_is_one_line(folders):
    with server.listening("127.0.0.1", 0) as taken, pytest.raises(FaceTrackerError, match="--port"):
        server.serve(taken.getsockname()[1], **folders)


def test_a_keras_file_is_not_run_by_the_server(folders, tmp_path):
    (tmp_path / "model.keras").write_bytes(b"")
    with pytest.raises(FaceTrackerError, match="facetracker export"):
        server.serve(0, tmp_path / "model.keras", **folders)


def test_the_notebooks_own_log_goes_on(folders, tmp_path):
    log = logging.getLogger("notebook")
    handler = logging.FileHandler(tmp_path / "notebook.log", mode="w")
    log.addHandler(handler)
    try:
        log.error("before")
        public(**folders).close()
        log.error("after")
    finally:
        log.removeHandler(handler)
        handler.close()
    assert (tmp_path / "notebook.log").read_text() == "before\nafter\n"
