"""The demo: both ways once, small, and its report."""

from __future__ import annotations

import base64
import re

import pytest
from without_graph import without_graph

from facetracker.cli.demo import demo as module
from facetracker.cli.demo.chapters import CHAPTERS, YOUR_TURN
from facetracker.cli.demo.demo import demo, open_report
from facetracker.core.errors import FaceTrackerError
from facetracker.core.files import read_json

pytestmark = pytest.mark.timeout(1200)


@pytest.fixture(scope="module")
def done(tmp_path_factory):
    with without_graph():
        return demo(tmp_path_factory.mktemp("demo") / "demo", epochs=1, pictures_an_epoch=32, seconds_of_film=1)


@pytest.mark.slow
def test_three_labels_give_a_tracker_that_draws_as_this_person_does(done):
    assert len(list((done.data / "labels").glob("*.json"))) == 3
    assert (done.film.frames, done.film.numbers) == (25, 1)
    assert done.film.found >= 23  # the first two frames are those before a face is believed in
    assert done.film.own > 0.85 > 0.75 > done.film.starter
    for name in ("followed.mp4", "hidden.mp4", "framed.mp4"):
        assert (done.folder / name).stat().st_size > 10_000
    assert done.page == done.mine / "model.html"


@pytest.mark.slow
def test_every_stage_ran_and_left_its_files(done):
    assert [step.name for step in done.steps] == list(CHAPTERS)
    assert {finding.kind for finding in done.findings} == {"outside the picture", "wrong class"}
    assert read_json(done.folder / "audit" / "audit.json")["faulty_photos"] == 0  # fixed
    assert done.counts == {"train": 40, "val": 8, "test": 8}
    assert len(list((done.aug_data / "train" / "images").glob("*.jpg"))) == 40 * 8
    for name in ("model.keras", "curves.png"):
        assert (done.trained / name).is_file()
    trained, mine, starter = (model.scores.mean_iou for model in done.evaluation.models)
    assert min(trained, mine) > starter
    assert read_json(done.folder / "demo.json")["steps"].keys() == CHAPTERS.keys()


@pytest.mark.slow
def test_the_report_holds_everything_itself_but_the_page_that_it_links_to(done):
    page = done.report.read_text()
    assert set(re.findall(r'(?:src|href)="(?!data:|#)([^"]*)', page)) == {"runs/mine/model.html"}
    assert "media-src data:" in page
    assert "<script" not in page
    films = re.findall(r'src="data:video/mp4;base64,([^"]+)"', page)
    kept = [(done.folder / f"{name}.mp4").read_bytes() for name in ("followed", "hidden", "framed")]
    assert [base64.b64decode(film) for film in films] == kept
    for title, _ in CHAPTERS.values():
        assert title in page
    for command, _ in YOUR_TURN:
        assert command in page
    assert page.count("<img ") == sum(len(step.pictures) for step in done.steps)
    assert f"{done.evaluation.models[0].scores.mean_iou:.3f}" in page
    assert len(page) < 3e6


@pytest.mark.slow
def test_a_line_a_step_is_printed(done, capsys):
    with done.step("again", "doing it again", "facetracker again") as step:
        step.result = "done"
    done.steps.pop()
    assert capsys.readouterr().out.startswith("14/13 again    done, 0.0 s")


def test_a_part_that_is_missing_is_told_before_anything_is_made(tmp_path, monkeypatch):
    monkeypatch.setattr(module, "find_spec", lambda name: None if name == "albumentations" else object())
    with pytest.raises(ModuleNotFoundError, match="albumentations"):
        demo(tmp_path / "demo")
    assert not (tmp_path / "demo").exists()


def test_a_folder_that_holds_something_else_is_left_alone(tmp_path):
    (tmp_path / "thesis.txt").write_text("mine")
    with pytest.raises(FaceTrackerError, match="is no folder of a demo"):
        demo(tmp_path)
    assert (tmp_path / "thesis.txt").read_text() == "mine"


def test_the_report_is_opened_only_where_it_is_wanted(tmp_path, monkeypatch):
    opened = []
    monkeypatch.setattr("webbrowser.open", lambda address: opened.append(address) or True)
    assert open_report(tmp_path / "report.html", wanted=False) is False
    assert open_report(tmp_path / "report.html") is False  # no terminal here
    assert open_report(tmp_path / "report.html", wanted=True) is True
    assert opened == [(tmp_path / "report.html").as_uri()]
