"""The webhook: local addresses only unless asked, no redirects, every event once and in order."""

from __future__ import annotations

import shutil
import socket
import subprocess
import time

import pytest
from receiver import Receiver, row
from waiting import until

from facetracker.core.errors import FaceTrackerError
from facetracker.inference.events.webhook import Webhook, is_local


@pytest.fixture
def names(monkeypatch):
    """Name servers of our own: a name's addresses."""
    known: dict[str, list[str]] = {}
    real = socket.getaddrinfo

    def lookup(host, port, *more, **options):
        if host not in known:
            return real(host, port, *more, **options)
        return [answer for address in known[host] for answer in real(address, port, *more, **options)]

    monkeypatch.setattr(socket, "getaddrinfo", lookup)
    return known


@pytest.mark.parametrize(
    ("address", "expected"),
    [
        ("127.0.0.1", True), ("127.9.9.9", True), ("10.1.2.3", True), ("172.16.0.1", True), ("172.31.255.255", True),
        ("192.168.1.20", True), ("169.254.3.4", True), ("::1", True), ("fd12::1", True), ("fe80::1%eth0", True),
        ("::ffff:192.168.1.20", True), ("172.32.0.1", False), ("8.8.8.8", False), ("100.64.0.1", False),
        ("192.0.2.1", False), ("0.0.0.0", False), ("2001:4860:4860::8888", False), ("::ffff:8.8.8.8", False),
        ("64:ff9b::0a00:1", False), ("::", False), ("2002:7f00:1::", False),
    ],
)  # fmt: skip
def test_which_addresses_are_of_this_network(address, expected):
    assert is_local(address) == expected


@pytest.mark.parametrize(
    ("host", "addresses"),
    [
        ("8.8.8.8", None),
        ("[2001:4860:4860::8888]", None),
        ("[::ffff:8.8.8.8]", None),
        ("134744072", None),  # 8.8.8.8 in one number
        ("looks-local.test", ["8.8.8.8"]),
        ("half-local.test", ["192.168.1.20", "2001:db8::1"]),
    ],
)
def test_addresses_elsewhere_are_refused_in_one_line(names, host, addresses):
    if addresses:
        names[host] = addresses
    with pytest.raises(FaceTrackerError, match=r"not in this network\. .*--anywhere") as error:
        Webhook(f"http://{host}/hook")
    assert "\n" not in str(error.value)


def test_anywhere_is_taken_at_its_word(names):
    names["far.test"] = ["203.0.113.7"]
    Webhook("http://far.test/hook", anywhere=True).close(0.1)


@pytest.mark.parametrize(
    "url",
    ["", "localhost:8123", "ftp://127.0.0.1/x", "http://", "http:///x", "http://127.0.0.1:99999/", "http://127.0.0.1:0/",
     "http://127.0.0.1/a b", "http://127.0.0.1/a\r\nX: y", "http://me:secret@127.0.0.1/", "file:///etc/passwd"],
)  # fmt: skip
def test_what_is_no_address_of_a_receiver_is_told(url):
    with pytest.raises(FaceTrackerError, match="--webhook"):
        Webhook(url)


def test_a_name_that_nobody_knows_is_told(monkeypatch):
    def lookup(*_, **__):
        raise socket.gaierror("Name or service not known")

    monkeypatch.setattr(socket, "getaddrinfo", lookup)
    with pytest.raises(FaceTrackerError, match="no address is known for no-such"):
        Webhook("http://no-such.test/")


def test_a_name_that_moves_elsewhere_while_we_run_gets_nothing(names, monkeypatch):
    """DNS rebinding: what was local at the start is judged again before every connection."""
    with Receiver() as receiver:
        names["moves.test"] = ["127.0.0.1"]
        hook = Webhook(f"http://moves.test:{receiver.port}/x")
        hook.send(row(1))
        until(lambda: len(receiver.rows) == 1)
        connected: list = []
        real = socket.socket.connect
        monkeypatch.setattr(socket.socket, "connect", lambda self, to: connected.append(to) or real(self, to))
        names["moves.test"] = ["203.0.113.7"]
        hook.send(row(2))
        time.sleep(0.6)
        assert connected == []
        names["moves.test"] = ["127.0.0.1"]
        until(lambda: len(receiver.rows) == 2)
        hook.close()
    assert [one["number"] for one in receiver.rows] == [1, 2]


