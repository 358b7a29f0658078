"""Collecting and labelling in a real browser: what a hand does is on the disk, to the pixel, as labelme reads it."""

from __future__ import annotations

import json
import subprocess
import sys

import cv2
import pytest
from browser import PATIENCE, needs_browser, opened_browser, opened_page, wait_until, write_webcam

from facetracker import scenes
from facetracker.core.example import Example
from facetracker.core.naming import session_of
from facetracker.core.photo import write_jpeg
from facetracker.labels.labelme import write_labels

pytestmark = needs_browser

# labelme is GPL: it is run as a program and never imported here. Without cv2, whose Qt plugins it would trip over.
READ_WITH_LABELME = """
import json, sys
sys.modules["cv2"] = None
from labelme._label_file import LabelFile
shapes = LabelFile(sys.argv[1]).shapes
points = [[[*map(float, point)] for point in shape["points"]] for shape in shapes]
print(json.dumps([[one["label"], one["shape_type"], xy] for one, xy in zip(shapes, points)]))
"""


@pytest.fixture(scope="module")
def browser(tmp_path_factory):
    with opened_browser(write_webcam(tmp_path_factory.mktemp("webcam") / "webcam.mjpeg")) as browser:
        yield browser


@pytest.fixture
def place(serve, tmp_path):
    """A server on four drawn photos without labels and without faces, so that none is suggested; two classes."""
    for number in range(4):
        write_jpeg(tmp_path / "data" / "images" / f"photo{number}.jpg", scenes.photo(3, number, faces=0).picture)
    (tmp_path / "data" / "labels.txt").write_text("face\nmask\n")
    return serve(tmp_path)


def label_of(place, name: str = "photo0") -> dict:
    return json.loads((place.data / "labels" / f"{name}.json").read_text())


def boxes_of(place, name: str = "photo0") -> list[list[float]]:
    return [shape["points"][0] + shape["points"][1] for shape in label_of(place, name)["shapes"]]


def saved(page) -> None:
    wait_until(page, "document.getElementById('label-saved').textContent === 'Saved'")


def on_screen(page, x: float, y: float) -> tuple[float, float]:
    """Where a pixel of the photo is in the window."""
    return tuple(
        page.evaluate(
            """([x, y]) => {
              const matrix = document.getElementById("label-easel").getScreenCTM();
              const point = new DOMPoint(x, y).matrixTransform(matrix);
              return [point.x, point.y];
            }""",
            [x, y],
        )
    )


def drag(page, start: tuple[float, float], end: tuple[float, float]) -> None:
    page.mouse.move(*on_screen(page, *start))
    page.mouse.down()
    page.mouse.move(*on_screen(page, (start[0] + end[0]) / 2, (start[1] + end[1]) / 2))
    page.mouse.move(*on_screen(page, *end))
    page.mouse.up()


def open_label(page) -> None:
    """The Label view with the first photo by name."""
    page.locator("#label-easel image").wait_for()
    wait_until(page, "document.getElementById('label-name').textContent !== ''")
    page.evaluate("""() => {
      const order = document.getElementById("label-order");
      order.value = "";
      order.dispatchEvent(new Event("change"));
    }""")
    page.locator("#label-list button").first.click()
    wait_until(page, "document.querySelector('#label-list button').getAttribute('aria-current') === 'true'")


def test_collect_writes_as_many_photos_as_asked_and_none_before(browser, serve, tmp_path):
    place = serve(tmp_path)
    with opened_page(browser, place.address, "#collect") as page:
        page.click("#collect-begin")
        page.locator("#collect-empty").wait_for(state="hidden")
        page.fill("#collect-count", "4")
        page.fill("#collect-interval", "0.2")
        page.fill("#collect-session", "desk")
        page.check("#collect-similar")
        assert not (place.data / "images").exists() or not any((place.data / "images").iterdir())
        page.click("#collect-start")
        page.locator("#collect-next").wait_for()
        assert page.locator("#collect-thumbs img").count() == 4
        assert page.inner_text("#collect-told") == "4 of 4 photos."
        page.click("#collect-next")
        open_label(page)
        assert page.inner_text("#label-progress") == "0 of 4 reviewed"
    photos = sorted((place.data / "images").iterdir())
    assert [cv2.imread(str(photo)).shape for photo in photos] == [(480, 640, 3)] * 4
    assert {session_of(photo.stem)[-5:] for photo in photos} == {"-desk"}


def test_a_box_drawn_with_the_mouse_is_in_the_file_to_the_pixel_and_labelme_reads_it(browser, place):
    with opened_page(browser, place.address, "#label") as page:
        open_label(page)
        drag(page, (410, 333), (123, 87))
        saved(page)
        page.keyboard.press("2")
        saved(page)
        assert page.inner_text("#label-progress") == "1 of 4 reviewed"
    assert boxes_of(place) == [[123, 87, 410, 333]]
    command = [sys.executable, "-c", READ_WITH_LABELME, str(place.data / "labels" / "photo0.json")]
    told = subprocess.run(command, capture_output=True, text=True, timeout=120)
    if "No module named 'labelme'" in told.stderr:
        pytest.skip("labelme is not installed")
    assert json.loads(told.stdout) == [["mask", "rectangle", [[123, 87], [410, 333]]]], told.stderr


