"""Live over the real WebSocket: the faces are Python's, the newest frame wins, nobody can take the others' share."""

from __future__ import annotations

import asyncio
import io
import json
import struct
import threading
import time

import cv2
import numpy as np
import pytest
import websockets
from crowd import besiege

from facetracker.inference.detector import Detector
from facetracker.web import live


@pytest.fixture(scope="module")
def served(serve, tmp_path_factory):
    """One server for all of these tests."""
    return serve(tmp_path_factory.mktemp("live"))


def connect(served, **more):
    """A socket that is let in as a program is."""
    headers = {"Authorization": f"Bearer {served.token}"}
    return websockets.connect(served.socket, additional_headers=headers, compression=None, **more)


def numbered(number: int, data: bytes) -> bytes:
    return struct.pack("<I", number) + data


async def answer(socket) -> dict:
    return json.loads(await asyncio.wait_for(socket.recv(), 30))


def test_the_faces_are_those_of_the_detector(served, frames):
    async def talk():
        async with connect(served) as socket:
            await socket.send(json.dumps({"follow": False, "threshold": 0.4}))
            answers = []
            for number, frame in enumerate(frames):
                await socket.send(numbered(number, frame))
                answers.append(await answer(socket))
            return answers

    detector = Detector(threshold=0.4)
    for number, (frame, got) in enumerate(zip(frames, asyncio.run(talk()), strict=True)):
        found = detector.detect(cv2.imdecode(np.frombuffer(frame, np.uint8), cv2.IMREAD_COLOR))
        assert (got["frame"], got["width"], got["height"]) == (number, 640, 480)
        assert len(got["faces"]) == len(found) > 0
        assert np.allclose([face["box"] for face in got["faces"]], found.pixels, atol=0.01)
        assert np.allclose([face["score"] for face in got["faces"]], found.scores, atol=1e-3)
        assert {face["class"] for face in got["faces"]} == {"face"}
        assert got["ms"]["all"] >= got["ms"]["decode"] > 0


def test_a_followed_face_keeps_its_number(served, frames):
    async def talk():
        async with connect(served) as socket:
            ids = []
            for number in range(6):
                await socket.send(numbered(number, frames[0]))
                ids.append([face["id"] for face in (await answer(socket))["faces"]])
            return ids

    ids = asyncio.run(talk())
    assert ids[:2] == [[], []]
    assert ids[2]
    assert all(one == ids[2] for one in ids[2:])


