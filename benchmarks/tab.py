"""The model in a browser's tab: what is loaded until the first box, how long that takes, and a frame's time after it.

    python benchmarks/tab.py first [--before CLONE] [--rounds 3]   # the server's page, beside that of another clone
    python benchmarks/tab.py alone [FILM ...]                      # the HTML file from file://, films as its webcam
    python benchmarks/tab.py learn DATA                            # the static page, and Python, from the same photos

Needs Debian's chromium, ffmpeg and playwright. Rounds of `first` take turns, so that both see the same machine. Of DATA
(photos in train and test, labelled) the first ten of train are learnt from, and test is what overlaps are measured on.
"""

from __future__ import annotations

import argparse
import os
import shutil
import statistics
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import numpy as np
from measured import ROOT, Row, write_rows

sys.path.insert(0, str(ROOT / "tests" / "web"))

WARM, COUNTED = 60, 150  # frames
LEARNT_FROM = 10
PATIENCE = 120.0  # seconds


@contextmanager
def served(clone: Path) -> Iterator[str]:
    """The address of a clone's own page, on an empty folder."""
    with tempfile.TemporaryDirectory() as folder:
        command = [sys.executable, "-m", "facetracker.cli", "web", "--no-open", "--port", "0"]
        told = {**os.environ, "PYTHONPATH": str(clone)}
        with subprocess.Popen(command, cwd=folder, env=told, stdout=subprocess.PIPE, text=True) as process:
            assert process.stdout is not None
            try:
                yield process.stdout.readline().strip()
            finally:
                process.terminate()


def measure_first(before: Path | None, rounds: int) -> list[Row]:
    """Bytes and seconds to the first face, and the median time of a frame after that."""
    from browser import opened_browser, write_webcam

    clones = {"now": ROOT} | ({"before": before} if before else {})
    figures: dict[tuple[str, str], list[float]] = {}
    with tempfile.TemporaryDirectory() as folder:
        webcam = write_webcam(Path(folder) / "webcam.mjpeg")
        for _ in range(rounds):
            for name, clone in clones.items():
                # A browser of its own each time: nothing is in its cache.
                with served(clone) as address, opened_browser(webcam) as browser:
                    for row, value in first_box(browser, address).items():
                        figures.setdefault((f"{name}, {row}", unit_of(row)), []).append(value)
    return [Row(name, unit, values) for (name, unit), values in figures.items()]


def unit_of(row: str) -> str:
    return "MB" if "loaded" in row or "size" in row else "s" if "seconds" in row else "ms" if "median" in row else "%"


def first_box(browser, address: str) -> dict[str, float]:
    from browser import opened_page, wait_until

    with opened_page(browser, address) as page:  # the token becomes a cookie
        base = page.url.split("#")[0]
        page.goto("about:blank")
        loaded: list[int] = []
        page.context.on("requestfinished", lambda request: loaded.append(request.sizes()["responseBodySize"]))
        began = time.monotonic()
        page.goto(f"{base}#live?way=tab&autostart=1")
        wait_until(page, "window.facetrackerStats?.found > 0", PATIENCE)
        seconds = time.monotonic() - began
        so_far = sum(loaded)
        wait_until(page, f"facetrackerStats.frames > {WARM}", PATIENCE)
        page.evaluate("facetrackerStats.latencies.length = 0")
        network: list[float] = []
        end = time.monotonic() + PATIENCE
        while page.evaluate("facetrackerStats.latencies.length") < COUNTED and time.monotonic() < end:
            network.append(page.evaluate("facetrackerStats.ms.infer"))
            page.wait_for_timeout(40)
        latencies = page.evaluate("[...facetrackerStats.latencies]")
    return {
        "loaded until the first face": so_far / 1e6,
        "seconds to the first face": seconds,
        "median of a frame": statistics.median(latencies),
        "median of the network": statistics.median(network),
    }


