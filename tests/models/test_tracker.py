"""FaceTracker as a Keras model: the tutorial's network, losses and metrics, saving, precision."""

from __future__ import annotations

import re

import keras
import numpy as np
import pytest

from facetracker.core.errors import FaceTrackerError
from facetracker.models import FaceTracker
from facetracker.models.loading import load_model


def test_the_tutorials_network_has_the_tutorials_number_of_parameters(capsys):
    tracker = FaceTracker("vgg16", "single", classes=["face"], image_size=120)
    assert tracker.count_params() == 16_826_181
    tracker.summary()
    assert "16,826,181" in capsys.readouterr().out


def test_nano_stays_small(dense):
    assert dense.count_params() <= 300_000


def test_nano_computes_little():
    """At most 0.25 billion multiplications at 256x256, counted from the shapes of the convolutions."""
    tracker = FaceTracker("nano", "dense", image_size=256)
    convolutions = [layer for layer in tracker.backbone.layers if "conv" in type(layer).__name__.lower()]
    sized = keras.Model(tracker.backbone.inputs, [layer.output for layer in convolutions])
    shapes = sized.compute_output_shape((1, 256, 256, 3))
    total = sum(
        int(np.prod(layer.kernel.shape)) * shape[1] * shape[2]
        for layer, shape in zip(convolutions, shapes, strict=True)
    )
    for layer in tracker.head._flatten_layers(include_self=False):
        if "conv" in type(layer).__name__.lower():
            stride = int(re.search(r"(8|16|32)", layer.name).group())
            total += int(np.prod(layer.kernel.shape)) * (256 // stride) ** 2
    assert 30e6 < total <= 250e6


def test_outputs_of_both_heads(dense, single, pictures):
    outputs = dense(pictures)
    assert outputs["scores"].shape == (4, 144 + 36 + 9, 1)
    assert outputs["offsets"].shape == (4, 189, 4)
    assert float(keras.ops.min(outputs["offsets"])) >= 0
    one = single(pictures[:, :64, :64])
    assert one["classes"].shape == (4, 1)
    assert one["boxes"].shape == (4, 4)
    for scores in (outputs["scores"], one["classes"], one["boxes"]):
        assert 0 <= float(keras.ops.min(scores)) <= float(keras.ops.max(scores)) <= 1


def test_bytes_and_floats_are_the_same_picture(dense, pictures):
    np.testing.assert_array_equal(dense(pictures)["scores"], dense(pictures.astype(np.float32))["scores"])


def test_any_size_of_picture_without_building_again(dense):
    picture = keras.Input((None, None, 3))
    graph = keras.Model(picture, dense(picture, training=False))
    wide = np.full((1, 64, 160, 3), 100, np.uint8)
    np.testing.assert_allclose(graph(wide)["scores"], dense(wide)["scores"], atol=1e-6)
    assert graph(wide)["scores"].shape[1] == 8 * 20 + 4 * 10 + 2 * 5


def test_unit_preprocessing_is_a_division_by_255(pictures):
    plain = FaceTracker("nano", "single", image_size=64)
    unit = FaceTracker("nano", "single", image_size=64, preprocessing="unit")
    unit.set_weights(plain.get_weights())
    signed_as_unit = pictures / 255.0 * 127.5 + 127.5
    np.testing.assert_allclose(unit(pictures)["boxes"], plain(signed_as_unit)["boxes"], atol=1e-5)


# The single head's sigmoids saturate at the dense head's rate.
@pytest.mark.parametrize(("head", "rate"), [pytest.param("dense", 1e-3, marks=pytest.mark.slow), ("single", 2e-4)])
def test_learns_and_logs_the_tutorials_names(head, rate, pictures, targets):
    keras.utils.set_random_seed(1)
    tracker = FaceTracker("nano", head, image_size=96)
    tracker.compile(keras.optimizers.Adam(rate), jit_compile=False)
    history = tracker.fit(pictures, targets, batch_size=4, epochs=10, verbose=0).history
    assert set(history) == {"loss", "total_loss", "class_loss", "regress_loss", "mean_iou", "class_accuracy"}
    assert history["total_loss"][-1] < 0.9 * history["total_loss"][0]
    expected = np.array(history["regress_loss"]) + 0.5 * np.array(history["class_loss"])
    np.testing.assert_allclose(history["total_loss"], expected, rtol=1e-5)


def test_logged_means_do_not_depend_on_the_batches(single, pictures, targets):
    """A batch without a face, or a smaller last one, must not shift the mean of the epoch."""
    single.compile(jit_compile=False)
    small = pictures[:, :64, :64]
    whole = single.evaluate(small, targets, batch_size=4, return_dict=True, verbose=0)
    parts = single.evaluate(small, targets, batch_size=3, return_dict=True, verbose=0)
    for name in ("total_loss", "class_loss", "regress_loss", "mean_iou", "class_accuracy"):
        assert parts[name] == pytest.approx(whole[name], abs=1e-5), name


# Eagerly: two steps take less than making a graph of one.
@pytest.mark.slow
def test_a_keras_file_holds_everything(tmp_path, pictures, targets):
    tracker = FaceTracker("nano", "dense", classes=["with_mask", "without_mask"], image_size=96, preprocessing="unit")
    rate = keras.optimizers.schedules.CosineDecay(1e-3, 10)
    tracker.compile(keras.optimizers.AdamW(rate, use_ema=True), jit_compile=False, run_eagerly=True)
    tracker.fit(pictures, targets, batch_size=2, epochs=1, verbose=0)
    path = tmp_path / "tracker.keras"
    tracker.save(path)
    for again in (keras.models.load_model(path), load_model(path, compile=True)):
        assert again.get_config() == tracker.get_config()
        for name, values in tracker(pictures).items():
            np.testing.assert_array_equal(again(pictures)[name], values)
        assert int(again.optimizer.iterations) == 2
        assert len(again.optimizer.variables) == len(tracker.optimizer.variables)
        for mine, other in zip(tracker.optimizer.variables, again.optimizer.variables, strict=True):
            np.testing.assert_array_equal(mine, other)
    assert not load_model(path).compiled


@pytest.mark.slow
def test_mixed_precision(pictures, targets):
    tracker = FaceTracker("nano", "dense", image_size=96, dtype="mixed_bfloat16")
    tracker.compile(keras.optimizers.Adam(1e-3), jit_compile=False, run_eagerly=True)
    logs = tracker.train_on_batch(pictures, targets, return_dict=True)
    assert np.isfinite(logs["total_loss"])
    outputs = tracker(pictures)
    assert {keras.backend.standardize_dtype(value.dtype) for value in outputs.values()} == {"float32"}
    assert tracker.backbone.layers[-1].compute_dtype == "bfloat16"
    assert keras.config.dtype_policy().name == "float32"


@pytest.mark.parametrize(
    ("options", "hint"),
    [
        ({"backbone": "resnet5"}, "Did you mean resnet50"),
        ({"head": "double"}, "single, dense"),
        ({"preprocessing": "squash"}, "backbone, unit"),
        ({"classes": []}, "at least one class"),
        ({"backbone": "nano", "weights": "imagenet"}, "no ImageNet weights"),
        ({"weights": "starter"}, "are for backbone nano"),
        ({"backbone": "nano", "weights": "lost.npz"}, "lost.npz"),
    ],
)
def test_a_mistake_gives_one_line_with_the_way_out(options, hint):
    with pytest.raises(FaceTrackerError, match=hint) as caught:
        FaceTracker(**options)
    assert "\n" not in str(caught.value)
