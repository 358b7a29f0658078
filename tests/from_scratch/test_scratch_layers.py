"""What the layers give, one by one, worked out by hand or by a plainer way."""

from __future__ import annotations

import numpy as np
import pytest

from facetracker import from_scratch as fs
from facetracker.from_scratch import windows


def test_convolution_adds_up_what_lies_under_the_filter() -> None:
    random = np.random.default_rng(0)
    x, weights, bias = random.random((2, 3, 5, 6)), random.random((4, 3, 3, 3)), random.random(4)
    out = fs.Convolution(weights, bias, stride=2, pad=1).forward(x)
    padded = np.pad(x, ((0, 0), (0, 0), (1, 1), (1, 1)))
    assert out.shape == (2, 4, 3, 3)
    for row in range(3):
        for column in range(3):
            under = padded[:, np.newaxis, :, 2 * row : 2 * row + 3, 2 * column : 2 * column + 3]
            np.testing.assert_allclose(out[:, :, row, column], (under * weights).sum(axis=(2, 3, 4)) + bias)


def test_convolution_in_small_groups_gives_the_same(monkeypatch: pytest.MonkeyPatch) -> None:
    random = np.random.default_rng(0)
    x, weights, bias = random.random((7, 2, 6, 6)), random.random((3, 2, 3, 3)), random.random(3)
    dout = random.random((7, 3, 4, 4))
    results = []
    for cache_bytes in (1, 2 * 16 * 18 * 8, 1 << 20):  # one picture at a time, two with one left over, all
        monkeypatch.setattr(windows, "CACHE_BYTES", cache_bytes)
        layer = fs.Convolution(weights, bias)
        results.append([layer.forward(x, training=True), layer.backward(dout), *layer.gradients.values()])
    for other in results[1:]:
        for a, b in zip(results[0], other, strict=True):
            np.testing.assert_allclose(a, b, rtol=1e-12)


@pytest.mark.parametrize("stride", [1, 2])
def test_pooling_in_small_groups_gives_the_same(monkeypatch: pytest.MonkeyPatch, stride: int) -> None:
    random = np.random.default_rng(0)
    x = random.integers(0, 4, (7, 2, 6, 6)).astype(float)  # many equals
    side = (6 - 2) // stride + 1
    dout = random.random((7, 2, side, side))
    results = []
    for cache_bytes in (1, 3 * 2 * 36 * 8, 1 << 20):  # one picture at a time, three with one left over, all
        monkeypatch.setattr(windows, "CACHE_BYTES", cache_bytes)
        layer = fs.MaxPooling(2, stride)
        results.append([layer.forward(x, training=True), layer.backward(dout)])
    for other in results[1:]:
        for a, b in zip(results[0], other, strict=True):
            np.testing.assert_array_equal(a, b)


def test_convolution_refuses_other_channels() -> None:
    layer = fs.Convolution(np.zeros((4, 3, 3, 3)), np.zeros(4))
    with pytest.raises(ValueError, match="look at 3 channels, the pictures have 1"):
        layer.forward(np.zeros((2, 1, 5, 5)))


def test_pooling_keeps_the_largest() -> None:
    x = np.array([[[[1.0, 2, 5, 0], [3, 4, 1, 1], [-9, -8, 0, 0], [-7, -6, 0, 0]]]])
    layer = fs.MaxPooling(2)
    assert layer.forward(x, training=True)[0, 0].tolist() == [[4, 5], [-6, 0]]
    dx = layer.backward(np.array([[[[1.0, 2], [3, 4]]]]))
    # Of the four equal zeros the first gets the gradient, and only that one.
    assert dx[0, 0].tolist() == [[0, 0, 2, 0], [0, 1, 0, 0], [0, 0, 4, 0], [0, 3, 0, 0]]


def test_poolings_border_never_wins() -> None:
    x = np.full((1, 1, 2, 2), -5.0)
    assert (fs.MaxPooling(2, stride=1, pad=1).forward(x) == -5).all()


def test_pooling_adds_up_where_windows_overlap() -> None:
    x = np.zeros((1, 1, 3, 3))
    x[0, 0, 1, 1] = 1
    layer = fs.MaxPooling(2, stride=1)
    layer.forward(x, training=True)
    assert layer.backward(np.ones((1, 1, 2, 2)))[0, 0, 1, 1] == 4


@pytest.mark.parametrize(("size", "pad"), [(0, 0), (17, 0), (2, 2)])
def test_pooling_refuses_windows_that_make_no_sense(size: int, pad: int) -> None:
    with pytest.raises(ValueError, match="window"):
        fs.MaxPooling(size, pad=pad)


def test_relu_leaves_its_neighbours_arrays_alone() -> None:
    x, dout = np.array([[-1.0, 2.0]]), np.array([[3.0, 4.0]])
    layer = fs.ReLU()
    assert layer.forward(x, training=True).tolist() == [[0, 2]]
    assert layer.backward(dout).tolist() == [[0, 4]]
    assert x.tolist() == [[-1, 2]]
    assert dout.tolist() == [[3, 4]]


