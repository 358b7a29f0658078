"""Live in a real browser: both ways find the face, the tab's boxes are Python's, and nobody hidden is seen."""

from __future__ import annotations

import cv2
import numpy as np
import pytest
from browser import FRAMES, SCENE, needs_browser, opened_browser, opened_page, wait_until, write_webcam

from facetracker import scenes
from facetracker.core.boxes import as_boxes, iou, to_pixels
from facetracker.inference.detector import ASSETS, Detector
from facetracker.inference.draw import POINT

pytestmark = needs_browser

# The sizes of cameras, the exact half of the input's, uprights, odd ones, smaller than the input.
SIZES = ((640, 480), (500, 375), (375, 500), (640, 360), (333, 517), (320, 240), (321, 243), (200, 150))

LOOK_AT = """async (count) => {
  const { Way } = await import(new URL("static/js/live/way.js", document.baseURI).href);
  const faults = [];
  const way = new Way("tab", { onfaces() {}, onerror: (error) => faults.push(error.error) });
  way.change({ follow: false });
  const answers = [];
  for (let number = 0; number < count; number++) {
    const picture = await (await fetch(`frames/${number}.png`)).blob();
    const bitmap = await createImageBitmap(picture, { colorSpaceConversion: "none", premultiplyAlpha: "none" });
    // A picture and a camera's frame are read in different ways.
    const frame = number % 2 ? bitmap : new VideoFrame(bitmap, { timestamp: number });
    const { faces } = await way.detect(frame);
    answers.push(faces.map(({ box, score }) => [...box, score]));
  }
  way.close();
  return { answers, faults };
}"""

PREPARE = """async () => {
  const { Prepared } = await import(new URL("static/js/live/prepared.js", document.baseURI).href);
  const frame = (colour, width, height) => {
    const canvas = new OffscreenCanvas(width, height);
    const context = canvas.getContext("2d");
    context.fillStyle = colour;
    context.fillRect(0, 0, width, height);
    return new VideoFrame(canvas, { timestamp: 0 });
  };
  const prepared = new Prepared();
  const seen = (one) => {
    const drawn = prepared.of(one);
    if (drawn === one) return "itself";
    const [red, green, blue] = drawn.getContext("2d").getImageData(3, 3, 1, 1).data;
    return ["canvas", [drawn.width, drawn.height], [red, green, blue]];
  };
  const [wide, upright] = [frame("red", 16, 8), frame("blue", 8, 16)];
  const answers = [seen(upright)];
  prepared.prepare(wide);
  answers.push(seen(wide));
  prepared.prepare(upright);
  answers.push(seen(upright), seen(wide));
  return answers;
}"""


@pytest.fixture(scope="module")
def browser(tmp_path_factory):
    with opened_browser(write_webcam(tmp_path_factory.mktemp("webcam") / "webcam.mjpeg")) as browser:
        yield browser


@pytest.fixture(scope="module")
def place(serve, tmp_path_factory):
    return serve(tmp_path_factory.mktemp("live"))


@pytest.mark.parametrize("way", ["server", "tab"])
def test_live_finds_the_face_in_the_webcam(browser, place, way):
    truth = np.concatenate([to_pixels(SCENE.frame(i).boxes, 640, 480) for i in range(0, FRAMES, 3)])
    with opened_page(browser, place.address, f"#live?way={way}&autostart=1") as page:
        wait_until(page, f"facetrackerStats.frames >= {FRAMES}")
        seen = page.evaluate("facetrackerStats.recent")
        stats = page.evaluate("({way: facetrackerStats.way, latency: facetrackerStats.median()})")
        wait_until(page, "document.getElementById('live-faces').textContent === '1'")
        page.click("#live-toggle")
        assert page.inner_text("#live-toggle") == "Start"
    assert stats["way"] == way
    assert stats["latency"] > 0
    found = [
        bool(frame["faces"]) and iou(as_boxes([face["box"] for face in frame["faces"]]), truth).max() > 0.5
        for frame in seen
    ]
    assert np.mean(found) >= 0.95
    assert all(face["id"] > 0 for frame in seen for face in frame["faces"])


