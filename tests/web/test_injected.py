"""Names that are scripts, in real chromium: on every view of the page and in every report they stay text.

Classes, photos, runs, flags, folders and texts of labelme files carry markup that calls `hacked`. The page's policy and
the reports' would stop most of it; they are switched off here, so that a place that forgets to escape is seen. A second
look with the policy in force is at a report that somebody else has written.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
from browser import needs_browser, opened_browser, wait_until
from hostile import FILES, IMAGE, LINK, QUOTE, SCRIPT, TEXTS, labelme, watched

from facetracker import scenes
from facetracker.core.boxes import as_boxes
from facetracker.core.photo import write_jpeg

sys.path.insert(0, str(Path(__file__).parents[1] / "reports"))

pytestmark = needs_browser

RUN = "mine"


@pytest.fixture(scope="module")
def browser() -> Iterator:
    with opened_browser() as browser:
        yield browser


@pytest.fixture
def place(serve, tmp_path):
    """A server on a folder, photos, classes and runs whose names are markup, with a model whose name and class are."""
    folder = tmp_path / IMAGE
    for number, name in enumerate(FILES):
        drawn = scenes.photo(3, number, width=160, height=120, faces=1).picture
        write_jpeg(folder / "data" / "images" / f"{name}.jpg", drawn)
        if number != 1:  # one that is not labelled
            labelme(folder / "data" / "labels" / f"{name}.json", 160, 120, TEXTS)
    (folder / "data" / "labels.txt").write_text("".join(f"{text}\n" for text in TEXTS), encoding="utf-8")
    for name in (IMAGE, QUOTE, LINK):
        (folder / "runs" / name).mkdir(parents=True)
        (folder / "runs" / name / "config.yaml").write_text("preset: nano\n")
    learned = folder / "runs" / RUN
    learned.mkdir()
    told = {"kept": IMAGE, "held_back": {IMAGE: 0.5, "style": 0.5}, "photos": 3, "classes": list(TEXTS)}
    (learned / "learn.json").write_text(json.dumps(told), encoding="utf-8")
    trained = folder / "runs" / "trained"
    trained.mkdir()
    (trained / "config.yaml").write_text("training: {epochs: 2}\n")
    rows = f'epoch,"{IMAGE}",val_mean_iou,total_loss,seconds\n1,"{QUOTE.replace(chr(34), "")}",0.5,"{IMAGE}",1\n'
    (trained / "history.csv").write_text(rows, encoding="utf-8")
    from small_files import constant_model

    return serve(folder, constant_model(folder / f"{IMAGE}.onnx", classes=(SCRIPT,)))


def test_the_trap_bites(browser, tmp_path):
    """What is looked for does run where it is not escaped, whatever policy the page asks for."""
    for text in (IMAGE, QUOTE, SCRIPT):
        page = tmp_path / "page.html"
        policy = '<meta http-equiv="Content-Security-Policy" content="default-src \'none\'">'
        page.write_text(f'<!doctype html>{policy}<input value="{text}">{text}', encoding="utf-8")
        with pytest.raises(AssertionError, match=r"hacked|image|svg|script"), watched(browser) as opened:
            opened.goto(page.as_uri())


def test_every_view_of_the_page_shows_names_as_text(browser, place):
    with watched(browser) as page:
        page.goto(place.address + "#live")
        wait_until(page, "document.getElementById('live-model').textContent.includes('onerror')")
        page.click("#tab-collect")
        page.fill("#collect-session", IMAGE)
        page.locator("#view-collect").wait_for()

        page.click("#tab-label")
        wait_until(page, "document.querySelectorAll('#label-list li').length === 3")
        for number in range(3):
            page.locator("#label-list button").nth(number).click()
            wait_until(page, "document.getElementById('label-name').textContent.includes('hacked')")
            page.locator("#label-easel").click(position={"x": 60, "y": 60})
            page.wait_for_timeout(150)
        assert page.locator("#label-classes button").count() == len(TEXTS)
        assert page.locator("#label-classes button").nth(1).inner_text().endswith("onload=hacked('svg')>")
        page.click("#label-accept")
        wait_until(page, "document.querySelectorAll('#label-list li.reviewed').length > 0")
        page.keyboard.press("?")
        page.keyboard.press("Escape")

        page.click("#tab-train")
        wait_until(page, "document.querySelectorAll('#train-runs li').length >= 2")
        assert "onerror" in page.inner_text("#train-runs")
        for name in ("Curves", "Show"):
            page.click(f"#train-runs li button:has-text('{name}')")
            page.wait_for_timeout(200)
        refusal = json.dumps({"error": IMAGE, "fix": SCRIPT})
        page.route("**/api/model", lambda route: route.fulfill(status=400, body=refusal))
        page.click(f"#train-runs li:has-text('{RUN}') button:has-text('Try it')")
        page.locator("#toasts .error").first.wait_for()
        for hash_ in ("train", "report", "live", "label"):
            page.evaluate("(to) => { location.hash = to; }", f"{hash_}/{QUOTE}")
            page.wait_for_timeout(200)


def test_the_address_itself_is_text(browser, place):
    with watched(browser) as page:
        for path in (f"/?token={IMAGE}", f"/{SCRIPT}", f"/api/runs/{QUOTE}/report", f"/api/photos/{IMAGE}/image"):
            page.goto(place.base + path)
        page.goto(place.address)
        page.goto(f"{place.base}/api/photos/{IMAGE}/label")
        page.goto(f"{place.base}/api/state")


def hostile_report(place, folder: Path) -> Path:
    """An evaluation of photos, classes and models that are called like scripts."""
    pytest.importorskip("jinja2")
    from small_files import constant_model, labelled_photo

    from facetracker.reports.evaluation import evaluate

    data = folder / QUOTE
    for number, name in enumerate(FILES):
        labelled_photo(data / "images", name, labels=(TEXTS[number],), index=number)
    labelled_photo(data / "images", "nobody", boxes=(), index=3)
    labelled_photo(data / "images", f"cut{IMAGE}").write_bytes(b"\xff\xd8")
    models = [
        constant_model(folder / f"{name}.onnx", scores=(0.9, 0.2, 0.1, 0.8), classes=TEXTS) for name in (IMAGE, QUOTE)
    ]
    evaluate(models, data, out=folder / "evaluated")
    return folder / "evaluated" / "report.html"


def test_an_evaluation_shows_names_as_text_by_itself_and_in_the_page(browser, place, tmp_path):
    report = hostile_report(place, tmp_path)
    with watched(browser) as page:
        page.goto(report.as_uri())
        assert page.locator("text=onerror").count() > 3
        for address in page.locator("a").evaluate_all("all => all.map((one) => one.protocol)"):
            assert address != "javascript:"
    evaluated = place.runs / "trained" / "evaluation"
    evaluated.mkdir()
    (evaluated / "report.html").write_bytes(report.read_bytes())
    with watched(browser) as page:
        page.goto(place.address + "#report/trained")
        page.frame_locator("#report-frame").locator("h1").wait_for()


def test_a_report_that_somebody_else_has_written_runs_nothing_in_the_page(browser, place):
    evaluated = place.runs / "trained" / "evaluation"
    evaluated.mkdir()
    content = f"<!doctype html><h1>Mine</h1>{IMAGE}{SCRIPT}<script>parent.hacked('parent')</script>"
    (evaluated / "report.html").write_text(content + "<a href=\"javascript:hacked('a')\">x</a>", encoding="utf-8")
    with watched(browser, policy=True) as page:
        page.goto(place.address + "#report/trained")
        page.frame_locator("#report-frame").locator("h1").wait_for()
        page.goto(f"{place.base}/api/runs/trained/report")
        page.locator("h1").wait_for()
        page.goto("about:blank")


def test_the_demo_shows_names_as_text(browser, tmp_path):
    from facetracker.cli.demo.chapters import CHAPTERS
    from facetracker.cli.demo.report import report
    from facetracker.cli.demo.steps import Demo, DemoPicture, DemoStep, Film

    (tmp_path / "film.mp4").write_bytes(b"a film")
    grey = np.full((60, 80, 3), 90, np.uint8)
    photo = DemoPicture(grey, SCRIPT + QUOTE, truth=as_boxes([0.25, 0.25, 0.5, 0.75]))
    scores = SimpleNamespace(
        mean_iou=0.9,
        ap75=0.8,
        photos=8,
        at_threshold=SimpleNamespace(f1=0.95),
        false_alarms=SimpleNamespace(photos_with_alarm=0, photos=2),
    )
    demo = Demo(tmp_path, total=len(CHAPTERS), seconds=60.0, counts={"train": 40, "val": 8, "test": 8})
    demo.steps = [DemoStep(name, f"facetracker {QUOTE}", SCRIPT + IMAGE, 5.0, [photo]) for name in CHAPTERS]
    demo.findings = [SimpleNamespace(photo=f"images/{IMAGE}.jpg", kind=SCRIPT, detail=QUOTE, fix=LINK)]
    row = {"epoch": 1, "mean_iou": 0.5, "val_mean_iou": 0.4, "total_loss": 2.0, "val_total_loss": 3.0}
    demo.history = [row, {**row, "epoch": 2}]
    demo.evaluation = SimpleNamespace(models=[SimpleNamespace(scores=scores)] * 3)
    demo.page = tmp_path / 'a" onclick="x.html'
    demo.page.write_bytes(b"a page")
    demo.film = Film(tmp_path / "film.mp4", 25, 24, 1, own=0.93, starter=0.65)
    page = tmp_path / "demo.html"
    page.write_text(report(demo), encoding="utf-8")
    with watched(browser) as opened:
        opened.goto(page.as_uri())
        assert opened.locator("text=onload").count() > len(CHAPTERS)


def test_a_look_inside_a_network_shows_names_as_text(browser, tmp_path):
    pytest.importorskip("tensorflow")
    from facetracker.models import FaceTracker
    from facetracker.reports.inspect.inspecting import inspect

    run = tmp_path / QUOTE / IMAGE
    run.mkdir(parents=True)
    FaceTracker("nano", "dense", classes=list(TEXTS), image_size=64, weights="none").save(run / "model.keras")
    (run / "config.yaml").write_text("model: {weights: none}\ntraining: {seed: 0}\n")
    picture = write_jpeg(run / f"{LINK}{IMAGE}.jpg", scenes.photo(0, 1, 320, 240, faces=1).picture)
    page = inspect(run, picture, out=tmp_path / f"{QUOTE}-inside").folder / "report.html"
    with watched(browser) as opened:
        opened.goto(page.as_uri())
        assert opened.locator("text=onerror").count() > 1


def test_the_live_picture_in_a_tab_shows_its_title_as_text(browser):
    from facetracker.inference.live.browser import BrowserView

    view = BrowserView(SCRIPT + IMAGE, quiet=True)
    try:
        view.show(np.zeros((48, 64, 3), np.uint8))
        with watched(browser) as page:
            page.goto(view.address, wait_until="domcontentloaded")
            assert "onerror" in page.title()
            page.goto("about:blank")
    finally:
        view.close()
