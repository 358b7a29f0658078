"""The networks as a whole: shapes, pictures, files."""

from __future__ import annotations

import pickle
from pathlib import Path

import numpy as np
import pytest

from facetracker import from_scratch as fs
from facetracker.from_scratch import plain_pickle
from facetracker.from_scratch.photos import from_photos


def small_vgg6(**settings) -> fs.VGG6:
    return fs.VGG6((3, 32, 32), hidden=4, **settings)


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_the_type_stays_from_pictures_to_gradients(dtype: type) -> None:
    network = small_vgg6(dtype=dtype)
    x = np.random.default_rng(0).random((3, 3, 32, 32))  # float64, whatever the network is
    assert network.forward(x).dtype == dtype
    _, gradients = network.loss_and_gradients(x, np.array([0, 1, 1]))
    assert gradients.keys() == network.parameters.keys()
    for name, array in {**network.parameters, **network.running}.items():
        assert array.dtype == dtype, name
    for name, gradient in gradients.items():
        assert gradient.dtype == dtype, name
        assert gradient.shape == network.parameters[name].shape
    for kind in ("sgd", "momentum", "nesterov", "adagrad", "rmsprop", "adam"):
        fs.optimizer_named(kind).update(network.parameters, gradients)
    for name, array in network.parameters.items():
        assert array.dtype == dtype, name


def test_vgg6_has_the_sizes_of_its_description() -> None:
    network = fs.VGG6()
    x = np.zeros((1, 3, 224, 224), np.float32)
    sides = {}
    for name, layer in network.layers.items():
        x = layer.forward(x)
        sides[name] = x.shape[1:]
    assert sides["conv1"] == (16, 112, 112)
    assert sides["conv2"] == (32, 112, 112)
    assert sides["pool2"] == (32, 56, 56)
    assert sides["conv3"] == (32, 28, 28)
    assert sides["conv4"] == (64, 14, 14)
    assert sides["pool4"] == (64, 7, 7)
    assert sides["affine2"] == (2,)


def test_the_same_seed_gives_the_same_network() -> None:
    a, b, c = small_vgg6(seed=1), small_vgg6(seed=1), small_vgg6(seed=2)
    assert all((a.parameters[k] == b.parameters[k]).all() for k in a.parameters)
    assert (a.parameters["conv1.W"] != c.parameters["conv1.W"]).any()


def test_the_first_weights_spread_as_they_are_told_to() -> None:
    told = fs.SimpleConvNet()
    assert told.parameters["affine1.W"].std() == pytest.approx(0.01, rel=0.01)
    for spread, wanted in (("relu", np.sqrt(2 / 4320)), ("sigmoid", np.sqrt(1 / 4320)), (0.5, 0.5)):
        network = fs.SimpleConvNet(weight_init_std=spread)
        assert network.parameters["affine1.W"].std() == pytest.approx(wanted, rel=0.01)
    assert fs.VGG6(weight_init_std="relu").parameters["affine1.W"].std() == pytest.approx(np.sqrt(2 / 3136), rel=0.01)
    with pytest.raises(ValueError, match="no spread of weights is called 'relo'"):
        fs.SimpleConvNet(weight_init_std="relo")


def test_a_networks_first_layer_saves_itself_the_gradient_of_the_photo() -> None:
    network = small_vgg6()
    assert not network.layers["conv1"].needs_input_gradient
    assert network.layers["conv2"].needs_input_gradient


def test_predict_gives_the_same_in_any_batches_and_of_no_pictures() -> None:
    network = small_vgg6()
    x = np.random.default_rng(0).random((5, 3, 32, 32)).astype(np.float32)
    whole = network.predict(x)
    np.testing.assert_allclose(whole.sum(axis=1), 1, rtol=1e-5)
    np.testing.assert_allclose(network.predict(x, batch_size=2), whole, rtol=1e-4)
    assert len(network.predict(x[:0])) == 0


