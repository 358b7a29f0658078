"""A model file from a stranger runs nothing of theirs: one clear line each."""

from __future__ import annotations

import json
import zipfile

import h5py
import keras
import numpy as np
import pytest

from facetracker.core.errors import BadFile, FaceTrackerError
from facetracker.models.loading import load_model, save_h5


@pytest.fixture(scope="module")
def good(dense, tmp_path_factory):
    path = tmp_path_factory.mktemp("good") / "model.keras"
    dense.save(path)
    return path


def altered(good, path, change):
    """A copy of a good file whose config went through `change`."""
    with zipfile.ZipFile(good) as source, zipfile.ZipFile(path, "w") as target:
        for name in source.namelist():
            data = source.read(name)
            if name == "config.json":
                data = json.dumps(change(json.loads(data))).encode()
            target.writestr(name, data)
    return path


def refused(path, match, **options):
    with pytest.raises(FaceTrackerError, match=match) as caught:
        load_model(path, **options)
    assert "\n" not in str(caught.value)
    assert str(path) in str(caught.value)


def test_a_good_file_loads(good, dense, pictures):
    again = load_model(good)
    np.testing.assert_array_equal(again(pictures)["scores"], dense(pictures)["scores"])
    assert again.get_config() == dense.get_config()


@pytest.mark.parametrize("compile", [False, True])
def test_a_file_of_an_older_version_opens_unless_it_had_two_heads(tmp_path, good, dense, pictures, compile):
    def older(two_heads):
        return lambda config: {**config, "config": {**config["config"], "two_heads": two_heads}}

    again = load_model(altered(good, tmp_path / "one.keras", older(False)), compile=compile)
    np.testing.assert_array_equal(again(pictures)["scores"], dense(pictures)["scores"])
    refused(altered(good, tmp_path / "two.keras", older(True)), "two heads.*facetracker train", compile=compile)


def test_an_older_compiled_file_opens(tmp_path):
    from facetracker.models import FaceTracker

    tracker = FaceTracker("nano", "dense", image_size=96)
    tracker.compile(keras.optimizers.Adam(), jit_compile=False)
    tracker.save(tmp_path / "new.keras")
    path = altered(
        tmp_path / "new.keras",
        tmp_path / "old.keras",
        lambda config: {**config, "config": {**config["config"], "two_heads": False}},
    )
    assert load_model(path, compile=True).optimizer is not None


def test_h5_of_ours_loads(tmp_path, dense, pictures):
    path = save_h5(dense, tmp_path / "model.h5")
    np.testing.assert_array_equal(load_model(path)(pictures)["offsets"], dense(pictures)["offsets"])


def trap(tmp_path):
    """A function that leaves a file behind when anybody runs it."""
    sign = tmp_path / "it_ran"

    def spring(x):
        open(str(sign), "w").close()
        return x

    return sign, spring


def test_a_lambda_is_not_run(tmp_path):
    sign, spring = trap(tmp_path)
    inputs = keras.Input((4,))
    model = keras.Model(inputs, keras.layers.Lambda(spring)(inputs))
    sign.unlink(missing_ok=True)
    model.save(tmp_path / "evil.keras")
    refused(tmp_path / "evil.keras", "holds no FaceTracker")
    assert not sign.exists()


def test_a_lambda_in_the_place_of_a_backbone_is_not_run(tmp_path, good):
    def change(config):
        config["config"]["backbone"] = {"module": "keras.layers", "class_name": "Lambda", "config": {}}
        return config

    refused(altered(good, tmp_path / "evil.keras", change), "settings are damaged")


@pytest.mark.parametrize(
    "kind",
    [
        {"module": "os", "class_name": "system", "config": {"command": "true"}, "registered_name": None},
        {"module": "keras.layers", "class_name": "TFSMLayer", "config": {"filepath": "/evil"}, "registered_name": None},
        {"module": "evil", "class_name": "Evil", "config": {}, "registered_name": "evil>Evil"},
    ],
)
def test_other_objects_are_not_built(tmp_path, good, kind):
    refused(altered(good, tmp_path / "evil.keras", lambda config: kind), "holds no FaceTracker")


def test_a_foreign_optimizer_is_not_built(tmp_path, good):
    def change(config):
        config["compile_config"] = {
            "optimizer": {"module": "subprocess", "class_name": "Popen", "config": {"args": "id"}}
        }
        return config

    path = altered(good, tmp_path / "evil.keras", change)
    refused(path, "subprocess.Popen", compile=True)
    assert not load_model(path).compiled


def test_unknown_settings_are_refused(tmp_path, good):
    def change(config):
        config["config"]["weights"] = "/etc/passwd"
        return config

    refused(altered(good, tmp_path / "evil.keras", change), "not those of a FaceTracker")


def test_a_hostile_h5_is_not_opened(tmp_path):
    path = tmp_path / "evil.h5"
    with h5py.File(path, "w") as file:
        layer = {"class_name": "Lambda", "config": {"function": ["4wEAAAA=", None, None], "function_type": "lambda"}}
        file.attrs["model_config"] = json.dumps({"class_name": "Sequential", "config": {"layers": [layer]}})
    refused(path, "is not a FaceTracker's .h5 file")


@pytest.mark.parametrize("share", [0.1, 0.5, 0.95])
def test_a_truncated_file(tmp_path, good, share):
    data = good.read_bytes()
    path = tmp_path / "half.keras"
    path.write_bytes(data[: int(len(data) * share)])
    refused(path, "truncated")


def test_damaged_weights(tmp_path, good):
    path = tmp_path / "damaged.keras"
    with zipfile.ZipFile(good) as source, zipfile.ZipFile(path, "w") as target:
        target.writestr("config.json", source.read("config.json"))
        target.writestr("model.weights.h5", source.read("model.weights.h5")[:5000])
    refused(path, "weights cannot be read")


@pytest.mark.parametrize(
    ("name", "content", "match"),
    [
        ("empty.keras", b"", "truncated"),
        ("picture.keras", b"\xff\xd8\xff\xe0 not a model", "truncated"),
        ("model.onnx", b"something", "is not a Keras model"),
        ("model.pkl", b"cos\nsystem\n(S'true'\ntR.", "is not a Keras model"),
        ("text.h5", b"hello", "no HDF5 file"),
    ],
)
def test_a_wrong_format(tmp_path, name, content, match):
    (tmp_path / name).write_bytes(content)
    refused(tmp_path / name, match)


def test_a_zip_that_is_no_model(tmp_path):
    with zipfile.ZipFile(tmp_path / "other.keras", "w") as file:
        file.writestr("readme.txt", "hello")
    refused(tmp_path / "other.keras", "config.json")


def test_a_bomb_is_not_unpacked(tmp_path, monkeypatch, good):
    monkeypatch.setattr("facetracker.models.loading.MOST_BYTES", 1000)
    refused(good, "unpacks to more than")


def test_a_missing_file(tmp_path):
    refused(tmp_path / "none.keras", "no such file")


def test_h5_damage_is_named(tmp_path, dense):
    path = save_h5(dense, tmp_path / "model.h5")
    with h5py.File(path, "a") as file:
        file.attrs["facetracker"] = "{"
    refused(path, "settings are damaged")
    with h5py.File(path, "a") as file:
        file.attrs["facetracker"] = json.dumps({**dense.get_config(), "head": "single"})
    refused(path, "weights cannot be read")
    assert issubclass(BadFile, FaceTrackerError)