def test_events_arrive_in_order_with_a_number_and_a_key_of_the_run():
    with Receiver() as receiver:
        hook = Webhook(receiver.url, run="20261128-120000-abcd")
        for number in range(1, 51):
            hook.send(row(number))
        hook.close()
    assert [one["number"] for one in receiver.rows] == list(range(1, 51))
    assert receiver.keys == [f"20261128-120000-abcd-{number}" for number in range(1, 51)]
    assert set(receiver.paths) == {"/events?from=here"}
    assert (hook.sent, hook.lost) == (50, 0)


def test_a_redirect_is_not_followed(capsys):
    with Receiver(answers=[307, 302]) as receiver:
        hook = Webhook(receiver.url)
        for number in (1, 2, 3):
            hook.send(row(number))
        hook.close()
    assert [one["number"] for one in receiver.rows] == [3]
    assert "/elsewhere" not in receiver.paths
    assert "redirects are not followed" in capsys.readouterr().err
    assert (hook.sent, hook.lost) == (1, 2)


@pytest.mark.parametrize("status", [500, 503, 429])
def test_a_receiver_that_is_busy_is_asked_again(status):
    with Receiver(answers=[status, status]) as receiver:
        hook = Webhook(receiver.url)
        hook.send(row(1))
        hook.send(row(2))
        hook.close()
    assert [one["number"] for one in receiver.rows] == [1, 2]
    assert len(receiver.paths) == 4


def test_what_a_receiver_refuses_is_left_out_and_told(capsys):
    with Receiver(answers=[400]) as receiver:
        hook = Webhook(receiver.url)
        hook.send(row(1))
        hook.send(row(2))
        hook.close()
    assert [one["number"] for one in receiver.rows] == [2]
    assert "answered 400 to event 1" in capsys.readouterr().err


def test_what_cannot_be_delivered_by_the_end_is_counted():
    receiver = Receiver()
    receiver.stop()
    hook = Webhook(receiver.url)
    for number in range(1, 6):
        hook.send(row(number))
    hook.close(0.5)
    assert (hook.sent, hook.lost) == (0, 5)


@pytest.mark.slow
def test_a_receiver_that_was_away_gets_every_event_once(capsys):
    with Receiver() as receiver:
        hook = Webhook(receiver.url)
        for number in range(1, 101):
            hook.send(row(number))
            if number == 25:
                receiver.stop()
            if number == 75:
                receiver.start()
            time.sleep(0.05)  # away for 2.5 s; tests/inference/events/test_notice_receivers.py: for ten, in a live run
        hook.close()
    assert [one["number"] for one in receiver.rows] == list(range(1, 101))
    assert (hook.sent, hook.lost) == (100, 0)
    said = capsys.readouterr().err
    assert said.count("takes no events") == 1
    assert said.count("is back after") == 1


@pytest.mark.skipif(shutil.which("openssl") is None, reason="openssl is not here")
def test_https_wants_a_certificate_that_is_trusted(tmp_path, monkeypatch):
    file = tmp_path / "receiver.pem"
    words = "req -x509 -newkey rsa:2048 -nodes -days 2 -subj /CN=here -addext subjectAltName=IP:127.0.0.1"
    words = ["openssl", *words.split(), "-keyout", str(tmp_path / "key.pem"), "-out", str(tmp_path / "own.pem")]
    subprocess.run(words, check=True, capture_output=True)
    file.write_text((tmp_path / "key.pem").read_text() + (tmp_path / "own.pem").read_text())
    with Receiver(certificate=str(file)) as receiver:
        url = f"https://127.0.0.1:{receiver.port}/x"
        hook = Webhook(url)
        hook.send(row(1))
        hook.close(1)
        assert (hook.sent, hook.lost) == (0, 1)
        monkeypatch.setenv("SSL_CERT_FILE", str(tmp_path / "own.pem"))
        hook = Webhook(url)
        hook.send(row(2))
        hook.close()
    assert [one["number"] for one in receiver.rows] == [2]


def test_the_proxy_of_the_environment_is_not_used(monkeypatch):
    for name in ("http_proxy", "HTTP_PROXY", "https_proxy", "all_proxy"):
        monkeypatch.setenv(name, "http://127.0.0.1:9")
    with Receiver() as receiver:
        hook = Webhook(receiver.url)
        hook.send(row(1))
        hook.close()
    assert len(receiver.rows) == 1
