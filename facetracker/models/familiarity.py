"""How familiar a picture is: does it look like those a tracker was fine-tuned on, or like anybody's?

A tracker that learns one person's face and that person's idea of a box would forget everybody else's. With two heads
(`FaceTracker(two_heads=True)`) it need not: the head that was trained answers for familiar pictures, the first weights'
head, untouched, for all others. Which it is follows from where a picture lies: the means of its features of stride 16,
measured along axes in which anybody's pictures (those the starter was trained on) are a round cloud, mean 0 and
deviation 1 each way. One's own pictures are a second, smaller cloud.
"""

from __future__ import annotations

from typing import Any

import keras
import numpy as np
from keras import ops
from numpy.typing import NDArray

from facetracker.models.backbones import preprocess

STRIDE = 16
AXES = 64
# Between the own cloud as it was measured (0) and a ball of the same size (1): of a few hundred pictures the small
# axes are known badly, and the room on another day lies off them.
ROUNDED = 0.5
# Own pictures count as standing apart from anybody's when these shares of both are at least this far apart.
LEAST_APART, SHARE = 0.1, 0.02
ANYBODY = 4000  # pictures of others, thrown as dice
# Half familiar is a third of the way from the others' edge to the own: one's own photos on another day, and whole
# where crops of them were learnt, lie further out than those that were measured.
HALF_WAY = 1 / 3
STEEPNESS = 8.0  # of the change between the two edges


@keras.saving.register_keras_serializable("facetracker")
class Familiarity(keras.layers.Layer):
    """Features `(B, H, W, C)` of stride 16 to how familiar each picture is, `(B, 1, 1)`, 0 to 1.

    Nothing here is trained by gradients. `usual_mean` and `usual_axes` come with the starter's weights; `learn`
    measures the rest. Until then every picture is familiar.
    """

    def __init__(self, axes: int = AXES, **options):
        super().__init__(trainable=False, **options)
        self.axes = axes

    def build(self, shape):
        def given(name: str, *size: int, value: float = 0.0):
            start = keras.initializers.Constant(value)
            return self.add_weight(name=name, shape=size, initializer=start, trainable=False, dtype="float32")

        self.usual_mean = given("usual_mean", shape[-1])
        self.usual_axes = given("usual_axes", shape[-1], self.axes)
        self.own_mean = given("own_mean", self.axes)
        self.own_axes = given("own_axes", self.axes, self.axes)
        self.middle = given("middle", value=-1e4)
        self.steepness = given("steepness", value=1.0)
        self.built = True

    def call(self, features):
        means = ops.mean(ops.cast(features, "float32"), axis=(1, 2))
        familiar = ops.sigmoid((self._nearer(self._place(means)) - self.middle) * self.steepness)
        return ops.reshape(familiar, (-1, 1, 1))

    def _place(self, means):
        """Feature means `(N, C)` along the usual axes, `(N, axes)`."""
        return ops.matmul(means - self.usual_mean, self.usual_axes)

    def _nearer(self, place):
        """How much nearer to the own cloud than to anybody's, `(N,)`: mean squared distances along each axis."""
        own = ops.matmul(place - self.own_mean, self.own_axes)
        return ops.mean(ops.square(place), axis=-1) - ops.mean(ops.square(own), axis=-1)

    def learn(self, means: NDArray[np.float32]) -> bool:
        """Measure one's own pictures, given by their feature means `(N, C)`; do they stand apart from anybody's?

        If not (a collection as varied as anybody's), every picture stays familiar.
        """
        place = np.asarray(self._place(means))
        spread = np.cov(place.T)
        ball = np.eye(self.axes) * np.trace(spread) / self.axes
        spread = (1 - ROUNDED) * spread + ROUNDED * ball
        self.own_mean.assign(place.mean(axis=0))
        self.own_axes.assign(np.linalg.cholesky(np.linalg.inv(spread)))
        others = np.random.default_rng(0).standard_normal((ANYBODY, self.axes), np.float32)
        own_edge = np.quantile(np.asarray(self._nearer(place)), SHARE)
        others_edge = np.quantile(np.asarray(self._nearer(others)), 1 - SHARE)
        apart = bool(own_edge - others_edge >= LEAST_APART)
        if apart:
            self.middle.assign(others_edge + HALF_WAY * (own_edge - others_edge))
            self.steepness.assign(STEEPNESS / (own_edge - others_edge))
        return apart

    def get_config(self):
        return {**super().get_config(), "axes": self.axes}


def means_of(tracker: Any, pictures: NDArray[np.uint8]) -> NDArray[np.float32]:
    """Feature means `(N, C)` of pictures `(N, H, W, 3)` RGB, as a tracker's familiarity sees them."""
    features = tracker.backbone(preprocess(pictures, tracker.how_preprocessed), training=False)
    grid = ops.cast(features[tracker.head.strides.index(STRIDE)], "float32")
    return np.asarray(ops.convert_to_numpy(ops.mean(grid, axis=(1, 2))))


def measure_usual(means: NDArray[np.float32], axes: int = AXES) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """`usual_mean (C,)` and `usual_axes (C, axes)` of anybody's pictures, given by their feature means `(N, C)`."""
    values, directions = np.linalg.eigh(np.cov(means.T))
    widest = np.argsort(-values)[:axes]
    return means.mean(axis=0), (directions[:, widest] / np.sqrt(values[widest])).astype(np.float32)
