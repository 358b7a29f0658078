"""The tracker in one HTML file, from file://: it finds the face, its boxes are Python's, and nothing leaves it."""

from __future__ import annotations

import base64
import socket
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager

import cv2
import numpy as np
import pytest
from browser import FRAMES, SCENE, needs_browser, opened_browser, opened_page, wait_until, write_webcam
from firefox import needs_firefox, opened_firefox

from facetracker import scenes
from facetracker.core.boxes import as_boxes, iou, to_pixels
from facetracker.exports import export
from facetracker.inference.detector import ASSETS, Detector

MOST_BYTES = 8_000_000


def marked(marks):
    """A decorator of several marks."""

    def mark(test):
        for one in marks:
            test = one(test)
        return test

    return mark


in_chromium, in_firefox = marked(needs_browser), marked(needs_firefox)
# Looks at pictures in a worker made of what lies in the file.
LOOK_AT = """async (pictures) => {
  const worker = facetrackerFile.worker();
  const hear = (resolve) => (worker.onmessage = ({ data }) => data.type !== "read" && resolve(data));
  const answer = () => new Promise(hear);
  let told = answer();
  worker.postMessage({ type: "open", files: facetrackerFile.files });
  const answers = [await told];
  worker.postMessage({ type: "settings", follow: false });
  for (const [number, picture] of pictures.entries()) {
    const blob = new Blob([Uint8Array.from(atob(picture), (letter) => letter.charCodeAt(0))], { type: "image/png" });
    const bitmap = await createImageBitmap(blob, { colorSpaceConversion: "none", premultiplyAlpha: "none" });
    const frame = number % 2 ? bitmap : new VideoFrame(bitmap, { timestamp: number });
    told = answer();
    worker.postMessage({ type: "frame", number, frame }, [frame]);
    const { faces, error } = await told;
    answers.push(error ?? faces.map(({ box, score }) => [...box, score]));
  }
  worker.terminate();
  return answers;
}"""


@pytest.fixture(scope="module")
def page_file(tmp_path_factory):
    [made] = export("starter", ["html"], tmp_path_factory.mktemp("alone"))
    assert made.path is not None
    return made.path


@pytest.fixture(scope="module")
def browser(tmp_path_factory):
    with opened_browser(write_webcam(tmp_path_factory.mktemp("webcam") / "webcam.mjpeg")) as browser:
        yield browser


@contextmanager
def listening() -> Iterator[tuple[int, list]]:
    """A port, and who called there."""
    calls: list = []
    with socket.create_server(("127.0.0.1", 0)) as server:

        def wait() -> None:
            while True:
                try:
                    calls.append(server.accept()[1])
                except OSError:
                    return

        threading.Thread(target=wait, daemon=True).start()
        yield server.getsockname()[1], calls


def pictures_of(count: int) -> list[np.ndarray]:
    sizes = ((640, 480), (500, 375), (375, 500), (640, 360), (333, 517), (320, 240), (321, 243), (200, 150))
    drawn = [scenes.Scene(*size, faces=1 + i % 3, seed=i, noise=0) for i, size in enumerate(sizes)]
    return [drawn[number % len(drawn)].frame(number).picture for number in range(count)]


def as_text(picture: np.ndarray) -> str:
    return base64.b64encode(cv2.imencode(".png", picture, [cv2.IMWRITE_PNG_COMPRESSION, 1])[1].tobytes()).decode()


def check_boxes(pictures: list[np.ndarray], answers: list) -> None:
    detector = Detector.load(ASSETS / "starter.onnx", threads=1)
    faces = 0
    for picture, answer in zip(pictures, answers, strict=True):
        found = detector.detect(picture)
        rows = np.array(answer, float).reshape(-1, 5)
        assert len(rows) == len(found)
        np.testing.assert_allclose(rows[:, :4], found.pixels, atol=1.0)
        np.testing.assert_allclose(rows[:, 4], found.scores, atol=0.01)
        faces += len(rows)
    assert faces >= len(pictures)


