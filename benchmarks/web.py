"""The browser page: from the camera's frame to the drawn box, and an honest page among a hundred bad clients.

    python benchmarks/web.py page [--seconds 15] [--rounds 3]       # a real chromium, both ways to run the model
    python benchmarks/web.py siege [--clients 100] [--seconds 30]   # the server alone, from outside

`page` needs Debian's chromium, ffmpeg and playwright. It plays a drawn film as the
webcam. Latency is what the page itself measures: from the frame's arrival in the page to its boxes on the canvas.
How busy the tab's main thread is comes from the browser (its TaskDuration), frames a second from the page's count.
"""

from __future__ import annotations

import argparse
import asyncio
import os
import re
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from threading import Event, Thread

from measured import ROOT, Row, write_rows

sys.path.insert(0, str(ROOT / "tests" / "web"))

WARM_UP = 3.0  # seconds
WAYS = {"server": "by WebSocket", "tab": "in the tab"}


@dataclass(frozen=True)
class Server:
    """`facetracker web` in a process of its own."""

    pid: int
    address: str

    @property
    def base(self) -> str:
        return self.address.split("/?")[0]

    @property
    def token(self) -> str:
        return self.address.split("token=")[1]

    def held(self) -> dict[str, int]:
        """What the process holds: megabytes of memory, threads, open files (sockets among them)."""
        status = Path(f"/proc/{self.pid}/status").read_text()
        memory = int(re.search(r"VmRSS:\s+(\d+)", status)[1]) // 1000  # type: ignore[index]
        threads = int(re.search(r"Threads:\s+(\d+)", status)[1])  # type: ignore[index]
        return {"MB": memory, "threads": threads, "files": len(os.listdir(f"/proc/{self.pid}/fd"))}

    def worked(self) -> float:
        """Processor seconds so far, all threads: what it costs, however busy the machine is."""
        fields = Path(f"/proc/{self.pid}/stat").read_text().rpartition(")")[2].split()
        return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


@contextmanager
def served() -> Iterator[Server]:
    """A server on an empty folder, with the starter."""
    with tempfile.TemporaryDirectory() as folder:
        command = [sys.executable, "-m", "facetracker.cli", "web", "--no-open", "--port", "0"]
        with subprocess.Popen(command, cwd=folder, stdout=subprocess.PIPE, text=True) as process:
            assert process.stdout is not None
            try:
                yield Server(process.pid, process.stdout.readline().strip())
            finally:
                process.terminate()


def measure_page(seconds: float, rounds: int) -> list[Row]:
    """Latency, frames a second and the main thread's share, for each way and round."""
    from browser import opened_browser, write_webcam

    figures: dict[str, list[float]] = {}
    with tempfile.TemporaryDirectory() as folder:
        webcam = write_webcam(Path(folder) / "webcam.mjpeg")
        with served() as server, opened_browser(webcam) as browser:
            for way in list(WAYS) * rounds:
                for name, value in look(browser, server, way, seconds).items():
                    figures.setdefault(f"{WAYS[way]}, {name}", []).append(value)
    units = {"frames a second": "frames/s", "main thread busy": "%"}
    return [Row(name, units.get(name.split(", ")[1], "ms"), values) for name, values in figures.items()]


def look(browser, server: Server, way: str, seconds: float) -> dict[str, float]:
    """One page that looks at the webcam for so many seconds."""
    from browser import opened_page, wait_until

    with opened_page(browser, server.address, f"#live?way={way}&autostart=1") as page:
        wait_until(page, "window.facetrackerStats?.frames > 10")
        shown = page.evaluate("facetrackerStats.way")
        if shown != way:
            raise SystemExit(f"the page runs the model by {shown}, not by {way}")
        page.wait_for_timeout(WARM_UP * 1000)
        devtools = page.context.new_cdp_session(page)
        devtools.send("Performance.enable")
        before, frames = busy_seconds(devtools), page.evaluate("facetrackerStats.frames")
        page.evaluate("facetrackerStats.latencies.length = 0")
        started = time.monotonic()
        page.wait_for_timeout(seconds * 1000)
        passed = time.monotonic() - started
        busy = busy_seconds(devtools) - before
        latencies = page.evaluate("[...facetrackerStats.latencies]")
        drawn = page.evaluate("facetrackerStats.frames") - frames
    return {
        "median latency": statistics.median(latencies),
        "95 % latency": statistics.quantiles(latencies, n=20)[-1],
        "frames a second": drawn / passed,
        "main thread busy": 100 * busy / passed,
    }


