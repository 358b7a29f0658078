"""Every backward pass against the measured slope, and the measuring against what is known."""

from __future__ import annotations

import numpy as np
import pytest

from facetracker import from_scratch as fs

LIMIT = 1e-6


def apart(shape: tuple[int, ...], seed: int = 0) -> np.ndarray:
    """Numbers that all differ by at least 0.02 from each other and 0.01 from zero: far from every bend."""
    size = int(np.prod(shape))
    values = np.arange(size) * 0.02 - size * 0.01 + 0.01
    return np.random.default_rng(seed).permutation(values).reshape(shape)


def filters(shape: tuple[int, ...]) -> tuple[np.ndarray, np.ndarray]:
    random = np.random.default_rng(1)
    return random.standard_normal(shape), random.standard_normal(shape[0])


def affine() -> fs.Affine:
    random = np.random.default_rng(1)
    return fs.Affine(random.standard_normal((24, 5)), random.standard_normal(5))


def normalisation(channels: int) -> fs.BatchNormalisation:
    random = np.random.default_rng(1)
    return fs.BatchNormalisation(random.random(channels) + 0.5, random.standard_normal(channels))


LAYERS = {
    "convolution": (lambda: fs.Convolution(*filters((3, 2, 3, 3))), (2, 2, 5, 6)),
    "convolution with stride and border": (
        lambda: fs.Convolution(*filters((3, 2, 3, 3)), stride=2, pad=1),
        (2, 2, 6, 5),
    ),
    "convolution 1x1": (lambda: fs.Convolution(*filters((4, 3, 1, 1))), (2, 3, 3, 3)),
    "convolution 2x3": (lambda: fs.Convolution(*filters((2, 2, 2, 3)), stride=2), (2, 2, 5, 5)),
    "pooling": (lambda: fs.MaxPooling(2), (2, 3, 4, 6)),
    "pooling with a rest": (lambda: fs.MaxPooling(2), (2, 2, 5, 5)),
    "pooling that overlaps": (lambda: fs.MaxPooling(3, stride=2), (2, 2, 7, 7)),
    "pooling with a border": (lambda: fs.MaxPooling(3, stride=2, pad=1), (2, 2, 6, 6)),
    "relu": (fs.ReLU, (3, 2, 4, 4)),
    "dropout": (lambda: fs.Dropout(0.4, seed=3), (4, 20)),
    "affine": (affine, (3, 24)),
    "affine on pictures": (affine, (3, 2, 3, 4)),
    "batch normalisation of pictures": (lambda: normalisation(3), (4, 3, 3, 2)),
    "batch normalisation of vectors": (lambda: normalisation(6), (5, 6)),
}


@pytest.mark.parametrize("name", LAYERS)
def test_backward_is_the_measured_slope(name: str) -> None:
    make, shape = LAYERS[name]
    layer = make()
    errors = fs.check_layer(layer, apart(shape))
    assert errors.keys() == {"x", *layer.parameters}
    assert max(errors.values()) < LIMIT, errors


def test_the_loss_has_the_measured_slope() -> None:
    scores, targets = apart((4, 3)), np.array([0, 2, 1, 2])
    loss = fs.SoftmaxWithLoss()
    loss.forward(scores, targets)
    slope = fs.numerical_gradient(lambda: fs.cross_entropy(scores, targets), scores)
    assert fs.relative_error(loss.backward(), slope) < LIMIT


def test_vgg6_as_a_whole_has_the_measured_slope(one_thread: None) -> None:
    network = fs.VGG6((3, 32, 32), hidden=3, dropout=0.3, dtype=np.float64)
    x = np.random.default_rng(0).random((3, 3, 32, 32))
    errors = fs.check_network(network, x, np.array([0, 1, 1]), numbers=6)
    _, gradients = network.loss_and_gradients(x, np.array([0, 1, 1]))
    for name, error in errors.items():
        if name.startswith("conv") and name.endswith(".b"):
            # What this bias adds, the batch normalisation after it takes off again.
            assert np.abs(gradients[name]).max() < 1e-12
        else:
            assert error < LIMIT, name


def test_check_network_covers_every_parameter() -> None:
    network = fs.SimpleConvNet((1, 5, 5), filters=2, filter_size=2, hidden=3, classes=2, dtype=np.float64)
    before = {name: array.copy() for name, array in network.parameters.items()}
    x = np.random.default_rng(0).random((2, 1, 5, 5))
    errors = fs.check_network(network, x, np.array([0, 1]))
    assert errors.keys() == network.parameters.keys()
    assert max(errors.values()) < LIMIT, errors
    for name, array in network.parameters.items():
        np.testing.assert_array_equal(array, before[name])


def test_a_wrong_backward_pass_is_found() -> None:
    class Wrong(fs.ReLU):
        def backward(self, dout: np.ndarray) -> np.ndarray:
            return dout  # forgot where the input was negative

    assert fs.check_layer(Wrong(), apart((3, 4)))["x"] > 0.1


def test_the_measured_slope_of_a_known_function() -> None:
    x = np.array([[1.0, -2.0], [0.5, 3.0]])
    slope = fs.numerical_gradient(lambda: float((x**3).sum()), x)
    np.testing.assert_allclose(slope, 3 * x**2, rtol=1e-8)
    np.testing.assert_array_equal(x, [[1.0, -2.0], [0.5, 3.0]])


def test_measuring_refuses_float32() -> None:
    x = np.ones(2, np.float32)
    with pytest.raises(ValueError, match="float64"):
        fs.numerical_gradient(lambda: float(x.sum()), x)


def test_relative_error() -> None:
    assert fs.relative_error(np.zeros(3), np.zeros(3)) == 0
    assert fs.relative_error(np.ones(3), -np.ones(3)) == pytest.approx(1)
