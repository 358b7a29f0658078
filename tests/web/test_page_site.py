"""The page without a server: photos are collected, labelled, learnt from and taken away, and none is sent."""

from __future__ import annotations

import json
import re
import threading
import zipfile
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import cv2
import numpy as np
import pytest
from browser import needs_browser, opened_browser, opened_page, wait_until, write_webcam

from facetracker.core.boxes import as_boxes
from facetracker.core.errors import FaceTrackerError
from facetracker.core.example import Example
from facetracker.exports.page import model_of_page
from facetracker.inference.detector import ASSETS, Detector
from facetracker.inference.style import Style
from facetracker.labels.collection import Collection
from facetracker.labels.labelme import write_labels
from facetracker.personal.learn import learn
from facetracker.scenes import Scene
from facetracker.web.site import write_site

PHOTOS = 6
DRAWN = Style(-0.1, -0.25, 0.12, 0.1)


@pytest.fixture(scope="module")
def site(tmp_path_factory) -> Path:
    return write_site(tmp_path_factory.mktemp("site") / "page")


@pytest.fixture(scope="module")
def data(tmp_path_factory) -> Path:
    """Labelled photos, the boxes as one person might draw them."""
    folder = tmp_path_factory.mktemp("photos") / "data"
    for kind in ("images", "labels"):
        (folder / kind).mkdir(parents=True)
    for number in range(PHOTOS):
        frame = Scene(640, 480, faces=1, seed=number, size=0.6).frame(0)
        photo = folder / "images" / f"photo-{number}.png"
        cv2.imwrite(str(photo), frame.picture)
        boxes = as_boxes(np.clip(DRAWN.apply(frame.boxes), 0, 1))
        write_labels(folder / "labels" / f"{photo.stem}.json", Example(photo, 640, 480, boxes=boxes, labels=("face",)))
    return folder


class Quiet(SimpleHTTPRequestHandler):
    asked: list[str] = []  # noqa: RUF012

    def log_message(self, *values) -> None:
        self.asked.append(f"{self.command} {self.path}")


@pytest.fixture(scope="module")
def address(site):
    server = ThreadingHTTPServer(("127.0.0.1", 0), partial(Quiet, directory=str(site)))
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield f"http://127.0.0.1:{server.server_port}/"
    server.shutdown()


@pytest.fixture(scope="module")
def browser(tmp_path_factory):
    with opened_browser(write_webcam(tmp_path_factory.mktemp("webcam") / "webcam.mjpeg")) as browser:
        yield browser


def in_chromium(test):
    for mark in needs_browser:
        test = mark(test)
    return test


def test_the_site_holds_every_module_that_it_imports(site):
    names = {path.relative_to(site / "static" / "js").as_posix() for path in (site / "static" / "js").rglob("*.js")}
    for name in names:
        text = (site / "static" / "js" / name).read_text()
        for other in re.findall(r'(?:from|import) "(\.[^"]+)"', text):
            path = (site / "static" / "js" / name).parent / other
            assert path.resolve().is_file(), f"{name} imports {other}"
    assert "@@" not in (site / "index.html").read_text()
    assert set(re.findall(r"@@(\w+)@@", (site / "tracker.html").read_text())) == {"NAME", "CARD"}
    assert "MIT License" in (site / "LICENSE.txt").read_text()


def test_a_site_is_not_written_over_something_else(site, tmp_path):
    (tmp_path / "thesis.txt").write_text("years of work")
    for force in (False, True):
        with pytest.raises(FaceTrackerError, match="is not empty"):
            write_site(tmp_path, force)
    assert (tmp_path / "thesis.txt").is_file()
    with pytest.raises(FaceTrackerError, match="is not empty"):
        write_site(site)
    assert write_site(site, force=True) == site
    assert [path.name for path in site.parent.iterdir()] == [site.name]


