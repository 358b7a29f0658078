"""Makes docs/images/learn.webp: in the real page, a drawn person is labelled on three photos and then followed.

    python scripts/learn_picture.py

It needs chromium, ffmpeg and playwright, as the tests of the page do (`.[dev]`).
"""

from __future__ import annotations

import io
import sys
import tempfile
from pathlib import Path

import numpy as np
from PIL import Image, ImageDraw

ROOT = Path(__file__).parent.parent
sys.path.insert(0, str(ROOT / "tests" / "web"))

from browser import opened_browser, opened_page, wait_until, write_webcam  # noqa: E402
from conftest import Serving  # noqa: E402

from facetracker.core.boxes import to_pixels  # noqa: E402
from facetracker.core.photo import write_jpeg  # noqa: E402
from facetracker.inference.style import Style  # noqa: E402
from facetracker.scenes import Scene  # noqa: E402

WHERE = ROOT / "docs" / "images" / "learn.webp"
PERSON, ROOMS = 1, (2, 8, 4, 1, 6)  # one person in five rooms
MINE = Style(-0.22, -0.38, 0.22, 0.06)  # how this person draws: the whole head, hair included
VIEWPORT, WIDTH = {"width": 1160, "height": 780}, 800
QUICK, LOOK = 110, 900  # milliseconds a picture is shown: in a movement, and to be read
# Chromium calls its webcam by the path of the film that it plays.
NAME_WEBCAM = """for (const option of document.querySelectorAll("#live-source option")) {
  if (option.textContent.startsWith("/")) option.textContent = "Webcam";
}"""
ARROW = [(0, 0), (0, 19), (5, 15), (8, 22), (11, 21), (8, 14), (14, 14)]


class Film:
    """Screenshots of a page with the mouse drawn into them."""

    def __init__(self, page) -> None:
        self.page, self.mouse = page, None
        self.pictures: list[Image.Image] = []
        self.times: list[int] = []

    def take(self, milliseconds: int = QUICK) -> None:
        """What the page shows now."""
        self.page.evaluate(NAME_WEBCAM)
        shown = Image.open(io.BytesIO(self.page.screenshot(type="png"))).convert("RGB")
        if self.mouse is not None:
            at = [(self.mouse[0] + x, self.mouse[1] + y) for x, y in ARROW]
            ImageDraw.Draw(shown).polygon(at, fill="white", outline="black")
        self.pictures.append(shown.resize((WIDTH, shown.height * WIDTH // shown.width), Image.Resampling.LANCZOS))
        self.times.append(milliseconds)

    def move(self, x: float, y: float, steps: int = 1) -> None:
        """Move the mouse there, a picture a step."""
        begin = self.mouse or (x, y)
        for step in range(1, steps + 1):
            self.mouse = tuple(a + (b - a) * step / steps for a, b in zip(begin, (x, y), strict=True))
            self.page.mouse.move(*self.mouse)
            self.take()

    def click(self, element: str) -> None:
        """Go to a button and press it."""
        self.page.locator(element).wait_for()
        box = self.page.locator(element).bounding_box()
        self.move(box["x"] + box["width"] / 2, box["y"] + box["height"] / 2, 3)
        self.page.mouse.click(*self.mouse)

    def save(self, path: Path) -> None:
        """All of it as an animated WebP that begins again."""
        first, *others = self.pictures
        first.save(path, save_all=True, append_images=others, duration=self.times, loop=0, quality=62, method=6)


def label(film: Film, right: dict[str, list[float]]) -> None:
    """Draw the right box over the suggested one, on three photos."""
    page = film.page
    for number in range(3):
        page.locator("#label-easel .box").first.wait_for()
        page.wait_for_timeout(300)
        film.take(LOOK)
        name = page.inner_text("#label-name").split(" ")[0]
        corners = page.evaluate(
            """([left, top, right, bottom]) => {
              const matrix = document.querySelector("#label-easel").getScreenCTM();
              const points = [new DOMPoint(left, top), new DOMPoint(right, bottom)];
              return points.map((point) => point.matrixTransform(matrix)).map(({ x, y }) => [x, y]);
            }""",
            right[name],
        )
        film.move(*corners[0], 3)
        page.mouse.down()
        film.move(*corners[1], 6 - number)
        page.mouse.up()
        wait_until(page, "document.getElementById('label-saved').textContent === 'Saved'")
        film.take(LOOK)
        page.keyboard.press("Enter")
        wait_until(page, f"!document.getElementById('label-name').textContent.startsWith('{name}')")
    page.locator("#label-easel .box").first.wait_for()
    page.wait_for_timeout(300)
    film.take(2 * LOOK)  # the next photo's box lies as this person would draw it


def follow(film: Film, pictures: int = 44) -> None:
    """Learn, try, and watch for a while. What is shown is the style; an own head would take a minute more."""
    page = film.page
    film.click("#tab-train")
    wait_until(page, "document.getElementById('train-start').textContent === 'Learn'")
    film.take(LOOK)
    film.click("#train-start")
    page.locator("#train-try").wait_for(timeout=200_000)
    film.take(LOOK)
    film.click("#train-try")
    wait_until(page, "document.getElementById('live-model').textContent !== 'starter'", 200)
    film.click("#live-begin")
    wait_until(page, "facetrackerStats.frames > 5 && facetrackerStats.found > 3", 60)
    page.wait_for_timeout(3000)  # until the page has nothing more to say
    film.mouse = None
    for _ in range(pictures):
        page.wait_for_timeout(20)
        film.take()
    page.evaluate("fetch('api/train/stop', { method: 'POST' })")


def main() -> None:
    """Draw the person, open the page, and film what happens in it."""
    with tempfile.TemporaryDirectory() as place:
        folder, right = Path(place), {}
        for number, room in enumerate(ROOMS):
            frame = Scene(faces=1, seed=room, people=PERSON, size=0.6).frame(10 * number)
            write_jpeg(folder / "data" / "images" / f"photo{number}.jpg", frame.picture)
            drawn = np.clip(MINE.apply(frame.boxes), 0, 1)
            right[f"photo{number}"] = to_pixels(drawn, 640, 480)[0].round().tolist()
        webcam = write_webcam(folder / "webcam.mjpeg", Scene(faces=1, seed=3, people=PERSON, size=0.55, fps=25))
        serving = Serving()
        served = serving(folder)
        try:
            look = {"viewport": VIEWPORT, "color_scheme": "light"}
            with opened_browser(webcam) as browser, opened_page(browser, served.address, "#label", **look) as page:
                film = Film(page)
                label(film, right)
                follow(film)
            film.save(WHERE)
        finally:
            serving.close()
    print(f"{WHERE}: {WHERE.stat().st_size // 1000} kB, {len(film.pictures)} pictures, {sum(film.times) / 1000:.0f} s")


if __name__ == "__main__":
    main()
