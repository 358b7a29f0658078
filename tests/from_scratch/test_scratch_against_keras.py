"""Keras examined by numpy, and numpy by Keras: the same weights give the same outputs, gradients and training steps.

The weights travel once from numpy to Keras and once from Keras to numpy.
"""

from __future__ import annotations

from collections.abc import Callable

import keras
import numpy as np
import pytest
import tensorflow as tf  # for its tape

from facetracker import from_scratch as fs
from facetracker.from_scratch.keras_exchange import to_keras_gradients
from facetracker.models import classic

# float32 has seven digits, sums of thousands lose two; float64 shows that nothing but rounding is between the two.
LIMITS = {"float32": 1e-5, "float64": 1e-11}

Pair = tuple[fs.Network, "keras.Model"]


def simple_convnet(dtype: str) -> Pair:
    settings = {"filters": 6, "filter_size": 3, "stride": 1, "pad": 1, "hidden": 12, "classes": 5, "dtype": dtype}
    # Not square, so that height and width cannot be mixed up unseen.
    return fs.SimpleConvNet((2, 10, 8), **settings), classic.simple_convnet((10, 8, 2), **settings)


def vgg6(dtype: str) -> Pair:
    settings = {"hidden": 7, "classes": 3, "dropout": 0.0, "dtype": dtype}
    return fs.VGG6((3, 64, 48), **settings), classic.vgg6((64, 48, 3), **settings)


def unlike_new(weights: list[np.ndarray]) -> list[np.ndarray]:
    """The weights a little shaken, so that no bias is 0, no gamma 1 and no running average untouched."""
    random = np.random.default_rng(3)
    return [w + (0.1 * random.random(w.shape)).astype(w.dtype) for w in weights]


def numpy_to_keras(network: fs.Network, twin: keras.Model) -> None:
    for array in {**network.parameters, **network.running}.values():
        array[...] = unlike_new([array])[0]
    twin.set_weights(fs.to_keras_weights(network))


def keras_to_numpy(network: fs.Network, twin: keras.Model) -> None:
    twin.set_weights(unlike_new(twin.get_weights()))
    fs.from_keras_weights(network, twin.get_weights())


def batch(network: fs.Network, twin: keras.Model, dtype: str) -> tuple[np.ndarray, np.ndarray]:
    """Pictures (N, C, H, W), centred, and their classes.

    With pictures from 0 to 1 the first filters' gradients are small differences of large sums: in float32 Keras itself
    is then up to 1.3e-5 away from its own result in float64.
    """
    random = np.random.default_rng(5)
    _, height, width, channels = twin.input_shape
    return (random.random((6, channels, height, width)) - 0.5).astype(dtype), random.integers(
        0, twin.output_shape[-1], 6
    )


def channels_last(x: np.ndarray) -> np.ndarray:
    return x.transpose(0, 2, 3, 1)


def assert_close(ours: np.ndarray, theirs: np.ndarray, limit: float) -> None:
    assert ours.shape == theirs.shape
    assert fs.relative_error(ours, theirs) <= limit


@pytest.mark.parametrize("dtype", LIMITS)
@pytest.mark.parametrize("carry", [numpy_to_keras, keras_to_numpy])
@pytest.mark.parametrize("pair", [simple_convnet, vgg6])
def test_the_same_outputs_gradients_and_running_averages(pair: Callable, carry: Callable, dtype: str) -> None:
    network, twin = pair(dtype)
    carry(network, twin)
    x, targets = batch(network, twin, dtype)
    limit = LIMITS[dtype]

    assert_close(network.forward(x), np.asarray(twin(channels_last(x), training=False)), limit)

    with tf.GradientTape() as tape:
        # Not keras.losses: those compute in float32 whatever the model's type.
        losses = keras.ops.sparse_categorical_crossentropy(
            targets, twin(channels_last(x), training=True), from_logits=True
        )
        twin_loss = keras.ops.mean(losses)
    twin_gradients = [np.asarray(g) for g in tape.gradient(twin_loss, twin.trainable_weights)]
    loss, gradients = network.loss_and_gradients(x, targets)
    assert loss == pytest.approx(float(twin_loss), rel=limit)
    ours = to_keras_gradients(network, gradients)
    assert len(ours) == len(twin_gradients) == len(network.parameters)
    largest = max(float(np.abs(g).max()) for g in twin_gradients)
    for name, a, b in zip(network.parameters, ours, twin_gradients, strict=True):
        if name.startswith("conv") and name.endswith(".b") and isinstance(network, fs.VGG6):
            # Batch normalisation takes this bias off again: its gradient is zero, and what is left is rounding.
            assert max(np.abs(a).max(), np.abs(b).max()) < 10 * limit * largest
        else:
            assert_close(a, b, limit)

    # Both saw the batch once in training, so the running averages have moved alike.
    for a, b in zip(fs.to_keras_weights(network), twin.get_weights(), strict=True):
        assert_close(a, b, limit)


