"""The demo: the whole way once, small, and its report."""

from __future__ import annotations

import base64
import re

import pytest

from facetracker.cli.demo.chapters import CHAPTERS, YOUR_TURN
from facetracker.cli.demo.demo import demo, open_report
from facetracker.core.errors import FaceTrackerError
from facetracker.core.files import read_json

pytestmark = pytest.mark.timeout(1200)


@pytest.fixture(scope="module")
def done(tmp_path_factory):
    return demo(tmp_path_factory.mktemp("demo") / "demo", epochs=1, pictures_an_epoch=32, seconds_of_clip=1)


@pytest.mark.slow
def test_every_stage_ran_and_left_its_files(done):
    assert [step.name for step in done.steps] == list(CHAPTERS)
    assert {finding.kind for finding in done.findings} == {"outside the picture", "wrong class"}
    assert read_json(done.folder / "audit" / "audit.json")["faulty_photos"] == 0  # fixed
    assert done.counts == {"train": 40, "val": 8, "test": 8}
    assert len(list((done.aug_data / "train" / "images").glob("*.jpg"))) == 40 * 12
    for name in ("model.keras", "model.onnx", "model.tflite", "curves.png"):
        assert (done.run / name).is_file()
    assert done.film.with_face == done.film.frames == 25
    assert done.film.found >= 20  # after one short epoch the tracker must still be one
    assert read_json(done.folder / "demo.json")["steps"].keys() == CHAPTERS.keys()


@pytest.mark.slow
def test_the_report_holds_everything_itself(done):
    page = done.report.read_text()
    assert not re.search(r'(src|href)="(?!data:|#)', page)
    assert "media-src data:" in page
    assert "<script" not in page
    film = re.search(r'src="data:video/mp4;base64,([^"]+)"', page)[1]
    assert base64.b64decode(film) == (done.folder / "followed.mp4").read_bytes()
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
    assert capsys.readouterr().out.startswith("10/9 again    done, 0.0 s")


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
