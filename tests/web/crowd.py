"""Clients that misbehave in every way, and an honest one among them. Also for `benchmarks/web.py`."""

from __future__ import annotations

import asyncio
import contextlib
import itertools
import json
import os
import socket
import struct
import sys
import time
from asyncio.subprocess import PIPE
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, field

import websockets

TOO_LARGE = 5_000_000


@dataclass
class Siege:
    """What the honest client got. `latencies` in seconds, from sending a frame to its answer."""

    seconds: float
    answered: int = 0
    errors: int = 0
    latencies: list[float] = field(default_factory=list)

    @property
    def rate(self) -> float:
        """Frames a second."""
        return self.answered / self.seconds


@dataclass(frozen=True)
class Target:
    """The server under siege."""

    base: str
    token: str
    frame: bytes

    @property
    def address(self) -> tuple[str, int]:
        host, _, port = self.base.removeprefix("http://").rpartition(":")
        return host, int(port)

    def socket(self, token: str | None = None):
        headers = {"Authorization": f"Bearer {token or self.token}"}
        address = self.base.replace("http", "ws") + "/ws/detect"
        return websockets.connect(address, additional_headers=headers, compression=None, max_size=None)


async def connects_and_says_nothing(target: Target) -> None:
    reader, writer = await asyncio.open_connection(*target.address)
    try:
        await reader.read()
    finally:
        writer.close()


async def sends_garbage(target: Target) -> None:
    _, writer = await asyncio.open_connection(*target.address)
    try:
        for _ in range(5):
            writer.write(os.urandom(20_000))
            await writer.drain()
            await asyncio.sleep(0.05)
    finally:
        writer.close()


async def sends_half_a_request(target: Target) -> None:
    _, writer = await asyncio.open_connection(*target.address)
    try:
        head = f"POST /api/collect?session=x HTTP/1.1\r\nHost: localhost\r\nAuthorization: Bearer {target.token}\r\n"
        writer.write(head.encode() + b"Content-Length: 3000000\r\n\r\n")
        while True:
            writer.write(b"x")
            await writer.drain()
            await asyncio.sleep(0.2)
    finally:
        writer.close()


async def never_reads(target: Target) -> None:
    client = socket.socket()
    client.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
    client.setblocking(False)
    loop = asyncio.get_running_loop()
    try:
        await loop.sock_connect(client, target.address)
        request = f"GET /model.onnx HTTP/1.1\r\nHost: localhost\r\nAuthorization: Bearer {target.token}\r\n\r\n"
        await loop.sock_sendall(client, request.encode() * 10)
        await asyncio.sleep(60)
    finally:
        client.close()


async def tries_tokens(target: Target) -> None:
    for number in range(50):
        with contextlib.suppress(websockets.WebSocketException):
            async with target.socket(f"guess-{number}"):
                pass


async def opens_a_page_and_says_nothing(target: Target) -> None:
    async with target.socket() as page:
        await page.recv()


async def sends_what_is_no_frame(target: Target) -> None:
    async with target.socket() as page:
        while True:
            await page.send(struct.pack("<I", 1) + os.urandom(3000))
            await page.recv()


async def sends_frames_too_large(target: Target) -> None:
    async with target.socket() as page:
        await page.send(bytes(TOO_LARGE))
        await page.recv()


async def sends_frames_and_reads_no_answers(target: Target) -> None:
    reader, writer = await asyncio.open_connection(*target.address)
    try:
        head = (
            f"GET /ws/detect HTTP/1.1\r\nHost: localhost\r\nAuthorization: Bearer {target.token}\r\n"
            "Upgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Version: 13\r\n"
            "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n"
        )
        writer.write(head.encode())
        await reader.read(1)
        message = struct.pack("<I", 1) + target.frame[:100]
        while True:
            writer.write(bytes([0x82, 0x80 | len(message)]) + bytes(4) + message)  # a mask of zeros
            await writer.drain()
            await asyncio.sleep(0.02)
    finally:
        writer.close()


WAYS: tuple[Callable[[Target], Awaitable[None]], ...] = (
    connects_and_says_nothing,
    sends_garbage,
    sends_half_a_request,
    never_reads,
    tries_tokens,
    opens_a_page_and_says_nothing,
    sends_what_is_no_frame,
    sends_frames_too_large,
    sends_frames_and_reads_no_answers,
)


async def again_and_again(way: Callable[[Target], Awaitable[None]], target: Target) -> None:
    """One bad client: thrown out, it comes back."""
    while True:
        with contextlib.suppress(OSError, websockets.WebSocketException, EOFError):
            await way(target)
        await asyncio.sleep(0.1)


async def honest(target: Target, frames: Sequence[bytes], seconds: float) -> Siege:
    """The honest page: two frames in flight, as many as are answered."""
    done = Siege(seconds)
    async with target.socket() as page:
        sent: dict[int, float] = {}
        numbers = itertools.count()
        frame = itertools.cycle(frames)

        async def send() -> None:
            number = next(numbers)
            sent[number] = time.perf_counter()
            await page.send(struct.pack("<I", number) + next(frame))

        await send()
        end = time.perf_counter() + seconds
        while (left := end - time.perf_counter()) > 0:
            if len(sent) < 2:
                await send()
            try:
                answer = json.loads(await asyncio.wait_for(page.recv(), left))
            except TimeoutError:
                break
            began = sent.pop(answer["frame"])
            if "faces" in answer:
                done.answered += 1
                done.latencies.append(time.perf_counter() - began)
            else:
                done.errors += "error" in answer
    return done


async def besiege(base: str, token: str, frames: Sequence[bytes], clients: int, seconds: float) -> Siege:
    """`clients` bad clients of every kind at once, and what an honest one gets for so many seconds.

    The bad ones are a process of their own: what they cost themselves must not slow the honest one down.
    """
    target = Target(base, token, frames[0])
    command = [sys.executable, __file__, base, token, str(clients)]
    bad = await asyncio.create_subprocess_exec(*command, stdin=PIPE, stdout=PIPE)
    try:
        assert bad.stdin is not None
        assert bad.stdout is not None
        bad.stdin.write(frames[0])
        bad.stdin.close()
        await bad.stdout.readline()
        return await honest(target, frames, seconds)
    finally:
        bad.kill()
        await bad.wait()


async def misbehave(target: Target, clients: int) -> None:
    """The bad clients, for ever."""
    tasks = [asyncio.create_task(again_and_again(WAYS[number % len(WAYS)], target)) for number in range(clients)]
    await asyncio.sleep(0.3)
    print("they are at it", flush=True)
    await asyncio.gather(*tasks, asyncio.Event().wait())


if __name__ == "__main__":
    asyncio.run(misbehave(Target(sys.argv[1], sys.argv[2], sys.stdin.buffer.read()), int(sys.argv[3])))
