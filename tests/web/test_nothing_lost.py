"""Nothing is lost: server and browser are killed in the middle of labelling; several programs write one folder.

FACETRACKER_KILLS says how often (default: 4).
"""

from __future__ import annotations

import json
import os
import random
import signal
import subprocess
import sys
import threading
import time
from contextlib import contextmanager, suppress
from pathlib import Path

import pytest
from browser import CHROMIUM, FLAGS, PATIENCE, needs_browser

from facetracker import scenes
from facetracker.core.photo import write_jpeg
from facetracker.labels.labelme import read_content

pytestmark = [*needs_browser, pytest.mark.slow, pytest.mark.timeout(1500)]
KILLS = int(os.environ.get("FACETRACKER_KILLS", "4"))
PHOTOS = 12
SIZE = 640, 480


@contextmanager
def server(folder: Path):
    """`facetracker web` in a process of its own: the process and its address."""
    command = [sys.executable, "-m", "facetracker.cli", "web", "--data", str(folder), "--port", "0", "--no-open"]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
    try:
        yield process, next(line.strip() for line in process.stdout if line.startswith("http"))
    finally:
        process.kill()
        process.wait()


@contextmanager
def chromium(playwright, profile: Path):
    """Chromium in a process group of its own, so that all of it can be killed: the process and a browser."""
    command = [CHROMIUM, *FLAGS, "--headless=new", "--remote-debugging-port=0", f"--user-data-dir={profile}"]
    process = subprocess.Popen(command, stderr=subprocess.PIPE, text=True, start_new_session=True)
    try:
        line = next(line for line in process.stderr if "DevTools listening on" in line)
        threading.Thread(target=process.stderr.read, daemon=True).start()
        yield process, playwright.chromium.connect_over_cdp(line.split()[-1])
    finally:
        with suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)
        process.wait()


class Worker:
    """Draws boxes in the page and remembers those of which the page said that they are saved."""

    def __init__(self, page, rng: random.Random, saved: dict[str, list[list[int]]]):
        self.page, self.rng, self.saved = page, rng, saved

    def work(self, until: threading.Event) -> None:
        """Photo after photo, until the page is gone."""
        while not until.is_set():
            name = self.page.inner_text("#label-name").split(" ")[0]
            box = [self.rng.randrange(20, 300), self.rng.randrange(20, 200)]
            box += [box[0] + self.rng.randrange(60, 300), box[1] + self.rng.randrange(60, 250)]
            before = self.page.locator("#label-easel .box").count()
            self._draw(box)
            self.page.wait_for_timeout(self.rng.randrange(0, 60))
            end = time.monotonic() + 10
            while self.page.inner_text("#label-saved") != "Saved" and time.monotonic() < end and not until.is_set():
                self.page.wait_for_timeout(10)
            if (
                self.page.inner_text("#label-saved") == "Saved"
                and self.page.locator("#label-easel .box").count() > before
            ):
                self.saved.setdefault(name, []).append(box)
            self.page.keyboard.press("d")
            self.page.wait_for_timeout(self.rng.randrange(100, 250))

    def _draw(self, box: list[int]) -> None:
        corners = self.page.evaluate(
            """([x1, y1, x2, y2]) => {
              const matrix = document.getElementById("label-easel").getScreenCTM();
              const points = [new DOMPoint(x1, y1), new DOMPoint(x2, y2)].map((point) => point.matrixTransform(matrix));
              return points.map(({x, y}) => [x, y]);
            }""",
            box,
        )
        self.page.keyboard.down("Shift")  # over another box, too
        self.page.mouse.move(*corners[0])
        self.page.mouse.down()
        self.page.mouse.move(*(sum(sides) / 2 for sides in zip(*corners, strict=True)))
        self.page.mouse.move(*corners[1])
        self.page.mouse.up()
        self.page.keyboard.up("Shift")


def boxes_in(folder: Path) -> dict[str, list[list[float]]]:
    """Every label file, which must be whole."""
    files = {path.stem: read_content(path) for path in (folder / "labels").glob("*.json")}
    return {
        name: [shape["points"][0] + shape["points"][1] for shape in content["shapes"]]
        for name, content in files.items()
    }


def missing(folder: Path, saved: dict[str, list[list[int]]]) -> list[tuple[str, list[int]]]:
    """The saved boxes that no file holds, to the two pixels of a screen's rounding."""
    there = boxes_in(folder)
    return [
        (name, box)
        for name, boxes in saved.items()
        for box in boxes
        if not any(max(abs(a - b) for a, b in zip(box, one, strict=True)) <= 2 for one in there.get(name, []))
    ]


