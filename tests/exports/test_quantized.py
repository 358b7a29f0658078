"""float16 and int8: smaller, close to Keras, and thrown away when they cost too much AP."""

from __future__ import annotations

import numpy as np
import pytest

from facetracker.core.errors import FaceTrackerError
from facetracker.core.example import Example
from facetracker.core.photo import read_picture, write_jpeg
from facetracker.exports import export, exporting
from facetracker.exports.calibrate import Loss, calibration_frames, loss_of_ap
from facetracker.exports.check import inputs, run_in_ones
from facetracker.exports.formats.onnx import behind_the_last_convolutions
from facetracker.inference.engines import open_engine
from facetracker.labels.labelme import write_labels

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def small(dense, snapshots, tmp_path_factory):
    """The dense tracker as int8 for both engines, and as float16."""
    folder = tmp_path_factory.mktemp("small")
    results = export(dense.path, ["onnx", "tflite"], folder, quantize="int8", calibrate=snapshots)
    results += export(dense.path, ["tflite"], folder, quantize="float16")
    return {path.name: result for result in results for path in [result.path]}


def test_names_say_what_they_are(small):
    assert sorted(small) == ["model.float16.tflite", "model.int8.onnx", "model.int8.tflite"]
    for result in small.values():
        assert open_engine(result.path).card.precision == result.precision


def test_they_are_smaller_and_close_to_keras(small, dense, snapshots):
    # On what int8 was calibrated for: in noise a steep cell of random weights may jump.
    batch = inputs([read_picture(snapshots / f"{index}.jpg") for index in range(6)], 64, 64)
    expected = np.asarray(dense.model(batch, training=False)["scores"])
    assert np.ptp(expected) > 0.3
    for name, limit in (("model.int8.onnx", 0.06), ("model.int8.tflite", 0.06), ("model.float16.tflite", 0.003)):
        (whole,) = dense.results("onnx" if name.endswith("onnx") else "tflite")
        assert small[name].size < 0.75 * whole.size
        found = run_in_ones(open_engine(small[name].path).run, batch)
        assert np.abs(found["scores"] - expected).max() < limit
        assert 0 < small[name].difference < 0.2


def test_int8_takes_pictures_as_they_are(small):
    from ai_edge_litert.interpreter import Interpreter

    source = Interpreter(str(small["model.int8.tflite"].path)).get_input_details()[0]
    assert source["dtype"] is np.uint8
    assert source["quantization"] == (pytest.approx(1.0), 0)


def test_eight_bits_stop_before_the_heads_arithmetic(small):
    import onnx

    model = onnx.load(str(small["model.int8.onnx"].path))
    assert sum(node.op_type == "QuantizeLinear" for node in model.graph.node) > 10
    made = {name: node for node in model.graph.node for name in node.output}
    for node in model.graph.node:
        if node.op_type in ("Exp", "Sigmoid"):
            assert made[node.input[0]].op_type != "DequantizeLinear" or "conv" in node.name.lower()
    assert behind_the_last_convolutions(model)


def test_the_loss_of_ap_is_measured_without_labels_against_keras(small):
    loss = small["model.int8.tflite"].loss
    assert loss.truth == "what Keras finds"
    assert loss.photos == 6
    assert "AP50" in small["model.int8.tflite"].line()
    assert small["model.float16.tflite"].loss is None  # no photos were named


def test_the_loss_of_ap_is_measured_on_labels_where_there_are_any(dense, snapshots, tmp_path):
    for index in range(2):
        for part in ("train", "test"):
            photo = tmp_path / part / "images" / f"{part}{index}.jpg"
            write_jpeg(photo, read_picture(snapshots / f"{index}.jpg"))
            sample = Example(photo, 96, 72, [[0.2, 0.2, 0.8, 0.8]], ("bare",))
            write_labels(tmp_path / part / "labels" / f"{part}{index}.json", sample)
    loss = loss_of_ap(dense.path, dense.file("onnx"), tmp_path)
    assert (loss.photos, loss.truth) == (2, "its labels")
    assert loss.lost == pytest.approx(0.0, abs=1e-6)
    assert len(calibration_frames(tmp_path)) == 2  # train alone


def test_a_file_that_loses_too_much_is_removed(dense, snapshots, tmp_path, monkeypatch):
    monkeypatch.setattr(exporting, "loss_of_ap", lambda *_: Loss((0.9, 0.7), (0.9, 0.6), 6, "its labels"))
    result = export(dense.path, ["tflite"], tmp_path, quantize="float16", calibrate=snapshots)[0]
    assert result.path is None
    assert "AP50 0.900 -> 0.900, AP50:95 0.700 -> 0.600" in result.line()
    assert list(tmp_path.iterdir()) == []


def test_what_cannot_be_measured_is_said():
    assert Loss((None, None), (None, None), 4, "its labels").lost is None
    assert "not measured" in Loss((None, None), (None, None), 4, "its labels").line()


def test_frames_are_spread_over_the_folder(snapshots):
    assert len(calibration_frames(snapshots)) == 6  # the broken one is left out
    assert len(calibration_frames(snapshots, most=2)) == 1  # first and last; the last is broken
    with pytest.raises(FaceTrackerError, match="no such folder"):
        calibration_frames(snapshots / "nowhere")
