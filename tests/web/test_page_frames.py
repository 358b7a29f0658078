"""The page's camera operator is Python's: the same crops from the same faces, under node. Live shows and records."""

from __future__ import annotations

import functools
import json
import shutil
import subprocess
from pathlib import Path

import cv2
import numpy as np
import pytest
from browser import needs_browser, opened_browser, opened_page, wait_until, write_webcam

from facetracker.core.faces import Faces
from facetracker.inference.detector import Detector
from facetracker.inference.framing.operator import CameraOperator
from facetracker.inference.tracking.follow import Follower
from facetracker.scenes import Scene
from facetracker.web import app

VISION = Path(app.__file__).parent / "static" / "js" / "vision"
FPS = 30.0
SMALL = Scene(faces=1, seed=6, size=0.2, fps=240)  # a face that leaves room to come closer
RUN = """
import { readFileSync } from "node:fs";
import { CameraOperator } from "./operator.js";
const { shape, follow, width, height, frames } = JSON.parse(readFileSync(0, "utf8"));
const operator = new CameraOperator(shape, follow);
const answers = frames.map(({ time, faces }) => {
  const crop = operator.update(faces, width, height, time);
  return { crop, subjects: operator.shots.subjects };
});
console.log(JSON.stringify(answers));
"""


def followed(scene: Scene, frames: int, seed: int) -> list[tuple[float, Faces]]:
    """The faces of a scene as the follower has them: numbered, coasting, missed for a while, new again."""
    random = np.random.default_rng(seed)
    follower, rows = Follower(0.5, FPS), []
    for index in range(frames):
        boxes = scene.frame(index).boxes
        boxes = boxes[random.random(len(boxes)) > 0.05]
        if random.random() < 0.02 or index % 150 > 110:
            boxes = boxes[:1]  # the others are hidden for a second
        boxes = boxes + random.normal(0, 0.002, boxes.shape)
        found = Faces(boxes, np.ones(len(boxes)), np.zeros(len(boxes)), scene.width, scene.height)
        time = index / FPS + random.uniform(0, 0.01)
        rows.append((time, follower.update(found, time)))
    return rows


def jumping() -> list[tuple[float, Faces]]:
    """A clock that stands still, leaves a gap, and is wound back."""
    rows = followed(Scene(faces=2, seed=4, size=0.4), 240, 4)
    times = [max(0.5, time) if time < 1 else time + 3 if time < 5 else time - 2 for time, _ in rows]
    return [(time, faces) for time, (_, faces) in zip(times, rows, strict=True)]


@functools.cache
def drawn(name: str) -> list[tuple[float, Faces]]:
    """One of the courses; drawing it takes a second."""
    return {
        "alone": lambda: followed(Scene(faces=1, seed=1, size=0.4), 200, 0),
        "three": lambda: followed(Scene(faces=3, seed=2, size=0.5), 300, 1),
        "leaving": lambda: followed(Scene(faces=2, seed=3, leaving=True, size=0.4), 300, 2),
        "a clock that jumps": jumping,
    }[name]()


@pytest.mark.skipif(shutil.which("node") is None, reason="needs node")
@pytest.mark.slow
@pytest.mark.parametrize("follow", ["all", "largest"])
@pytest.mark.parametrize("shape", [16 / 9, 9 / 16, 1.0], ids=["wide", "upright", "square"])
@pytest.mark.parametrize("name", ["alone", "three", "leaving", "a clock that jumps"])
def test_the_page_frames_as_python_does(name, shape, follow, tmp_path):
    rows = drawn(name)
    width, height = rows[0][1].width, rows[0][1].height
    for file in VISION.glob("*.js"):
        shutil.copy(file, tmp_path)
    (tmp_path / "package.json").write_text('{"type": "module"}')
    (tmp_path / "run.js").write_text(RUN)
    frames = [
        {
            "time": time,
            "faces": [{"id": one.id, "box": one.pixels.tolist(), "coasting": one.coasting} for one in faces],
        }
        for time, faces in rows
    ]
    told = json.dumps({"shape": shape, "follow": follow, "width": width, "height": height, "frames": frames})
    done = subprocess.run(["node", "run.js"], cwd=tmp_path, input=told, capture_output=True, text=True, timeout=60)
    assert done.returncode == 0, done.stderr
    operator = CameraOperator(shape, follow)
    crops = []
    for (time, faces), theirs in zip(rows, json.loads(done.stdout), strict=True):
        crops.append(operator.update(faces, time))
        np.testing.assert_allclose(theirs["crop"], crops[-1], atol=1e-5)
        assert theirs["subjects"] == list(operator.subjects)
    assert np.ptp(crops, axis=0).max() > 0.02  # the camera had something to do


@pytest.fixture(scope="module")
def page(serve, tmp_path_factory):
    """Live on a server's model, with a drawn person before the webcam."""
    webcam = write_webcam(tmp_path_factory.mktemp("webcam") / "webcam.mjpeg", SMALL)
    place = serve(tmp_path_factory.mktemp("frames"))
    with (
        opened_browser(webcam) as browser,
        opened_page(browser, place.address, "#live?way=server&autostart=1") as page,
    ):
        wait_until(page, "facetrackerStats.found > 3")
        yield page


def shown_after(page, path: Path, choose) -> np.ndarray:
    """What the page shows, and would record, once a choice was made and the camera has had time to turn."""
    choose()
    before = page.evaluate("facetrackerStats.frames")
    wait_until(page, f"facetrackerStats.frames >= {before + 45}")
    with page.expect_download() as download:
        page.click("#live-snapshot")
    download.value.save_as(path)
    return cv2.imread(str(path))


@needs_browser[0]
@needs_browser[1]
def test_live_shows_and_records_the_framed_picture(page, tmp_path):
    framed = shown_after(page, tmp_path / "upright.png", lambda: page.select_option("#live-frame", "9:16"))
    assert framed.shape == (480, 270, 3)  # exactly 9:16
    found = Detector().detect(framed)
    assert len(found) == 1
    left, top, right, bottom = found.boxes[0]
    assert 0.3 < (left + right) / 2 < 0.7
    assert 0.25 < (top + bottom) / 2 < 0.45  # its middle a little below the upper third, its eyes on it
    assert 0.2 < bottom - top < 0.36
    page.click("#live-record")
    assert page.evaluate("document.getElementById('live-frame').disabled")
    before = page.evaluate("facetrackerStats.frames")
    wait_until(page, f"facetrackerStats.frames > {before + 15}")
    with page.expect_download() as download:
        page.click("#live-record")
    film = tmp_path / download.value.suggested_filename
    download.value.save_as(film)
    capture = cv2.VideoCapture(str(film))
    good, frame = capture.read()
    capture.release()
    assert good
    assert frame.shape == framed.shape

    page.keyboard.press("f")
    square = shown_after(page, tmp_path / "square.png", lambda: None)
    assert square.shape == (480, 480, 3)
    whole = shown_after(page, tmp_path / "whole.png", lambda: page.select_option("#live-frame", ""))
    assert whole.shape == (480, 640, 3)
