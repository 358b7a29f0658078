"""A fine-tuned tracker finds everybody else as before. The bar: 3 points of AP; the real photos, a short training."""

from __future__ import annotations

import sys
from pathlib import Path

import numpy as np
import pytest

from facetracker.core.console import silenced
from facetracker.data.augment.augment import augment
from facetracker.inference.detector import Detector
from facetracker.models import FaceTracker
from facetracker.models.loading import load_model
from facetracker.reports.evaluation.photos import labelled_photos
from facetracker.training.fit import train

ROOT = Path(__file__).parents[2]
sys.path[:0] = [str(ROOT / "benchmarks"), str(ROOT / "scripts" / "starter")]
from forgetting import FAINTEST, GENERAL_SIDE, InMemory, ap40, judge, mean_iou  # noqa: E402
from photos import read_rows, split_photos  # noqa: E402

MOST = 120  # photos of other people
SHORT = ("training.epochs=8", "training.samples_per_epoch=256")


@pytest.mark.shared
@pytest.mark.slow
def test_one_persons_photos_cost_nobody_else(shared, tmp_path):
    with silenced():
        augment(shared / "data" / "webcam", tmp_path / "aug", variants=8, workers=1)
        run = train(tmp_path / "aug", "nano", SHORT, name="mine", runs=tmp_path)
    mine, starter = load_model(run / "model.keras"), FaceTracker("nano", "dense", weights="starter", image_size=192)
    faces = shared / "data" / "faces"
    held_out = sorted(name for name, part in split_photos(faces, read_rows(faces)).items() if part == "test")
    everybody = labelled_photos(faces).only(set(np.random.default_rng(0).permutation(held_out)[:MOST]))
    own = labelled_photos(shared / "data" / "webcam", "test")

    def of(model, photos, side):
        return judge(Detector(InMemory(model), FAINTEST, image_size=side), photos)

    assert ap40(of(mine, everybody, GENERAL_SIDE)) >= ap40(of(starter, everybody, GENERAL_SIDE)) - 0.03
    # Not because nothing was learnt:
    before, after = (mean_iou(of(model, own, 192), 0.5) for model in (starter, mine))
    assert after >= before + 0.25
