import keras
import numpy as np
import pytest

from facetracker.core.settings import TrainingSettings
from facetracker.training.schedules import WarmUp, inverse_time, make_optimizer, make_schedule, rate_at


def test_the_tutorials_decay_leaves_three_quarters_after_one_epoch():
    schedule = inverse_time(1e-4, steps_per_epoch=473)
    assert float(schedule(0)) == pytest.approx(1e-4)
    assert float(schedule(473)) == pytest.approx(0.75e-4)
    # rate / (1 + decay * step) with the tutorial's own decay of 0.00070472
    assert float(schedule(4730)) == pytest.approx(1e-4 / (1 + 0.0007047216 * 4730), rel=1e-5)


def test_warm_up_grows_linearly_and_then_follows_its_schedule_from_the_start():
    schedule = WarmUp(inverse_time(1.0, 10), 4)
    assert [float(schedule(step)) for step in range(4)] == pytest.approx([0.25, 0.5, 0.75, 1.0])
    assert float(schedule(14)) == pytest.approx(0.75)
    assert float(WarmUp(0.5, 2)(0)) == pytest.approx(0.25)


def test_warm_up_survives_saving():
    schedule = WarmUp(inverse_time(1e-3, 7), 5)
    again = keras.saving.deserialize_keras_object(keras.saving.serialize_keras_object(schedule))
    steps = [0, 3, 5, 50]
    assert [float(again(step)) for step in steps] == [float(schedule(step)) for step in steps]


def test_cosine_ends_at_zero_with_the_last_epoch():
    settings = TrainingSettings(schedule="cosine", learning_rate=0.1, warmup_epochs=1)
    schedule = make_schedule(settings, steps_per_epoch=10, epochs=5)
    assert float(schedule(9)) == pytest.approx(0.1)
    assert float(schedule(50)) == pytest.approx(0.0, abs=1e-7)


def test_constant_is_the_rate_itself():
    assert make_schedule(TrainingSettings(schedule="constant", learning_rate=0.3), 10, 5) == 0.3


@pytest.mark.parametrize(
    ("name", "kind"),
    [("adam", keras.optimizers.Adam), ("adamw", keras.optimizers.AdamW), ("sgd", keras.optimizers.SGD)],
)
def test_the_optimizer_is_the_one_asked_for(name, kind):
    settings = TrainingSettings(optimizer=name, ema=0.9, clip_norm=1.0, weight_decay=0.1, learning_rate=0.2)
    optimizer = make_optimizer(settings, 10, 5)
    assert type(optimizer) is kind
    assert (optimizer.use_ema, optimizer.ema_momentum, optimizer.global_clipnorm) == (True, 0.9, 1.0)
    assert rate_at(optimizer) == pytest.approx(0.2)


def test_sgd_has_the_momentum_that_it_is_told():
    plain = make_optimizer(TrainingSettings(optimizer="sgd"), 10, 5)
    assert (plain.momentum, plain.nesterov) == (0.9, False)
    other = make_optimizer(TrainingSettings(optimizer="sgd", momentum=0.5, nesterov=True), 10, 5)
    assert (other.momentum, other.nesterov) == (0.5, True)


def test_weight_decay_spares_biases_and_norms():
    settings = TrainingSettings(optimizer="adamw", weight_decay=0.5, learning_rate=0.1, schedule="constant")
    model = keras.Sequential([keras.Input((2,)), keras.layers.Dense(3, name="d"), keras.layers.BatchNormalization()])
    model.layers[0].bias.assign([1.0, 1.0, 1.0])
    kernel = model.layers[0].kernel.numpy()
    optimizer = make_optimizer(settings, 10, 5)
    optimizer.build(model.trainable_variables)
    optimizer.apply([np.zeros(v.shape, np.float32) for v in model.trainable_variables])
    assert model.layers[0].bias.numpy() == pytest.approx(1.0)
    assert model.layers[1].gamma.numpy() == pytest.approx(1.0)
    assert model.layers[0].kernel.numpy() == pytest.approx(kernel * 0.95, rel=1e-5)
