import keras
import numpy as np
import pytest

from facetracker.core.errors import BadFile
from facetracker.training.state import Progress, capture, put_back, read_state, save_state


def network(width: int = 4) -> keras.Model:
    model = keras.Sequential([keras.Input((3,)), keras.layers.Dense(width), keras.layers.Dropout(0.5, seed=1)])
    model.compile(optimizer=keras.optimizers.Adam(0.1, use_ema=True), loss="mse")
    return model


def fitted(epochs: int = 1) -> keras.Model:
    model = network()
    x = np.random.default_rng(0).normal(size=(16, 3)).astype("float32")
    model.fit(x, np.ones((16, 4)), epochs=epochs, verbose=0)
    return model


def test_everything_that_changes_while_training_is_put_back(tmp_path):
    model = fitted()
    progress = Progress(epoch=1, history=[{"epoch": 1, "total_loss": 0.5}], best=0.5, best_epoch=1, seconds=2.0)
    save_state(tmp_path / "state.npz", model, progress)
    other = network()
    arrays, read = read_state(tmp_path / "state.npz")
    put_back(other, arrays)
    assert read == progress
    ours, theirs = ([*m.variables, *m.optimizer.variables] for m in (model, other))
    for one, two in zip(ours, theirs, strict=True):
        assert np.array_equal(one.numpy(), two.numpy())
    names = [variable.path for variable in model.variables]
    assert any("seed" in name for name in names), "dropout's seed is part of the state"


def test_the_optimizer_can_be_left_out():
    arrays = capture(fitted())
    other = network()
    put_back(other, arrays, optimizer=False)
    assert not other.optimizer.built


def test_another_network_is_refused():
    with pytest.raises(ValueError, match="shape"):
        put_back(network(width=5), capture(fitted()))
    bigger = keras.Sequential([keras.Input((3,)), keras.layers.Dense(4), keras.layers.Dense(4)])
    bigger.compile(optimizer="adam", loss="mse")
    with pytest.raises(ValueError, match="saved model variables"):
        put_back(bigger, capture(fitted()))


@pytest.mark.parametrize("content", [b"", b"PK\x03\x04 half", b"{}"])
def test_a_damaged_state_is_named(tmp_path, content):
    path = tmp_path / "state.npz"
    path.write_bytes(content)
    with pytest.raises(BadFile, match=r"state\.npz.*cannot be resumed"):
        read_state(path)


def test_a_missing_state_is_named(tmp_path):
    with pytest.raises(BadFile, match="no such file"):
        read_state(tmp_path / "state.npz")