def test_boxes_are_moved_resized_deleted_and_brought_back(browser, place):
    with opened_page(browser, place.address, "#label") as page:
        open_label(page)
        drag(page, (100, 100), (200, 220))
        drag(page, (150, 150), (180, 140))
        saved(page)
        assert boxes_of(place) == [[130, 90, 230, 210]], "moved by its middle"
        drag(page, (230, 210), (300, 301))
        saved(page)
        assert boxes_of(place) == [[130, 90, 300, 301]], "resized by its corner"
        drag(page, (215, 195), (900, 195))
        saved(page)
        assert boxes_of(place) == [[470, 90, 640, 301]], "a box stays inside the photo"
        for key in ("ArrowLeft", "Shift+ArrowUp", "Control+ArrowLeft"):
            page.keyboard.press(key)
        saved(page)
        assert boxes_of(place) == [[469, 80, 638, 291]]
        page.keyboard.press("Delete")
        saved(page)
        assert boxes_of(place) == []
        for _ in range(5):
            page.keyboard.press("Control+z")
        saved(page)
        assert boxes_of(place) == [[130, 90, 300, 301]]
        page.keyboard.press("Control+Shift+z")
        saved(page)
        assert boxes_of(place) == [[470, 90, 640, 301]]
        drag(page, (10, 10), (11, 11))
        assert page.locator("#label-easel .box").count() == 1, "a slip of the hand is no box"


def test_the_keyboard_alone_is_enough(browser, place):
    with opened_page(browser, place.address, "#label") as page:
        open_label(page)
        page.keyboard.press("Enter")
        assert "no box yet" in page.inner_text("#toasts")
        page.keyboard.press("b")
        page.keyboard.press("Shift+ArrowRight")
        page.keyboard.press("Enter")
        page.keyboard.press("n")
        wait_until(page, "document.getElementById('label-name').textContent.startsWith('photo2')")
        page.keyboard.press("d")
        wait_until(page, "document.getElementById('label-name').textContent.startsWith('photo3')")
        page.keyboard.press("a")
        wait_until(page, "document.getElementById('label-name').textContent.startsWith('photo2')")
        assert page.inner_text("#label-progress") == "2 of 4 reviewed"
        page.keyboard.press("?")
        assert "accept the boxes" in page.inner_text("#help")
        page.keyboard.press("Escape")
        page.locator("#help").wait_for(state="hidden")  # chromium closes it a moment later
        page.keyboard.press("[")
        page.locator("#view-film").wait_for()
    assert boxes_of(place) == [[250, 160, 410, 320]]
    assert label_of(place, "photo1")["shapes"] == []
    assert label_of(place, "photo1")["flags"]["no_face"] is True
    assert not (place.data / "labels" / "photo2.json").exists()


def test_a_finger_draws_too_on_a_phone(browser, place):
    with opened_page(browser, place.address, "#label", viewport={"width": 390, "height": 780}, has_touch=True) as page:
        open_label(page)
        touch = page.context.new_cdp_session(page)
        way = [("touchStart", (200, 150)), ("touchMove", (300, 260)), ("touchMove", (420, 390)), ("touchEnd", None)]
        for kind, at in way:
            points = [] if at is None else [dict(zip("xy", on_screen(page, *at), strict=True))]
            touch.send("Input.dispatchTouchEvent", {"type": kind, "touchPoints": points})
        saved(page)
    (box,) = boxes_of(place)
    # Chromium hands over a finger's place in whole CSS pixels; here one of them is 1.8 of the photo's.
    assert box == pytest.approx([200, 150, 420, 390], abs=2)


def test_labels_that_labelme_wrote_meanwhile_are_not_overwritten(browser, place):
    photo = place.data / "images" / "photo0.jpg"
    theirs = Example(photo, 640, 480, [[0.1, 0.1, 0.5, 0.5]], ("mask",))
    with opened_page(browser, place.address, "#label") as page:
        open_label(page)
        write_labels(place.data / "labels" / "photo0.json", theirs)
        drag(page, (300, 300), (400, 400))
        page.locator("#conflict").wait_for()
        assert boxes_of(place) == [[64, 48, 320, 240]]
        page.click("#conflict button[value=theirs]")
        wait_until(page, "document.getElementById('label-saved').textContent === ''")  # their file is open
        assert page.locator("#label-easel .box").count() == 1
        drag(page, (400, 300), (500, 400))
        saved(page)
        assert boxes_of(place) == [[64, 48, 320, 240], [400, 300, 500, 400]]

        content = label_of(place)
        content["shapes"][0]["description"] = "my cousin"
        (place.data / "labels" / "photo0.json").write_text(json.dumps(content))
        page.keyboard.press("ArrowLeft")
        page.locator("#conflict").wait_for()
        page.click("#conflict button[value=mine]")
        saved(page)
        page.expected_faults = 2
    assert boxes_of(place) == [[64, 48, 320, 240], [399, 300, 499, 400]]
    assert label_of(place)["shapes"][0]["description"] == "my cousin"


WITHOUT_A_NAME = """() => [...document.querySelectorAll("button, a[href], input, select, iframe, [tabindex='0']")]
  .filter((one) => one.checkVisibility())
  .map((one) => [one.outerHTML, one.ariaLabel, one.textContent, one.title, one.labels?.[0]?.textContent])
  .filter(([html, ...names]) => !names.some((name) => name?.trim())).map(([html]) => html)"""


@pytest.mark.parametrize("width", [360, 1280])
def test_every_view_fits_the_window_and_every_control_has_a_name(browser, place, width):
    with opened_page(browser, place.address, viewport={"width": width, "height": 760}) as page:
        page.set_default_timeout(PATIENCE)
        for view in ("live", "collect", "label", "train", "report"):
            page.click(f"#tab-{view}")
            page.locator(f"#view-{view}").wait_for()
            if view == "label":
                page.locator("#label-easel image").wait_for()
            assert page.evaluate("document.documentElement.scrollWidth") <= width
            assert page.evaluate(WITHOUT_A_NAME) == []
            page.keyboard.press("Tab")
            outline = page.evaluate("getComputedStyle(document.activeElement).outlineStyle")
            assert outline == "solid", "where the keys go can be seen"
