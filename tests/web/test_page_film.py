"""Labelling a film in a real browser, with mouse and keys: what a hand does is on the disk."""

from __future__ import annotations

import shutil
import sys
from pathlib import Path

import numpy as np
import pytest
from browser import needs_browser, opened_browser, opened_page, wait_until

from facetracker.core.boxes import iou
from facetracker.inference.style import Style
from facetracker.labels.film.found import read_seen
from facetracker.labels.film.labels import FilmLabels
from facetracker.labels.film.storage import labels_beside, read

sys.path.insert(0, str(Path(__file__).parents[2] / "benchmarks"))

from drawn_films import write_film
from film_labels import KINDS, judged, next_act
from film_labels import write_film as write_scripted

pytestmark = [*needs_browser, pytest.mark.slow]

NAME = "kitchen.mp4"
SIZE = (320, 240)


@pytest.fixture(scope="module")
def browser():
    with opened_browser() as browser:
        yield browser


@pytest.fixture(scope="module")
def made(tmp_path_factory):
    film = tmp_path_factory.mktemp("film") / NAME
    return film, write_film(film, count=60)


@pytest.fixture
def place(made, serve, tmp_path):
    films = tmp_path / "data" / "films"
    films.mkdir(parents=True)
    for path in made[0].parent.iterdir():
        shutil.copy2(path, films / path.name)
    return serve(tmp_path)


def labels_of(place, name: str = NAME):
    film = place.data / "films" / name
    return read(film, read_seen(film)).labels


def shown(page) -> None:
    """Until the film is there and its first frame is drawn."""
    wait_until(page, "!document.getElementById('film-desk').hidden", 200)
    wait_until(page, "document.getElementById('film-at').textContent !== ''")


def done(page, actions: int) -> None:
    words = f"{actions} action{'s' * (actions != 1)}"
    try:
        wait_until(page, f"document.getElementById('film-actions').textContent === '{words}'")
    except AssertionError:
        there = {name: page.inner_text(f"#{name}") for name in ("film-actions", "film-at", "film-saved", "toasts")}
        raise AssertionError(f"not {words}: {there}") from None


def on_screen(page, x: float, y: float, size: tuple[int, int] = SIZE) -> tuple[float, float]:
    """Where a pixel of the film is in the window."""
    page.locator("#film-canvas").scroll_into_view_if_needed()
    box = page.locator("#film-canvas").bounding_box()
    scale = min(box["width"] / size[0], box["height"] / size[1])
    left, top = (box["width"] - scale * size[0]) / 2, (box["height"] - scale * size[1]) / 2
    return box["x"] + left + scale * x, box["y"] + top + scale * y


def draw(page, box, size: tuple[int, int] = SIZE, shift: bool = True) -> None:
    """Draw a box, corner to corner; shift, so that a box beneath is not moved instead."""
    box = [float(side) for side in box]
    if shift:
        page.keyboard.down("Shift")
    page.mouse.move(*on_screen(page, box[0], box[1], size))
    page.mouse.down()
    page.mouse.move(*on_screen(page, (box[0] + box[2]) / 2, (box[1] + box[3]) / 2, size))
    page.mouse.move(*on_screen(page, box[2], box[3], size))
    page.mouse.up()
    if shift:
        page.keyboard.up("Shift")


