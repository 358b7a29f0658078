"""The page's server under attack by somebody who has its token: memory, and whether it still answers.

    python benchmarks/server_attack.py [--rounds 3] [--quiet-for 60]

Each round posts 60 photos of 1.6 MB at once, opens 16 WebSockets that send frames of 3.5 MB without reading the
answers, sends bodies that are too large (with and without saying so), text frames that are no UTF-8, and pictures that
claim to be huge. All the while an honest client asks for the page's state and notes how long the answer took. Printed:
the memory before, at most, and after a quiet minute; the status codes; the slowest honest answer; what the server
wrote to its log.
"""

from __future__ import annotations

import argparse
import asyncio
import struct
import subprocess
import sys
import tempfile
import threading
import time
import zlib
from collections import Counter
from pathlib import Path

import cv2
import httpx
import numpy as np
import websockets
from web import Server

POSTS, SOCKETS = 60, 16
MOST_MB, BACK_MB, ANSWER_S = 400, 100, 0.5


def photo(seed: int) -> bytes:
    """A JPEG of about 1.6 MB, 2,400 x 1,800."""
    rng = np.random.default_rng(seed)
    noise = rng.integers(0, 256, (1800, 2400, 3)).astype(np.uint8)
    return cv2.imencode(".jpg", cv2.GaussianBlur(noise, (0, 0), 1.1), [cv2.IMWRITE_JPEG_QUALITY, 88])[1].tobytes()


def huge_png() -> bytes:
    """A PNG of 30 kB that claims 60,000 x 60,000 pixels."""

    def chunk(kind: bytes, data: bytes) -> bytes:
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))

    head = struct.pack(">IIBBBBB", 60_000, 60_000, 8, 2, 0, 0, 0)
    return (
        b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", head) + chunk(b"IDAT", zlib.compress(bytes(30_000))) + chunk(b"IEND", b"")
    )


class Watch(threading.Thread):
    """The most memory of the server, and the slowest answer to an honest client."""

    def __init__(self, server: Server):
        super().__init__(daemon=True)
        self.server, self.over = server, False
        self.most, self.slowest, self.asked, self.failed = 0, 0.0, 0, 0

    def run(self) -> None:
        headers = {"authorization": f"Bearer {self.server.token}"}
        with httpx.Client(base_url=self.server.base, headers=headers, timeout=10) as client:
            while not self.over:
                began = time.monotonic()
                try:
                    self.failed += client.get("/api/state").status_code != 200
                except httpx.HTTPError:
                    self.failed += 1
                self.slowest = max(self.slowest, time.monotonic() - began)
                self.asked += 1
                self.most = max(self.most, self.server.held()["MB"])
                time.sleep(0.05)


async def post(client: httpx.AsyncClient, session: str, data: object, seen: Counter[str]) -> None:
    try:
        answer = await client.post("/api/collect", params={"session": session, "keep_similar": "1"}, content=data)
        seen[str(answer.status_code)] += 1
    except httpx.HTTPError as error:
        seen[type(error).__name__] += 1


async def pour(server: Server, seen: Counter[str]) -> None:
    """A socket that sends large frames as fast as they go, and reads nothing."""
    frame = photo(99) + bytes(1_900_000)
    try:
        async with websockets.connect(
            server.base.replace("http", "ws") + "/ws/detect",
            additional_headers={"authorization": f"Bearer {server.token}", "origin": server.base},
        ) as socket:
            for number in range(20):
                await asyncio.wait_for(socket.send(struct.pack("<I", number) + frame), 5)
    except (OSError, TimeoutError, websockets.WebSocketException) as error:
        seen[f"socket {type(error).__name__}"] += 1


async def no_utf8(server: Server, seen: Counter[str]) -> None:
    async with websockets.connect(
        server.base.replace("http", "ws") + "/ws/detect",
        additional_headers={"authorization": f"Bearer {server.token}", "origin": server.base},
    ) as socket:
        await socket.send(b"\xff\xfe not text", text=True)
        try:
            await socket.recv()
        except websockets.ConnectionClosed as closed:
            seen[f"no UTF-8: closed with {closed.rcvd.code if closed.rcvd else None}"] += 1


async def attack(server: Server, photos: list[bytes]) -> Counter[str]:
    """One round; what came back."""
    seen: Counter[str] = Counter()
    headers = {"authorization": f"Bearer {server.token}"}
    limits = httpx.Limits(max_connections=200)
    async with httpx.AsyncClient(base_url=server.base, headers=headers, timeout=60, limits=limits) as client:
        session = (await client.post("/api/session", json={})).json()["session"]

        async def unsaid():
            for _ in range(100):
                yield bytes(100_000)

        cut = photos[0][: len(photos[0]) // 2]
        await asyncio.gather(
            *(post(client, session, photos[n % len(photos)], seen) for n in range(POSTS)),
            *(post(client, session, data, seen) for data in (bytes(9_000_000), unsaid(), huge_png(), cut)),
            *(pour(server, seen) for _ in range(SOCKETS)),
            no_utf8(server, seen),
        )
    return seen


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--quiet-for", type=float, default=60.0)
    options = parser.parse_args()
    photos = [photo(seed) for seed in range(6)]
    print(f"photos of {np.mean([len(one) for one in photos]) / 1e6:.2f} MB")
    with tempfile.TemporaryDirectory() as folder:
        command = [sys.executable, "-m", "facetracker.cli", "web", "--no-open", "--port", "0"]
        log = Path(folder) / "log"
        with (
            log.open("wb") as errors,
            subprocess.Popen(command, cwd=folder, stdout=subprocess.PIPE, stderr=errors, text=True) as process,
        ):
            assert process.stdout is not None
            server = Server(process.pid, process.stdout.readline().strip())
            time.sleep(2)
            before = server.held()["MB"]
            watch = Watch(server)
            watch.start()
            try:
                for _ in range(options.rounds):
                    print(dict(sorted(asyncio.run(attack(server, photos)).items())), flush=True)
                most, slowest, asked, failed = watch.most, watch.slowest, watch.asked, watch.failed
                watch.over = True
                watch.join()
                time.sleep(options.quiet_for)
                after = server.held()["MB"]
            finally:
                process.terminate()
        said = log.read_text(errors="replace")
    print(f"memory: {before} MB before, {most} MB at most (+{most - before}), {after} MB after (+{after - before})")
    print(f"honest answers: {asked}, slowest {slowest:.2f} s, failed {failed}")
    print(f"traceback in the log: {'Traceback' in said}")
    good = most - before <= MOST_MB and after - before <= BACK_MB and slowest <= ANSWER_S and not failed
    return 0 if good and "Traceback" not in said else 1


if __name__ == "__main__":
    sys.exit(main())
