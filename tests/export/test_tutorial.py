"""The tutorial's own network, VGG16 at 120x120, with new weights: trained a little, saved, loaded, exported, equal."""

from __future__ import annotations

import pytest

from facetracker.export import export


@pytest.mark.slow
def test_the_tutorials_network_in_three_engines(tmp_path):
    from facetracker.model import FaceTracker

    model = FaceTracker("vgg16", "single", weights="none")
    assert model.count_params() == 16_826_181
    model.save(tmp_path / "facetracker.keras")
    results = export(tmp_path / "facetracker.keras", ["onnx", "tflite", "openvino"])
    assert [result.path.name for result in results] == ["facetracker.onnx", "facetracker.tflite", "facetracker.xml"]
    assert max(result.difference for result in results) <= 1e-4
