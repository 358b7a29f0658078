"""Fine-tuning that leaves a part of what the first weights know as it is, bit by bit."""

from __future__ import annotations

import numpy as np
import pytest

from facetracker.core.errors import FaceTrackerError
from facetracker.core.settings import load_settings, read_settings
from facetracker.data.pool import Pool
from facetracker.models import FaceTracker
from facetracker.models.backbones import preprocess
from facetracker.models.familiarity import Familiarity
from facetracker.models.heads.dense import cells
from facetracker.models.loading import load_model
from facetracker.scenes import photo
from facetracker.training.familiar import keep_of
from facetracker.training.fit import train

SHORT = ("model.image_size=64", "training.samples_per_epoch=64", "training.warmup_epochs=0", "data.batch_size=8")


def answers(path, pictures) -> dict[str, np.ndarray]:
    outputs = load_model(path)(pictures, training=False)
    return {name: np.asarray(values) for name, values in outputs.items()}


@pytest.fixture
def before_and_after(photos_folder, tiny_preset, tmp_path, pool):
    """A function that trains one epoch, stops and resumes for two more: the answers then, and at the end."""

    def run(keep: str) -> tuple[dict[str, np.ndarray], dict[str, np.ndarray]]:
        changes = ["model.head=dense", f"training.keep={keep}", "training.ema=0.5", "training.epochs=1"]
        folder = train(photos_folder, tiny_preset, changes, name="kept", runs=tmp_path)
        before = answers(folder / "last.keras", pool.pictures[:6])
        train(photos_folder, tiny_preset, ["training.epochs=3"], name="kept", resume=True, runs=tmp_path)
        return before, answers(folder / "last.keras", pool.pictures[:6])

    return run


@pytest.mark.slow
def test_what_is_found_stays_and_boxes_move(before_and_after):
    before, after = before_and_after("finding")
    np.testing.assert_array_equal(after["scores"], before["scores"])
    assert np.abs(after["offsets"] - before["offsets"]).max() > 1e-3


@pytest.mark.slow
def test_small_faces_stay_and_large_ones_are_learnt(before_and_after, pool):
    before, after = before_and_after("small_faces")
    fine = np.asarray(cells(*pool.pictures.shape[1:3])[1])[:, 0] == 8
    for name in ("scores", "offsets"):
        np.testing.assert_array_equal(after[name][:, fine], before[name][:, fine])
        # In logarithms: an untrained network's scores are all near 0.01.
        moved = np.log(after[name][:, ~fine]) - np.log(before[name][:, ~fine])
        assert np.abs(moved).max() > 1e-3


def test_a_single_head_has_nothing_apart(photos_folder, tiny_preset, tmp_path):
    with pytest.raises(FaceTrackerError, match=r"model\.head=dense"):
        train(photos_folder, tiny_preset, ["training.keep=finding"], runs=tmp_path)


@pytest.fixture(scope="module")
def learnt(photos_folder, tmp_path_factory):
    """A run of the preset nano on drawn photos, two epochs in two goes."""
    runs = tmp_path_factory.mktemp("runs")
    train(photos_folder, "nano", [*SHORT, "training.epochs=1"], name="mine", runs=runs)
    return train(photos_folder, "nano", ["training.epochs=2"], name="mine", resume=True, runs=runs)


@pytest.mark.slow
def test_what_is_unlike_the_photos_is_answered_by_the_starter(learnt):
    assert read_settings(learnt / "config.yaml").training.keep == "unfamiliar"
    rooms = np.stack([photo(5, number, width=192, height=192).picture for number in range(12)])
    starter = FaceTracker("nano", "dense", image_size=64, weights="starter", second_look=True)(rooms)
    mine = load_model(learnt / "model.keras")
    trained = mine.head(mine.backbone(preprocess(rooms, mine.how_preprocessed), training=False))
    for name, values in mine(rooms).items():
        moved, could_move = (np.abs(each - starter[name]) for each in (values, trained[name]))
        assert np.max(could_move) > 0.03
        # The rooms are drawn by the same hand as the photos, so they are a few hundredths familiar.
        assert np.all(moved <= 0.15 * could_move + 1e-4)
        if name == "scores":
            assert np.max(moved) <= 0.05


@pytest.mark.slow
def test_what_is_like_them_is_answered_anew(learnt, pool):
    starter = FaceTracker("nano", "dense", image_size=64, weights="starter")(pool.pictures)
    mine = answers(learnt / "model.keras", pool.pictures)
    assert np.abs(mine["scores"] - starter["scores"]).max() > 0.1
    familiar = load_model(learnt / "model.keras").familiarity
    assert float(familiar.steepness) > 1


@pytest.mark.parametrize(
    ("changes", "classes", "kept"),
    [
        ((), ["face"], "unfamiliar"),
        ((), ["with_mask", "without_mask"], "nothing"),
        (("model.weights=none",), ["face"], "nothing"),
        (("training.keep=finding",), ["face"], "finding"),
        (("training.keep=nothing",), ["face"], "nothing"),
    ],
)
def test_what_auto_stands_for(changes, classes, kept, pool):
    assert keep_of(load_settings("nano", changes), classes, pool) == kept


def test_photos_as_varied_as_anybodys_train_the_whole_network(pool, monkeypatch, capsys):
    monkeypatch.setattr(Familiarity, "learn", lambda self, means: False)
    assert keep_of(load_settings("nano"), ["face"], pool) == "nothing"
    assert "as varied as anybody's" in capsys.readouterr().out


@pytest.mark.parametrize(("changes", "whole"), [(("model.weights=none",), True), ((), False)])
def test_the_unfamiliar_needs_the_starter_and_one_worker(changes, whole, pool: Pool):
    settings = load_settings("nano", ["training.keep=unfamiliar", *changes])
    with pytest.raises(FaceTrackerError, match=r"training\.keep=nothing"):
        keep_of(settings, ["face"], pool if whole else None)
