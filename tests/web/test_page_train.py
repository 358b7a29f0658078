"""From labelled photos to a tracker of one's own, by the page alone."""

from __future__ import annotations

import json

import pytest
from browser import begin_training, needs_browser, opened_browser, opened_page, wait_until, write_webcam
from drawn_photos import draw_photos

from facetracker.inference.detector import ASSETS

pytestmark = [*needs_browser, pytest.mark.slow, pytest.mark.no_cover]

# As little as a training can be; the form has no field for it, so the request is changed on its way.
SMALL = {
    "model.image_size": 160,
    "training.samples_per_epoch": 32,
    "training.warmup_epochs": 0,
}


@pytest.fixture
def place(serve, tmp_path, request):
    """A server on as many labelled photos as the test says."""
    pytest.importorskip("keras")
    draw_photos(tmp_path / "data", request.param, 1, 320, 240, faces=1)
    return serve(tmp_path)


@pytest.mark.timeout(900)
@pytest.mark.parametrize("place", [14], indirect=True)
def test_two_epochs_are_watched_tried_live_and_reported(place, tmp_path):
    def make_small(route):
        wish = json.loads(route.request.post_data)
        assert (wish["preset"], wish["epochs"], wish["variants"]) == ("nano", 2, 2)
        route.continue_(post_data=json.dumps(wish | {"set": SMALL}))

    webcam = write_webcam(tmp_path / "webcam.mjpeg")
    with opened_browser(webcam) as browser, opened_page(browser, place.address, "#train") as page:
        page.set_default_timeout(400_000)  # five programs that import tensorflow, on a machine that may be busy
        page.route("**/api/train", make_small)
        wait_until(page, "document.getElementById('train-photos').textContent.startsWith('14 of 14')")
        begin_training(page, "mine", epochs=2, variants=2)
        assert page.is_disabled("#train-start")
        page.locator("#train-try").wait_for()
        wait_until(page, "document.getElementById('train-state').textContent === 'Done'", 400)
        assert "Trained for 2 epochs" in page.inner_text("#train-told")
        assert page.locator("#chart-loss polyline").count() == 2, "training and validation"

        page.click("#train-try")
        page.locator("#view-live").wait_for()
        wait_until(page, "document.getElementById('live-model').textContent === 'mine'", 400)
        page.click("#live-begin")
        wait_until(page, "facetrackerStats.frames > 20 && facetrackerStats.found > 10")

        page.click("#tab-report")
        page.locator("#report-frame").wait_for()
        wait_until(page, "document.getElementById('report-told').textContent === ''", 400)
        assert "AP50" in page.frame_locator("#report-frame").locator("body").inner_text()
    assert (place.runs / "mine" / "model.onnx").is_file()


@pytest.mark.timeout(900)
@pytest.mark.parametrize("place", [6], indirect=True)
def test_a_tracker_of_ones_own_is_learnt_and_tried_while_it_is_learnt(place, tmp_path):
    webcam = write_webcam(tmp_path / "webcam.mjpeg")
    with opened_browser(webcam) as browser, opened_page(browser, place.address, "#train") as page:
        page.set_default_timeout(400_000)
        wait_until(page, "document.getElementById('train-start').textContent === 'Learn'")
        assert page.is_hidden("#train-epochs"), "there is nothing to set"
        page.fill("#train-name", "yours")
        page.press("#train-name", "Enter")
        page.locator("#train-stop").wait_for()
        page.click("#train-try")  # the style is there in seconds, the own head is still being learnt
        wait_until(page, "document.getElementById('live-model').textContent === 'yours'", 400)
        state = page.evaluate("async () => (await fetch('api/state')).json()")
        assert (state["training"], state["model"]["in_tab"]) == ("yours", True), "a style runs in the tab as well"
        for_tab = "async () => (await (await fetch('model.onnx')).arrayBuffer()).byteLength"
        style_alone = page.evaluate(for_tab)
        assert style_alone == (ASSETS / "starter.onnx").stat().st_size
        page.click("#tab-train")
        wait_until(page, "document.getElementById('train-state').textContent === 'Done'", 400)
        assert "Learnt from 6 photos; kept the " in page.inner_text("#train-told")
        wait_until(page, "!document.querySelector('#train-runs button').disabled")
        page.screenshot(path=tmp_path / "learnt.png")
        assert page.evaluate(for_tab) != style_alone, "Live was given the whole by itself"