def busy_seconds(devtools) -> float:
    """Seconds that the page's main thread has worked so far."""
    metrics = {one["name"]: one["value"] for one in devtools.send("Performance.getMetrics")["metrics"]}
    return metrics["TaskDuration"]


@dataclass
class Watch:
    """The server's memory, looked at twice a second from a thread."""

    server: Server
    seen: list[int] = field(default_factory=list)

    def __enter__(self) -> Watch:
        self._over = Event()
        self._thread = Thread(target=self._look)
        self._thread.start()
        return self

    def __exit__(self, *_) -> None:
        self._over.set()
        self._thread.join()

    def _look(self) -> None:
        while not self._over.wait(0.5):
            self.seen.append(self.server.held()["MB"])


def measure_siege(clients: int, seconds: float) -> list[Row]:
    """What an honest page gets alone and among bad clients, and what they leave behind in the server."""
    from crowd import besiege

    frames = drawn_frames()
    with served() as server:
        asyncio.run(besiege(server.base, server.token, frames, 0, 1.0))  # warm
        worked = server.worked()
        alone = asyncio.run(besiege(server.base, server.token, frames, 0, min(5.0, seconds)))
        alone_costs = server.worked() - worked
        first = asyncio.run(besiege(server.base, server.token, frames, clients, min(5.0, seconds)))
        settle(server)
        before, worked = server.held(), server.worked()
        with Watch(server) as watch:
            among = asyncio.run(besiege(server.base, server.token, frames, clients, seconds))
        among_costs = server.worked() - worked
        settle(server)
        after = server.held()
    a_frame = alone_costs / max(1, alone.answered)
    others = (among_costs - among.answered * a_frame) / seconds
    print(f"in the server before {before}, at most {max(watch.seen)} MB, after {after}")
    print(f"errors of the honest page: {alone.errors + first.errors + among.errors}")
    return [
        Row("alone", "frames/s", [alone.rate]),
        Row(f"among {clients} bad clients", "frames/s", [among.rate]),
        Row(f"among {clients} bad clients, median latency", "ms", [1000 * statistics.median(among.latencies)]),
        Row("alone, processor time a frame", "ms", [1000 * a_frame]),
        Row("the bad clients, processor time a second", "ms", [1000 * others]),
        Row("memory before", "MB", [before["MB"]]),
        Row("memory after", "MB", [after["MB"]]),
        Row("open files before", "files", [before["files"]]),
        Row("open files after", "files", [after["files"]]),
    ]


def settle(server: Server, least: int = 40, seconds: float = 40.0) -> None:
    """Wait until the server has ended what the clients left hanging."""
    end = time.monotonic() + seconds
    while server.held()["files"] > least and time.monotonic() < end:
        time.sleep(0.5)


def drawn_frames() -> list[bytes]:
    """Frames of a drawn scene, 640x480 JPEG, as a browser sends them."""
    import cv2

    from facetracker import scenes

    scene = scenes.Scene(faces=1, seed=6, size=0.7)
    quality = [cv2.IMWRITE_JPEG_QUALITY, 80]
    return [cv2.imencode(".jpg", scene.frame(index).picture, quality)[1].tobytes() for index in range(30)]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("what", choices=("page", "siege"))
    parser.add_argument("--clients", type=int, default=100)
    parser.add_argument("--seconds", type=float, default=15.0)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--json", type=Path)
    options = parser.parse_args()
    if options.what == "page":
        rows = measure_page(options.seconds, options.rounds)
    else:
        rows = measure_siege(options.clients, options.seconds)
    for row in rows:
        low, high = row.spread
        print(f"{row.name:<44}{row.median:>9.1f} {row.unit:<10}({low:.1f} to {high:.1f})")
    write_rows(options.json, rows)


if __name__ == "__main__":
    main()
