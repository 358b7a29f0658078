"""Training the boxes alone: another idea of a box is learnt, and what is found stays as it was."""

from __future__ import annotations

import numpy as np
import pytest

from facetracker.errors import FaceTrackerError
from facetracker.model.loading import load_model
from facetracker.training.fit import train


def answers(path, pictures) -> dict[str, np.ndarray]:
    outputs = load_model(path)(pictures, training=False)
    return {name: np.asarray(values) for name, values in outputs.items()}


def test_scores_stay_and_boxes_move_also_when_resumed(photos_folder, tiny_preset, tmp_path, pool):
    pictures = pool.pictures[:6]
    changes = ["model.head=dense", "training.boxes_only=true", "training.ema=0.5", "training.epochs=1"]
    run = train(photos_folder, tiny_preset, changes, name="boxes", runs=tmp_path)
    before = answers(run / "last.keras", pictures)
    train(photos_folder, tiny_preset, ["training.epochs=3"], name="boxes", resume=True, runs=tmp_path)
    after = answers(run / "last.keras", pictures)
    np.testing.assert_array_equal(after["scores"], before["scores"])
    assert np.abs(after["offsets"] - before["offsets"]).max() > 1e-3


def test_a_single_head_has_no_boxes_alone(photos_folder, tiny_preset, tmp_path):
    with pytest.raises(FaceTrackerError, match=r"model\.head=dense"):
        train(photos_folder, tiny_preset, ["training.boxes_only=true"], runs=tmp_path)
