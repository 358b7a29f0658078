"""Two heads: familiar pictures are answered by the one that was trained, all others by the first weights'."""

from __future__ import annotations

import keras
import numpy as np
import pytest

from facetracker.core.errors import BadFile, FaceTrackerError
from facetracker.models import FaceTracker
from facetracker.models.backbones import preprocess
from facetracker.models.familiarity import Familiarity, means_of, measure_usual
from facetracker.models.loading import load_model

CHANNELS, AXES = 12, 8


@pytest.fixture
def random() -> np.random.Generator:
    return np.random.default_rng(4)


@pytest.fixture
def mixing(random) -> np.ndarray:
    """What makes feature means out of independent numbers, so that channels go together as they do in a network."""
    return random.normal(size=(CHANNELS, CHANNELS))


@pytest.fixture
def familiarity(random, mixing) -> Familiarity:
    """It knows what anybody's pictures are like, and nobody's own."""
    layer = Familiarity(axes=AXES)
    layer.build((None, None, None, CHANNELS))
    for variable, value in zip(
        (layer.usual_mean, layer.usual_axes), measure_usual(anybody(random, mixing, 2000), AXES), strict=True
    ):
        variable.assign(value)
    return layer


def anybody(random, mixing, count: int) -> np.ndarray:
    return (3 + random.normal(size=(count, CHANNELS)) @ mixing).astype(np.float32)


def one_room(random, mixing, count: int) -> np.ndarray:
    """Pictures of one room: a small cloud a little off the middle of anybody's."""
    away = np.linspace(-1, 1, CHANNELS)
    return (3 + (away + 0.2 * random.normal(size=(count, CHANNELS))) @ mixing).astype(np.float32)


def how_familiar(layer: Familiarity, means: np.ndarray) -> np.ndarray:
    return np.asarray(layer(means[:, None, None]))[:, 0, 0]


def test_along_the_usual_axes_anybody_is_a_round_cloud(familiarity, random, mixing):
    place = np.asarray(familiarity._place(anybody(random, mixing, 4000)))
    np.testing.assert_allclose(np.cov(place.T), np.eye(AXES), atol=0.15)
    np.testing.assert_allclose(place.mean(axis=0), 0, atol=0.1)


def test_before_anything_is_learnt_everything_is_familiar(familiarity, random, mixing):
    np.testing.assert_array_equal(how_familiar(familiarity, anybody(random, mixing, 50)), 1)


def test_the_room_that_was_learnt_is_familiar_and_nothing_else(familiarity, random, mixing):
    assert familiarity.learn(one_room(random, mixing, 60))
    assert (how_familiar(familiarity, one_room(random, mixing, 200)) > 0.9).mean() > 0.95
    assert (how_familiar(familiarity, anybody(random, mixing, 200)) < 0.1).mean() > 0.95


def test_photos_as_varied_as_anybodys_stay_familiar(familiarity, random, mixing):
    assert not familiarity.learn(anybody(random, mixing, 300))
    np.testing.assert_array_equal(how_familiar(familiarity, anybody(random, mixing, 50)), 1)


@pytest.fixture
def two() -> FaceTracker:
    """The starter with two heads that answer differently; the trained one is moved by hand."""
    tracker = FaceTracker("nano", "dense", image_size=96, weights="starter", two_heads=True)
    for convolution in tracker.head.score_convs + tracker.head.reach_convs:
        convolution.bias.assign(convolution.bias + 0.5)
    return tracker


def test_each_head_answers_for_its_pictures(two, pictures):
    starter = FaceTracker("nano", "dense", image_size=96, weights="starter")
    trained = two.head(two.backbone(preprocess(pictures, "signed")))
    for familiar, expected in ((-1e4, trained), (1e4, starter(pictures))):
        two.familiarity.middle.assign(familiar)
        for name, values in two(pictures).items():
            np.testing.assert_allclose(values, expected[name], rtol=1e-5, atol=1e-6)


def test_training_sees_the_trained_head_alone(two, pictures):
    assert "logits" in two(pictures, training=True)
    trained = {path for variable in two.trainable_variables for path in variable.path.split("/")}
    assert "dense_head" in trained
    assert not {"first_head", "familiarity"} & trained


def test_pictures_of_any_size_have_as_many_means(two, pictures):
    assert means_of(two, pictures).shape == means_of(two, pictures[:, :64]).shape == (4, 112)


def test_two_heads_are_saved_and_opened(two, pictures, tmp_path):
    two.save(tmp_path / "two.keras")
    again = load_model(tmp_path / "two.keras")
    np.testing.assert_allclose(again(pictures)["offsets"], two(pictures)["offsets"], rtol=1e-6)
    begun = FaceTracker("nano", "dense", image_size=96, weights=str(tmp_path / "two.keras"), two_heads=True)
    begun.familiarity.middle.assign(1e4)
    starter = FaceTracker("nano", "dense", image_size=96, weights="starter")
    np.testing.assert_allclose(begun(pictures)["scores"], starter(pictures)["scores"], rtol=1e-5, atol=1e-6)


def test_weights_of_one_head_do_not_fill_two(dense, tmp_path):
    dense.save(tmp_path / "one.keras")
    with pytest.raises(BadFile, match="familiarity/middle is missing"):
        FaceTracker("nano", "dense", image_size=96, weights=str(tmp_path / "one.keras"), two_heads=True)


def test_a_single_head_has_no_second():
    with pytest.raises(FaceTrackerError, match=r"model\.head=dense"):
        FaceTracker("nano", "single", two_heads=True)


def test_height_and_width_stay_open(two):
    picture = keras.Input((None, None, 3))
    graph = keras.Model(picture, two(picture, training=False))
    wide = np.full((1, 64, 160, 3), 100, np.uint8)
    np.testing.assert_allclose(graph(wide)["scores"], two(wide)["scores"], atol=1e-6)
