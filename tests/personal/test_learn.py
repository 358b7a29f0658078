"""`learn`: a style at once and without tensorflow, an own head that takes over where it is better, and nothing lost."""

from __future__ import annotations

import json
import subprocess
import sys

import numpy as np
import pytest
from own_style import DRAWN

from facetracker.core.errors import FaceTrackerError
from facetracker.core.example import Example
from facetracker.core.photo import read_picture, write_jpeg
from facetracker.inference.detector import Detector
from facetracker.labels.labelme import write_labels
from facetracker.personal.choose import OWN_HEAD, STYLE, choose, threshold_for
from facetracker.personal.learn import learn
from facetracker.personal.teacher import match


@pytest.fixture(scope="module")
def styled(person, tmp_path_factory):
    return learn(person, instant=True, runs=tmp_path_factory.mktemp("runs"))


def test_the_style_is_learnt(styled):
    np.testing.assert_allclose(styled.style.numbers, DRAWN.numbers, atol=0.06)
    assert json.loads((styled.run / "learn.json").read_text())["kept"] == STYLE


def test_the_tracker_draws_as_the_person_does(styled, person):
    picture = read_picture(next((person / "images").glob("0*.jpg")))
    usual, own = Detector(threshold=0.3).detect(picture), Detector.load(styled.run, 0.3).detect(picture)
    np.testing.assert_allclose(own.boxes, np.clip(styled.style.apply(usual.boxes), 0, 1), atol=1e-5)
    np.testing.assert_array_equal(own.scores, usual.scores)


def test_an_instant_tracker_needs_no_tensorflow(person, tmp_path):
    code = (
        "import sys; from facetracker.personal.learn import learn; "
        f"learn({str(person)!r}, instant=True, runs={str(tmp_path)!r}); "
        "print([name for name in ('tensorflow', 'keras', 'albumentations') if name in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip().splitlines()[-1] == "[]"


def test_without_tensorflow_the_style_is_learnt_and_it_is_said_how_to_get_more(person, tmp_path, monkeypatch):
    monkeypatch.setitem(sys.modules, "tensorflow", None)
    learnt = learn(person, runs=tmp_path)
    assert learnt.choice.kept == STYLE
    assert Detector.load(learnt.run).style is not None
    assert "needs TensorFlow: pip install" in learnt.lines()[1]
    with pytest.raises(FaceTrackerError, match=r"Choose another --name, or replace it with --force"):
        learn(person, runs=tmp_path)


def test_boxes_of_several_kinds_are_refused_with_a_way_out(person, tmp_path):
    photo = write_jpeg(tmp_path / "images" / "a.jpg", np.zeros((48, 64, 3), np.uint8))
    boxes = np.array([[0.1, 0.1, 0.3, 0.3], [0.5, 0.5, 0.9, 0.9]], np.float32)
    write_labels(tmp_path / "labels" / "a.json", Example(photo, 64, 48, boxes, ("face", "mug")))
    with pytest.raises(FaceTrackerError, match=r"several kinds \(face, mug\)"):
        learn(tmp_path, runs=tmp_path / "runs")
    assert not (tmp_path / "runs").exists()


def test_photos_without_a_box_teach_nothing(tmp_path):
    photo = write_jpeg(tmp_path / "images" / "a.jpg", np.zeros((48, 64, 3), np.uint8))
    write_labels(tmp_path / "labels" / "a.json", Example(photo, 64, 48))
    with pytest.raises(FaceTrackerError, match="no photo with a box"):
        learn(tmp_path, runs=tmp_path / "runs")


def test_a_run_is_replaced_only_when_asked(styled, person):
    with pytest.raises(FaceTrackerError, match="is there already"):
        learn(person, instant=True, runs=styled.run.parent)


def test_a_chin_and_a_whole_head_are_the_same_face():
    chin, head = np.array([[0.4, 0.4, 0.5, 0.55]]), np.array([[0.37, 0.3, 0.53, 0.56], [0.7, 0.3, 0.9, 0.6]])
    assert match(chin.astype(np.float32), head.astype(np.float32)) == [(0, 0)]


def test_what_is_better_on_photos_held_back_is_kept():
    worse, better = np.full(9, 0.8, np.float32), np.full(9, 0.9, np.float32)
    assert choose(worse, better).kept == OWN_HEAD
    assert choose(better, worse).kept == STYLE
    assert "0.80" in choose(better, worse).why
    assert "9 photos" in choose(better, worse).why


def test_the_threshold_finds_the_faces_held_back():
    assert threshold_for(np.full(5, 0.6, np.float32)) < 0.6
    assert threshold_for(np.array([], np.float32), 0.65) == 0.65
    assert 0.2 <= threshold_for(np.zeros(3, np.float32)) <= 0.3


@pytest.mark.slow
def test_an_own_head_is_learnt_saved_and_exported(person, tmp_path, monkeypatch):
    from facetracker.models.loading import load_model

    monkeypatch.setattr("facetracker.personal.own.VIEWS", 60)
    monkeypatch.setattr("facetracker.personal.own.STEPS", 20)
    learnt = learn(person, runs=tmp_path)
    assert learnt.choice.photos > 0
    assert learnt.choice.own is not None
    picture = read_picture(next((person / "images").glob("0*.jpg")))
    if learnt.choice.kept == STYLE:
        assert not (learnt.run / "model.keras").exists()
        return
    tracker = load_model(learnt.run / "model.keras")
    assert tracker.threshold == learnt.threshold
    keras, exported = Detector.load(learnt.run / "model.keras"), Detector.load(learnt.run)
    assert exported.card.strides == [8, 16, 32, 16, 32]
    one, other = keras.detect(picture, 0.1), exported.detect(picture, 0.1)
    np.testing.assert_allclose(one.boxes, other.boxes, atol=1e-3)


@pytest.mark.slow
def test_the_starter_inside_stays_as_it_is(person):
    from facetracker.models import FaceTracker, PersonalTracker

    pictures = np.stack([read_picture(path)[:320, :320, ::-1] for path in sorted((person / "images").glob("0*"))[:2]])
    starter = FaceTracker("nano", "dense", image_size=320, weights="starter", second_look=True)
    own = PersonalTracker(DRAWN.numbers, image_size=320, weights="starter")
    usual, ours = starter(pictures, training=False), own(pictures, training=False)
    count = usual["scores"].shape[1]
    np.testing.assert_allclose(ours["scores"][:, :count], usual["scores"], atol=1e-6)
    left, right = np.asarray(usual["offsets"])[..., 0], np.asarray(usual["offsets"])[..., 2]
    moved = np.asarray(ours["offsets"])[:, :count, 0]
    np.testing.assert_allclose(moved, left - DRAWN.left * (left + right), atol=1e-4)


@pytest.mark.slow
def test_an_instant_tracker_is_exported_with_its_style_in_the_graph(styled, person, tmp_path):
    from facetracker.exports.exporting import export

    (made,) = export(styled.run, to=["onnx"], out=tmp_path)
    assert made.path is not None
    picture = read_picture(next((person / "images").glob("0*.jpg")))
    exported, ours = Detector.load(made.path, 0.3).detect(picture), Detector.load(styled.run, 0.3).detect(picture)
    np.testing.assert_allclose(exported.boxes, ours.boxes, atol=2e-3)
