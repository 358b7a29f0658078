"""From a webcam to a tracker of one's own, by the page alone: counted actions, and the time that it takes."""

from __future__ import annotations

import json
import os
import time

import numpy as np
import pytest
from browser import needs_browser, opened_browser, opened_page, wait_until, write_webcam
from test_page_film import done, draw, shown

from facetracker import scenes
from facetracker.inference.style import Style

# Two minutes in which a webcam, a training and a page must keep pace: asked for by hand until it passes every time.
asked = pytest.mark.skipif("FACETRACKER_ONES_OWN" not in os.environ, reason="set FACETRACKER_ONES_OWN=1")
pytestmark = [*needs_browser, pytest.mark.slow, asked]


@pytest.mark.timeout(900)
def test_from_the_start_to_a_tracker_of_ones_own(serve, tmp_path):
    """Collect a film of 20 seconds, correct three frames, accept, learn, live: by the page alone."""
    scene = scenes.Scene(faces=1, seed=6, size=0.7, fps=20)
    webcam = write_webcam(tmp_path / "webcam.mjpeg", scene)
    place = serve(tmp_path)
    actions = 0
    with opened_browser(webcam) as browser, opened_page(browser, place.address) as page:
        page.set_default_timeout(400_000)
        began = time.monotonic()
        took = {}

        def click(selector):
            nonlocal actions
            actions += 1
            page.click(selector)

        def press(key):
            nonlocal actions
            actions += 1
            page.keyboard.press(key)

        click("#tab-collect")
        click("#collect-film")
        page.locator("#collect-film-next").wait_for()
        took["recorded"] = time.monotonic() - began
        click("#collect-film-next")
        shown(page)
        took["found"] = time.monotonic() - began
        (name,) = [path.name for path in (place.data / "films").iterdir() if path.suffix == ".mkv"]
        mine = Style(-0.1, -0.25, 0.1, 0.1)  # this person's boxes hold the hair
        with place.client() as client:
            film = client.get(f"/api/films/{name}").json()
        longest = max(film["tracks"], key=lambda track: len(track["boxes"]))
        frames = [frame for first, last in longest["spans"] for frame in range(first, last + 1)]
        boxes = {frame: box for frame, box in zip(frames, longest["boxes"], strict=True) if frame % 10 == 0}
        at = 0
        for corrected, frame in enumerate(list(boxes)[:3], 1):
            for _ in range((frame - at) // 10):
                press("Shift+ArrowRight")
            at = frame
            actions += 1
            box = mine.apply(np.array([boxes[frame]], np.float32))
            draw(page, np.clip(box, 0, [640, 480, 640, 480])[0], (640, 480))
            done(page, corrected)
        click("#film-use")
        page.locator("#film-learn").wait_for()
        took["accepted"] = time.monotonic() - began
        click("#film-learn")
        page.locator("#train-try").wait_for()
        took["learnt"] = time.monotonic() - began
        click("#train-try")
        page.locator("#view-live").wait_for()
        wait_until(page, "document.getElementById('live-model').textContent !== 'starter'", 400)
        click("#live-begin")
        wait_until(page, "facetrackerStats.frames > 5 && facetrackerStats.found > 3", 200)
        took["live"] = time.monotonic() - began
        with place.client() as client:
            assert client.get("/api/photos").json()["reviewed"] >= 25
    (run,) = place.runs.iterdir()
    style = json.loads((run / "model.tflite.json").read_text())["style"]
    assert style == pytest.approx(mine.numbers, abs=0.06)
    print(f"{actions} actions, " + ", ".join(f"{what} after {seconds:.0f} s" for what, seconds in took.items()))
    assert actions <= 25
    # Ninety seconds on two processors that have nothing else to do; where others want them too, it takes what it takes.
    assert took["live"] <= 90 * max(1.0, os.getloadavg()[0] / 2)
