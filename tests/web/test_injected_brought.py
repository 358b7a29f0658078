"""Names that are scripts, in real chromium: films, what a visitor brings, the page without a server, the HTML file.

As in `test_injected.py`: every name and every text of a file that somebody else may have written carries markup, the
pages' policies are switched off, and still everything stays text.
"""

from __future__ import annotations

import io
import json
import shutil
import sys
import threading
import zipfile
from collections.abc import Iterator
from dataclasses import replace
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest
from browser import needs_browser, opened_browser, wait_until, write_webcam
from hostile import FILES, IMAGE, LINK, QUOTE, SCRIPT, TEXTS, label_content, watched

from facetracker import scenes
from facetracker.core.boxes import to_pixels
from facetracker.exports.formats.html import write_page
from facetracker.inference.card import Card
from facetracker.inference.detector import ASSETS, find_model
from facetracker.labels.film.storage import LABELS
from facetracker.web.site import write_site

sys.path.insert(0, str(Path(__file__).parents[1]))

from drawn_films import write_film

pytestmark = needs_browser

# What cannot be drawn, in fields that the page reads: it must be left out, and the page go on.
BROKEN = (
    {"shapes": [None]},
    {"shapes": ["text"]},
    {"shapes": [{"label": IMAGE, "points": [[], []]}]},
    {"shapes": [{"label": IMAGE, "points": [1, 2]}]},
    {"shapes": [{"label": IMAGE, "points": "text"}]},
    {"shapes": [], "flags": IMAGE},
    {"shapes": [], "flags": [IMAGE]},
)


@pytest.fixture(scope="module")
def browser(tmp_path_factory) -> Iterator:
    with opened_browser(write_webcam(tmp_path_factory.mktemp("webcam") / "webcam.mjpeg")) as browser:
        yield browser


class Quiet(SimpleHTTPRequestHandler):
    def log_message(self, *values) -> None:
        pass


@pytest.fixture(scope="module")
def site(tmp_path_factory) -> Iterator[str]:
    """The address of the page without a server, as any web host gives it."""
    folder = write_site(tmp_path_factory.mktemp("site") / "page")
    server = ThreadingHTTPServer(("127.0.0.1", 0), partial(Quiet, directory=str(folder)))
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield f"http://127.0.0.1:{server.server_port}/"
    server.shutdown()


def given(name: str, data: bytes) -> dict[str, object]:
    """A file as playwright hands it to a page; the kind is what its name says, as browsers do it."""
    kinds = {".jpg": "image/jpeg", ".json": "application/json", ".zip": "application/zip", ".mp4": "video/mp4"}
    return {"name": name, "mimeType": kinds.get(Path(name).suffix, "text/plain"), "buffer": data}


def brought(frames: list[bytes]) -> list[dict[str, object]]:
    """Photos and labelme's files with names and texts that are markup."""
    files = []
    for number, name in enumerate(FILES):
        content = label_content(640, 480, TEXTS)
        left, top, right, bottom = to_pixels(scenes.photo(0, number, faces=1).boxes, 640, 480)[0].tolist()
        for shape in content["shapes"]:  # about the face, so that there is something to learn
            shape["points"] = [[left - 8, top - 12], [right + 8, bottom + 8]]
        files += [given(f"{name}.jpg", frames[number]), given(f"{name}.json", json.dumps(content).encode())]
    return files


