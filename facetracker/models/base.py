"""What a tracker and a classifier share: how they are made again from their settings, and in which precision."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import keras


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