def go(page, frame: int) -> None:
    """Go to a frame with the keys."""
    page.locator("#film-canvas").focus()
    page.keyboard.press("Home")
    for _ in range(frame // 10):
        page.keyboard.press("Shift+ArrowRight")
    for _ in range(frame % 10):
        page.keyboard.press("ArrowRight")
    wait_until(page, f"document.getElementById('film-at').textContent.includes('frame {frame + 1} of')")


def test_every_operation_is_one_action_and_can_be_undone(place, browser, made):
    with opened_page(browser, place.address, f"#film/{NAME}") as page:
        shown(page)
        go(page, 13)
        right = Style(-0.05, -0.2, 0.05, 0.05).apply(made[1][13])[0]
        draw(page, right)
        done(page, 1)
        labels = labels_of(place)
        assert iou(np.array([labels.box(1, 13)]), right[None])[0, 0] > 0.95
        assert labels.tracks[1].keys[0][0] == 13

        go(page, 40)
        page.keyboard.press("s")
        done(page, 2)
        assert [track.spans for track in labels_of(place).tracks.values()] == [((0, 39),), ((40, 59),)]
        page.keyboard.press("m")
        page.click(".film-name >> nth=1")
        done(page, 3)
        assert list(labels_of(place).tracks) == [1]

        go(page, 50)
        page.keyboard.press("u")
        page.keyboard.press("ArrowRight")
        page.keyboard.press("ArrowRight")
        page.keyboard.press("u")
        done(page, 4)
        assert labels_of(place).tracks[1].spans == ((0, 49), (53, 59))

        page.click("#film-undo")
        done(page, 5)
        page.keyboard.press("Control+y")
        done(page, 6)
        assert labels_of(place).tracks[1].spans == ((0, 49), (53, 59))

        page.fill("#film-label", "anna")
        page.press("#film-label", "Enter")
        done(page, 7)
        assert labels_of(place).tracks[1].label == "anna"

        go(page, 5)
        page.keyboard.press("i")
        done(page, 8)
        go(page, 30)
        page.keyboard.press("o")
        done(page, 9)
        assert labels_of(place).tracks[1].spans == ((5, 30),)

        go(page, 13)
        page.keyboard.press("Delete")
        done(page, 10)
        page.keyboard.press("Enter")
        done(page, 11)
        assert [frame for frame, _ in labels_of(place).tracks[1].keys] == [13]

        go(page, 2)
        draw(page, [10, 150, 60, 200])
        done(page, 12)
        new = max(labels_of(place).tracks)
        assert labels_of(place).box(new, 2) == pytest.approx((10, 150, 60, 200), abs=1)
        page.keyboard.press("Shift+X")
        done(page, 13)
        assert list(labels_of(place).tracks) == [new]
        page.click("#film-undo")
        done(page, 14)
        page.keyboard.press("x")
        done(page, 15)
        assert list(labels_of(place).tracks) == [1]

        page.keyboard.press("l")
        wait_until(page, "document.getElementById('film-play').getAttribute('aria-pressed') === 'true'")
        wait_until(page, "document.getElementById('film-at').textContent.includes('frame 60 of')")

        page.fill("#film-count", "5")
        page.click("#film-use")
        page.locator("#film-learn").wait_for()
        with place.client() as client:
            assert client.get("/api/photos").json()["reviewed"] == 5


def test_a_box_drawn_from_where_a_handle_lies_does_not_turn_a_box_over(place, browser, made):
    """With shift, and without it as soon as the pointer is past the middle of a box that nobody has drawn."""
    with opened_page(browser, place.address, f"#film/{NAME}") as page:
        shown(page)
        for actions, (frame, shift) in enumerate(((13, True), (20, True), (30, False)), 1):
            go(page, frame)
            there = labels_of(place).box(1, frame) if actions > 1 else made[1][frame][0]
            box = [there[0], there[1], there[2] - 6, there[3] - 6]
            draw(page, box, shift=shift)
            done(page, actions)
            assert iou(np.array([labels_of(place).box(1, frame)]), np.array([box]))[0, 0] > 0.95


def test_a_film_that_another_program_changed_is_loaded_again(place, browser):
    with opened_page(browser, place.address, f"#film/{NAME}") as page:
        shown(page)
        with place.client() as client:
            assert client.post(f"/api/films/{NAME}/act", json={"act": "split", "track": 1, "frame": 20}).is_success
        page.expected_faults = 1
        page.locator("#film-canvas").focus()
        page.keyboard.press("Enter")
        wait_until(page, "document.querySelectorAll('.film-name').length === 2")
        page.keyboard.press("Enter")
        done(page, 2)


@pytest.mark.timeout(600)
def test_a_scripted_person_labels_a_film_of_a_face_that_comes_and_goes(serve, browser, tmp_path):
    name, allowed = "leaving.mp4", KINDS["leaving"][0]
    film = tmp_path / "data" / "films" / name
    film.parent.mkdir(parents=True)
    truth = write_scripted(film, "leaving", 5)
    place = serve(tmp_path)
    with opened_page(browser, place.address, f"#film/{name}") as page:
        shown(page)
        made = 0
        with place.client() as client:  # nothing is on the disk before the first action
            assert client.get(f"/api/films/{name}").json()["actions"] == 0
        labels = None
        while made < allowed:
            labels = labels_of(place, name) if labels_beside(film).is_file() else FilmLabels.of(read_seen(film))
            act = next_act(labels, truth)
            if act is None:
                break
            if act["act"] in ("correct", "add"):
                go(page, act["frame"])
                draw(page, act["box"], (640, 480))
            elif act["act"] == "delete":
                page.click(f".film-name:has-text('{act['track']} face')")
                page.keyboard.press("x")
            else:
                go(page, act["first"])
                page.keyboard.press("u")
                go(page, act["last"])
                page.keyboard.press("u")
            made += 1
            done(page, made)
        result = judged(labels_of(place, name), truth)
    assert result["median_iou"] >= 0.9
    assert result["missed"] == 0
    assert made <= allowed
