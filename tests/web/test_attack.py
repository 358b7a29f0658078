"""Much at once from somebody who has the token: bounded, answered, and given back."""

from __future__ import annotations

import asyncio
import struct
from concurrent.futures import ThreadPoolExecutor

import httpx
import pytest
import websockets

from facetracker.web import live, safety
from facetracker.web.safety import Flight


def test_bytes_in_flight_are_bounded_and_one_request_always_goes():
    flight = Flight(most=100)
    assert flight.take(500)
    assert not flight.take(1)
    flight.give_back(500)
    assert flight.take(60)
    assert flight.take(40)
    assert not flight.take(1)
    assert flight.take(0)
    flight.give_back(60)
    assert flight.take(60)


def test_more_than_fits_is_told_to_wait(served, frames, monkeypatch):
    served.server.config.app.flight.most = 1  # one body at a time
    with served.client() as page:
        session = page.post("/api/session", json={}).json()["session"]

        def post(number: int) -> int:
            data = frames[number % len(frames)] + bytes(500_000)
            return page.post("/api/collect", params={"session": session, "keep_similar": "1"}, content=data).status_code

        with ThreadPoolExecutor(8) as threads:
            codes = list(threads.map(post, range(24)))
        assert set(codes) <= {200, 400, 429}
        assert 429 in codes
        assert post(0) != 429
        assert page.get("/api/state").status_code == 200


@pytest.mark.parametrize("said", [True, False])
def test_a_large_body_gets_its_answer_and_no_broken_connection(served, said):
    def unsaid():
        for _ in range(90):
            yield bytes(100_000)

    body = bytes(9_000_000) if said else unsaid()
    headers = {"authorization": f"Bearer {served.token}"}
    answer = httpx.post(f"{served.base}/api/collect", content=body, headers=headers, timeout=30)
    assert answer.status_code == 413


def test_text_that_is_no_utf8_ends_the_socket_without_a_traceback(served, caplog):
    async def send() -> int:
        headers = {"authorization": f"Bearer {served.token}", "origin": served.base}
        async with websockets.connect(served.socket, additional_headers=headers) as socket:
            await socket.send(b"\xff\xfe", text=True)
            with pytest.raises(websockets.ConnectionClosed) as closed:
                await socket.recv()
            return closed.value.rcvd.code

    assert asyncio.run(send()) == 1007
    assert "Traceback" not in caplog.text
    assert "Invalid UTF-8" not in caplog.text


def test_a_truncated_photo_is_refused_also_with_a_preview_inside(served, frames):
    preview = b"\xff\xd8\xff\xd9"
    exif = b"\xff\xe1" + struct.pack(">H", 2 + 6 + len(preview)) + b"Exif\0\0" + preview
    with_preview = frames[0][:2] + exif + frames[0][2:]
    with served.client() as page:
        session = page.post("/api/session", json={}).json()["session"]
        for data in (frames[0][: len(frames[0]) // 2], with_preview[:3000]):
            answer = page.post("/api/collect", params={"session": session}, content=data)
            assert (answer.status_code, "truncated" in answer.json()["error"]) == (400, True)
        assert page.post("/api/collect", params={"session": session}, content=with_preview).status_code == 200


@pytest.mark.parametrize(
    "wish",
    [
        {"set": {"model.backbone": "resnet9000"}},
        {"set": {"model.image_size": 10**9}},
        {"set": {"training.learning_rate": -1}},
        {"set": {"no.such": 1}},
        {"preset": "nothing"},
    ],
)
def test_a_wrong_setting_is_refused_at_once(served, wish):
    with served.client() as page:
        answer = page.post("/api/train", json=wish)
        assert answer.status_code == 400
        assert page.get("/api/state").json()["training"] is None
    assert not served.runs.exists()


def test_frames_that_wait_are_bounded_for_all_pages_together():
    assert safety.BYTES_AT_ONCE + live.MOST_WAITING < 100_000_000
