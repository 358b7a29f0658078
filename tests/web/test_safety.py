"""Who is let in: token, Host, Origin; how much: sizes, times, numbers of connections."""

from __future__ import annotations

import socket
import time
from contextlib import closing

import httpx
import pytest

from facetracker.web import connections, safety
from facetracker.web.safety import Bucket, Rules


@pytest.fixture(scope="module")
def shut(serve, tmp_path_factory):
    """A server that these tests ask in vain."""
    return serve(tmp_path_factory.mktemp("shut"))


def ask(served, path="/api/state", method="GET", **headers) -> httpx.Response:
    """One request, with nothing but the headers given."""
    named = {name.replace("_", "-"): value for name, value in headers.items() if value is not None}
    return httpx.request(method, served.base + path, headers=named, timeout=30)


def entered(served, **headers) -> dict[str, str | None]:
    return {"cookie": f"{safety.COOKIE}_{served.port}={served.token}", **headers}


@pytest.mark.parametrize("path", ["/", "/api/state", "/api/photos", "/model.onnx", "/static/index.html", "/nowhere"])
def test_nothing_is_given_without_the_token(shut, path):
    assert ask(shut, path).status_code == 401
    assert ask(shut, path, cookie=f"{safety.COOKIE}_{shut.port}=wrong").status_code == 401
    assert ask(shut, path, authorization="Bearer wrong").status_code == 401
    assert ask(shut, f"{path}?token=wrong").status_code == 401


def test_the_token_of_the_address_becomes_a_cookie_that_scripts_and_other_sites_cannot_use(shut):
    answer = ask(shut, f"/?token={shut.token}")
    assert (answer.status_code, answer.headers["location"]) == (303, "./")
    cookie = answer.headers["set-cookie"]
    assert "HttpOnly" in cookie
    assert "SameSite=Strict" in cookie
    assert ask(shut, f"/api/state?token={shut.token}").status_code == 401, "only the page itself takes it"


def test_the_token_opens_by_cookie_and_by_bearer(shut):
    assert ask(shut, **entered(shut)).status_code == 200
    assert ask(shut, authorization=f"Bearer {shut.token}").status_code == 200


def test_two_pages_of_one_machine_do_not_lock_each_other_out(shut, serve, tmp_path):
    other = serve(tmp_path)
    with httpx.Client() as browser:
        for served in (shut, other):
            assert browser.get(served.address).status_code == 303
        for served in (shut, other):
            assert browser.get(f"{served.base}/api/state").status_code == 200


@pytest.mark.parametrize("host", ["evil.example", "127.0.0.1.evil.example", "192.168.0.7", "", "[::1", "a" * 300])
def test_a_host_that_could_be_rebound_is_refused(shut, host):
    assert ask(shut, **entered(shut, host=host)).status_code in (400, 403)


@pytest.mark.parametrize("host", ["localhost", "localhost:1", "127.0.0.1", "127.8.8.8", "[::1]:80"])
def test_a_host_that_is_this_machine_is_let_in(shut, host):
    assert ask(shut, **entered(shut, host=host)).status_code == 200


def test_bound_to_more_than_this_machine_addresses_are_hosts_and_names_are_not():
    rules = Rules(everywhere=True)
    assert rules.knows_host("192.168.0.7:8765")
    assert rules.knows_host(socket.gethostname())
    assert not rules.knows_host("evil.example")
    assert not Rules().knows_host(socket.gethostname())
    assert Rules(notebook=True).knows_host("8765-x.colab.googleusercontent.com")
    assert not Rules().knows_host("8765-x.colab.googleusercontent.com")


@pytest.mark.parametrize(
    "origin", ["http://evil.example", "null", "https://127.0.0.1", "http://127.0.0.1:1", "http://["]
)
def test_another_origin_is_refused_also_for_reading(shut, origin):
    assert ask(shut, **entered(shut, origin=origin)).status_code == 403
    assert ask(shut, "/api/session", "POST", **entered(shut, origin=origin)).status_code == 403


def test_writing_needs_the_origin_or_a_bearer(shut):
    assert ask(shut, "/api/session", "POST", **entered(shut)).status_code == 403
    assert ask(shut, "/api/session", "POST", **entered(shut, origin=shut.base)).status_code == 200
    assert ask(shut, "/api/session", "POST", authorization=f"Bearer {shut.token}").status_code == 200


@pytest.mark.parametrize("site", ["cross-site", "same-site"])
def test_what_another_site_asks_for_is_refused(shut, site):
    assert ask(shut, **entered(shut, sec_fetch_site=site)).status_code == 403