def test_accuracy_counts_every_picture() -> None:
    network = fs.SimpleConvNet((1, 8, 8), filters=2, filter_size=3, hidden=3, classes=3)
    x = np.random.default_rng(0).random((7, 1, 8, 8)).astype(np.float32)
    right = network.predict(x).argmax(axis=1)
    assert network.accuracy(x, right, batch_size=4) == 1  # 7 is no multiple of 4: the rest counts too
    wrong = right.copy()
    wrong[-1] = (wrong[-1] + 1) % 3
    assert network.accuracy(x, wrong, batch_size=4) == pytest.approx(6 / 7)
    assert network.accuracy(x, np.eye(3)[right]) == 1
    with pytest.raises(ValueError, match="no pictures"):
        network.accuracy(x[:0], right[:0])


def test_photos_are_transposed_and_not_reshaped() -> None:
    photo = np.zeros((1, 4, 5, 3), np.uint8)
    photo[0, 2, 3, 1] = 255  # one green pixel
    pictures = from_photos(photo)
    assert pictures.shape == (1, 3, 4, 5)
    assert pictures.dtype == np.float32
    assert pictures[0, 1, 2, 3] == 1
    assert pictures.sum() == 1


def test_bytes_are_not_mistaken_for_pictures() -> None:
    with pytest.raises(ValueError, match="floats from 0 to 1"):
        small_vgg6().forward(np.zeros((1, 3, 32, 32), np.uint8))
    with pytest.raises(ValueError, match="uint8"):
        from_photos(np.zeros((1, 4, 4, 3)))


def test_what_was_saved_comes_back_running_averages_included(tmp_path: Path) -> None:
    network = small_vgg6(seed=1)
    x = np.random.default_rng(0).random((4, 3, 32, 32)).astype(np.float32)
    network.forward(x, training=True)
    path = network.save(tmp_path / "vgg6.npz")
    assert [p.name for p in tmp_path.iterdir()] == ["vgg6.npz"]  # nothing left beside it
    other = small_vgg6(seed=2)
    held = other.parameters["conv1.W"]
    other.load(path)
    np.testing.assert_array_equal(other.predict(x), network.predict(x))
    assert held is other.layers["conv1"].parameters["W"]  # an optimizer that knows the array goes on with it


@pytest.mark.parametrize("name", ["params.pkl", "params", "epoch_1.npz", "params.weights.bin"])
def test_what_is_saved_under_a_name_is_loaded_by_that_name(tmp_path: Path, name: str) -> None:
    network, other = small_vgg6(seed=1), small_vgg6(seed=2)
    assert network.save(tmp_path / name) == tmp_path / name
    assert [path.name for path in tmp_path.iterdir()] == [name]
    other.load(tmp_path / name)
    np.testing.assert_array_equal(other.parameters["affine2.W"], network.parameters["affine2.W"])


@pytest.mark.parametrize("protocol", range(pickle.HIGHEST_PROTOCOL + 1))
@pytest.mark.parametrize("kind", [np.float64, np.dtype(">f4")])
def test_the_notes_own_pickles_are_read(tmp_path: Path, protocol: int, kind: object) -> None:
    network = fs.SimpleConvNet((1, 8, 8), filters=2, filter_size=3, hidden=3)
    given = {}
    for number, layer in enumerate(("conv1", "affine1", "affine2"), start=1):
        for key in ("W", "b"):
            shape = network.parameters[f"{layer}.{key}"].shape
            given[f"{key}{number}"] = np.random.default_rng(number).random(shape).astype(kind)
    given["W2"] = np.asfortranarray(given["W2"])
    (tmp_path / "params.pkl").write_bytes(pickle.dumps(given, protocol))
    network.load(tmp_path / "params.pkl")
    np.testing.assert_allclose(network.parameters["conv1.W"], given["W1"].astype(np.float32))
    np.testing.assert_allclose(network.parameters["affine1.W"], given["W2"].astype(np.float32))
    np.testing.assert_allclose(network.parameters["affine2.b"], given["b3"].astype(np.float32))