def test_the_film_view_shows_films_classes_and_faults_as_text(browser, serve, tmp_path):
    films = tmp_path / "data" / "films"
    films.mkdir(parents=True)
    write_film(tmp_path / "film.mp4", count=20)
    for name in FILES:
        for path in tmp_path.glob("film.mp4*"):
            shutil.copy2(path, films / path.name.replace("film", name))
        (films / f"{name}.mkv").write_bytes(b"no film")
    place = serve(tmp_path)
    with place.client() as client:
        for name, label in zip(FILES, (SCRIPT, QUOTE, IMAGE), strict=True):
            wish = {"act": "rename", "track": 1, "label": label}
            assert client.post(f"/api/films/{name}.mp4/act", json=wish).is_success
            wish = {"act": "add", "frame": 3, "box": [5, 150, 60, 200], "label": IMAGE}
            assert client.post(f"/api/films/{name}.mp4/act", json=wish).is_success
            path = films / f"{name}.mp4{LABELS}"  # names of steps are shown too, and the file may be anybody's
            path.write_text(path.read_text().replace('"name":"rename"', f'"name":{json.dumps(SCRIPT)}'))
            path.write_text(path.read_text().replace('"name":"add"', f'"name":{json.dumps(QUOTE)}'))
    with watched(browser) as page:
        page.goto(place.address + "#film")
        page.locator("#film-head").wait_for()
        for name in FILES:
            page.select_option("#film-name", f"{name}.mp4")
            wait_until(page, "document.querySelectorAll('.film-name').length === 2")
            assert "hacked" in page.locator(".film-name").first.inner_text()
            page.locator(".film-name").first.click()
            assert "hacked" in page.input_value("#film-label")
            assert "hacked" in page.get_attribute("#film-undo", "title")
            page.click("#film-undo")
            wait_until(page, "document.getElementById('film-saved').textContent === 'Saved'")
            page.fill("#film-label", TEXTS[-1])
            page.press("#film-label", "Enter")
            page.fill("#film-label", f"\x1b{IMAGE}" * 3)
            page.press("#film-label", "Enter")
            page.select_option("#film-name", f"{name}.mkv")
            page.locator("#film-told.bad, #toasts .error").first.wait_for()
        page.evaluate("(to) => { location.hash = to; }", f"film/{SCRIPT}")
        page.select_option("#film-name", f"{FILES[0]}.mp4")
        wait_until(page, "document.querySelectorAll('.film-name').length > 0")
        page.click("#film-use")
        page.locator("#film-learn").wait_for()
        page.click("#tab-label")
        wait_until(page, "document.querySelectorAll('#label-list li').length > 0")


def test_what_a_visitor_brings_to_the_server_is_text(browser, served, frames):
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w") as archive:
        archive.writestr(f"{IMAGE}/{QUOTE}.jpg", frames[3])
        archive.writestr(f"{IMAGE}/{LINK}.json", b"{}")
    more = [given(f"{name}.zip", packed.getvalue()) for name in FILES[:1]] + [given(f"{IMAGE}.mp4", b"a film")]
    broken = [given(f"{QUOTE}.txt", b"text"), given(f"x{IMAGE}.jpg", b"no photo"), given(f"{SCRIPT[2:9]}.json", b"[")]
    with watched(browser) as page:
        page.goto(served.address + "#label")
        page.locator("#label-choose").wait_for()
        page.set_input_files("#bring-files", [*brought(frames), *more, *broken])
        page.locator("#toasts .error").first.wait_for()
        wait_until(page, "document.querySelectorAll('#label-list li').length === 4")
        for number in range(4):
            page.locator("#label-list button").nth(number).click()
            page.wait_for_timeout(150)
        page.keyboard.press("Shift+Delete")
        page.click("#label-class-add")
        page.fill("#class-name", f"new{QUOTE}")
        page.keyboard.press("Enter")
        mine = page.locator("#label-classes button", has_text=f"new{QUOTE}")
        mine.dblclick()
        assert "onload" in page.inner_text("#class-title")
        page.fill("#class-name", f"newer{IMAGE}")
        page.click("#class-dialog button[value=save]")
        page.click("#label-sheet-open")
        page.wait_for_timeout(300)
        page.click("#tab-collect")
        page.click("#collect-begin")
        # As a word of a session the server refuses it, in its own words; past the field's own check.
        page.evaluate("document.getElementById('collect-session').removeAttribute('pattern')")
        page.fill("#collect-session", IMAGE)
        for button in ("#collect-start", "#collect-film"):
            page.evaluate("document.getElementById('toasts').replaceChildren()")
            page.click(button)
            page.locator("#toasts .error").first.wait_for()


