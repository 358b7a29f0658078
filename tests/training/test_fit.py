import contextlib
import csv
import io
import json
import os
import shutil

import keras
import numpy as np
import pytest
from without_graph import without_graph

from facetracker.core.errors import FaceTrackerError
from facetracker.core.settings import read_settings
from facetracker.data.batches import in_order
from facetracker.training import callbacks as own
from facetracker.training import device as device_module
from facetracker.training import fit as module
from facetracker.training import trainer as loop
from facetracker.training.device import Device
from facetracker.training.fit import train
from facetracker.training.plan import read_plan
from facetracker.training.trainer import phases, save_model

EMA = "training.ema=0.8"
USUAL = (EMA, "data.online=light", "training.epochs=3", "training.learning_rate=0.01")


@pytest.fixture
def trained(photos_folder, tiny_preset, tmp_path):
    """A function that trains the tiny network in `tmp_path/runs`."""

    def run(*changes, name="run", **options):
        return train(photos_folder, tiny_preset, changes, name=name, runs=tmp_path / "runs", **options)

    return run


@pytest.fixture(scope="module")
def finished(photos_folder, tiny_preset, tmp_path_factory):
    """The folder of a run that was estimated and went to its end, and what it said. Tests only look, or copy it."""
    runs, said = tmp_path_factory.mktemp("finished"), io.StringIO()
    with pytest.MonkeyPatch.context() as patch, contextlib.redirect_stdout(said):
        patch.setattr(loop, "ESTIMATED_FROM", 1)
        folder = train(photos_folder, tiny_preset, USUAL, name="run", runs=runs)
    return folder, said.getvalue()


@pytest.fixture
def copied(finished, tmp_path):
    """A copy of the finished run in `tmp_path/runs`, to go on with."""
    return shutil.copytree(finished[0], tmp_path / "runs" / "run")


def weights_of(path) -> list[np.ndarray]:
    return keras.saving.load_model(path, compile=False).get_weights()


def history_of(folder) -> list[dict[str, str]]:
    with (folder / "history.csv").open(newline="") as file:
        return [{key: value for key, value in row.items() if key != "seconds"} for row in csv.DictReader(file)]


def test_a_run_leaves_everything_it_promises(finished):
    folder, said = finished
    names = {path.name for path in folder.iterdir()}
    assert names >= {
        "config.yaml", "plan.json", "model.keras", "last.keras", "history.csv", "metrics.json", "curves.png",
        "val_predictions.png", "logs", "state.npz", "run.json",
    }  # fmt: skip
    assert not list(folder.glob(".part-*"))
    assert read_settings(folder / "config.yaml").model.classes is None
    assert read_plan(folder / "plan.json").classes == ("face",)
    rows = history_of(folder)
    assert [row["epoch"] for row in rows] == ["1", "2", "3"]
    assert {"total_loss", "class_loss", "regress_loss", "mean_iou", "val_total_loss", "learning_rate"} <= set(rows[0])
    assert float(rows[0]["total_loss"]) == pytest.approx(
        float(rows[0]["regress_loss"]) + 0.5 * float(rows[0]["class_loss"]), rel=1e-5
    )
    metrics = json.loads((folder / "metrics.json").read_text())
    best = min(rows, key=lambda row: float(row["val_missed"]))
    assert metrics["best_epoch"] == int(best["epoch"])
    assert metrics["best"]["val_total_loss"] == pytest.approx(float(best["val_total_loss"]))
    assert "train: 24 pictures, 18 faces" in said
    assert "9 steps of" in said
    assert "epoch 3/3: total_loss" in said
    events = list((folder / "logs").rglob("events*"))
    assert {path.parent.name for path in events} >= {"train", "validation", "val_predictions"}


def test_the_best_model_has_the_weights_that_validation_measured(finished, photos_folder):
    folder, _ = finished
    model = keras.saving.load_model(folder / "model.keras", compile=False)
    photos = module.read_photos(photos_folder, read_settings(folder / "config.yaml"))
    model.compile(optimizer="sgd")
    measured = model.evaluate(in_order(photos.val.pictures, photos.val.labels, 8), return_dict=True, verbose=0)
    best = json.loads((folder / "metrics.json").read_text())["best"]
    assert measured["total_loss"] == pytest.approx(best["val_total_loss"], rel=1e-4)
    assert measured["mean_iou"] == pytest.approx(best["val_mean_iou"], rel=1e-4)