def test_dropout_keeps_the_mean_and_does_nothing_when_used() -> None:
    layer = fs.Dropout(0.25, seed=0)
    x = np.ones((100, 1000), np.float32)
    out = layer.forward(x, training=True)
    assert out.dtype == np.float32
    assert (out == 0).mean() == pytest.approx(0.25, abs=0.01)
    assert out.mean() == pytest.approx(1, abs=0.01)
    np.testing.assert_array_equal(layer.backward(x), out)  # the same neurons, the same scale
    np.testing.assert_array_equal(layer.forward(x), x)


@pytest.mark.parametrize("ratio", [-0.1, 1.0])
def test_dropout_refuses_to_drop_all(ratio: float) -> None:
    with pytest.raises(ValueError, match="0 <= ratio < 1"):
        fs.Dropout(ratio)


def test_normalisation_works_channel_by_channel() -> None:
    random = np.random.default_rng(0)
    x = random.standard_normal((8, 3, 5, 5)) * [[[[1]], [[10]], [[0.1]]]] + [[[[0]], [[50]], [[-3]]]]
    layer = fs.BatchNormalisation(np.array([1.0, 2, 1]), np.array([0.0, 0, 7]))
    out = layer.forward(x, training=True)
    np.testing.assert_allclose(out.mean(axis=(0, 2, 3)), [0, 0, 7], atol=1e-12)
    np.testing.assert_allclose(out.std(axis=(0, 2, 3)), [1, 2, 1], rtol=1e-2)


def test_normalisation_uses_the_running_averages_when_used() -> None:
    random = np.random.default_rng(0)
    layer = fs.BatchNormalisation(np.ones(2), np.zeros(2), momentum=0.5)
    for _ in range(30):
        layer.forward(random.standard_normal((64, 2, 4, 4)) * 3 + 20, training=True)
    np.testing.assert_allclose(layer.running["mean"], 20, rtol=0.02)
    np.testing.assert_allclose(layer.running["variance"], 9, rtol=0.1)
    # One picture alone, brighter than all: normalised by the batch it would have mean 0 and tell nothing.
    kept = {name: array.copy() for name, array in layer.running.items()}
    out = layer.forward(np.full((1, 2, 4, 4), 26.0))
    np.testing.assert_allclose(out, 2, rtol=0.1)
    for name, array in kept.items():
        np.testing.assert_array_equal(layer.running[name], array)


def test_normalisation_of_a_channel_that_never_changes() -> None:
    layer = fs.BatchNormalisation(np.ones(1), np.zeros(1))
    assert (layer.forward(np.full((4, 1, 2, 2), 3.0), training=True) == 0).all()
    assert np.isfinite(layer.backward(np.ones((4, 1, 2, 2)))).all()


def test_affine_lays_pictures_flat_and_back() -> None:
    layer = fs.Affine(np.ones((12, 2)), np.array([0.0, 1]))
    x = np.ones((3, 3, 2, 2))
    assert layer.forward(x, training=True).tolist() == [[12, 13]] * 3
    assert layer.backward(np.ones((3, 2))).shape == x.shape


def test_softmax_and_loss_survive_large_scores() -> None:
    scores = np.array([[1000.0, 0.0], [0.0, -1000.0]])
    np.testing.assert_allclose(fs.softmax(scores), [[1, 0], [1, 0]])
    assert fs.cross_entropy(scores, np.array([1, 0])) == pytest.approx(500)
    assert fs.cross_entropy(np.zeros((1, 10)), np.array([3])) == pytest.approx(np.log(10))


def test_one_hot_targets_mean_the_same_as_numbers() -> None:
    scores = np.random.default_rng(0).random((4, 3))
    numbers = np.array([2, 0, 1, 1])
    loss = fs.SoftmaxWithLoss()
    assert loss.forward(scores, numbers) == loss.forward(scores, np.eye(3)[numbers])
    with pytest.raises(ValueError, match="class numbers"):
        loss.forward(scores, np.array([0.0, 1.0, 2.0, 0.0]))


@pytest.mark.parametrize(
    "layer",
    [
        fs.Convolution(np.ones((1, 1, 2, 2)), np.ones(1)),
        fs.MaxPooling(2),
        fs.ReLU(),
        fs.Dropout(0.5),
        fs.BatchNormalisation(np.ones(1), np.ones(1)),
        fs.Affine(np.ones((16, 2)), np.ones(2)),
    ],
    ids=lambda layer: type(layer).__name__,
)
def test_no_way_back_without_training(layer: fs.Layer) -> None:
    out = layer.forward(np.ones((1, 1, 4, 4)))
    with pytest.raises(RuntimeError, match="training=True"):
        layer.backward(out)


def test_no_way_back_without_a_loss() -> None:
    with pytest.raises(RuntimeError, match="forward"):
        fs.SoftmaxWithLoss().backward()