def test_weights_come_back_as_they_went() -> None:
    network, twin = vgg6("float32")
    numpy_to_keras(network, twin)
    other = fs.VGG6((3, 64, 48), hidden=7, classes=3, seed=9)
    fs.from_keras_weights(other, twin.get_weights())
    for name, array in {**network.parameters, **network.running}.items():
        np.testing.assert_array_equal({**other.parameters, **other.running}[name], array)


def test_weights_of_another_network_are_refused_and_nothing_is_changed() -> None:
    network, _ = vgg6("float32")
    before = fs.to_keras_weights(network)
    with pytest.raises(ValueError, match="arrays"):
        fs.from_keras_weights(network, before[:-1])
    wrong = [w + 1 for w in before]
    wrong[-1] = np.zeros(4, np.float32)
    with pytest.raises(ValueError, match=r"affine2\.b is \(3,\)"):
        fs.from_keras_weights(network, wrong)
    for a, b in zip(before, fs.to_keras_weights(network), strict=True):
        np.testing.assert_array_equal(a, b)


def test_the_full_networks_have_as_many_parameters_as_their_twins() -> None:
    # conv 448 + 4,640 + 9,248 + 18,496; normalisation 2 * (16+32+32+64); affine 3,136*50+50 and 50*2+2
    network, twin = fs.VGG6(), classic.vgg6(classes=2)
    trainable = sum(int(np.prod(w.shape)) for w in twin.trainable_weights)
    assert network.count_parameters() == trainable == 190_072
    # conv 30*25+30; affine 30*12*12*100+100 and 100*10+10
    network, twin = fs.SimpleConvNet(), classic.simple_convnet(classes=10)
    assert network.count_parameters() == twin.count_params() == 433_890


OPTIMIZERS = {
    "sgd": (fs.SGD(0.1), lambda: keras.optimizers.SGD(0.1)),
    "momentum": (fs.Momentum(0.1, 0.8), lambda: keras.optimizers.SGD(0.1, momentum=0.8)),
    "nesterov": (fs.Nesterov(0.1, 0.8), lambda: keras.optimizers.SGD(0.1, momentum=0.8, nesterov=True)),
    "adagrad": (fs.AdaGrad(0.1), lambda: keras.optimizers.Adagrad(0.1, initial_accumulator_value=0.0)),
    "rmsprop": (fs.RMSProp(0.01, 0.8), lambda: keras.optimizers.RMSprop(0.01, rho=0.8)),
    "adam": (fs.Adam(0.01), lambda: keras.optimizers.Adam(0.01)),
}


@pytest.mark.parametrize("name", OPTIMIZERS)
def test_the_same_steps(name: str) -> None:
    ours, make = OPTIMIZERS[name]
    theirs = make()
    random = np.random.default_rng(0)
    parameter = random.standard_normal((3, 4)).astype(np.float32)
    variable = keras.Variable(parameter)
    for _ in range(5):
        gradient = random.standard_normal((3, 4)).astype(np.float32)
        ours.update({"w": parameter}, {"w": gradient})
        theirs.apply([keras.ops.convert_to_tensor(gradient)], [variable])
    np.testing.assert_allclose(parameter, np.asarray(variable), rtol=1e-5, atol=1e-6)
