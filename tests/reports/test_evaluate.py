"""`evaluate` from model files and folders to metrics.json, on real files and the real engine."""

from __future__ import annotations

import json

import pytest
from small_files import labelled_photo
from typer.testing import CliRunner

from facetracker.cli.evaluation import table
from facetracker.cli.main import app
from facetracker.core.errors import FaceTrackerError
from facetracker.core.example import Example
from facetracker.core.files import write_json
from facetracker.core.photo import write_jpeg
from facetracker.inference.detector import find_model
from facetracker.labels.labelme import write_labels
from facetracker.reports.evaluation import evaluate
from facetracker.reports.evaluation.answers import plan_classes
from facetracker.reports.evaluation.evaluate import free_folder, short_names
from facetracker.reports.evaluation.photos import labelled_photos
from facetracker.scenes import Scene


def test_a_model_that_is_right_everywhere(constant, photos):
    result = evaluate(constant("right"), photos)
    scores = result.models[0].scores
    assert (scores.photos, scores.faces, scores.photos_without_face) == (4, 3, 1)
    assert scores.mean_iou == pytest.approx(1.0, abs=1e-3)
    assert scores.at_threshold.recall == 1.0
    assert scores.false_alarms.photos_with_alarm == 1  # it sees a face in the photo without one, too
    assert result.photos.kind == "clean"
    assert result.models[0].speed.median_ms > 0


def test_models_side_by_side_written_to_a_folder(constant, photos, tmp_path):
    models = [constant("right"), constant("half", box=(0.25, 0.25, 0.75, 0.5))]
    evaluate(models, photos, out=tmp_path / "out")
    values = json.loads((tmp_path / "out" / "metrics.json").read_text())
    assert [model["name"] for model in values["models"]] == ["right.onnx", "half.onnx"]
    assert values["models"][0]["ap75"] > values["models"][1]["ap75"] == 0.0
    assert values["models"][1]["mean_iou"] == pytest.approx(0.5, abs=1e-3)
    assert values["data"]["kind"] == "clean"
    assert values["data"]["labels"] == {"face": 3}
    assert (tmp_path / "out" / "report.html").is_file()
    assert not (tmp_path / "out" / "rejects.txt").exists()


def test_a_report_is_not_overwritten_without_force(constant, photos, tmp_path):
    evaluate(constant("right"), photos, out=tmp_path / "out")
    with pytest.raises(FaceTrackerError, match="is there already"):
        evaluate(constant("right"), photos, out=tmp_path / "out")
    evaluate(constant("right"), photos, out=tmp_path / "out", force=True)


def test_one_bad_photo_is_a_reject_and_not_the_end(constant, photos, tmp_path):
    whole = photos / "images" / "photo1.jpg"
    whole.write_bytes(whole.read_bytes()[:400])
    (photos / "labels" / "photo2.json").write_text("{")
    result = evaluate(constant("right"), photos, out=tmp_path / "out")
    assert result.models[0].scores.photos == 2
    listed = (tmp_path / "out" / "rejects.txt").read_text()
    assert "photo1.jpg\tis truncated" in listed
    assert "photo2.json" in listed
    assert result.rejects.exit_code == 3
    assert "photo1.jpg" in (tmp_path / "out" / "report.html").read_text()


def test_labels_for_another_picture_size_are_not_trusted(constant, photos):
    path = photos / "labels" / "photo0.json"
    content = json.loads(path.read_text())
    write_json(path, {**content, "imageWidth": 128})
    result = evaluate(constant("right"), photos)
    assert result.models[0].scores.photos == 3
    assert "is for a picture of 128x64 pixels" in result.rejects.as_text()


def test_parts_of_a_split_folder(constant, tmp_path):
    for part, count in (("train", 2), ("test", 1)):
        for number in range(count):
            labelled_photo(tmp_path / part / "images", f"{part}{number}", index=number)
    write_jpeg(tmp_path / "test" / "images" / "unknown.jpg", labelled_picture())
    result = evaluate(constant("right"), tmp_path)
    assert (result.photos.part, result.models[0].scores.photos, result.photos.unlabelled) == ("test", 1, 1)
    assert evaluate(constant("right"), tmp_path, part="train").models[0].scores.photos == 2
    assert evaluate(constant("right"), tmp_path, part=None).models[0].scores.photos == 3
    with pytest.raises(FaceTrackerError, match="has no part val"):
        evaluate(constant("right"), tmp_path, part="val")


def labelled_picture():
    from facetracker import scenes

    return scenes.photo(0, 0, width=64, height=64).picture


@pytest.fixture
def tutorial(tmp_path):
    """What the tutorial's own script writes: variants of two photos, three keys a label file."""
    for stem in ("one", "two"):
        for number in range(2):
            write_jpeg(tmp_path / "test" / "images" / f"{stem}.{number}.jpg", labelled_picture())
            shown = number == 0
            label = {"image": f"{stem}.jpg", "bbox": [0.25, 0.25, 0.75, 0.75] if shown else [0, 0, 0, 0]}
            write_json(tmp_path / "test" / "labels" / f"{stem}.{number}.json", {**label, "class": int(shown)})
    return tmp_path


def test_the_tutorials_augmented_pictures_are_called_augmented(constant, tutorial, tmp_path):
    result = evaluate(constant("right"), tutorial, out=tmp_path / "out")
    scores = result.models[0].scores
    assert (scores.photos, scores.faces, scores.photos_without_face) == (4, 2, 2)
    assert (result.photos.kind, result.photos.originals) == ("augmented", 2)
    assert json.loads((tmp_path / "out" / "metrics.json").read_text())["data"]["kind"] == "augmented"
    page = (tmp_path / "out" / "report.html").read_text()
    assert "made from 2 photos" in page


