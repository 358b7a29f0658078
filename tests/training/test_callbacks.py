import keras
import numpy as np
import pytest

from facetracker.core import console
from facetracker.core.errors import FaceTrackerError
from facetracker.data.batches import Feed, in_order
from facetracker.training import callbacks as own
from facetracker.training.run import RunFolder
from facetracker.training.state import Progress, read_state

WATCHED, SHOWN = ("val_total_loss", "total_loss"), ("total_loss", "class_loss")


def network(ema: float | None = 0.5, rate: float = 0.1) -> keras.Model:
    """Learns the mean of a picture's pixels; takes the feed's batches, its loss is `compute_loss`."""

    @keras.saving.register_keras_serializable("tests")
    class Brightness(keras.Model):
        def __init__(self, **options):
            super().__init__(**options)
            self.pool, self.dense = keras.layers.GlobalAveragePooling2D(), keras.layers.Dense(1)
            self.build((None, 4, 4, 3))

        def call(self, x, training=None):
            return self.dense(self.pool(keras.ops.cast(x, "float32")) / 255)

        def build(self, shape):
            self.dense.build((None, 3))
            self.built = True

        def compute_loss(self, x=None, y=None, y_pred=None, sample_weight=None, training=True):
            return keras.ops.mean(keras.ops.square(y_pred[:, 0] - y["boxes"][:, 0, 0]))

    model = Brightness()
    options = {"use_ema": True, "ema_momentum": ema} if ema else {}
    model.compile(optimizer=keras.optimizers.SGD(rate, **options))
    return model


@pytest.fixture
def feed() -> Feed:
    random = np.random.default_rng(0)
    pictures = random.integers(0, 255, (12, 4, 4, 3), dtype=np.uint8)
    boxes = np.repeat(pictures.mean(axis=(1, 2, 3), keepdims=True) / 255, 4, axis=3)[:, 0].astype(np.float32)
    return Feed(pictures, targets(boxes), batch_size=4)


def targets(boxes: np.ndarray) -> tuple[dict[str, np.ndarray]]:
    return ({"boxes": boxes, "classes": np.zeros((len(boxes), 1), np.int32)},)


def test_averaged_weights_are_there_within_and_gone_after_bit_by_bit(feed):
    model = network()
    model.fit(feed.batches(0, 1), steps_per_epoch=feed.steps, shuffle=False, verbose=0, callbacks=[Undone()])
    own_weights = [w.copy() for w in model.get_weights()]
    averages = [v.numpy() for v in model.optimizer.variables if "average" in v.path]
    with own.averaged_weights(model):
        assert all(np.array_equal(w, a) for w, a in zip(model.get_weights(), averages, strict=True))
        assert not np.array_equal(model.get_weights()[0], own_weights[0])
    assert all(np.array_equal(w, o) for w, o in zip(model.get_weights(), own_weights, strict=True))


class Undone(keras.callbacks.Callback):
    """Puts the last step's weights back after `fit` has left the averaged ones in the model."""

    def on_epoch_end(self, epoch, logs=None):
        self.weights = self.model.get_weights()

    def on_train_end(self, logs=None):
        self.model.set_weights(self.weights)


def test_without_averaging_nothing_is_swapped(feed):
    model = network(ema=None)
    model.fit(feed.batches(0, 1), steps_per_epoch=feed.steps, shuffle=False, verbose=0)
    before = model.get_weights()
    with own.averaged_weights(model):
        assert np.array_equal(model.get_weights()[0], before[0])


def test_validation_measures_the_averaged_weights(feed):
    model = network(ema=0.9)
    seen = {}

    class Look(keras.callbacks.Callback):
        def on_test_batch_end(self, batch, logs=None):
            seen["testing"] = self.model.get_weights()[0]

        def on_epoch_end(self, epoch, logs=None):
            seen["after"] = self.model.get_weights()[0]
            with own.averaged_weights(self.model):
                seen["averaged"] = self.model.get_weights()[0]

    val = in_order(feed.pictures, feed.labels, 4)
    callbacks = [own.ValidateAveraged(), Look()]
    options = {"steps_per_epoch": feed.steps, "shuffle": False, "verbose": 0}
    model.fit(feed.batches(0, 1), validation_data=val, callbacks=callbacks, **options)
    assert np.array_equal(seen["testing"], seen["averaged"])
    assert not np.array_equal(seen["after"], seen["averaged"])


