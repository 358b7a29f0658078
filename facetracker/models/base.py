"""What all networks of ours share: how they are made again from their settings, in which precision, how they average.

The one place that is not keras.ops alone: what only TensorFlow has, a fused batch norm and replicas, and only there.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import keras
from keras import ops

from facetracker.models.heads.base import Losses


class FaceNetwork(keras.Model):
    """A model whose config is a flat dict of names and numbers, so that loading.py can check a stranger's."""

    def get_config(self) -> dict[str, Any]:
        """What every network of ours has; each adds its own."""
        return {
            "name": self.name,
            "trainable": self.trainable,
            "dtype": keras.saving.serialize_keras_object(self.dtype_policy),
        }

    @classmethod
    def from_config(cls, config: dict[str, Any], custom_objects: Any = None) -> Any:
        """The network that a config describes, without its weights."""
        config = dict(config)
        if isinstance(config.get("dtype"), dict):
            config["dtype"] = keras.saving.deserialize_keras_object(config["dtype"])
        return cls(**config)


@contextmanager
def layers_of(policy: keras.DTypePolicy) -> Iterator[None]:
    """Layers made inside compute as `policy` says: those of keras.applications ask only the global policy."""
    before = keras.config.dtype_policy()
    keras.config.set_dtype_policy(policy)
    try:
        yield
    finally:
        keras.config.set_dtype_policy(before)


def plain_twin(model: keras.Model) -> keras.Model:
    """The network alone, in float32: no optimizer (it is twice as large), no half precision (slow on a CPU)."""
    with layers_of(keras.DTypePolicy("float32")):
        return type(model).from_config({**model.get_config(), "dtype": "float32"})


def share_of_all(weight: Any) -> Any:
    """Which share of the whole batch a replica's `weight` is (`tf.distribute`); 1 where there is one replica.

    A loss is a mean over the faces (or pictures) of a batch. The mean of the replicas' means would count a face the
    more, the fewer its replica holds; the sum of the replicas' means, each times its share, is the batch's own mean.
    Keras adds the replicas' gradients up, so the loss of each must be its share.
    """
    if keras.backend.backend() != "tensorflow":
        return 1.0
    import tensorflow as tf

    replicas = tf.distribute.get_strategy().num_replicas_in_sync
    if replicas == 1 or tf.distribute.in_cross_replica_context():
        return 1.0
    everywhere = tf.distribute.get_replica_context().all_reduce(tf.distribute.ReduceOp.SUM, tf.stop_gradient(weight))
    return tf.stop_gradient(weight) / tf.maximum(everywhere, 1e-6)


class EpochMeans(keras.metrics.Metric):
    """The true means of an epoch, which Keras's own are not: of all losses and scores, and of
    `total_loss = regress_loss + share * class_loss`.

    Every value counts by its own weight, so the size of a batch does not matter, nor how many of its pictures hold a
    face. All sums lie in one variable: a metric for each would add some seventy small operations to every step.
    """

    def __init__(self, share: float, name: str = "means"):
        super().__init__(name=name)
        self._share = share
        self.sums = self.add_variable((2, len(Losses._fields)), "zeros", name="sums")

    def update_state(self, losses: Losses) -> None:
        """Add a batch."""
        weights = ops.stack([loss.weight for loss in losses])
        values = ops.stack([loss.value for loss in losses])
        self.sums.assign_add(ops.stack([values * weights, weights]))

    def result(self) -> dict[str, Any]:
        """The means so far under their names; 0 where nothing counted."""
        means = self.sums[0] / ops.maximum(self.sums[1], 1e-9)
        found = {name: means[place] for place, name in enumerate(Losses._fields)}
        return {"total_loss": found["regress_loss"] + self._share * found["class_loss"], **found}


@keras.saving.register_keras_serializable("facetracker")
class Norm(keras.layers.BatchNormalization):
    """Batch norm over the last axis of `(B, H, W, C)` that trains fast on TensorFlow.

    Keras 3 spells batch norm out in single operations, each a pass over memory; on a CPU they take a third of a
    training step of a small network (nano, 32 pictures of 224x224: 0.72 against 0.58 CPU seconds a step). TensorFlow
    has it as one operation. Same numbers, same variables; on JAX, and whenever a network only answers, this is Keras's
    own layer (tests/models/test_jax.py trains both heads there).
    """

    def call(self, inputs, training=None, mask=None):
        if not (training and self.trainable and keras.backend.backend() == "tensorflow"):
            return super().call(inputs, training=training, mask=mask)
        import tensorflow as tf

        outputs, mean, variance = tf.compat.v1.nn.fused_batch_norm(
            inputs,
            ops.cast(self.gamma, "float32"),
            ops.cast(self.beta, "float32"),
            epsilon=self.epsilon,
            is_training=True,
        )
        shape = ops.shape(inputs)
        count = ops.cast(shape[0] * shape[1] * shape[2], "float32")
        # The fused operation hands out the unbiased variance, Keras averages the biased one.
        variance = variance * (count - 1.0) / count
        self.moving_mean.assign(self.moving_mean * self.momentum + mean * (1.0 - self.momentum))
        self.moving_variance.assign(self.moving_variance * self.momentum + variance * (1.0 - self.momentum))
        return outputs
