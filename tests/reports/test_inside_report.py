"""report.html of `inspect`: every layer, every picture, what to see in them, and commands that make it again."""

from __future__ import annotations

import re
import shlex
from html import unescape

import cv2
import numpy as np
import pytest
from pages import pictures_in, self_contained

from facetracker.cli import main as cli
from facetracker.core.photo import write_jpeg
from facetracker.models import FaceClassifier, FaceTracker
from facetracker.reports.inspect import words
from facetracker.reports.inspect.gradcam import looks
from facetracker.reports.inspect.inspecting import inspect
from facetracker.reports.inspect.record import counted_once, first_filters, record
from facetracker.reports.inspect.sheets import filter_grid, steps_shown
from facetracker.scenes import photo

CLASSES = ["with_mask", "without_mask"]


@pytest.fixture(scope="module")
def network():
    return FaceTracker("nano", "dense", classes=CLASSES, image_size=96, weights="starter")


@pytest.fixture(scope="module")
def folder(network, tmp_path_factory):
    """The output folder of `inspect` on a run that began with other weights, and a photo with an unfriendly name."""
    run = tmp_path_factory.mktemp("runs") / "mine & yours"
    run.mkdir()
    network.save(run / "model.keras")
    (run / "config.yaml").write_text("model: {weights: none}\ntraining: {seed: 0}\n")
    picture = write_jpeg(run / "<b>bold.jpg", photo(0, 1, 320, 240, faces=1).picture)
    return inspect(run, picture).folder


@pytest.fixture(scope="module")
def page(folder):
    return (folder / "report.html").read_text(encoding="utf-8")


@pytest.fixture(scope="module")
def steps(network):
    return record(network, np.zeros((96, 96, 3), np.uint8))


def test_one_file_in_light_and_dark_and_on_a_phone(page):
    self_contained(page)
    assert "prefers-color-scheme: dark" in page
    assert 'name="viewport"' in page


def test_names_are_text_and_not_html(page):
    assert "<b>bold" not in page
    assert "&lt;b&gt;bold.jpg" in page
    assert "mine &amp; yours/model.keras" in page


def test_every_layer_stands_in_the_table_with_its_costs(page, steps, network):
    rows = re.findall(r"<tr><td>(.*?)</td><td>(.*?)</td><td>(.*?)</td>(.*?)</tr>", page)
    assert [row[0] for row in rows[:-1]] == [step.name for step in steps]
    for (_, kind, size, costs), step, own in zip(rows, steps, counted_once(steps), strict=False):
        assert (kind, size) == (step.kind, "×".join(map(str, step.shape)))
        assert re.findall(r"[\d,]{1,}(?=</b>)", costs) == [f"{cost:,}" for cost in (own, step.multiply_adds) if cost]
    adds = sum(step.multiply_adds for step in steps)
    assert rows[-1][0] == "all"
    assert rows[-1][3] == f"<td>{network.count_params():,}</td><td>{adds:,}</td>"


def test_the_bars_hold_all_of_the_work(page, steps, network):
    every = {"multiply-adds": sum(step.multiply_adds for step in steps), "parameters": network.count_params()}
    for name, whole in every.items():
        bars = re.findall(rf"<title>{name}: ([\d,]+)</title>", page)
        assert len(bars) == 5  # maps of 48, 24, 12, 6 and 3 cells
        assert sum(int(bar.replace(",", "")) for bar in bars) == whole


def test_every_picture_is_in_it_with_a_caption(page, steps, network):
    pictures = [cv2.imdecode(np.frombuffer(data, np.uint8), cv2.IMREAD_UNCHANGED) for data in pictures_in(page)]
    captions = [unescape(text) for text in re.findall(r"<figcaption>(.*?)</figcaption>", page)]
    shown = [step.name for step in steps_shown(steps)]
    answers = [words.LOOK[kind] for kind in ("face", "class", "box")]
    expected = ["As training began", "Now", "the picture", *shown, "the picture", *answers]
    assert len(pictures) == len(captions) == len(expected)
    for caption, text in zip(captions, expected, strict=True):
        assert text in caption
    assert (pictures[1] == filter_grid(first_filters(network)[1], clear=True)).all()
    assert (pictures[0] != pictures[1]).any()
    assert all(picture.std() > 10 for picture in pictures)


def test_what_kind_of_layer_it_is_is_said_once(page, steps):
    for text in {words.KINDS[step.kind] for step in steps_shown(steps)} | {text for _, text in words.FINENESS}:
        assert page.count(text) == 1


def test_the_share_in_the_box_is_that_of_the_map(page, folder, network):
    picture = cv2.imread(str(folder.parent / "<b>bold.jpg"))
    from facetracker.core.letterbox import letterbox

    fitted = letterbox(picture, 96, 96)[0]
    shares = [look.share_in_box() for look in looks(network, cv2.cvtColor(fitted, cv2.COLOR_BGR2RGB))]
    assert re.findall(r"Here (\d+) % of the map", page) == [f"{100 * share:.0f}" for share in shares]


def test_its_own_command_makes_it_again(page, folder):
    commands = [shlex.split(unescape(text)) for text in re.findall(r"<div><code>(.*?)</code>", page)]
    again = commands[0]
    (folder / "report.html").unlink()
    assert not cli.app(["--quiet", *again[1:]], standalone_mode=False)
    assert (folder / "report.html").read_text(encoding="utf-8") == page
    assert commands[1][:2] == ["facetracker", "inspect"]
    assert commands[2][:2] == ["facetracker", "evaluate"]


def test_a_photo_is_private_and_a_drawn_face_is_nobody(page, tmp_path):
    assert "keep it as private as the photo" in page
    FaceClassifier("nano", CLASSES, image_size=64, weights="starter").save(tmp_path / "model.keras")
    (tmp_path / "config.yaml").write_text("model: {weights: starter}\ntraining: {seed: 0}\n")
    text = (inspect(tmp_path).folder / "report.html").read_text()
    assert "nobody is real" in text
    assert "not one has moved" in text
    assert "of the map lies in the box" not in text  # a classifier has none
    assert "<code>facetracker classify" in text