def test_the_page_without_a_server_shows_what_is_brought_as_text(browser, site, frames):
    with watched(browser) as page:
        page.goto(site + "#learn")
        wait_until(page, "document.getElementById('learn-advice').textContent !== ''")
        left_out = [given(f"{IMAGE}.png", b"no photo"), given(f"{QUOTE}{QUOTE}.json", b"[")]
        page.set_input_files("#learn-files", [*brought(frames), *left_out])
        wait_until(page, "document.getElementById('toasts').textContent.includes('onerror')")
        wait_until(page, "document.getElementById('learn-advice').textContent.startsWith('3 of 3')")
        page.click("#tab-label")
        wait_until(page, "document.querySelectorAll('#label-list li').length === 3")
        for number in range(3):
            page.locator("#label-list button").nth(number).click()
            wait_until(page, "document.getElementById('label-name').textContent.includes('hacked')")
        page.keyboard.press("Enter")
        page.click("#tab-collect")
        page.click("#collect-begin")
        page.evaluate("document.getElementById('collect-session').removeAttribute('pattern')")
        page.fill("#collect-session", IMAGE)
        page.fill("#collect-count", "1")
        page.click("#collect-start")
        page.locator("#collect-next").wait_for()
        page.click("#tab-learn")
        page.click("#learn-start")
        wait_until(page, "document.getElementById('learn-told').textContent !== ''")
        wait_until(page, "document.querySelectorAll('#learn-strip canvas').length === 3")
        page.click("#tab-live")
        page.locator("#view-live").wait_for()


def test_the_page_without_a_server_goes_on_after_a_label_file_that_is_none(browser, site, frames):
    with watched(browser) as page:
        faults: list[str] = []
        page.on("pageerror", lambda error: faults.append(str(error)))
        page.goto(site + "#learn")
        wait_until(page, "document.getElementById('learn-advice').textContent !== ''")
        page.set_input_files("#learn-files", [given("a.jpg", frames[0])])
        wait_until(page, "document.getElementById('learn-advice').textContent.startsWith('0 of 1')")
        for content in BROKEN:
            page.evaluate("document.getElementById('toasts').replaceChildren()")
            page.set_input_files("#learn-files", [given("a.json", json.dumps(content).encode())])
            wait_until(page, "document.getElementById('toasts').textContent.includes('a.json: is no labelme file')")
        page.reload()
        wait_until(page, "document.getElementById('learn-advice').textContent.startsWith('0 of 1')")
        page.click("#tab-label")
        wait_until(page, "document.getElementById('label-state').textContent === 'Suggested'")
        assert faults == []


@pytest.mark.parametrize("name", [*TEXTS, "@@CARD@@", "@@SCRIPT@@$&"])
def test_the_html_file_shows_its_name_and_its_classes_as_text(browser, tmp_path, name):
    card = replace(Card.read_beside(find_model()), name=name, classes=[SCRIPT])
    path = tmp_path / f"{QUOTE}.html"
    write_page(ASSETS / "starter.onnx", card, path)
    with watched(browser) as page:
        page.goto(f"{path.as_uri()}#live?autostart=1")
        wait_until(page, "document.documentElement.dataset.ready === 'yes'")
        assert page.title() == f"{name} · facetracker"
        assert page.inner_text("#live-model") == name
        assert page.evaluate("JSON.parse(document.getElementById('part-card').textContent).classes") == [SCRIPT]
        page.click("#about-open")
        assert name in page.inner_text("#about")
        page.keyboard.press("Escape")
        wait_until(page, "facetrackerStats.found > 0")
        page.evaluate("(to) => { location.hash = to; }", f"live?{SCRIPT}")
        page.set_input_files("#live-file", [given(f"{IMAGE}.jpg", b"no photo")])
        page.locator("#toasts .error").first.wait_for()
