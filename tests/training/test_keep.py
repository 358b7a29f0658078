"""Fine-tuning that leaves a part of what the first weights know as it is, bit by bit."""

from __future__ import annotations

import numpy as np
import pytest

from facetracker.errors import FaceTrackerError
from facetracker.model.heads.dense import cells
from facetracker.model.loading import load_model
from facetracker.training.fit import train


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


def test_what_is_found_stays_and_boxes_move(before_and_after):
    before, after = before_and_after("finding")
    np.testing.assert_array_equal(after["scores"], before["scores"])
    assert np.abs(after["offsets"] - before["offsets"]).max() > 1e-3


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