def test_the_tabs_boxes_are_pythons_to_a_pixel_on_200_frames(browser, place):
    drawn = [scenes.Scene(*size, faces=1 + i % 3, seed=i, noise=0) for i, size in enumerate(SIZES)]
    pictures = [drawn[number % len(drawn)].frame(number).picture for number in range(200)]
    pngs = [cv2.imencode(".png", picture, [cv2.IMWRITE_PNG_COMPRESSION, 1])[1].tobytes() for picture in pictures]

    def fulfil(route):
        number = int(route.request.url.rsplit("/", 1)[1].removesuffix(".png"))
        route.fulfill(body=pngs[number], content_type="image/png")

    with opened_page(browser, place.address) as page:
        page.route("**/frames/*.png", fulfil)
        told = page.evaluate(LOOK_AT, len(pngs))
    assert told["faults"] == []
    detector = Detector.load(ASSETS / "starter.onnx", threads=1)
    faces = 0
    for picture, answer in zip(pictures, told["answers"], strict=True):
        found = detector.detect(picture)
        rows = np.array(answer).reshape(-1, 5)
        assert len(rows) == len(found)
        np.testing.assert_allclose(rows[:, :4], found.pixels, atol=1.0)
        np.testing.assert_allclose(rows[:, 4], found.scores, atol=0.01)
        faces += len(rows)
    assert faces > 200


def test_only_the_frame_that_was_prepared_is_drawn_from_its_pixels(browser, place):
    with opened_page(browser, place.address) as page:
        told = page.evaluate(PREPARE)
    assert told == ["itself", ["canvas", [16, 8], [255, 0, 0]], ["canvas", [8, 16], [0, 0, 255]], "itself"]


def open_picture(page, path) -> None:
    """Choose a picture of one face, and wait until the face is found."""
    with page.expect_file_chooser() as chosen:
        page.select_option("#live-source", "file")
    chosen.value.set_files(path)
    # The server believes in a face it has seen three times, so the page shows a picture as often.
    wait_until(page, "facetrackerStats.found > 0")


def looked_three_times(page, change) -> None:
    """Change a setting, and wait until the picture was looked at three times since."""
    before = page.evaluate("facetrackerStats.frames")
    change()
    wait_until(page, f"facetrackerStats.frames >= {before + 3}")


def test_a_picture_can_be_mirrored_hidden_and_kept(browser, place, tmp_path):
    picture = SCENE.frame(0).picture
    cv2.imwrite(str(tmp_path / "face.png"), picture)
    left, top, right, bottom = to_pixels(SCENE.frame(0).boxes, 640, 480)[0].round().astype(int)
    with opened_page(browser, place.address) as page:
        open_picture(page, tmp_path / "face.png")
        looked_three_times(page, lambda: page.uncheck("#live-mirror"))
        shown = snapshot(page, tmp_path / "shown.png")
        assert np.abs(shown.astype(int) - picture)[: top - 40].mean() < 2

        looked_three_times(page, lambda: page.check("#live-mirror"))
        mirrored = snapshot(page, tmp_path / "mirrored.png")
        assert np.abs(mirrored.astype(int) - picture[:, ::-1])[: top - 40].mean() < 2

        page.uncheck("#live-mirror")
        looked_three_times(page, lambda: page.check("#live-blur"))
        hidden = snapshot(page, tmp_path / "hidden.png")
    inner = (slice(top + 8, bottom - 8), slice(left + 8, right - 8))
    assert detail(hidden[inner]) < 0.05 * detail(shown[inner])
    outside = slice(0, top - 60)
    assert detail(hidden[outside]) == pytest.approx(detail(shown[outside]), rel=0.05)


@pytest.mark.parametrize("way", ["server", "tab"])
def test_eyes_nose_and_mouth_are_shown_on_demand(browser, place, tmp_path, way):
    scene = SCENE.frame(0)
    cv2.imwrite(str(tmp_path / "face.png"), scene.picture)
    with opened_page(browser, place.address, f"#live?way={way}") as page:
        open_picture(page, tmp_path / "face.png")
        looked_three_times(page, lambda: page.uncheck("#live-mirror"))
        without = snapshot(page, tmp_path / "without.png")
        page.check("#live-points")
        shown = snapshot(page, tmp_path / "points.png")
    dots = (np.abs(shown.astype(int) - POINT).max(axis=2) < 40).astype(np.uint8)
    assert not (np.abs(without.astype(int) - POINT).max(axis=2) < 40).any()
    for x, y in scene.landmarks[0] * [640, 480]:
        assert dots[round(y) - 12 : round(y) + 12, round(x) - 12 : round(x) + 12].any()


def test_what_is_shown_can_be_recorded(browser, place, tmp_path):
    with opened_page(browser, place.address, "#live?way=server&autostart=1") as page:
        wait_until(page, "facetrackerStats.frames > 5")
        page.click("#live-record")
        assert page.inner_text("#live-record") == "Stop"
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
    assert frame.shape == (480, 640, 3)


def snapshot(page, path) -> np.ndarray:
    with page.expect_download() as download:
        page.click("#live-snapshot")
    download.value.save_as(path)
    return cv2.imread(str(path))


def detail(picture: np.ndarray) -> float:
    return float(cv2.Laplacian(cv2.cvtColor(picture, cv2.COLOR_BGR2GRAY), cv2.CV_64F).var())