def test_every_answer_has_the_policy(shut):
    for answer in (ask(shut), ask(shut, **entered(shut)), ask(shut, "/nowhere", **entered(shut))):
        policy = answer.headers["content-security-policy"]
        assert "default-src 'none'" in policy
        assert "unsafe-inline" not in policy
        assert "'unsafe-eval'" not in policy
        assert answer.headers["cross-origin-opener-policy"] == "same-origin"
        assert answer.headers["cross-origin-embedder-policy"] == "require-corp"
        assert answer.headers["x-content-type-options"] == "nosniff"


@pytest.mark.parametrize(
    ("path", "method", "most"),
    [
        ("/api/collect?session=x", "POST", safety.FRAME_BYTES),
        ("/api/photos/x/label", "PUT", safety.LABEL_BYTES),
        ("/api/train", "POST", safety.OTHER_BYTES),
    ],
)
def test_a_body_that_is_too_large_is_refused_whether_it_says_so_or_not(shut, path, method, most):
    headers = {"authorization": f"Bearer {shut.token}", "if-none-match": "*"}
    said = httpx.request(method, shut.base + path, headers=headers, content=b"x" * (most + 1))
    assert said.status_code == 413
    assert "bytes" in said.json()["error"]
    chunks = (b"x" * 65536 for _ in range(most // 65536 + 2))
    try:
        unsaid = httpx.request(method, shut.base + path, headers=headers, content=chunks)
    except httpx.TransportError:  # the connection was closed while we were still sending
        return
    assert unsaid.status_code == 413


def test_a_wrong_token_may_be_tried_a_few_times_a_second():
    bucket = Bucket(rate=20, burst=60)
    now = bucket.at
    taken = sum(bucket.take() for _ in range(1000))
    assert 60 <= taken <= 60 + 20 * (time.monotonic() - now) + 1


@pytest.fixture
def hasty(monkeypatch):
    """The same time limits, shorter, so that the tests do not wait."""
    monkeypatch.setattr(connections, "REQUEST_WITHIN", 0.3)
    monkeypatch.setattr(connections, "READ_WITHIN", 0.3)


def ended(connection: socket.socket) -> bool:
    """Waits until the server ends the connection; False after ten seconds."""
    connection.settimeout(10)
    try:
        while connection.recv(65536):
            pass
    except TimeoutError:
        return False
    except OSError:  # reset
        pass
    return True


@pytest.mark.parametrize(
    "sent",
    [
        b"",
        b"GET / HT",
        b"GET / HTTP/1.1\r\nHost: localhost\r\nX-Slow: ",
        b"POST /api/train HTTP/1.1\r\nHost: localhost\r\nAuthorization: Bearer TOKEN\r\nContent-Length: 50\r\n\r\nhalf",
        b"GET /api/state HTTP/1.1\r\nHost: localhost\r\nAuthorization: Bearer TOKEN\r\n\r\nGET /",
        b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03",  # TLS
        b"\x00" * 100_000,
    ],
)
def test_a_connection_that_says_nothing_half_a_request_or_garbage_is_ended(shut, hasty, sent):
    with closing(socket.create_connection(("127.0.0.1", shut.port))) as connection:
        connection.sendall(sent.replace(b"TOKEN", shut.token.encode()))
        assert ended(connection)


def test_a_reader_that_does_not_read_is_ended(shut, hasty):
    request = f"GET /model.onnx HTTP/1.1\r\nHost: localhost\r\nAuthorization: Bearer {shut.token}\r\n\r\n".encode()
    with closing(socket.socket()) as connection:
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        connection.connect(("127.0.0.1", shut.port))
        connection.sendall(request * 20)  # 15 MB, more than the kernel's buffers take
        deadline = time.monotonic() + 10
        while not held(shut) and time.monotonic() < deadline:
            time.sleep(0.005)  # connected is not yet taken in
        assert held(shut)
        while held(shut) and time.monotonic() < deadline:
            time.sleep(0.02)
        assert not held(shut)


def held(served) -> int:
    """How many connections the server holds."""
    return len(served.server.server_state.connections)


def test_when_there_are_too_many_those_without_the_token_make_room(serve, tmp_path, monkeypatch):
    monkeypatch.setattr(connections, "MOST", 8)
    served = serve(tmp_path)
    with served.client() as page:
        strangers = [socket.create_connection(("127.0.0.1", served.port)) for _ in range(30)]
        try:
            for _ in range(3):
                assert page.get("/api/state").status_code == 200
            assert held(served) <= 8
        finally:
            for stranger in strangers:
                stranger.close()