@pytest.mark.no_cover
@pytest.mark.slow
def test_the_same_seed_gives_the_same_weights_estimated_or_not(finished, trained):
    two, other = trained(*USUAL, name="two"), trained(*USUAL, "training.seed=1", name="other")
    for a, b in zip(weights_of(finished[0] / "last.keras"), weights_of(two / "last.keras"), strict=True):
        assert np.abs(a - b).max() <= 1e-6
    assert not np.allclose(weights_of(two / "last.keras")[0], weights_of(other / "last.keras")[0])


class Killed(BaseException):
    """Stands for the end of the process: nothing catches it."""


class Kill(keras.callbacks.Callback):
    """Kills once, in this epoch, at its beginning (`begin`), in its second step (`step`) or when it is validated."""

    def __init__(self, epoch: int, where: str):
        super().__init__()
        self.doomed, self.where = epoch, where

    def on_train_batch_end(self, batch, logs=None):
        if self.where == "step" and self.epoch == self.doomed and batch == 1:
            raise Killed

    def on_test_begin(self, logs=None):
        if self.where == "validation" and self.epoch == self.doomed:
            raise Killed

    def on_epoch_begin(self, epoch, logs=None):
        self.epoch = epoch
        if self.where == "begin" and epoch == self.doomed:
            raise Killed


# In the first step of all, between the phases, and twice in the second phase. The backbone is frozen for two epochs.
KILLS = ((0, "step"), (2, "begin"), (3, "validation"), (4, "step"))


@pytest.mark.no_cover
@pytest.mark.slow
@without_graph()
def test_a_run_that_is_killed_again_and_again_ends_as_if_nothing_had_happened(trained, monkeypatch):
    changes = (EMA, "training.epochs=5", "data.online=light", "training.freeze_epochs=2", "data.batch_size=6")
    whole = trained(*changes, name="whole")
    usual = loop.Trainer._callbacks
    for number, (epoch, where) in enumerate(KILLS):
        with monkeypatch.context() as patch:
            kill = Kill(epoch, where)
            patch.setattr(loop.Trainer, "_callbacks", lambda *a, kill=kill, **k: [kill, *usual(*a, **k)])
            with pytest.raises(Killed):
                trained(*(() if number else changes), name="killed", resume=number > 0)
        keras.utils.set_random_seed(12345 + number)  # the random state of the process that is gone
    resumed = trained(name="killed", resume=True)
    assert history_of(resumed) == history_of(whole)
    for file in ("model.keras", "last.keras"):
        for a, b in zip(weights_of(resumed / file), weights_of(whole / file), strict=True):
            assert np.abs(a - b).max() <= 1e-6


def test_a_resumed_run_can_be_made_longer_and_a_finished_one_is_left_alone(trained, copied):
    longer = trained("training.epochs=4", resume=True)
    assert longer == copied
    assert [row["epoch"] for row in history_of(longer)] == ["1", "2", "3", "4"]
    state = (longer / "state.npz").stat().st_mtime_ns
    (longer / "curves.png").unlink()
    trained(resume=True)
    assert (longer / "curves.png").is_file(), "what a finished run lacks is made again"
    assert (longer / "state.npz").stat().st_mtime_ns == state


def test_resuming_on_other_photos_is_refused(copied, tmp_path, tiny_preset):
    with pytest.raises(FaceTrackerError, match="this run trains on"):
        train(tmp_path / "others", tiny_preset, name="run", resume=True, runs=tmp_path / "runs")


@without_graph()
def test_ctrl_c_saves_and_says_how_to_go_on(trained, monkeypatch, capsys):
    class Interrupt(keras.callbacks.Callback):
        def on_epoch_begin(self, epoch, logs=None):
            self.epoch = epoch

        def on_train_batch_end(self, batch, logs=None):
            if (self.epoch, batch) == (1, 1):
                raise KeyboardInterrupt

    usual = loop.Trainer._callbacks
    monkeypatch.setattr(loop.Trainer, "_callbacks", lambda *a, **k: [Interrupt(), *usual(*a, **k)])
    with pytest.raises(KeyboardInterrupt):
        trained(EMA, name="mine")
    out = capsys.readouterr().out
    assert "1 of 2 epochs are done" in out
    assert "--name mine --resume" in out
    monkeypatch.setattr(loop.Trainer, "_callbacks", usual)
    folder = trained(name="mine", resume=True)
    assert [row["epoch"] for row in history_of(folder)] == ["1", "2"]
    assert (folder / "curves.png").is_file()


