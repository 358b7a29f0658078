"""A real browser before the page: Debian's chromium, a film as its webcam, driven by playwright."""

from __future__ import annotations

import shutil
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from importlib.util import find_spec
from pathlib import Path

import pytest

from facetracker import scenes

CHROMIUM = "/usr/bin/chromium"
FLAGS = (
    "--no-sandbox",
    "--disable-gpu",
    "--use-fake-device-for-media-stream",
    "--use-fake-ui-for-media-stream",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    # A tab that nobody looks at is slowed down; here nobody ever does.
    "--disable-background-timer-throttling",
    "--disable-renderer-backgrounding",
)
FRAMES = 60
PATIENCE = 60_000  # ms a page may take on a machine that has other things to do

_missing = [name for name in ("chromium", "ffmpeg") if shutil.which(name) is None]
_missing += [name for name in ("playwright", "starlette", "uvicorn") if find_spec(name) is None]
needs_browser = [pytest.mark.browser, pytest.mark.skipif(bool(_missing), reason=f"needs {', '.join(_missing)}")]

# Slow, so that a face is still where it was when a busy machine looks at few of the frames.
SCENE = scenes.Scene(faces=1, seed=6, size=0.7, fps=120)


def write_webcam(path: Path, scene: scenes.Scene = SCENE) -> Path:
    """A film of `FRAMES` frames of a scene, 640x480, and back: chromium plays it, over and over, as its webcam."""
    raw = ["-f", "rawvideo", "-pix_fmt", "bgr24", "-s", "640x480", "-r", "30", "-i", "-"]
    mjpeg = ["-c:v", "mjpeg", "-q:v", "3", "-pix_fmt", "yuvj420p", str(path)]
    command = ["ffmpeg", "-y", "-loglevel", "error", *raw, *mjpeg]
    pictures = [scene.frame(index).picture.tobytes() for index in range(FRAMES)]
    subprocess.run(command, input=b"".join(pictures + pictures[-2:0:-1]), check=True, timeout=60)
    return path


@contextmanager
def opened_browser(webcam: Path | None = None) -> Iterator:
    """Chromium. It ends with the block, so that its event loop is not in the way of other tests."""
    from playwright.sync_api import sync_playwright

    camera = () if webcam is None else (f"--use-file-for-fake-video-capture={webcam}",)
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=[*FLAGS, *camera])
        try:
            yield browser
        finally:
            browser.close()


@contextmanager
def opened_page(browser, address: str, fragment: str = "", **settings) -> Iterator:
    """The page at `address`; whatever it complains about in its console is a fault of the test's block."""
    context = browser.new_context(**{"viewport": {"width": 1280, "height": 860}, **settings})
    context.set_default_timeout(PATIENCE)
    page = context.new_page()
    faults: list[str] = []
    page.on("pageerror", lambda error: faults.append(str(error)))
    page.on("console", lambda line: faults.append(line.text) if line.type == "error" else None)
    page.expected_faults = 0  # refusals that the test provokes: the browser writes each into the console
    try:
        page.goto(address + fragment)
        yield page
        assert len(faults) == page.expected_faults, faults
    finally:
        context.close()


def wait_until(page, expression: str, patience: float = PATIENCE / 1000) -> None:
    """Until the expression is true in the page. (playwright's own `wait_for_function` evals: our policy forbids it.)"""
    end = time.monotonic() + patience
    while not page.evaluate(expression):
        assert time.monotonic() < end, f"never true: {expression}"
        page.wait_for_timeout(50)


def begin_training(page, name: str, epochs: int, variants: int) -> None:
    """Fill in the form of Train for a network of the preset `nano`, and begin."""
    page.select_option("#train-preset", "nano")
    page.fill("#train-epochs", str(epochs))
    page.fill("#train-variants", str(variants))
    page.fill("#train-name", name)
    page.press("#train-name", "Enter")
    page.locator("#train-stop").wait_for()