def measure_alone(films: list[Path]) -> list[Row]:
    """The HTML file from a folder: its size, seconds until it is open, and how often it sees the face of each film."""
    from browser import opened_browser, opened_page, wait_until, write_webcam

    from facetracker.exports import export

    rows = []
    with tempfile.TemporaryDirectory() as folder:
        [made] = export("starter", ["html"], folder)
        assert made.path is not None
        rows.append(Row("size of the file", "MB", [made.size / 1e6]))
        webcams = {"a drawn face": write_webcam(Path(folder) / "drawn.mjpeg")}
        for film in films:
            webcams[film.stem] = Path(folder) / f"{film.stem}.mjpeg"
            size = "scale=640:480:force_original_aspect_ratio=decrease,pad=640:480:(ow-iw)/2:(oh-ih)/2"
            kept = ["-vf", size, "-an", "-c:v", "mjpeg", "-q:v", "3", "-pix_fmt", "yuvj420p", str(webcams[film.stem])]
            subprocess.run(["ffmpeg", "-y", "-loglevel", "error", "-i", str(film), *kept], check=True)
        for name, webcam in webcams.items():
            with opened_browser(webcam) as browser, opened_page(browser, "about:blank") as page:
                asked: list[str] = []
                page.context.on("request", lambda request, asked=asked: asked.append(request.url))
                began = time.monotonic()
                page.goto(f"{made.path.as_uri()}#live?autostart=1")
                wait_until(page, "document.documentElement.dataset.ready === 'yes'", PATIENCE)
                opened = time.monotonic() - began
                wait_until(page, "window.facetrackerStats?.found > 0", PATIENCE)
                first = time.monotonic() - began
                page.evaluate("facetrackerStats.frames = facetrackerStats.found = 0")
                wait_until(page, f"facetrackerStats.frames >= {COUNTED}", PATIENCE)
                share = page.evaluate("facetrackerStats.found / facetrackerStats.frames")
                outside = [url for url in asked if not url.startswith(("file:", "blob:", "data:"))]
            rows += [
                Row(f"{name}, seconds until it is open", "s", [opened]),
                Row(f"{name}, seconds to the first face", "s", [first]),
                Row(f"{name}, frames with a face", "%", [100 * share]),
                Row(f"{name}, requests", "", [float(len(outside))]),
            ]
    return rows


def measure_learn(data: Path) -> list[Row]:
    """What the static page learns from ten photos, and what Python does: seconds, style, overlap on other photos."""
    from browser import opened_browser, opened_page, wait_until

    from facetracker.core.boxes import iou
    from facetracker.inference.detector import Detector
    from facetracker.labels.collection import Collection
    from facetracker.personal.learn import learn
    from facetracker.web.site import write_site

    taken = [one for one in Collection.open(data, "train").examples if len(one)][:LEARNT_FROM]
    test = [one for one in Collection.open(data, "test").examples if len(one)]
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        ten = folder / "data"
        for kind, files in {"images": [one.photo for one in taken], "labels": [one.source for one in taken]}.items():
            (ten / kind).mkdir(parents=True)
            for file in files:
                shutil.copy(Path(str(file)), ten / kind)
        site = write_site(folder / "site")
        server = ThreadingHTTPServer(("127.0.0.1", 0), partial(Quiet, directory=str(site)))
        threading.Thread(target=server.serve_forever, daemon=True).start()
        address = f"http://127.0.0.1:{server.server_port}/#learn"
        with opened_browser() as browser, opened_page(browser, address) as page:
            wait_until(page, "document.getElementById('learn-advice').textContent !== ''", PATIENCE)
            page.set_input_files("#learn-files", [str(path) for path in sorted(ten.rglob("*.*"))])
            wait_until(
                page, f"document.getElementById('learn-advice').textContent.startsWith('{len(taken)}')", PATIENCE
            )
            page.click("#learn-start")
            wait_until(page, "document.getElementById('learn-told').textContent !== ''", PATIENCE)
            told = page.inner_text("#learn-told")
            with page.expect_download() as download:
                page.click("#learn-onnx")
            download.value.save_as(folder / "mine.onnx")
        server.shutdown()
        theirs = learn(ten, "theirs", instant=True, runs=folder / "runs")
        overlaps = {}
        for who, model in {"the tab": folder / "mine.onnx", "Python": theirs.run}.items():
            detector = Detector.load(model)
            found = [detector.detect(one.picture()).boxes for one in test]
            best = [float(iou(one.boxes, boxes).max(initial=0)) for one, boxes in zip(test, found, strict=True)]
            overlaps[who] = float(np.mean(best))
        style = Detector.load(folder / "mine.onnx").card.style or [0.0] * 4
    return [
        Row("the tab, seconds", "s", [float(told.split(" in ")[1].split(" ")[0])]),
        Row("Python, seconds", "s", [theirs.seconds]),
        Row("largest difference of the styles", "", [float(np.abs(np.subtract(style, theirs.style.numbers)).max())]),
        *(Row(f"{who}, overlap on {len(test)} test photos", "IoU", [value]) for who, value in overlaps.items()),
    ]


class Quiet(SimpleHTTPRequestHandler):
    """A web host that says nothing."""

    def log_message(self, *values) -> None:
        return


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("what", choices=("first", "alone", "learn"))
    parser.add_argument("files", nargs="*", type=Path, help="films, or a folder of photos")
    parser.add_argument("--before", type=Path, help="another clone of this repository")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--json", type=Path)
    options = parser.parse_args()
    if options.what == "first":
        rows = measure_first(options.before, options.rounds)
    elif options.what == "alone":
        rows = measure_alone(options.files)
    else:
        rows = measure_learn(options.files[0])
    for row in rows:
        low, high = row.spread
        print(f"{row.name:<48}{row.median:>10.4g} {row.unit:<4}({low:.4g} to {high:.4g})")
    write_rows(options.json, rows)


if __name__ == "__main__":
    main()
