"""Every backbone of the registry has the three grids it promises, and a download that fails says what to do."""

from __future__ import annotations

import urllib.error

import h5py
import keras
import numpy as np
import pytest
from keras.src.legacy.saving import legacy_h5_format
from keras.src.utils import file_utils

from facetracker.core.errors import BadFile, FaceTrackerError
from facetracker.models import FaceClassifier
from facetracker.models.backbones import BACKBONES, find_backbone, preprocess

PARAMETERS = {
    "vgg16": 14_714_688,
    "vgg19": 20_024_384,
    "resnet50": 23_587_712,
    "resnet101": 42_658_176,
    "resnet152": 58_370_944,
    "mobilenet_v2": 2_257_984,
    "mobilenet_v3_small": 939_120,
    "efficientnet_v2_b0": 5_919_312,
    "convnext_tiny": 27_820_128,
    "nano": 131_776,
}


def test_the_registry_is_complete():
    of_other_tests = {"tiny", "plain"}  # registered by tests in the same process
    assert set(BACKBONES) - of_other_tests == set(PARAMETERS)


@pytest.mark.parametrize("name", ["vgg16", "resnet50", "mobilenet_v2", "mobilenet_v3_small", "convnext_tiny", "nano"])
def test_levels_have_the_strides_8_16_and_32(name):
    model = find_backbone(name).build((8, 16, 32), weights=None)
    shapes = model.compute_output_shape((1, 128, 96, 3))
    assert [tuple(shape[1:3]) for shape in shapes] == [(16, 12), (8, 6), (4, 3)]
    assert model.count_params() == PARAMETERS[name]


@pytest.mark.no_cover
@pytest.mark.slow
@pytest.mark.parametrize("name", ["vgg19", "resnet101", "resnet152", "efficientnet_v2_b0"])
def test_levels_of_the_large_ones(name):
    model = find_backbone(name).build((8, 16, 32), weights=None)
    shapes = model.compute_output_shape((1, 128, 96, 3))
    assert [tuple(shape[1:3]) for shape in shapes] == [(16, 12), (8, 6), (4, 3)]
    assert model.count_params() == PARAMETERS[name]


def test_the_single_head_gets_the_last_features():
    # A second one in the same process: Keras then makes up other names for its unnamed layers.
    for _ in range(2):
        model = find_backbone("mobilenet_v3_small").build(None, weights=None)
        assert model.compute_output_shape((1, 64, 64, 3)) == (1, 2, 2, 576)


@pytest.mark.parametrize(
    ("how", "white"),
    [
        ("unit", (1.0, 1.0, 1.0)),
        ("signed", (1.0, 1.0, 1.0)),
        ("caffe", (255 - 103.939, 255 - 116.779, 255 - 123.68)),
        ("torch", ((1 - 0.485) / 0.229, (1 - 0.456) / 0.224, (1 - 0.406) / 0.225)),
    ],
)
def test_preprocessing_of_white(how, white):
    np.testing.assert_allclose(preprocess(np.full((1, 1, 1, 3), 255, np.uint8), how)[0, 0, 0], white, rtol=1e-5)


def test_caffe_order_is_blue_green_red():
    red = np.array([255, 0, 0], np.uint8).reshape(1, 1, 1, 3)
    np.testing.assert_allclose(
        np.array(preprocess(red, "caffe")).ravel(), [-103.939, -116.779, 255 - 123.68], rtol=1e-5
    )


def weights_file(name, folder):
    """A weights file as Keras offers them for download, in their old format, with numbers of our own."""
    keras.utils.set_random_seed(7)
    entry, path = find_backbone(name), folder / f"{name}_notop.h5"
    model = entry.builder(include_top=False, weights=None, input_shape=(None, None, 3), **dict(entry.options))
    with h5py.File(path, "w") as file:
        legacy_h5_format.save_weights_to_hdf5_group(file, model)
    return path, model


@pytest.fixture(scope="module")
def downloaded(tmp_path_factory):
    """The smallest backbone's, 4 MB."""
    return weights_file("mobilenet_v3_small", tmp_path_factory.mktemp("weights"))


def the_same(classifier, model):
    return all(map(np.array_equal, classifier.backbone.get_weights(), model.get_weights()))


def test_imagenet_weights_go_into_a_classifier_as_keras_downloads_them(downloaded, monkeypatch):
    path, model = downloaded
    asked = []

    def get_file(name, url, **options):
        asked.append(url)
        return str(path)

    monkeypatch.setattr(file_utils, "get_file", get_file)
    classifier = FaceClassifier("mobilenet_v3_small", ["a", "b"], image_size=64, weights="imagenet")
    assert len(asked) == 1
    assert asked[0].startswith("https://storage.googleapis.com/tensorflow/keras-applications/")
    assert the_same(classifier, model)
    assert not the_same(FaceClassifier("mobilenet_v3_small", ["a", "b"], image_size=64), model)


def test_a_weights_file_that_was_fetched_by_hand_is_taken(downloaded, tmp_path):
    path, model = downloaded
    assert the_same(FaceClassifier("mobilenet_v3_small", ["a", "b"], image_size=64, weights=str(path)), model)
    for weights in (path, tmp_path / "nowhere.h5"):
        with pytest.raises(BadFile, match="does not hold the weights of mobilenet_v2"):
            FaceClassifier("mobilenet_v2", ["a", "b"], image_size=64, weights=str(weights))
    with pytest.raises(FaceTrackerError, match="vgg6 has no ImageNet weights"):
        FaceClassifier("vgg6", ["a", "b"], weights=str(path))


@pytest.mark.no_cover
@pytest.mark.slow
@pytest.mark.parametrize("name", ["resnet50", "resnet101", "resnet152", "vgg16", "vgg19", "mobilenet_v2"])
def test_every_backbone_of_the_write_ups_takes_its_file(name, tmp_path):
    path, model = weights_file(name, tmp_path)
    assert the_same(FaceClassifier(name, ["a", "b"], image_size=64, weights=str(path)), model)


@pytest.mark.parametrize("name", ["resnet50", "resnet101", "resnet152", "vgg16", "mobilenet_v3_small"])
def test_keras_own_failure_to_download_is_one_line(name, monkeypatch, tmp_path):
    def offline(*args, **kwargs):
        raise urllib.error.URLError("no route to host")

    monkeypatch.setattr(file_utils, "urlretrieve", offline)
    monkeypatch.setattr(file_utils.config, "keras_home", lambda: str(tmp_path))  # where weights may lie from before
    with pytest.raises(FaceTrackerError, match=rf"imagenet weights of {name} could not be downloaded \(URL fetch fail"):
        FaceClassifier(name, ["a", "b"], image_size=64, weights="imagenet")


def test_a_failed_download_says_what_to_do_instead(monkeypatch):
    def refuse(*args, **kwargs):
        raise OSError("URL fetch failure on https://example.invalid: None -- no route to host")

    entry = find_backbone("vgg16")
    broken = type(entry)(entry.name, refuse, entry.image_size, entry.preprocessing, entry.levels)
    with pytest.raises(FaceTrackerError, match=r"could not be downloaded.*model\.weights=none") as caught:
        broken.build(None, "imagenet")
    assert "\n" not in str(caught.value)
