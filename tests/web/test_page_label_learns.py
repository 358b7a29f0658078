"""Learning while labelling in a real browser: a box that is drawn moves the others, and a sheet is accepted at once."""

from __future__ import annotations

import numpy as np
import pytest
from browser import needs_browser, opened_browser, opened_page, wait_until

from facetracker.core.boxes import iou, to_pixels
from facetracker.core.photo import write_jpeg
from facetracker.inference.detector import Detector
from facetracker.inference.style import Style
from facetracker.labels.labelme import read_content
from facetracker.labels.provenance import how_reviewed
from facetracker.scenes import Scene

pytestmark = needs_browser
DRAWN = Style(-0.2, -0.3, 0.2, 0.05)  # the whole head, hair included
COUNT = 8


@pytest.fixture(scope="module")
def browser():
    with opened_browser() as browser:
        yield browser


@pytest.fixture
def place(serve, tmp_path):
    """A server on photos in which the starter sees one face; `place.right` are this person's boxes, in pixels."""
    detector, right = Detector(), {}
    for seed in range(60):
        picture = Scene(width=640, height=480, faces=1, seed=seed).frame(seed % 7).picture
        found = detector.detect(picture)
        if len(found) == 1 and len(right) < COUNT:
            name = f"photo{len(right)}"
            write_jpeg(tmp_path / "data" / "images" / f"{name}.jpg", picture)
            right[name] = to_pixels(np.clip(DRAWN.apply(found.boxes), 0, 1), 640, 480)[0].round().tolist()
    served = serve(tmp_path)
    served.right = right
    return served


def files(place) -> dict[str, dict]:
    return {path.stem: read_content(path) for path in sorted((place.data / "labels").glob("*.json"))}


def overlap(content: dict, box: list[float]) -> float:
    boxes = [np.ravel(shape["points"]) for shape in content["shapes"]]
    return float(iou(np.array(boxes, np.float32).reshape(-1, 4), np.array([box], np.float32)).max(initial=0))


def drag(page, element: str, box: list[float]) -> None:
    """Draw a box, in pixels of the photo, in an SVG that shows it."""
    corners = page.evaluate(
        """([element, [x1, y1, x2, y2]]) => {
          const matrix = document.querySelector(element).getScreenCTM();
          const points = [new DOMPoint(x1, y1), new DOMPoint(x2, y2)].map((point) => point.matrixTransform(matrix));
          return points.map(({x, y}) => [x, y]);
        }""",
        [element, box],
    )
    page.mouse.move(*corners[0])
    page.mouse.down()
    page.mouse.move(*(sum(sides) / 2 for sides in zip(*corners, strict=True)))
    page.mouse.move(*corners[1])
    page.mouse.up()


def shown_on(page, name: str) -> list[float]:
    """Where the box of a photo on the sheet is, or glides to, in the window."""
    return page.evaluate(
        """(name) => {
          const tile = document.querySelector(`.tile[data-name="${name}"]`);
          const { x, y, width, height } = tile.querySelector(".edge").style;
          const [left, top, wide, high] = [x, y, width, height].map(parseFloat);
          const matrix = tile.querySelector("svg").getScreenCTM();
          return [[left, top], [left + wide, top + high]].flatMap(([u, v]) => {
            const place = new DOMPoint(u, v).matrixTransform(matrix);
            return [place.x, place.y];
          });
        }""",
        name,
    )


def opened_sheet(page) -> list[str]:
    """The names of the photos on the sheet."""
    page.locator("#label-easel image").wait_for()
    page.keyboard.press("s")
    page.locator(".tile").first.wait_for()
    return names_on(page)


def names_on(page) -> list[str]:
    return page.evaluate("[...document.querySelectorAll('.tile')].map((tile) => tile.dataset.name)")


def counter(page, text: str) -> None:
    wait_until(page, f"document.getElementById('label-counter').textContent === {text!r}")


def test_a_box_drawn_takes_the_suggestions_place_and_the_next_photo_is_better(browser, place):
    with opened_page(browser, place.address, "#label") as page:
        page.locator("#label-easel .box.unreviewed").wait_for()
        assert page.inner_text("#label-state") == "Suggested"
        assert page.inner_text("#label-by") == "Boxes by the starter"
        drawn = []
        for _ in range(3):
            name = page.inner_text("#label-name").split(" ")[0]
            left, top, right, bottom = place.right[name]
            # From outside the dashed box, as a person would; the hair is above it.
            drag(page, "#label-easel", [left, top, right, bottom])
            wait_until(page, "document.getElementById('label-saved').textContent === 'Saved'")
            assert page.locator("#label-easel .box").count() == 1
            page.keyboard.press("Enter")
            wait_until(page, f"!document.getElementById('label-name').textContent.startsWith('{name}')")
            drawn.append(name)
        counter(page, "3 corrected")
        assert page.inner_text("#label-by") == "Boxes in your style"
        name = page.inner_text("#label-name").split(" ")[0]
        page.locator("#label-easel .box.unreviewed").wait_for()
        page.keyboard.press("Enter")
        counter(page, "3 corrected · 1 accepted")
        assert overlap(files(place)[name], place.right[name]) > 0.85
        page.keyboard.press("Control+z")
        counter(page, "3 corrected")
        wait_until(page, f"document.getElementById('label-name').textContent.startsWith('{name}')")
        for _ in range(3):
            page.keyboard.press("Control+z")
            page.wait_for_timeout(300)
        counter(page, "")
        assert page.inner_text("#label-by") == "Boxes by the starter"
    assert files(place) == {}


