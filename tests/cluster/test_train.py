"""Ray Train starts the workers of a training, tells them who they are, and says when one is lost."""

from __future__ import annotations

import os

import pytest

from facetracker.training.launch import on_ray
from tests.cluster.deeds import note_who


# On two cores it takes two minutes, most of them to import TensorFlow in five processes: too long for every run of CI.
@pytest.mark.skipif("FACETRACKER_RAY_TRAIN" not in os.environ, reason="two minutes: set FACETRACKER_RAY_TRAIN=1")
@pytest.mark.cluster
@pytest.mark.slow
def test_ray_train_starts_the_workers_and_notices_a_loss(ray, tmp_path):
    assert on_ray(tmp_path, 2, note_who) is None
    assert [path.read_text() for path in sorted(tmp_path.glob("who-*.txt"))] == ["2", "2"]
    (tmp_path / "die").touch()
    assert str(on_ray(tmp_path, 2, note_who)).startswith("a worker was lost")