def test_what_the_page_called_saved_is_there_after_any_kill(tmp_path):
    from playwright.sync_api import Error, sync_playwright

    folder, saved, rng = tmp_path / "data", {}, random.Random(5)
    for number in range(PHOTOS):
        write_jpeg(folder / "images" / f"photo{number:02}.jpg", scenes.photo(3, number, faces=0).picture)
    for kill in range(KILLS):
        with (
            sync_playwright() as playwright,
            server(folder) as (process, address),
            chromium(playwright, tmp_path / f"profile{kill}") as (browser_process, browser),
        ):
            page = browser.contexts[0].new_page()
            page.set_default_timeout(PATIENCE)
            page.goto(address + "#label")
            page.locator("#label-easel image").wait_for()
            page.wait_for_timeout(500)
            over = threading.Event()

            def strike(kill=kill, process=process, browser_process=browser_process, over=over):
                if kill % 2:
                    os.killpg(browser_process.pid, signal.SIGKILL)
                else:
                    process.kill()
                over.set()

            timer = threading.Timer(rng.uniform(1.0, 5.0), strike)
            timer.start()
            with suppress(Error):  # the page is gone in the middle of a word
                Worker(page, rng, saved).work(over)
            timer.join()
        assert missing(folder, saved) == []
    assert sum(map(len, saved.values())) >= KILLS, "something was saved between the kills"
    print(f"{KILLS} kills, {sum(map(len, saved.values()))} boxes saved, none lost")


def test_two_pages_and_labelme_on_one_folder_lose_nothing_and_are_told(serve, tmp_path):
    """Both pages add boxes to the same photos; what saves as labelme does writes others, and at the end theirs."""
    for number in range(6):
        write_jpeg(tmp_path / "data" / "images" / f"p{number}.jpg", scenes.photo(3, number, faces=0).picture)
    place = serve(tmp_path)
    told, added = {"conflicts": 0}, []
    guard, both_have_seen = threading.Lock(), threading.Barrier(2)

    def page(first: int) -> None:
        rng = random.Random(first)
        with place.client() as client:
            for step in range(40):
                name = f"p{rng.randrange(3) if step else 0}"
                first_look = step == 0
                box = [first, step, first + 100, step + 100]
                while True:
                    seen = client.get(f"/api/photos/{name}/label").json()
                    shapes = [{key: shape[key] for key in ("label", "box", "index")} for shape in seen["shapes"]]
                    time.sleep(rng.uniform(0, 0.01))
                    if first_look:  # then one of the two is late, however fast the machine
                        both_have_seen.wait(timeout=60)
                        first_look = False
                    headers = {"If-Match": seen["etag"]} if seen["etag"] else {"If-None-Match": "*"}
                    wish = {"shapes": [*shapes, {"label": "face", "box": box}]}
                    status = client.put(f"/api/photos/{name}/label", json=wish, headers=headers).status_code
                    with guard:
                        told["conflicts"] += status == 412
                    if status == 200:
                        added.append((name, box))
                        break
                    assert status == 412

    def labelme() -> None:
        for step in range(40):
            name, box = f"p{3 + step % 3}", [7, step, 107, step + 100]
            path = place.data / "labels" / f"{name}.json"
            shapes = json.loads(path.read_text())["shapes"] if path.exists() else []
            shape = {"label": "face", "shape_type": "rectangle", "points": [box[:2], box[2:]], "flags": {}}
            content = {"shapes": [*shapes, shape], "imageWidth": SIZE[0], "imageHeight": SIZE[1], "flags": {}}
            path.parent.mkdir(exist_ok=True)
            path.write_text(json.dumps(content))  # labelme 6 writes into the file itself
            added.append((name, box))
            time.sleep(0.02)

    writers = [threading.Thread(target=page, args=(200,)), threading.Thread(target=page, args=(400,))]
    writers.append(threading.Thread(target=labelme))
    for writer in writers:
        writer.start()
    for writer in writers:
        writer.join()
    saved: dict[str, list] = {}
    for name, box in added:
        saved.setdefault(name, []).append(box)
    assert missing(place.data, saved) == []
    assert told["conflicts"] > 0, "the two pages were in each other's way, and heard of it"
    with place.client() as client:  # a page that saw the file before labelme wrote it is refused, every time
        for number in range(3, 6):
            seen = client.get(f"/api/photos/p{number}/label").json()
            path = place.data / "labels" / f"p{number}.json"
            path.write_text(path.read_text().replace('"face"', '"mask"'))
            before = path.read_bytes()
            headers = {"If-Match": seen["etag"]}
            assert client.put(f"/api/photos/p{number}/label", json={"shapes": []}, headers=headers).status_code == 412
            assert client.delete(f"/api/photos/p{number}/label", headers=headers).status_code == 412
            assert path.read_bytes() == before