@without_graph()
def test_the_backbone_is_frozen_first(trained, monkeypatch):
    seen = []

    class Look(keras.callbacks.Callback):
        def on_epoch_begin(self, epoch, logs=None):
            seen.append([w.copy() for w in self.model.backbone.get_weights()])

    usual = loop.Trainer._callbacks
    monkeypatch.setattr(loop.Trainer, "_callbacks", lambda *a, **k: [Look(), *usual(*a, **k)])
    trained("training.freeze_epochs=2", "training.epochs=4")
    assert all(np.array_equal(a, b) for a, b in zip(seen[0], seen[2], strict=True))
    assert not all(np.array_equal(a, b) for a, b in zip(seen[2], seen[3], strict=True))


def test_phases():
    assert phases(0, 5) == [(0, 5)]
    assert phases(2, 5) == [(0, 2), (2, 5)]
    assert phases(9, 5) == [(0, 5)]


@without_graph()
def test_training_stops_early_and_says_so_when_resumed(trained, capsys):
    # A rate of almost nothing: val does not get better by much, and with noise from dropout none in val, never worse.
    folder = trained("training.early_stopping=1", "training.learning_rate=0.5", "training.epochs=30")
    epochs = len(history_of(folder))
    assert epochs < 30
    trained(resume=True)
    assert f"all {epochs} epochs are done" in capsys.readouterr().out


@pytest.fixture(scope="module")
def flat(photos_folder, tiny_preset, tmp_path_factory):
    """The folder of a run of one epoch without val photos, one train photo being empty, and what it wrote in order."""
    place, written = tmp_path_factory.mktemp("flat"), []
    data = shutil.copytree(photos_folder / "train", place / "photos")
    sorted((data / "images").iterdir())[0].write_bytes(b"")
    model, state = loop.save_model, own.save_state
    with pytest.MonkeyPatch.context() as patch, without_graph():
        patch.setattr(loop, "save_model", lambda *a: (written.append("model"), model(*a)))
        patch.setattr(own, "save_state", lambda *a: (written.append("state"), state(*a)))
        return train(data, tiny_preset, ["training.epochs=1"], name="flat", runs=place), written


def test_without_val_the_training_loss_decides(flat):
    folder, _ = flat
    assert "val_total_loss" not in history_of(folder)[0]
    assert (folder / "model.keras").is_file()
    assert not (folder / "val_predictions.png").exists()


def test_bad_photos_are_listed_in_the_run_folder(flat, photos_folder):
    bad = sorted((photos_folder / "train" / "images").iterdir())[0]
    assert bad.name in (flat[0] / "rejects.txt").read_text()


def test_the_keeper_writes_the_state_last(flat):
    """Killed between the best model and the state, the epoch is simply done again."""
    assert flat[1][:2] == ["model", "state"]


@pytest.mark.slow
@without_graph()
def test_mixed_precision_trains_in_half_and_saves_in_full(trained):
    folder = trained("training.mixed_precision=true", EMA)
    keras.mixed_precision.set_global_policy("float32")
    model = keras.saving.load_model(folder / "last.keras", compile=False)
    assert {layer.compute_dtype for layer in model.backbone.layers} == {"float32"}
    assert np.isfinite(model.get_weights()[0]).all()


def test_a_saved_model_is_the_network_alone(finished, tmp_path):
    model = module.build_model(read_settings(finished[0] / "config.yaml"), read_plan(finished[0] / "plan.json"))
    model.compile(optimizer="adam")
    model.optimizer.build(model.trainable_variables)
    save_model(model, tmp_path / "m.keras")
    again = keras.saving.load_model(tmp_path / "m.keras")
    assert getattr(again, "optimizer", None) is None
    x = np.random.default_rng(0).integers(0, 255, (2, 64, 64, 3)).astype("uint8")
    for name, values in model(x, training=False).items():
        assert np.array_equal(values, again(x, training=False)[name])


@pytest.mark.slow
@without_graph()
def test_composed_pictures_train(trained):
    folder = trained("data.online=compose", "model.head=dense")
    assert np.isfinite(float(history_of(folder)[-1]["total_loss"]))


def test_auto_means_only_on_a_gpu():
    assert device_module._choose("auto", True) is True
    assert device_module._choose("auto", False) is False
    assert device_module._choose(True, False) is True
    assert str(Device(2, True, True)) == "2 GPUs, mixed precision, XLA"
    assert "CPU cores" in str(Device(0, False, False))


def test_silence_is_complete_and_ends(capfd):
    with device_module.silenced():
        os.write(2, b"from C++\n")
    os.write(2, b"after\n")
    assert capfd.readouterr().err == "after\n"