def test_an_answer_that_was_late_once_does_not_hold_up_those_after_it(served, frames):
    """With Nagle's algorithm two frames at once were enough: each answer after them came with the next frame."""
    between = 0.03  # seconds from frame to frame: less than the 40 ms after which Linux acknowledges anyway
    at_once = 30  # before that Linux acknowledges everything at once, as on any young connection

    async def talk():
        sent, trips = {}, {}

        async def listen(socket):
            async for message in socket:
                number = json.loads(message)["frame"]
                trips[number] = time.monotonic() - sent[number]

        async with connect(served) as socket:
            listening = asyncio.create_task(listen(socket))
            for number in range(60):
                sent[number] = time.monotonic()
                await socket.send(numbered(number, frames[0]))
                await asyncio.sleep(0 if number == at_once else between)
            listening.cancel()
        return trips

    trips = asyncio.run(talk())
    later = sorted(trip for number, trip in trips.items() if number > at_once + 1)
    assert later[len(later) // 4] < 0.7 * between  # a quarter of them: the machine may have other things to do


def test_webp_and_png_are_frames_too(served, frames):
    picture = cv2.imdecode(np.frombuffer(frames[0], np.uint8), cv2.IMREAD_COLOR)

    async def talk():
        async with connect(served) as socket:
            await socket.send('{"follow": false}')
            counts = []
            for suffix in (".png", ".webp"):
                await socket.send(numbered(1, cv2.imencode(suffix, picture)[1].tobytes()))
                counts.append(len((await answer(socket))["faces"]))
            return counts

    assert min(asyncio.run(talk())) > 0


def test_of_many_frames_the_newest_is_looked_at_and_every_one_is_answered(served, frames):
    async def talk():
        async with connect(served) as socket:
            for number in range(40):
                await socket.send(numbered(number, frames[0]))
            return [await answer(socket) for _ in range(40)]

    answers = asyncio.run(talk())
    assert sorted(one["frame"] for one in answers) == list(range(40))
    looked = [one["frame"] for one in answers if "faces" in one]
    assert 39 in looked
    assert len(looked) < 40
    assert looked == sorted(looked)


@pytest.mark.parametrize(
    ("message", "word"),
    [
        (b"", "number"),
        (b"abc", "number"),
        (numbered(7, b"no picture at all"), "no JPEG"),
        (numbered(7, b"\xff\xd8\xff\xe0\x00\x10JFIF"), "no JPEG"),
        ("not json", "JSON"),
        ("[1]", "mapping"),
        ('{"threshold": 7}', "threshold"),
        ('{"threshold": "x"}', "threshold"),
        ('{"follow": 1}', "follow"),
    ],
)
def test_what_is_no_frame_is_answered_with_one_line(served, frames, message, word):
    async def talk():
        async with connect(served) as socket:
            await socket.send(message)
            fault = await answer(socket)
            await socket.send(numbered(8, frames[0]))
            return fault, await answer(socket)

    fault, after = asyncio.run(talk())
    assert word in fault["error"]
    assert after["frame"] == 8
    assert "faces" in after


def bomb(width: int, height: int, kind: str) -> bytes:
    """A small file that unpacks to very many pixels."""
    from PIL import Image

    data = io.BytesIO()
    Image.new("L", (width, height)).save(data, kind, quality=1, method=0)
    return data.getvalue()


@pytest.mark.parametrize("kind", ["JPEG", "PNG", "WEBP"])
def test_a_frame_of_too_many_pixels_is_refused_before_it_is_unpacked(served, kind):
    data = bomb(3100, 3000, kind)

    async def talk():
        async with connect(served) as socket:
            await socket.send(numbered(1, data))
            return await answer(socket)

    assert "too large" in asyncio.run(talk())["error"]


def close_code(served, message: bytes | None, most: int = 100) -> int:
    """What the socket is closed with when this message is sent again and again, each time it was answered."""

    async def talk():
        async with connect(served) as socket:
            try:
                for _ in range(most):
                    if message is not None:
                        await socket.send(message)
                    await asyncio.wait_for(socket.recv(), 30)
            except websockets.ConnectionClosed as closed:
                return closed.rcvd.code if closed.rcvd else 1006
        return 0

    return asyncio.run(talk())


def test_a_message_of_more_than_a_frame_ends_the_socket(served):
    assert close_code(served, bytes(live.NUMBER.size + 4_000_001)) in (1009, 1006)


@pytest.mark.parametrize("message", [b"x", numbered(1, b"rubbish")])
def test_endless_nonsense_ends_the_socket(served, message):
    assert close_code(served, message) == live.NONSENSE


def test_a_page_that_sends_nothing_is_taken_to_be_asleep(served, monkeypatch):
    monkeypatch.setattr(live, "IDLE", 0.2)
    assert close_code(served, None) == live.ASLEEP


def test_a_socket_needs_token_and_origin(served):
    async def status(**headers):
        named = {name.capitalize(): value for name, value in headers.items()}
        try:
            async with websockets.connect(served.socket, additional_headers=named):
                return 101
        except websockets.InvalidStatus as refused:
            return refused.response.status_code

    cookie = f"facetracker_token_{served.port}={served.token}"
    assert asyncio.run(status()) == 401
    assert asyncio.run(status(cookie=cookie)) == 403
    assert asyncio.run(status(cookie=cookie, origin="http://evil.example")) == 403
    assert asyncio.run(status(cookie=cookie, origin=served.base)) == 101


def test_a_new_page_takes_the_place_of_the_one_that_is_quiet_longest(served, frames):
    async def talk():
        async with connect(served) as busy:
            await busy.send(numbered(0, frames[0]))
            await answer(busy)
            quiet = [await connect(served) for _ in range(live.MOST_PAGES + 3)]
            for number in range(3):
                await busy.send(numbered(number, frames[0]))
                assert "faces" in await answer(busy)
            newest = quiet[-1]
            await newest.send(numbered(5, frames[0]))
            last = await answer(newest)
            codes = []
            for socket in quiet[:3]:
                try:
                    await asyncio.wait_for(socket.recv(), 30)
                except websockets.ConnectionClosed as closed:
                    codes.append(closed.rcvd.code)
            for socket in quiet:
                await socket.close()
            return last, codes

    last, codes = asyncio.run(talk())
    assert last["frame"] == 5
    assert codes[:2] == [live.CROWDED] * 2


def test_an_honest_page_stays_quick_among_clients_that_stall_and_send_garbage(serve, tmp_path, frames):
    """Scaled down: `benchmarks/web.py --clients 100` measures the rate."""
    served = serve(tmp_path)
    threads = threading.active_count()
    done = asyncio.run(besiege(served.base, served.token, frames, clients=20, seconds=1.5))
    assert done.answered >= 5
    assert done.errors == 0
    deadline = time.monotonic() + 20
    state = served.server.server_state
    while (len(state.tasks) or len(state.connections)) and time.monotonic() < deadline:
        time.sleep(0.05)
    assert not state.tasks
    assert not state.connections
    assert threading.active_count() <= threads + 40  # Starlette's pool for blocking work is bounded