@in_chromium
def test_the_file_finds_the_face_in_the_webcam_and_asks_nobody(browser, page_file):
    assert page_file.stat().st_size <= MOST_BYTES
    truth = np.concatenate([to_pixels(SCENE.frame(i).boxes, 640, 480) for i in range(0, FRAMES, 3)])
    with listening() as (port, calls), opened_page(browser, "about:blank") as page:
        asked: list[str] = []
        watching = page.context.new_cdp_session(page)
        watching.send("Network.enable")
        watching.on("Network.requestWillBeSent", lambda event: asked.append(event["request"]["url"]))
        page.goto(f"{page_file.as_uri()}#live?autostart=1")
        wait_until(page, f"window.facetrackerStats && facetrackerStats.frames >= {FRAMES}")
        seen = page.evaluate("facetrackerStats.recent")
        assert "WebAssembly" in page.inner_text("#way-hint")
        needed = list(asked)
        refused = page.evaluate(f"fetch('http://127.0.0.1:{port}/').then(() => 'sent', () => 'refused')")
        page.evaluate(f"(new Image().src = 'http://127.0.0.1:{port}/picture', 0)")
        page.wait_for_timeout(500)
        page.expected_faults = 3  # of the policy, about these two
    assert refused == "refused"
    assert calls == []
    assert needed
    assert [url for url in needed if not url.startswith(("file:", "blob:", "data:"))] == []
    found = [
        bool(frame["faces"]) and iou(as_boxes([face["box"] for face in frame["faces"]]), truth).max() > 0.5
        for frame in seen
    ]
    assert np.mean(found) >= 0.95


@in_chromium
def test_the_files_boxes_are_pythons_to_a_pixel_on_200_frames(browser, page_file):
    pictures = pictures_of(200)
    with opened_page(browser, page_file.as_uri()) as page:
        wait_until(page, "document.documentElement.dataset.ready === 'yes'")
        told, answers = None, []
        for first in range(0, len(pictures), 50):
            told, *more = page.evaluate(LOOK_AT, [as_text(one) for one in pictures[first : first + 50]])
            assert told["type"] == "ready"
            answers += more
    check_boxes(pictures, answers)


@pytest.mark.parametrize("width", [1280, 390])
@pytest.mark.parametrize("scheme", ["light", "dark"])
@in_chromium
def test_the_file_fits_every_screen_and_says_what_it_is(browser, page_file, scheme, width):
    with opened_page(
        browser, page_file.as_uri(), viewport={"width": width, "height": 844}, color_scheme=scheme
    ) as page:
        wait_until(page, "document.documentElement.dataset.ready === 'yes'")
        assert page.evaluate("document.documentElement.scrollWidth") <= width
        assert not page.is_visible("#way-choice")
        page.click("#about-open")
        text = page.inner_text("#about")
        assert "Nothing is sent" in text
        assert "starter" in text
        page.click("#about summary")
        assert "MIT License" in page.inner_text("#about pre")


@in_firefox
def test_firefox_opens_the_file_and_finds_the_same(page_file, tmp_path):
    pictures = pictures_of(12)
    photo = tmp_path / "face.png"
    cv2.imwrite(str(photo), SCENE.frame(0).picture)
    texts = [as_text(one) for one in pictures]
    with listening() as (port, calls), opened_firefox() as page:
        began = time.monotonic()
        page.open(page_file.as_uri())
        page.wait_until("document.documentElement.dataset.ready === 'yes'")
        assert time.monotonic() - began < 60
        told, *answers = page.evaluate(f"({LOOK_AT})({texts})")
        page.choose_file("#live-file", photo)
        page.wait_until("facetrackerStats.found > 0")
        assert page.evaluate(f"fetch('http://127.0.0.1:{port}/').then(() => 'sent', () => 'refused')") == "refused"
    assert told["type"] == "ready"
    assert calls == []
    check_boxes(pictures, answers)
