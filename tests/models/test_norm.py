"""The fast batch norm gives Keras's numbers: outputs, gradients, running statistics."""

from __future__ import annotations

import keras
import numpy as np
import pytest

from facetracker.models.base import Norm

tf = pytest.importorskip("tensorflow")


def results(layer, x, w):
    layer.build(x.shape)
    x = tf.constant(x)
    with tf.GradientTape() as tape:
        tape.watch(x)
        y = layer(x, training=True)
        loss = tf.reduce_sum(y * y * w)
    gradients = tape.gradient(loss, [x, *layer.trainable_variables])
    return [np.array(value) for value in (y, *gradients, *layer.variables, layer(x, training=False))]


def test_equals_kerass_own():
    rng = np.random.default_rng(0)
    x = (rng.normal(size=(3, 5, 4, 6)) * 3 + 1).astype(np.float32)
    w = rng.normal(size=x.shape).astype(np.float32)
    fast = results(Norm(momentum=0.9), x, w)
    slow = results(keras.layers.BatchNormalization(momentum=0.9), x, w)
    for mine, other in zip(fast, slow, strict=True):
        np.testing.assert_allclose(mine, other, rtol=1e-4, atol=1e-4)


def test_a_frozen_one_keeps_its_statistics():
    layer = Norm()
    layer.build((None, 4, 4, 2))
    layer.trainable = False
    layer(np.full((2, 4, 4, 2), 7, np.float32), training=True)
    np.testing.assert_array_equal(layer.moving_mean, np.zeros(2))
