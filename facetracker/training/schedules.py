"""How the learning rate changes, and the optimizer that uses it. Steps are batches, counted from the first epoch."""

from __future__ import annotations

from typing import Any

import keras
from keras.optimizers.schedules import CosineDecay, InverseTimeDecay, LearningRateSchedule

from facetracker.core.settings import TrainingSettings


@keras.saving.register_keras_serializable(package="facetracker")
class WarmUp(LearningRateSchedule):
    """Grows linearly to the rate of `schedule` over `steps` steps, then follows it from its own step 0."""

    def __init__(self, schedule: LearningRateSchedule | float, steps: int):
        self.schedule = schedule
        self.steps = int(steps)

    def __call__(self, step):
        step = keras.ops.cast(step, "float32")
        share = keras.ops.minimum((step + 1.0) / max(self.steps, 1), 1.0)
        if not callable(self.schedule):
            return self.schedule * share
        return self.schedule(keras.ops.maximum(step - self.steps, 0.0)) * share

    def get_config(self) -> dict[str, Any]:
        return {"schedule": keras.saving.serialize_keras_object(self.schedule), "steps": self.steps}

    @classmethod
    def from_config(cls, config: dict[str, Any]) -> WarmUp:
        return cls(keras.saving.deserialize_keras_object(config["schedule"]), config["steps"])


def inverse_time(rate: float, steps_per_epoch: int, decay_to: float = 0.75) -> InverseTimeDecay:
    """The tutorial's decay: `rate / (1 + decay * step)`, so that after one epoch `decay_to` of the rate is left.

    Keras 3 ignores the old optimizers' `decay=` without a word; this schedule is the exact port.
    """
    return InverseTimeDecay(rate, decay_steps=1, decay_rate=(1 / decay_to - 1) / steps_per_epoch)


def make_schedule(settings: TrainingSettings, steps_per_epoch: int, epochs: int) -> LearningRateSchedule | float:
    """The learning rate over `epochs` epochs of `steps_per_epoch` steps, warm-up included."""
    warmup = round(settings.warmup_epochs * steps_per_epoch)
    schedule: LearningRateSchedule | float
    match settings.schedule:
        case "inverse_time":
            schedule = inverse_time(settings.learning_rate, steps_per_epoch, settings.decay_to)
        case "cosine":
            schedule = CosineDecay(settings.learning_rate, max(1, epochs * steps_per_epoch - warmup))
        case "constant":
            schedule = settings.learning_rate
    return WarmUp(schedule, warmup) if warmup else schedule


def make_optimizer(settings: TrainingSettings, steps_per_epoch: int, epochs: int) -> keras.optimizers.Optimizer:
    """The optimizer the settings name, with its schedule, averaging and clipping.

    Biases and norms are not decayed: pulling them to zero does not make a network simpler.
    """
    optimizer = _named(settings, make_schedule(settings, steps_per_epoch, epochs))
    if settings.weight_decay:
        optimizer.exclude_from_weight_decay(var_names=["bias", "gamma", "beta"])
    return optimizer


def _named(settings: TrainingSettings, schedule: LearningRateSchedule | float) -> keras.optimizers.Optimizer:
    common: dict[str, Any] = {
        "learning_rate": schedule,
        "global_clipnorm": settings.clip_norm,
        "weight_decay": settings.weight_decay or None,
    }
    if settings.ema:
        common |= {"use_ema": True, "ema_momentum": settings.ema}
    match settings.optimizer:
        case "adam":
            return keras.optimizers.Adam(**common)
        case "adamw":
            return keras.optimizers.AdamW(**common | {"weight_decay": settings.weight_decay})
        case "sgd":
            return keras.optimizers.SGD(momentum=settings.momentum, nesterov=settings.nesterov, **common)


def rate_at(optimizer: keras.optimizers.Optimizer) -> float:
    """The learning rate that the next step will use."""
    return float(keras.ops.convert_to_numpy(optimizer.learning_rate))