def test_two_boxes_drawn_on_the_sheet_and_the_rest_accepted_with_one_key(browser, place):
    with opened_page(browser, place.address, "#label") as page:
        names = opened_sheet(page)
        assert len(names) == COUNT
        for name in names[:3]:
            drag(page, f".tile[data-name={name}] svg", place.right[name])
            page.locator(f".tile.done[data-name={name}]").wait_for()
        counter(page, "3 corrected")
        page.wait_for_timeout(600)
        left, top, right, bottom = shown_on(page, names[7])
        page.mouse.click((left + right) / 2, (top + bottom) / 2)
        assert page.inner_text("#sheet-accept-text") == "Accept 4"
        page.keyboard.press("Enter")
        counter(page, "3 corrected · 4 accepted")
        # The one that was left for later is opened by itself.
        wait_until(page, f"document.getElementById('label-name').textContent.startsWith('{names[7]}')")
        written = files(place)
        assert set(written) == set(names[:7])
        assert {name: how_reviewed(content) for name, content in written.items()} == {
            **dict.fromkeys(names[:3], "corrected"),
            **dict.fromkeys(names[3:7], "accepted"),
        }
        assert min(overlap(content, place.right[name]) for name, content in written.items()) > 0.8
        page.keyboard.press("Control+z")
        counter(page, "3 corrected")
    assert set(files(place)) == set(names[:3]), "what was accepted with one key is taken back with one"


def test_a_click_on_the_sheet_puts_a_corner_or_a_side_right(browser, place):
    with opened_page(browser, place.address, "#label") as page:
        name, other = opened_sheet(page)[:2]
        left, top, right, bottom = shown_on(page, name)
        page.mouse.click(right + 9, bottom + 12)
        page.locator(f".tile.done[data-name={name}]").wait_for()
        assert shown_on(page, name) == pytest.approx((left, top, right + 9, bottom + 12), abs=1)
        page.mouse.click((left + right) / 2, top - 8)  # once more: a side
        assert shown_on(page, name) == pytest.approx((left, top - 8, right + 9, bottom + 12), abs=1)
        counter(page, "1 corrected")
        page.wait_for_timeout(600)
        left, top, right, bottom = shown_on(page, other)
        tile = page.locator(f".tile[data-name={other}]").bounding_box()
        far = min((tile["x"] + 6, tile["x"] + tile["width"] - 6), key=lambda x: -abs(x - (left + right) / 2))
        page.mouse.click(far, (top + bottom) / 2)  # the photo as a whole
        page.locator(f".tile.rejected[data-name={other}]").wait_for()
    assert how_reviewed(files(place)[name]) == "corrected"


def test_the_sheet_by_keys_alone(browser, place):
    with opened_page(browser, place.address, "#label") as page:
        names = opened_sheet(page)
        page.mouse.move(2, 2)
        page.keyboard.press("ArrowRight")
        page.keyboard.press("n")
        page.keyboard.press("ArrowRight")
        page.keyboard.press("x")
        page.locator(f".tile.done[data-name={names[0]}]").wait_for()
        page.locator(f".tile.rejected[data-name={names[1]}]").wait_for()
        page.keyboard.press("x")
        page.keyboard.press("Enter")
        wait_until(page, "document.getElementById('label-progress').textContent === '8 of 8 reviewed'")
    written = files(place)
    assert written[names[0]]["flags"]["no_face"] is True
    assert len(written) == COUNT


def test_what_labelme_wrote_meanwhile_is_told_and_kept_on_the_sheet(browser, place):
    with opened_page(browser, place.address, "#label") as page:
        names = opened_sheet(page)
        theirs = place.data / "labels" / f"{names[2]}.json"
        theirs.parent.mkdir(exist_ok=True)
        theirs.write_text('{"shapes": [], "flags": {"no_face": true}, "imageWidth": 640, "imageHeight": 480}')
        before = theirs.read_bytes()
        page.keyboard.press("Enter")
        wait_until(page, "document.getElementById('toasts').textContent.includes('changed elsewhere')")
        wait_until(page, "document.getElementById('label-progress').textContent === '8 of 8 reviewed'")
        page.expected_faults = 1
    assert theirs.read_bytes() == before
    assert len(files(place)) == COUNT
