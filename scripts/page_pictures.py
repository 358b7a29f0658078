"""Makes docs/images/web-*.webp: the real page, view by view, before a drawn webcam.

    python scripts/page_pictures.py [collect label sheet live film train report phone]

It needs chromium, ffmpeg and playwright, as the tests of the page do (`.[dev]`). Train and report want a short training
first, some minutes on two cores.
"""

from __future__ import annotations

import io
import json
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

from PIL import Image

ROOT = Path(__file__).parent.parent
sys.path[:0] = [str(ROOT / "tests" / "web"), str(ROOT / "tests")]

from browser import begin_training, opened_browser, opened_page, wait_until, write_webcam  # noqa: E402
from conftest import Serving  # noqa: E402
from drawn_photos import draw_photos  # noqa: E402
from learn_picture import NAME_WEBCAM  # noqa: E402

from facetracker.core.photo import write_jpeg  # noqa: E402
from facetracker.inference.recording.record import VideoRecorder  # noqa: E402
from facetracker.scenes import Scene, photo  # noqa: E402

IMAGES = ROOT / "docs" / "images"
LABELLED, UNLABELLED = 24, 12
FILM = Scene(640, 480, faces=2, seed=7, crossing=True)
SMALL = {"model.image_size": 192, "training.samples_per_epoch": 96, "training.warmup_epochs": 0}
PHONE = {"viewport": {"width": 395, "height": 631}, "device_scale_factor": 1, "has_touch": True, "is_mobile": True}
PHONE_VIEWS = ("live", "collect", "label", "train")


def seen(page: Any, width: int = 1000) -> Image.Image:
    """What the page shows, so many pixels wide."""
    page.evaluate(NAME_WEBCAM.replace("#live-source option", "select option"))
    page.evaluate("document.querySelectorAll('#toasts > *').forEach((toast) => toast.remove())")
    shown = Image.open(io.BytesIO(page.screenshot(type="png"))).convert("RGB")
    return shown.resize((width, shown.height * width // shown.width), Image.Resampling.LANCZOS)


def save(picture: Image.Image, name: str) -> None:
    """Into the documentation."""
    picture.save(IMAGES / f"web-{name}.webp", quality=80, method=6)
    print(f"web-{name}.webp: {picture.width}x{picture.height}")


def live(page: Any) -> None:
    """A face is followed."""
    page.click("#live-begin")
    wait_until(page, "facetrackerStats.frames > 20 && facetrackerStats.found > 15")


def collect(page: Any) -> None:
    """Before the first photo: the countdown."""
    page.fill("#collect-session", "desk")
    page.click("#collect-start")
    wait_until(page, "document.getElementById('collect-countdown').textContent === '2'")


def label(page: Any) -> None:
    """A photo that waits, with the boxes that were suggested."""
    page.locator("#label-easel .box").first.wait_for()
    page.wait_for_timeout(800)


def sheet(page: Any) -> None:
    """The photos that wait, side by side."""
    label(page)
    page.keyboard.press("s")
    page.locator(".tile").first.wait_for()
    page.click("#sheet-smaller")
    page.wait_for_timeout(2500)


def film(page: Any) -> None:
    """A film that was looked through, at its first doubtful place."""
    page.locator("#film-tracks").wait_for(timeout=200_000)
    wait_until(page, "!document.getElementById('film-desk').hidden", 200)
    page.click("#film-doubt-next")
    page.wait_for_timeout(2500)


def train(page: Any) -> None:
    """A training that is done."""
    page.route("**/api/train", lambda route: route.continue_(post_data=_small(route.request.post_data)))
    begin_training(page, "first", epochs=10, variants=8)
    wait_until(page, "document.getElementById('train-state').textContent === 'Done'", 900)
    page.wait_for_timeout(500)


def report(page: Any) -> None:
    """How good it is."""
    page.locator("#report-frame").wait_for(timeout=400_000)
    wait_until(page, "document.getElementById('report-told').textContent === ''", 400)
    page.wait_for_timeout(500)


def _small(wish: str) -> str:
    return json.dumps({**json.loads(wish), "set": SMALL})


# In this order: the report is that of the training.
VIEWS: dict[str, tuple[str, Callable[[Any], None], dict[str, Any]]] = {
    "live": ("#live", live, {}),
    "collect": ("#collect", collect, {}),
    "label": ("#label", label, {}),
    "sheet": ("#label", sheet, {"viewport": {"width": 1280, "height": 700}}),
    "film": ("#film", film, {}),
    "train": ("#train", train, {"color_scheme": "dark", "viewport": {"width": 1280, "height": 700}}),
    "report": ("#report", report, {}),
}


def main() -> None:
    """Draw the people, open the page, and take the pictures that were asked for."""
    wanted = sys.argv[1:] or [*VIEWS, "phone"]
    with tempfile.TemporaryDirectory(prefix="page-") as place:
        folder = Path(place)
        draw_photos(folder / "data", LABELLED, 1, 640, 480, faces=1)
        for number in range(UNLABELLED):
            write_jpeg(folder / "data" / "images" / f"room-{number + 1:02d}.jpg", photo(3, number, faces=1).picture)
        (folder / "data" / "films").mkdir()
        recorder = VideoRecorder(folder / "data" / "films" / "crossing.mp4", 30)
        for number in range(240):
            recorder.write(FILM.frame(number).picture, number / 30)
        recorder.close()
        webcam = write_webcam(folder / "webcam.mjpeg", Scene(faces=1, seed=6, size=0.7, fps=60))
        serving = Serving()
        served = serving(folder)
        look = {"viewport": {"width": 1280, "height": 860}, "color_scheme": "light"}
        try:
            with opened_browser(webcam) as browser:
                for name, (view, act, own) in VIEWS.items():
                    if name in wanted:
                        with opened_page(browser, served.address, view, **{**look, **own}) as page:
                            act(page)
                            save(seen(page), name)
                if "phone" in wanted:
                    save(_phones(browser, served.address), "phone")
        finally:
            serving.close()


def _phones(browser: Any, address: str) -> Image.Image:
    """Four views side by side, as a phone shows them."""
    whole = Image.new("RGB", (395 * len(PHONE_VIEWS), 631))
    for number, view in enumerate(PHONE_VIEWS):
        with opened_page(browser, address, f"#{view}", **PHONE) as page:
            if view == "live":
                live(page)
            if view == "label":
                label(page)
            page.wait_for_timeout(500)
            whole.paste(seen(page, 395), (395 * number, 0))
    return whole


if __name__ == "__main__":
    main()