@in_chromium
def test_the_whole_way_in_the_tab_gives_what_python_gives(browser, address, data, tmp_path):
    files = sorted(str(path) for path in data.rglob("*.*"))
    with opened_page(browser, address, "#learn") as page:
        sent: list[str] = []
        page.on("request", lambda request: sent.append(f"{request.method} {request.post_data_buffer}"))
        wait_until(page, "document.getElementById('learn-advice').textContent !== ''")
        page.set_input_files("#learn-files", files)
        wait_until(page, f"document.getElementById('learn-advice').textContent.startsWith('{PHOTOS} of {PHOTOS}')")
        page.click("#learn-start")
        wait_until(page, "document.getElementById('learn-told').textContent !== ''")
        assert page.inner_text("#learn-told").startswith(f"Learnt from {PHOTOS} faces")
        taken = {name: taken_away(page, f"#learn-{name}", tmp_path) for name in ("onnx", "page", "zip")}
        page.click("#tab-live")
        wait_until(page, "!document.getElementById('view-live').hidden")
        assert page.inner_text("#live-model") == "mine"
        page.click("#live-toggle")
        wait_until(page, "facetrackerStats.found > 10")
    assert {one.split(" ")[0] for one in sent} == {"GET"}
    assert all(one.endswith("None") for one in sent)
    assert taken["onnx"].name == "mine.onnx"
    mine = Detector.load(taken["onnx"])
    theirs = learn(data, "theirs", instant=True, runs=tmp_path / "runs")
    np.testing.assert_allclose(mine.card.style, theirs.style.numbers, atol=1e-3)  # other files of the same weights
    assert mine.threshold == pytest.approx(theirs.threshold, abs=0.011)
    assert model_of_page(taken["page"].read_bytes(), taken["page"]) == (ASSETS / "starter.onnx").read_bytes()
    assert json.dumps(mine.card.style)[1:20] in taken["page"].read_text().replace(",", ", ")
    check_zip(taken["zip"], data, tmp_path / "unpacked")


def taken_away(page, button: str, folder: Path) -> Path:
    with page.expect_download() as download:
        page.click(button)
    path = folder / download.value.suggested_filename
    download.value.save_as(path)
    return path


def check_zip(path: Path, data: Path, folder: Path) -> None:
    with zipfile.ZipFile(path) as packed:
        assert packed.testzip() is None
        packed.extractall(folder)
    ours, theirs = Collection.open(folder / "data"), Collection.open(data)
    assert len(ours.examples) == len(theirs.examples) == PHOTOS
    for one, other in zip(ours.examples, theirs.examples, strict=True):
        assert one.photo.read_bytes() == other.photo.read_bytes()
        np.testing.assert_allclose(one.boxes, other.boxes, atol=1e-5)
    label = json.loads(next((folder / "data" / "labels").iterdir()).read_text())
    assert (folder / "data" / "labels" / label["imagePath"]).resolve().is_file()
    assert {"version", "flags", "shapes", "imagePath", "imageData", "imageHeight", "imageWidth"} <= set(label)


@in_chromium
def test_photos_are_taken_labelled_and_kept_in_the_browser(browser, address, tmp_path):
    with opened_page(browser, address, "#collect") as page:
        page.fill("#collect-count", "2")
        page.fill("#collect-interval", "0.2")
        page.check("#collect-similar")
        page.click("#collect-start")
        wait_until(page, "!document.getElementById('collect-next').hidden")
        assert page.inner_text("#collect-told").startswith("2 of 2 photos")
        page.click("#collect-next")
        wait_until(page, "document.getElementById('label-state').textContent === 'Suggested'")
        page.keyboard.press("Enter")
        wait_until(page, "document.getElementById('label-progress').textContent.startsWith('1 of 2')")
        wait_until(page, "document.getElementById('label-state').textContent === 'Suggested'")
        page.keyboard.press("n")
        wait_until(page, "document.getElementById('label-progress').textContent.startsWith('2 of 2')")
        page.reload()
        wait_until(page, "document.getElementById('label-progress').textContent.startsWith('2 of 2')")
        page.click("#tab-learn")
        wait_until(page, "!document.getElementById('learn-zip').disabled")
        packed = taken_away(page, "#learn-zip", tmp_path)
        page.click("#learn-delete")
        with page.expect_navigation():
            page.click("#learn-sure [value=delete]")
        wait_until(page, "document.getElementById('learn-advice').textContent.startsWith('Collect some photos')")
    with zipfile.ZipFile(packed) as files:
        labels = [json.loads(files.read(name)) for name in sorted(files.namelist()) if name.endswith(".json")]
    assert [len(label["shapes"]) for label in labels] == [1, 0]
    assert labels[1]["flags"] == {"no_face": True}


@in_chromium
@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("width", [1280, 390])
def test_the_site_fits_every_screen(browser, address, scheme, width):
    with opened_page(browser, address, viewport={"width": width, "height": 844}, color_scheme=scheme) as page:
        for name in ("collect", "label", "learn", "live"):
            page.click(f"#tab-{name}")
            wait_until(page, f"!document.getElementById('view-{name}').hidden")
            assert page.evaluate("document.documentElement.scrollWidth") <= width
