"""Two workers train what one process with the same batches trains, also when one of them is killed on the way."""

from __future__ import annotations

import csv
import json
import os
import signal
import subprocess
import sys
import threading
import time
from functools import partial
from pathlib import Path

import numpy as np
import pytest
from plain_worker import ENTRY

from facetracker.core.console import silenced
from facetracker.core.settings import load_settings

with silenced():
    import keras
    import tensorflow as tf

from facetracker.cluster.tasks import Share
from facetracker.core.errors import FaceTrackerError
from facetracker.models import backbones
from facetracker.training.device import start
from facetracker.training.fit import TrackerTask, make_feed
from facetracker.training.launch import ATTEMPTS, as_processes, plan_shares, supervise
from facetracker.training.photos import read_photos
from facetracker.training.plan import RunPlan, read_plan
from facetracker.training.run import RunFolder, start_run
from facetracker.training.several import here, own_settings
from facetracker.training.trainer import Trainer

PROGRAM = (str(Path(__file__).parent / "plain_worker.py"),)
EPOCHS = 2


@pytest.fixture(autouse=True)
def plain_backbone(monkeypatch):
    monkeypatch.setitem(backbones.BACKBONES, "plain", ENTRY)


@pytest.fixture
def settings(tmp_path, photos_folder):
    preset = tmp_path / "plain.yaml"
    preset.write_text(
        "model: {backbone: plain, head: single, image_size: 64, weights: none}\n"
        "data: {batch_size: 8, online: light}\n"
        f"training: {{epochs: {EPOCHS}, learning_rate: 1.0e-3, optimizer: adam}}\n"
    )
    return load_settings(preset, ["several.workers=2"])


@pytest.fixture
def plan(settings, photos_folder) -> RunPlan:
    return plan_shares(settings, photos_folder)


class Both:
    """The feeds of both workers in one: their batches side by side."""

    def __init__(self, feeds):
        self.feeds, self.steps = feeds, feeds[0].steps

    def batches(self, first: int, end: int) -> tf.data.Dataset:
        both = tf.data.Dataset.zip(tuple(feed.batches(first, end) for feed in self.feeds))
        return both.map(lambda *batches: tf.nest.map_structure(lambda *parts: tf.concat(parts, 0), *batches))


def in_one_process(settings, plan: RunPlan, data: Path, run: RunFolder) -> Path:
    """The run that two workers are compared with: one process, no strategy, the same global batches."""
    device = start(settings.training)
    whole = read_photos(data, settings)
    shares = [read_photos(data, settings, plan, Share(number, 2)) for number in range(2)]
    assert sorted(shares[0].train.names + shares[1].train.names) == sorted(whole.train.names)
    task = TrackerTask(settings, plan, whole)
    own = [own_settings(settings, plan.workers, Share(number, 2)) for number in range(2)]
    task.feed = Both([make_feed(photos, mine) for photos, mine in zip(shares, own, strict=True)])
    return Trainer(run, settings.training, task, device).go()


def weights_of(run: RunFolder) -> list[np.ndarray]:
    return keras.saving.load_model(run.last, compile=False).get_weights()


def curve_of(run: RunFolder) -> list[dict[str, float]]:
    with run.history.open(newline="") as file:
        return [
            {name: float(value) for name, value in row.items() if name != "seconds"} for row in csv.DictReader(file)
        ]


def kill_once(run: RunFolder, started: list[int]) -> None:
    """SIGKILL worker 1 as soon as the first epoch is saved."""
    while not (run.state.is_file() and run.history.is_file()):
        time.sleep(0.005)
    os.kill(started[1], signal.SIGKILL)


@pytest.mark.slow
def test_two_workers_of_which_one_is_killed_equal_one_process(
    settings, plan, photos_folder, tmp_path, monkeypatch, capsys
):
    run = start_run(settings, photos_folder, "two", tmp_path)
    run.keep(run.plan, plan.to_json())
    pids: list[int] = []
    popen = subprocess.Popen

    def noted(*arguments, **options):
        process = popen(*arguments, **options)
        pids.append(process.pid)
        return process

    monkeypatch.setattr(subprocess, "Popen", noted)
    killer = threading.Thread(target=kill_once, args=(run, pids), daemon=True)
    killer.start()
    supervise(run, settings, partial(as_processes, run.folder, 2, PROGRAM))
    monkeypatch.undo()
    monkeypatch.setitem(backbones.BACKBONES, "plain", ENTRY)
    assert len(pids) == 4  # two workers, twice
    assert "worker 1 was killed by signal 9; begins again after epoch" in capsys.readouterr().err
    alone = start_run(settings, photos_folder, "one", tmp_path)
    in_one_process(settings, plan, photos_folder, alone)
    for ours, theirs in zip(weights_of(run), weights_of(alone), strict=True):
        np.testing.assert_allclose(ours, theirs, rtol=0, atol=1e-6)
    ours, theirs = curve_of(run), curve_of(alone)
    assert len(ours) == len(theirs) == EPOCHS
    for mine, other in zip(ours, theirs, strict=True):
        assert mine.keys() == other.keys()
        np.testing.assert_allclose(list(mine.values()), list(other.values()), rtol=1e-4, atol=1e-5)
    assert run.curves.is_file()
    assert run.metrics.is_file()
    stated = read_plan(run.plan).workers
    assert (stated.batch, stated.batch_each, stated.steps, stated.seeds) == (8, 4, 3, (0, 1009))