def test_the_notes_vgg6_gives_its_gamma_a_pixel_and_gets_one_a_channel(tmp_path: Path) -> None:
    network = small_vgg6(seed=1)
    given: dict[str, object] = {}
    for kind in ("W", "b", "gamma", "beta"):
        ours = [name for name in network.parameters if name.endswith(f".{kind}")]
        given |= {f"{kind}{number}": network.parameters[name] + 1 for number, name in enumerate(ours, start=1)}
    given["gamma1"], given["beta1"] = np.repeat(np.arange(16.0), 4), 0.5  # (C*H*W,), and a number before training
    (tmp_path / "epoch_15.pkl").write_bytes(pickle.dumps(given))
    before = network.running["norm1.running.mean"].copy()
    network.load(tmp_path / "epoch_15.pkl")
    np.testing.assert_array_equal(network.parameters["norm1.gamma"], np.arange(16))
    np.testing.assert_array_equal(network.parameters["norm1.beta"], np.full(16, 0.5))
    np.testing.assert_array_equal(network.parameters["conv4.W"], given["W4"])
    np.testing.assert_array_equal(network.running["norm1.running.mean"], before)


def test_a_file_of_another_network_changes_nothing(tmp_path: Path) -> None:
    network = small_vgg6(seed=1)
    before = network.parameters["conv1.W"].copy()
    other_hidden = fs.VGG6((3, 32, 32), hidden=5, seed=2).save(tmp_path / "hidden.npz")
    with pytest.raises(ValueError, match=r"hidden\.npz: affine1\.W is \(64, 5\), this network's is \(64, 4\)"):
        network.load(other_hidden)
    with pytest.raises(ValueError, match="another network"):
        network.load(fs.SimpleConvNet((3, 32, 32), filters=2).save(tmp_path / "simple.npz"))
    np.testing.assert_array_equal(network.parameters["conv1.W"], before)


def test_a_pickle_is_never_run(tmp_path: Path) -> None:
    class Bomb:
        def __reduce__(self):
            return (Path.touch, (tmp_path / "exploded",))

    (tmp_path / "params.pkl").write_bytes(pickle.dumps(Bomb()))
    np.savez(tmp_path / "objects.npz", **{"conv1.W": np.array([Bomb()], dtype=object)})
    (tmp_path / "broken.npz").write_bytes(b"PK\x03\x04 not a zip")
    (tmp_path / "empty.npz").write_bytes(b"")
    (tmp_path / "object.pkl").write_bytes(pickle.dumps({"W1": np.array([Bomb()], dtype=object)}))
    (tmp_path / "words.pkl").write_bytes(pickle.dumps({"W1": "numbers"}))
    (tmp_path / "huge.pkl").write_bytes(
        pickle.dumps({"W1": np.zeros(3)}).replace(b"K\x03\x85", b"J\xff\xff\xff\x7f\x85")
    )
    (tmp_path / "cut.pkl").write_bytes(pickle.dumps({"W1": np.zeros(3)})[:-30])
    names = ("params.pkl", "object.pkl", "words.pkl", "huge.pkl", "cut.pkl", "objects.npz", "broken.npz", "empty.npz")
    for name in names:
        with pytest.raises(ValueError, match=name):
            small_vgg6().load(tmp_path / name)
    assert not (tmp_path / "exploded").exists()


def test_a_pickle_cannot_change_the_reader(tmp_path: Path) -> None:
    # The function that builds arrays is named, and BUILD sets its defaults: a later file would be read another way.
    forged = b"\x80\x02cnumpy._core.numeric\n_frombuffer\nN}X\x0c\x00\x00\x00__defaults__X\x01\x00\x00\x00F\x85s\x86b."
    (tmp_path / "forged.pkl").write_bytes(forged)
    before = plain_pickle.KNOWN["_frombuffer"].__defaults__
    with pytest.raises(ValueError, match="forged"):
        plain_pickle.read_pickle(tmp_path / "forged.pkl")
    assert plain_pickle.KNOWN["_frombuffer"].__defaults__ == before


def test_a_failed_save_leaves_the_old_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    network = small_vgg6()
    path = network.save(tmp_path / "vgg6.npz")
    before = path.read_bytes()

    def full(*arguments, **named):
        raise OSError("no space left on device")

    monkeypatch.setattr(np, "savez", full)
    with pytest.raises(OSError, match="no space"):
        network.save(path)
    assert path.read_bytes() == before
    assert len(list(tmp_path.iterdir())) == 1
