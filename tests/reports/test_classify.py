"""Classifying pictures: the CSV, the sheet, exported files, and the live picture, all with one trained classifier."""

from __future__ import annotations

import csv
import json
import shutil
import subprocess
import sys

import cv2
import numpy as np
import pytest

from facetracker.core.errors import FaceTrackerError
from facetracker.core.faces import Faces
from facetracker.core.photo import read_picture
from facetracker.core.sheet import sheet
from facetracker.exports import export
from facetracker.inference.classifier import Classifier, ClassVotes
from facetracker.inference.detect import Find, Keep, Show, detect
from facetracker.inference.detector import Detector
from facetracker.reports.classify import FaceAnswer, as_table, classify
from facetracker.scenes import Scene
from facetracker.training.classifier.pictures import RIGHT, WRONG, answer_tile


@pytest.fixture(scope="module")
def exported(run, tmp_path_factory):
    """The classifier as a tflite file."""
    folder = tmp_path_factory.mktemp("exported")
    return export(run, ["tflite"], folder)[0].path


@pytest.mark.slow
def test_every_format_says_what_keras_says(run, faces, exported, tmp_path):
    crops = [read_picture(path) for path in sorted((faces / "test").rglob("*.jpg"))[:5]]
    expected = Classifier(run).classify(crops)
    assert expected.shape == (5, 2)
    np.testing.assert_allclose(expected.sum(axis=1), 1, rtol=1e-5)
    for path in (exported, export(run, ["onnx"], tmp_path)[0].path):
        classifier = Classifier(path)
        assert classifier.card.margin == 0.15
        assert classifier.classes == ["with_mask", "without_mask"]
        np.testing.assert_allclose(classifier.classify(crops), expected, atol=1e-4)
        np.testing.assert_allclose(classifier.classify(crops[:1])[0], expected[0], atol=1e-4)
    assert classifier.classify([]).shape == (0, 2)


@pytest.mark.slow
def test_eight_bits_still_give_the_same_classes(run, faces, tmp_path):
    result = export(run, ["tflite"], tmp_path, quantize="int8", calibrate=faces)[0]
    assert result.fault is None
    crops = [read_picture(path) for path in sorted((faces / "test").rglob("*.jpg"))]
    small, whole = Classifier(result.path).classify(crops), Classifier(run).classify(crops)
    assert (small.argmax(axis=1) == whole.argmax(axis=1)).mean() >= 0.95
    assert result.size < 0.5 * (run / "model.keras").stat().st_size


def test_the_answers_as_csv_and_as_a_sheet(faces, exported, tmp_path):
    done = classify(exported, faces / "test", csv=tmp_path / "a.csv", png=tmp_path / "a.png")
    rows = list(csv.DictReader((tmp_path / "a.csv").open()))
    assert list(rows[0]) == [
        "id",
        "class",
        "probability",
        "class_1",
        "probability_1",
        "class_2",
        "probability_2",
        "truth",
    ]
    assert [row["id"] for row in rows] == [path.as_posix() for path in sorted((faces / "test").rglob("*.jpg"))]
    assert done.known == len(rows)
    assert done.right == sum(row["class"] == row["truth"] for row in rows) >= 0.9 * len(rows)
    assert all(float(row["probability_1"]) >= float(row["probability_2"]) for row in rows)
    assert cv2.imread(str(tmp_path / "a.png")).shape[1] > 600
    with pytest.raises(FaceTrackerError, match="is there already"):
        classify(exported, faces / "test", csv=tmp_path / "a.csv", png=tmp_path / "b.png")


def test_answers_are_handed_in_as_id_and_label(faces, exported, tmp_path):
    names = ["dog.113.jpg", "cat.9.jpg", "0012.jpg"]
    crops = sorted((faces / "test" / "without_mask").rglob("*.jpg"))
    for name, crop in zip(names, crops, strict=False):
        shutil.copy(crop, tmp_path / name)
    files = [tmp_path / name for name in names]
    done = classify(exported, files, csv=tmp_path / "a.csv", png=tmp_path / "a.png", columns="id,label")
    rows = list(csv.DictReader((tmp_path / "a.csv").open()))
    assert [row["id"] for row in rows] == ["9", "12", "113"]
    said = Classifier(exported).classify([read_picture(files[1])])[0]
    assert float(rows[0]["label"]) == pytest.approx(said[1], abs=1e-5)
    assert set(rows[0]) == {"id", "label"}
    # Of a few pictures each is answered in a line, the best classes first.
    assert done.lines()[0].startswith(f"{files[0].as_posix()}: without_mask 0.")
    with pytest.raises(FaceTrackerError, match=r"no column is called 'lable'. Did you mean label\?"):
        classify(exported, files, csv=tmp_path / "b.csv", png=tmp_path / "b.png", columns="id,lable")