@pytest.mark.no_cover
@pytest.mark.slow
def test_two_devices_of_one_machine_equal_one(settings, photos_folder, tmp_path):
    two = start_run(settings, photos_folder, "two", tmp_path)
    program = str(Path(__file__).parent / "mirrored.py")
    subprocess.run([sys.executable, program, str(two.folder), str(photos_folder)], check=True, capture_output=True)
    alone = start_run(settings, photos_folder, "one", tmp_path)
    device = start(settings.training)
    photos = read_photos(photos_folder, settings)
    Trainer(alone, settings.training, TrackerTask(settings, RunPlan(("face",)), photos), device).go()
    for ours, theirs in zip(weights_of(two), weights_of(alone), strict=True):
        np.testing.assert_allclose(ours, theirs, rtol=0, atol=1e-6)
    for mine, other in zip(curve_of(two), curve_of(alone), strict=True):
        np.testing.assert_allclose(list(mine.values()), list(other.values()), rtol=1e-4, atol=1e-5)


def test_what_is_stated_about_the_shares(photos_folder, tmp_path):
    changes = ["several.workers=3", "data.batch_size=6", "several.scale_batch=true", "training.samples_per_epoch=null"]
    settings = load_settings("nano", changes)
    several = plan_shares(settings, photos_folder).workers
    assert (several.batch, several.batch_each, several.steps) == (18, 6, 2)
    assert several.learning_rate == pytest.approx(3 * settings.training.learning_rate)
    assert len(set(several.seeds)) == 3
    own = own_settings(settings, several, Share(2, 3))
    assert (own.data.batch_size, own.training.seed) == (6, several.seeds[2])
    assert own.training.samples_per_epoch == 12


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ("data.batch_size=7", r"cannot be divided among 2 workers\. --set data\.batch_size=8"),
        ("training.clip_norm=1", r"clip_norm.*--set training\.clip_norm=null"),
    ],
)
def test_what_several_workers_cannot_do_is_said_before_they_start(photos_folder, change, message):
    with pytest.raises(FaceTrackerError, match=message):
        plan_shares(load_settings("nano", ["several.workers=2", change]), photos_folder)


def test_a_run_that_never_gets_on_is_given_up(settings, photos_folder, tmp_path):
    run = start_run(settings, photos_folder, "lost", tmp_path)
    starts: list[int] = []

    def lose() -> str:
        starts.append(1)
        return "worker 0 ended with status 1"

    with pytest.raises(FaceTrackerError, match=r"lost 3 times without finishing an epoch \(worker 0 ended"):
        supervise(run, settings, lose)
    assert len(starts) == ATTEMPTS


def test_a_mistake_is_shown_and_not_tried_again(settings, photos_folder, tmp_path):
    run = start_run(settings, photos_folder, "wrong", tmp_path)

    def stumble() -> None:
        (run.folder / "mistake.txt").write_text("data: holds no photos. Collect some.")

    with pytest.raises(FaceTrackerError, match=r"^data: holds no photos\. Collect some\.$"):
        supervise(run, settings, stumble)


def test_what_the_chief_says_is_heard(settings, photos_folder, tmp_path, capsys):
    run = start_run(settings, photos_folder, "loud", tmp_path)

    def speak() -> None:
        (run.folder / "train.log").write_text("epoch 1/1: done\n")

    supervise(run, settings, speak)
    assert capsys.readouterr().out == "epoch 1/1: done\n"


def test_who_a_process_is_stands_in_tf_config(monkeypatch):
    monkeypatch.delenv("TF_CONFIG", raising=False)
    assert here() == Share(0, 1)
    config = {"cluster": {"worker": ["a:1", "b:1"]}, "task": {"type": "worker", "index": 1}}
    monkeypatch.setenv("TF_CONFIG", json.dumps(config))
    assert here() == Share(1, 2)
    assert not here().chief
    monkeypatch.setenv("TF_CONFIG", "{")
    with pytest.raises(FaceTrackerError, match="TF_CONFIG is not readable"):
        here()


@pytest.mark.parametrize("of", [1, 2, 3])
def test_shares_are_everything_once(of):
    shares = [Share(number, of) for number in range(of)]
    assert sorted(thing for share in shares for thing in share.take(range(10))) == list(range(10))
    assert all([share.owns(number) for share in shares].count(True) == 1 for number in range(10))
