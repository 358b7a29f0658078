"""The same model trains on JAX: nothing in it is TensorFlow's alone."""

from __future__ import annotations

import importlib.util
import os
import subprocess
import sys

import pytest

SCRIPT = """
import keras, numpy as np
from facetracker.models import FaceTracker
assert keras.backend.backend() == "jax"
keras.utils.set_random_seed(0)
x = np.random.default_rng(0).integers(0, 256, (4, 64, 64, 3)).astype("uint8")
boxes = np.zeros((4, 2, 4), "float32"); boxes[:, 0] = (0.2, 0.2, 0.7, 0.8)
classes = np.full((4, 2), -1.0, "float32"); classes[:3, 0] = 0
for head in ("dense", "single"):
    tracker = FaceTracker("nano", head, image_size=64)
    tracker.compile(keras.optimizers.Adam(3e-3))
    logs = tracker.fit(x, {"boxes": boxes, "classes": classes}, batch_size=2, epochs=4, verbose=0).history
    assert logs["total_loss"][-1] < logs["total_loss"][0], logs
    found = tracker.decode(tracker(x))
    assert found[0].shape[0] == 4
print("trained on jax")
"""


@pytest.mark.no_cover
@pytest.mark.slow
@pytest.mark.skipif(importlib.util.find_spec("jax") is None, reason="jax is not installed")
def test_trains_on_jax():
    environment = {**os.environ, "KERAS_BACKEND": "jax", "JAX_PLATFORMS": "cpu"}
    done = subprocess.run([sys.executable, "-c", SCRIPT], env=environment, capture_output=True, text=True, timeout=250)
    assert done.returncode == 0, done.stderr[-2000:]
    assert "trained on jax" in done.stdout
