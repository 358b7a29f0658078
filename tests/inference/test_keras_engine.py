"""A trained `.keras` file as it is: the same boxes as Keras itself gives."""

from __future__ import annotations

import numpy as np
import pytest

keras = pytest.importorskip("keras")


def test_a_keras_file_is_an_engine_too(tmp_path):
    from facetracker.inference.detector import Detector
    from facetracker.models.tracker import FaceTracker

    model = FaceTracker(backbone="nano", head="dense", classes=["mask", "no_mask"], image_size=64)
    model.save(tmp_path / "model.keras")
    detector = Detector.load(tmp_path / "model.keras", threshold=0.0)
    assert (detector.classes, detector.card.head, detector.card.image_size) == (["mask", "no_mask"], "dense", 64)
    batch = np.random.default_rng(0).integers(0, 256, (2, 64, 96, 3), np.uint8)
    # Not `predict`, which some versions of Keras compile with XLA: that rounds otherwise.
    outputs, own = detector.engine.run(batch), model(batch, training=False)
    for name in ("scores", "offsets"):
        np.testing.assert_allclose(outputs[name], np.asarray(own[name]), atol=1e-5)
    assert len(detector.detect(batch[0])) > 0
