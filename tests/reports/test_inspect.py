"""Looking inside: every layer is counted, the pictures are there, and Grad-CAM looks where the answer comes from."""

from __future__ import annotations

import cv2
import keras
import numpy as np
import pytest
from pages import self_contained

from facetracker.core.errors import FaceTrackerError
from facetracker.core.photo import write_png
from facetracker.models import FaceClassifier, FaceTracker
from facetracker.reports.inspect.gradcam import Look, heat_of, looks
from facetracker.reports.inspect.inspecting import inspect
from facetracker.reports.inspect.record import record, table

CLASSES = ["with_mask", "without_mask"]
MAKES = {
    "dense": lambda: FaceTracker("nano", "dense", classes=CLASSES, image_size=96, weights="starter"),
    "single": lambda: FaceTracker("nano", "single", image_size=64),
    "classifier": lambda: FaceClassifier("nano", CLASSES, image_size=64),
    "vgg6": lambda: FaceClassifier("vgg6", CLASSES, image_size=64),
}


@pytest.fixture(scope="module", params=MAKES)
def model(request):
    return MAKES[request.param]()


def test_every_parameter_is_in_the_table(model):
    picture = np.zeros((model.image_size, model.image_size, 3), np.uint8)
    steps = record(model, picture)
    counted = {step.name: step.parameters for step in steps}
    assert sum(counted.values()) == model.count_params()
    assert f"{model.count_params():,}" in table(steps)


def test_multiply_adds_by_hand():
    inputs = keras.Input((8, 8, 3))
    x = keras.layers.Conv2D(4, 3, padding="same", name="conv")(inputs)
    x = keras.layers.DepthwiseConv2D(3, strides=2, padding="same", name="depthwise")(x)
    x = keras.layers.Dense(5, name="dense")(keras.layers.Flatten()(x))
    steps = {step.name: step for step in record(keras.Model(inputs, x), np.zeros((8, 8, 3), np.uint8))}
    assert steps["conv"].multiply_adds == 8 * 8 * 4 * 3 * 3 * 3
    assert steps["depthwise"].multiply_adds == 4 * 4 * 4 * 3 * 3
    assert steps["dense"].multiply_adds == 4 * 4 * 4 * 5
    assert steps["conv"].shape == (8, 8, 4)


def test_all_five_files_are_written(model, tmp_path):
    (tmp_path / "run").mkdir()
    model.save(tmp_path / "run" / "model.keras")
    done = inspect(tmp_path / "run" / "model.keras", out=tmp_path / "inside")
    assert "no run folder" in done.notes[0]
    names = ["summary.txt", "filters.png", "activations.png", "gradcam.png", "report.html"]
    assert [path.name for path in done.written] == names
    self_contained(done.written[4].read_text())
    for path in done.written[1:4]:
        picture = cv2.imread(str(path))
        assert picture.std() > 10
    with pytest.raises(FaceTrackerError, match="is there already"):
        inspect(tmp_path / "run" / "model.keras", out=tmp_path / "inside")


def test_names_are_text_and_not_html(tmp_path):
    photo = write_png(tmp_path / "<b>me.png", np.full((64, 64, 3), 99, np.uint8))
    FaceClassifier("nano", ["<script>mask</script>", "bare"], image_size=64).save(tmp_path / "model.keras")
    text = (inspect(tmp_path, photo, out=tmp_path / "inside").folder / "report.html").read_text(encoding="utf-8")
    self_contained(text)
    assert "<b>me" not in text
    assert "&lt;b&gt;me.png" in text
    assert "&lt;script&gt;mask&lt;/script&gt;" in text


def test_filters_before_training_are_those_of_the_starter(tmp_path):
    model = FaceClassifier("nano", CLASSES, image_size=64)
    model.save(tmp_path / "model.keras")
    plain = inspect(tmp_path, out=tmp_path / "plain")
    (tmp_path / "config.yaml").write_text("kind: classifier\nmodel: {weights: starter}\ntraining: {seed: 0}\n")
    both = inspect(tmp_path, out=tmp_path / "both")
    assert not both.notes
    alone, beside = (cv2.imread(str(done.folder / "filters.png")) for done in (plain, both))
    assert beside.shape[1] > 1.8 * alone.shape[1]


def test_the_picture_is_looked_at_where_the_answer_comes_from():
    """A classifier of one bright corner: the map must be bright there and dark elsewhere."""
    features = np.zeros((1, 4, 4, 2), np.float32)
    features[0, 0, 3, 0] = 2.0  # speaks for the answer
    features[0, 3, 0, 1] = 5.0  # speaks against it
    gradient = np.zeros_like(features)
    gradient[..., 0], gradient[..., 1] = 0.5, -0.5
    heat = heat_of(features, gradient)
    assert heat[0, 3] == 1.0
    assert heat.sum() == 1.0


def test_how_much_of_a_map_lies_in_the_box():
    heat = np.zeros((4, 8), np.float32)
    heat[1, 1:4] = 1.0
    heat[3, 7] = 1.0
    box = np.array([0.0, 0.25, 0.375, 0.75], np.float32)  # columns 0 to 2, rows 1 and 2
    assert Look("box", "", heat, box).share_in_box() == 0.5
    assert Look("class", "", heat).share_in_box() is None
    assert Look("box", "", heat * 0, box).share_in_box() is None


def test_a_tracker_looks_at_the_face_it_found():
    from facetracker.core.letterbox import letterbox
    from facetracker.scenes import photo

    still = photo(0, 1, 320, 320, faces=1)
    model = FaceTracker("nano", "dense", image_size=192, weights="starter")
    fitted, place = letterbox(still.picture, 192, 192)
    face, size = looks(model, cv2.cvtColor(fitted, cv2.COLOR_BGR2RGB))
    assert float(face.title.split()[1]) > 0.5
    left, top, right, bottom = (place.to_input(still.boxes)[0] * 192).round().astype(int)
    inside = face.heat[top:bottom, left:right].mean()
    assert inside > 1.15 * face.heat.mean()  # the starter of November 21: 1.32
    assert size.heat.shape == (192, 192)
    assert (np.abs(face.box - place.to_input(still.boxes)[0]) < 0.1).all()


def test_a_missing_model_is_one_line(tmp_path):
    with pytest.raises(FaceTrackerError, match="no such model"):
        inspect(tmp_path)
