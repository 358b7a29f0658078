"""`FaceClassifier` and the classic networks: as large as the notes say, saved, loaded, and never a stranger's code."""

from __future__ import annotations

import json
import zipfile

import keras
import numpy as np
import pytest

from facetracker.core.errors import BadFile, FaceTrackerError
from facetracker.models import FaceClassifier, FaceTracker
from facetracker.models.classic import PoolTo, simple_convnet, vgg6
from facetracker.models.classifier import scaled
from facetracker.models.loading import load_model, save_h5
from facetracker.models.weights import STARTER, of_unit_pictures, read_arrays

CLASSES = ("with_mask", "without_mask")


@pytest.fixture(scope="module")
def small() -> FaceClassifier:
    return FaceClassifier("nano", CLASSES, image_size=64, hidden=16, margin=0.2)


@pytest.fixture(scope="module")
def faces() -> np.ndarray:
    return np.random.default_rng(0).integers(0, 256, (3, 64, 64, 3), dtype=np.uint8)


@pytest.mark.parametrize(
    ("backbone", "classes", "parameters"),
    [
        # 6*25+6, 16*6*25+16, 400*120+120, 120*84+84, 84*10+10: the paper's 61,706 for ten digits
        ("lenet5", 10, 61_706),
        # numpy-simple-convnet: 30*25+30, 4320*100+100, 100*10+10
        ("simple_convnet", 10, 433_890),
        # the tables of lenet-alexnet.md
        ("lenet5_224", 2, 46_038_242),
        ("alexnet", 2, 42_321_218),
        # numpy-vgg6: 190,072, and the running mean and variance of 144 channels
        ("vgg6", 2, 190_072 + 2 * 144),
    ],
)
def test_a_classic_network_has_as_many_parameters_as_its_notes_say(backbone, classes, parameters):
    model = FaceClassifier(backbone, [str(number) for number in range(classes)])
    assert model.count_params() == parameters
    answer = np.asarray(model(np.zeros((1, model.image_size, model.image_size, 3), np.uint8)))
    assert answer.shape == (1, classes)
    assert answer.sum() == pytest.approx(1.0, abs=1e-5)


def test_the_top_for_transfer_learning_is_the_notes():
    # ResNet50's 2048 features, 256 neurons, dropout 0.4, 2 classes
    model = FaceClassifier("resnet50", CLASSES, image_size=64)
    assert sum(layer.count_params() for layer in model.top) == 2048 * 256 + 256 + 256 * 2 + 2
    assert [layer.rate for layer in model.top if isinstance(layer, keras.layers.Dropout)] == [0.4]


def test_pooling_to_six_is_pytorchs():
    # AdaptiveAvgPool2d(3) of 7 numbers: windows 0..2, 2..4 and 4..6, neighbours share one
    row = np.arange(7, dtype=np.float32)
    picture = np.broadcast_to(row[None, :, None, None], (1, 7, 7, 1))
    np.testing.assert_allclose(np.asarray(PoolTo(3)(picture))[0, :, 0, 0], [1, 3, 5])
    assert PoolTo(6).compute_output_shape((None, 7, 9, 4)) == (None, 6, 6, 4)


def test_uint8_and_float_pictures_are_the_same(small, faces):
    np.testing.assert_array_equal(small(faces), small(faces.astype(np.float32)))
    np.testing.assert_allclose(np.asarray(small(faces)).sum(axis=1), 1.0, rtol=1e-5)


def test_grey_is_opencvs_grey():
    import cv2

    picture = np.random.default_rng(1).integers(0, 256, (1, 8, 8, 3), dtype=np.uint8)
    grey = cv2.cvtColor(picture[0], cv2.COLOR_RGB2GRAY) / 255
    np.testing.assert_allclose(np.asarray(scaled(picture, "grey"))[0, ..., 0], grey, atol=0.003)


@pytest.mark.parametrize("suffix", ["keras", "h5"])
def test_a_saved_one_answers_the_same(small, faces, suffix, tmp_path):
    path = tmp_path / f"model.{suffix}"
    if suffix == "keras":
        small.save(path)
    else:
        save_h5(small, path)
    again = load_model(path)
    assert isinstance(again, FaceClassifier)
    np.testing.assert_array_equal(again(faces), small(faces))
    assert again.get_config() == {**small.get_config(), "name": again.name}
    assert again.margin == 0.2


def test_the_starters_backbone_and_a_trackers_backbone_come_in(tmp_path, faces):
    model = FaceClassifier("nano", CLASSES, image_size=64, weights="starter")
    stem = of_unit_pictures(read_arrays(STARTER))["backbone/stem_conv/kernel"]
    np.testing.assert_array_equal(model.backbone.get_layer("stem_conv").kernel, stem.astype(np.float32))
    tracker = FaceTracker("nano", "dense", image_size=64)
    tracker.save(tmp_path / "tracker.keras")
    from_file = FaceClassifier("nano", CLASSES, image_size=64, weights=str(tmp_path / "tracker.keras"))
    np.testing.assert_array_equal(
        from_file.backbone.get_layer("stem_conv").kernel, tracker.backbone.get_layer("stem_conv").kernel
    )


@pytest.mark.parametrize(
    ("settings", "match"),
    [
        ({"backbone": "vgg61"}, r"no backbone is called vgg61. Did you mean vgg6\?"),
        ({"classes": ["face"]}, "at least two classes"),
        ({"backbone": "vgg6", "weights": "imagenet"}, "vgg6 has no ImageNet weights"),
        ({"backbone": "vgg6", "weights": "starter"}, "for backbone nano, not vgg6"),
        ({"backbone": "alexnet", "image_size": 32}, "too small for alexnet"),
        ({"weights": "nowhere.keras"}, "no such weights"),
    ],
)
def test_a_mistake_is_one_line(settings, match):
    with pytest.raises(FaceTrackerError, match=match):
        FaceClassifier(**settings)


@pytest.mark.parametrize(
    ("change", "match"),
    [
        ({"hidden": 1 << 30}, "settings are damaged"),
        ({"hidden": "16"}, "settings are damaged"),
        ({"dropout": [1]}, "settings are damaged"),
        ({"classes": "masks"}, "settings are damaged"),
        ({"backbone": "nobody"}, "settings are damaged"),
        ({"head": "dense"}, "not those of a FaceClassifier"),
        ({"weights": "/etc/passwd"}, "not those of a FaceClassifier"),
    ],
)
def test_a_strangers_settings_are_checked(small, change, match, tmp_path):
    small.save(tmp_path / "good.keras")
    with zipfile.ZipFile(tmp_path / "good.keras") as good, zipfile.ZipFile(tmp_path / "bad.keras", "w") as bad:
        for name in good.namelist():
            data = good.read(name)
            if name == "config.json":
                config = json.loads(data)
                config["config"].update(change)
                data = json.dumps(config).encode()
            bad.writestr(name, data)
    with pytest.raises(BadFile, match=match):
        load_model(tmp_path / "bad.keras")


def test_the_twins_of_the_numpy_networks_have_the_notes_sizes():
    assert vgg6(classes=2).output_shape == (None, 2)
    assert vgg6().output_shape == (None, 50)
    assert simple_convnet(classes=10).output_shape == (None, 10)