def test_a_loss_that_is_no_number_stops_at_once_and_keeps_the_batch(feed, tmp_path):
    boxes = feed.labels[0]["boxes"].copy()
    boxes[7] = np.nan
    feed = Feed(feed.pictures, targets(boxes), batch_size=4)
    order = [pictures for pictures, _ in feed.batches(2, 3).as_numpy_iterator()]
    step = next(i for i, batch in enumerate(order) if (batch == feed.pictures[7]).all(axis=(1, 2, 3)).any())
    model = network()
    run = RunFolder(tmp_path)
    with pytest.raises(FaceTrackerError, match=rf"nan at step {step + 1} of epoch 3.*learning_rate"):
        model.fit(feed.batches(2, 4), initial_epoch=2, epochs=4, steps_per_epoch=feed.steps, shuffle=False, verbose=0,
                  callbacks=[own.StopOnNaN(feed, run)])  # fmt: skip
    saved = np.load(run.bad_batch)
    assert np.array_equal(saved["pictures"], order[step])
    assert np.isnan(saved["boxes"]).any()


def keeper(tmp_path, saved: list, every: int | None = None) -> tuple[own.KeepRun, Progress]:
    progress = Progress()
    return own.KeepRun(
        RunFolder(tmp_path), progress, lambda model, path: saved.append(path.name), WATCHED, every
    ), progress


@pytest.mark.parametrize(("every", "epochs"), [(1, [1, 2, 3, 4]), (2, [2, 4]), (9, [])])
def test_epochs_are_kept_too_where_that_is_asked_for(every, epochs, tmp_path):
    saved: list = []
    keep, _ = keeper(tmp_path, saved, every)
    model = network()
    keep.set_model(model)
    model.optimizer.build(model.trainable_variables)
    for epoch in range(4):
        keep.on_epoch_begin(epoch)
        keep.on_epoch_end(epoch, {"total_loss": 1.0, "val_total_loss": 1.0})
    assert saved == ["model.keras", *(f"epoch-{number:03d}.keras" for number in epochs)]


def test_the_best_epoch_is_kept_and_every_epoch_can_be_resumed_from(feed, tmp_path):
    saved: list = []
    keep, progress = keeper(tmp_path, saved)
    model = network(rate=0.5)
    keep.set_model(model)
    model.optimizer.build(model.trainable_variables)
    for epoch, loss in enumerate([0.5, 0.7, 0.4, 0.6]):
        keep.on_epoch_begin(epoch)
        keep.on_epoch_end(epoch, {"loss": 9.0, "total_loss": 1.0, "val_loss": 9.0, "val_total_loss": loss})
        assert read_state(keep.run.state)[1] == progress
    assert saved == ["model.keras", "model.keras"]
    assert (progress.best, progress.best_epoch, progress.epoch) == (0.4, 3, 4)
    assert keep.run.history.read_text().splitlines()[0] == "epoch,total_loss,val_total_loss,learning_rate,seconds"
    assert len(keep.run.history.read_text().splitlines()) == 5


def test_patience_goes_on_where_it_was():
    progress = Progress(epoch=5, best=0.2, best_epoch=3)
    stop = own.StopEarly(patience=4, watched=WATCHED, progress=progress)
    stop.set_model(network())
    stop.on_train_begin()
    stop.on_epoch_end(5, {"val_total_loss": 0.3})
    assert not stop.model.stop_training
    stop.on_epoch_end(6, {"val_total_loss": 0.21})
    assert stop.model.stop_training


def test_one_line_an_epoch():
    logs = {"total_loss": 0.0123, "val_total_loss": 0.0156, "class_loss": 3.2e-6, "val_class_loss": 0.5}
    line = own.epoch_line(3, 40, logs, 12.0, 444.0, SHOWN)
    assert line == "epoch 3/40: total_loss 0.0123 (val 0.0156), class_loss 3.20e-06 (val 0.5000), 12 s, 7 min 24 s left"
    assert "left" not in own.epoch_line(40, 40, logs, 12.0, 0.0, SHOWN)


def test_off_a_terminal_there_are_only_lines(capsys):
    show = own.ShowProgress(epochs=2, steps=3, done=0, shown=SHOWN)
    show.open()
    for epoch in range(2):
        show.on_epoch_begin(epoch)
        for step in range(3):
            show.on_train_batch_end(step)
        show.on_epoch_end(epoch, {"total_loss": 0.5})
    show.close()
    out = capsys.readouterr().out
    assert out.count("\n") == 2
    assert out.startswith("epoch 1/2: total_loss 0.5000")


def test_on_a_terminal_there_is_a_bar(monkeypatch, capsys):
    monkeypatch.setattr(console.sys.stderr, "isatty", lambda: True, raising=False)
    show = own.ShowProgress(epochs=1, steps=2, done=0, shown=SHOWN)
    show.open()
    show.on_epoch_begin(0)
    show.on_train_batch_end(0)
    show.on_train_batch_end(1)
    show.close()
    assert "train: 2/2 steps" in capsys.readouterr().err