def test_ids_that_are_no_numbers_and_more_classes_than_two():
    def answer(name, *probabilities):
        return FaceAnswer(name, np.array(probabilities, np.float32), "b", np.zeros((1, 1, 3), np.uint8))

    rows = [answer("x/b-7.jpg#1", 0.1, 0.7, 0.2), answer("x/b-7.jpg#0", 0.6, 0.2, 0.2), answer("a.b", 0, 0, 1)]
    assert as_table(rows, ["a", "b", "c"], ["id", "label", "truth"]).splitlines() == [
        "id,label,truth",
        "a,c,b",
        "b-7#0,a,b",
        "b-7#1,b,b",
    ]


def test_right_titles_are_green_and_wrong_ones_red():
    crop = np.full((40, 40, 3), 128, np.uint8)
    page = sheet([answer_tile(crop, "with mask", True), answer_tile(crop, "without mask", False)], 2, 128)
    half = page.shape[1] // 2

    def has(part, colour):
        return bool((np.abs(part[-28:].astype(int) - colour).max(axis=2) < 30).any())

    assert has(page[:, :half], RIGHT)
    assert not has(page[:, :half], WRONG)
    assert has(page[:, half:], WRONG)
    assert not has(page[:, half:], RIGHT)


def test_unreadable_pictures_are_left_out(exported, faces, tmp_path):
    (tmp_path / "broken.jpg").write_bytes(b"\xff\xd8 not a picture")
    good = next((faces / "test").rglob("*.jpg"))
    done = classify(exported, [tmp_path / "broken.jpg", good], csv=tmp_path / "a.csv", png=tmp_path / "a.png")
    assert done.rejects.exit_code == 3
    assert len(list(csv.DictReader((tmp_path / "a.csv").open()))) == 1
    with pytest.raises(FaceTrackerError, match="nothing could be classified"):
        classify(exported, [tmp_path / "broken.jpg"], csv=tmp_path / "c.csv", png=tmp_path / "c.png")


def test_it_runs_without_tensorflow(exported, faces, tmp_path):
    code = (
        "import sys; from facetracker.reports.classify import classify; "
        f"classify({str(exported)!r}, {str(faces / 'test')!r}, csv='a.csv', png='a.png'); "
        "bad = {'tensorflow', 'keras', 'albumentations'} & set(sys.modules); sys.exit(f'imported: {bad}' if bad else 0)"
    )
    done = subprocess.run([sys.executable, "-c", code], cwd=tmp_path, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr


def test_a_classifier_finds_no_faces_and_a_tracker_classifies_none(exported):
    with pytest.raises(FaceTrackerError, match="classifies faces, it does not find them"):
        Detector.load(exported)
    with pytest.raises(FaceTrackerError, match="finds faces, it does not classify them"):
        Classifier("starter")


def followed(ids, coasting=None) -> Faces:
    boxes = np.tile([10.0, 10.0, 50.0, 50.0], (len(ids), 1))
    return Faces.from_pixels(boxes, 60, 60, ids=ids, coasting=coasting or [False] * len(ids))


class Said:
    """A classifier that answers what it is told, and counts what it is asked."""

    classes = ("with_mask", "without_mask")

    def __init__(self):
        self.answer, self.asked = (0.9, 0.1), 0

    def classify_faces(self, frame, boxes):
        self.asked += len(boxes)
        return np.tile(np.array(self.answer, np.float32), (len(boxes), 1))


def test_one_bad_frame_changes_nothing_and_half_a_second_does():
    said = Said()
    votes, frame = ClassVotes(said), np.zeros((60, 60, 3), np.uint8)
    for number in range(10):
        votes.look(frame, followed([1]), number / 30)
    said.answer = (0.0, 1.0)
    assert votes.look(frame, followed([1]), 10 / 30).labels == ["with_mask"]
    for number in range(11, 30):
        faces = votes.look(frame, followed([1]), number / 30)
    assert faces.labels == ["without_mask"]
    assert faces.classes.tolist() == [1]
    # A face of its own has votes of its own, and one that only coasts is not asked about.
    asked = said.asked
    faces = votes.look(frame, followed([1, 2], [True, False]), 31 / 30)
    assert said.asked == asked + 1
    assert faces.labels == ["without_mask", "without_mask"]
    assert votes.known(followed([2, 1])).labels == ["without_mask", "without_mask"]


def test_the_live_picture_has_green_and_red_faces(exported, tmp_path):
    scene = Scene(320, 240, faces=2, seed=3, masks=True, size=0.8)
    for number in range(12):
        cv2.imwrite(str(tmp_path / f"f_{number:03d}.png"), scene.frame(number * 2).picture)
    done = detect(
        source=str(tmp_path / "f_%03d.png"),
        find=Find(classifier=exported),
        show=Show("none"),
        keep=Keep(jsonl=tmp_path / "a.jsonl"),
    )
    rows = [json.loads(line) for line in (tmp_path / "a.jsonl").read_text().splitlines()]
    names = {name for row in rows for name in row["classes"]}
    assert names <= {"with_mask", "without_mask"}
    assert names
    last = rows[-1]
    assert len(last["class_probabilities"]) == len(last["classes"])
    assert "classify" in done.stages.durations