def test_photos_that_augment_took_as_they_are_count_as_clean(tutorial):
    write_json(tutorial / "augment.json", {"all_parts": False})
    assert labelled_photos(tutorial, "test").kind == "clean"
    assert labelled_photos(tutorial).kind == "augmented"  # train among them
    write_json(tutorial / "augment.json", {"all_parts": True})
    assert labelled_photos(tutorial, "test").kind == "augmented"


def test_mistakes_of_a_person_name_the_way_out(constant, photos, tmp_path):
    with pytest.raises(FaceTrackerError, match="no model to evaluate"):
        evaluate([], photos)
    with pytest.raises(FaceTrackerError, match="no such folder"):
        evaluate(constant("right"), tmp_path / "nowhere")
    with pytest.raises(FaceTrackerError, match="not between 0 and 1"):
        evaluate(constant("right"), photos, threshold=2)
    with pytest.raises(FaceTrackerError, match="no such file"):
        evaluate(tmp_path / "no.onnx", photos)
    write_jpeg(tmp_path / "bare" / "a.jpg", labelled_picture())
    with pytest.raises(FaceTrackerError, match="holds no labelled photo"):
        evaluate(constant("right"), tmp_path / "bare")
    for photo in (photos / "images").iterdir():
        photo.write_bytes(b"no picture")
    with pytest.raises(FaceTrackerError, match="none of its photos can be read"):
        evaluate(constant("right"), photos)


def test_classes_are_matched_by_name(constant, tmp_path):
    labelled_photo(tmp_path / "images", "a", labels=("mask",))
    labelled_photo(tmp_path / "images", "b", labels=("bare",))
    model = constant("masks", scores=(0.1, 0.8), classes=("bare", "mask"))
    scores = evaluate(model, tmp_path).models[0].scores
    assert scores.confusion.counts[:2] == [[0, 1, 0], [0, 1, 0]]
    assert scores.class_ap50["bare"] == 0.0
    assert scores.class_ap50["mask"] > 0.4


def test_plans_for_classes():
    assert plan_classes(["face"], ["face"]).note is None
    one = plan_classes(["face"], ["mask", "bare"])
    assert one.names == ["face"]
    assert one.of_label == {"mask": 0, "bare": 0}
    assert "bare, mask" in one.note
    disjoint = plan_classes(["a", "b"], ["face"])
    assert (disjoint.names, disjoint.of_model) == (["face"], [0, 0])
    extra = plan_classes(["a", "b"], ["b", "c"])
    assert extra.names == ["a", "b", "c"]
    assert "does not know c" in extra.note
    assert plan_classes(["a", "b"], []).names == ["a", "b"]


def test_short_names_tell_models_apart(tmp_path):
    first, second = tmp_path / "x" / "model.onnx", tmp_path / "y" / "model.onnx"
    assert short_names([first, second, find_model()]) == ["x", "y", "starter"]
    assert short_names([first, first.with_suffix(".tflite")]) == ["x/model.onnx", "x/model.tflite"]
    assert short_names([tmp_path / "a" / "own.onnx"]) == ["own.onnx"]


def test_free_folder_counts_on(tmp_path):
    assert free_folder("e", tmp_path) == tmp_path / "e"
    (tmp_path / "e").mkdir()
    (tmp_path / "e-2").mkdir()
    assert free_folder("e", tmp_path) == tmp_path / "e-3"


def test_the_command(constant, photos, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    run = CliRunner().invoke(app, ["evaluate", str(constant("right")), str(photos), "--threshold", "0.3"])
    assert run.exit_code == 0, run.output
    assert "4 photos, 3 faces, 1 photo without a face" in run.output
    assert "runs/evaluate-data/report.html" in run.output
    assert (tmp_path / "runs" / "evaluate-data" / "metrics.json").is_file()


def test_the_command_says_by_its_exit_code_that_photos_were_left_out(constant, photos, tmp_path):
    (photos / "images" / "photo0.jpg").write_bytes(b"")
    run = CliRunner().invoke(app, ["evaluate", str(constant("right")), str(photos), "--out", str(tmp_path / "o")])
    assert run.exit_code == 3
    assert "1 files left out" in run.output


def test_the_command_wants_a_model(photos):
    run = CliRunner().invoke(app, ["evaluate", str(photos)])
    assert isinstance(run.exception, FaceTrackerError)
    assert "a model and a folder" in str(run.exception)


def test_a_model_that_is_worse_than_the_starter_is_told_first(constant, tmp_path):
    write_jpeg(tmp_path / "images" / "a.jpg", Scene(320, 240, seed=3).frame(0).picture)
    truth = Scene(320, 240, seed=3).frame(0).boxes
    label = tmp_path / "labels" / "a.json"
    write_labels(label, Example(tmp_path / "images" / "a.jpg", 320, 240, truth, ("face",)))
    worse = table(evaluate([constant("worse", box=(0.0, 0.0, 0.1, 0.1)), "starter"], tmp_path))
    assert worse[0].startswith("worse.onnx is worse than the starter on these photos (mean IoU 0.000, the starter 0.")
    assert "worse than" not in " ".join(table(evaluate(["starter"], tmp_path)))
