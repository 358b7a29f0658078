"""What a model must know of the others that train on parts of the same batch (`tf.distribute`)."""

from __future__ import annotations

from typing import Any

import keras


def share_of_all(weight: Any) -> Any:
    """Which share of the whole batch a replica's `weight` is; 1 where there is one replica.

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
