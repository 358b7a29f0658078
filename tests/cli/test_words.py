"""What a person types: a model or a source, a file in place of a command, photos in and photos out."""

from __future__ import annotations

import json

import pytest
from typer.main import get_command
from typer.testing import CliRunner

from facetracker.cli.main import app
from facetracker.cli.words import PURPOSES, model_and_sources
from facetracker.core.errors import FaceTrackerError
from facetracker.core.photo import read_picture, write_jpeg
from facetracker.scenes import Scene


@pytest.fixture
def photos(tmp_path):
    """A data folder of two photos: one face, two faces."""
    for number in (1, 2):
        write_jpeg(tmp_path / f"data/part{number}/images/p.jpg", Scene(320, 240, faces=number, seed=3).frame(0).picture)
    return tmp_path / "data"


def run(*words):
    return CliRunner().invoke(app, [str(word) for word in words])


@pytest.mark.parametrize(
    ("words", "model", "sources", "meant"),
    [
        ([], None, None, (None, ["0"])),
        (["film.mp4"], None, None, (None, ["film.mp4"])),
        (["starter"], None, None, ("starter", ["0"])),
        (["mine.onnx"], None, ["2"], ("mine.onnx", ["2"])),
        (["mine.tflite", "rtsp://camera/1"], None, None, ("mine.tflite", ["rtsp://camera/1"])),
        (["scene:", "haar"], None, None, ("haar", ["scene:"])),
        (["1"], "mine.keras", None, ("mine.keras", ["1"])),
        (["a.mp4", "mine.onnx", "b.mp4"], None, ["0", "0"], ("mine.onnx", ["0", "0", "a.mp4", "b.mp4"])),
    ],
)
def test_a_model_and_sources_are_told_apart(words, model, sources, meant):
    assert model_and_sources(words, model, sources) == meant


def test_a_folder_with_a_model_is_one_and_any_other_is_a_source(tmp_path):
    (tmp_path / "run").mkdir()
    (tmp_path / "run" / "model.onnx").touch()
    (tmp_path / "photos").mkdir()
    words = [str(tmp_path / "run"), str(tmp_path / "photos")]
    assert model_and_sources(words, None, None) == (words[0], words[1:])


@pytest.mark.parametrize(("words", "model"), [(["a.onnx", "b.onnx"], None), (["b.onnx"], "a.onnx")])
def test_two_models_are_refused(words, model):
    with pytest.raises(FaceTrackerError, match=r"two models: a\.onnx and b\.onnx"):
        model_and_sources(words, model, None)


def test_a_photo_is_told_and_kept_with_its_boxes(photos, tmp_path):
    photo, out = photos / "part1/images/p.jpg", tmp_path / "out.jpg"
    done = run("detect", photo, "--save", out)
    assert done.exit_code == 0, done.output
    assert f"{photo}: 1 face\n1 photo in " in done.output
    assert f"{out}: 1 photo\n" in done.output
    assert (read_picture(out) != read_picture(photo)).any()


def test_a_data_folder_is_a_source_and_keeps_its_folders(photos, tmp_path):
    done = run("detect", photos, "--save", tmp_path / "out")
    assert done.exit_code == 0, done.output
    assert f"{photos}/part2/images/p.jpg: 2 faces" in done.output
    kept = sorted(path.relative_to(tmp_path / "out") for path in (tmp_path / "out").rglob("*.jpg"))
    assert [str(path) for path in kept] == ["part1/images/p.jpg", "part2/images/p.jpg"]


def test_photos_are_never_written_over_themselves(photos, tmp_path):
    before = (photos / "part1/images/p.jpg").read_bytes()
    with pytest.raises(FaceTrackerError, match="is the photo itself"):
        CliRunner().invoke(app, ["detect", str(photos), "--save", str(photos), "--force"], catch_exceptions=False)
    assert (photos / "part1/images/p.jpg").read_bytes() == before


def test_several_photos_do_not_fit_into_one(photos, tmp_path):
    with pytest.raises(FaceTrackerError, match=r"is one photo, .* has 2"):
        CliRunner().invoke(app, ["detect", str(photos), "--save", str(tmp_path / "a.jpg")], catch_exceptions=False)


def test_lines_go_to_standard_output_and_nothing_else_does(photos, capfd):
    done = run("detect", photos, "--jsonl", "-")
    assert done.exit_code == 0, done.output
    rows = [json.loads(line) for line in capfd.readouterr().out.splitlines()]
    assert [len(row["boxes"]) for row in rows] == [1, 2]
    assert "2 photos in" in done.stderr
    assert not done.stdout


def test_a_file_in_place_of_a_command_is_told_what_to_type(photos):
    with pytest.raises(FaceTrackerError, match=r"facetracker detect .* finds the faces in it"):
        CliRunner().invoke(app, [str(photos)], catch_exceptions=False)
    with pytest.raises(FaceTrackerError, match=r"detekt is no command. facetracker detect\?"):
        CliRunner().invoke(app, ["detekt"], catch_exceptions=False)
    assert "No such command 'wombat'" in run("wombat").output


def test_every_command_stands_under_a_purpose():
    commands = set(get_command(app).commands)
    named = [name for names in PURPOSES.values() for name in names]
    assert commands == set(named)
    assert len(named) == len(set(named))
    told = run("--help").output
    assert all(f"\n{purpose}:\n" in told for purpose in PURPOSES)
    assert all(f"\n  {name} " in told for name in named)
