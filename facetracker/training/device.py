"""Starting TensorFlow for a run: without its noise, with memory that grows, repeatable, and in the right precision."""

from __future__ import annotations

import os
from collections.abc import Sequence
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass
from typing import Any

from facetracker.core.console import silenced
from facetracker.core.settings import TrainingSettings


@dataclass(frozen=True)
class Device:
    """What the run computes on and how."""

    gpus: int
    mixed_precision: bool
    jit_compile: bool

    def __str__(self) -> str:
        where = f"{self.gpus} GPU{'s' if self.gpus > 1 else ''}" if self.gpus else f"{os.cpu_count()} CPU cores"
        how = [name for name, used in (("mixed precision", self.mixed_precision), ("XLA", self.jit_compile)) if used]
        return ", ".join([where, *how])


def start(settings: TrainingSettings) -> Device:
    """Import TensorFlow and set it up for a run of these settings.

    `auto` means: only on a GPU. XLA halves the speed of a CPU (measured), and half precision has no units there.
    """
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
    with silenced():
        import keras
        import tensorflow as tf

        gpus = tf.config.list_physical_devices("GPU")
        for gpu in gpus:
            try:
                tf.config.experimental.set_memory_growth(gpu, True)
            except RuntimeError:  # the GPU is in use already: a second run in one process keeps the first one's choice
                break
        tf.config.list_logical_devices()
    device = Device(
        gpus=len(gpus),
        mixed_precision=_choose(settings.mixed_precision, bool(gpus)),
        jit_compile=_choose(settings.jit_compile, bool(gpus)),
    )
    keras.mixed_precision.set_global_policy("mixed_float16" if device.mixed_precision else "float32")
    keras.utils.set_random_seed(settings.seed)
    return device


def on_all_gpus(device: Device, names: Sequence[str] | None = None) -> AbstractContextManager[Any]:
    """What is built within trains on all GPUs of this machine, each with its part of every batch.

    With one GPU, or none, nothing changes. `names` are other devices to use (`CPU:0`, `CPU:1`).
    """
    if device.gpus < 2 and names is None:
        return nullcontext()
    import tensorflow as tf

    return tf.distribute.MirroredStrategy(names).scope()


def _choose(wanted: bool | str, auto: bool) -> bool:
    return auto if wanted == "auto" else bool(wanted)
