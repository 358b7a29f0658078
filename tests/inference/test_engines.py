"""Every engine gives the same numbers for the same network, and says clearly what it cannot read."""

from __future__ import annotations

import shutil

import networks
import numpy as np
import onnx
import pytest

from facetracker.core.errors import BadFile, FaceTrackerError
from facetracker.inference.engines import base, open_engine

FILES = ("dense.onnx", "dense.xml", "dense.tflite")


@pytest.fixture(scope="module")
def batch():
    return np.random.default_rng(0).integers(0, 256, (2, 96, 160, 3), np.uint8)


def expected(batch):
    """The network in numpy: a cell's mean colour, weighed and squashed."""
    weights = networks.colour_weights(1)[0]
    scores = []
    for stride in (8, 16, 32):
        count, height, width, _ = batch.shape
        cells = batch.reshape(count, height // stride, stride, width // stride, stride, 3).mean(axis=(2, 4))
        scores.append((1 / (1 + np.exp(5 - cells @ weights))).reshape(count, -1, 1))
    return np.concatenate(scores, axis=1)


@pytest.mark.parametrize("name", FILES)
def test_outputs_are_the_network_s(models, name, batch):
    engine = open_engine(models / name, threads=1)
    outputs = engine.run(batch)
    np.testing.assert_allclose(outputs["scores"], expected(batch), atol=1e-4)
    assert (outputs["offsets"] == networks.REACH).all()
    assert outputs["scores"].dtype == np.float32


@pytest.mark.parametrize("name", FILES)
def test_the_size_may_change_from_call_to_call_and_back(models, name):
    engine = open_engine(models / name)
    assert engine.fixed_size is None
    sizes = [(32 * rows, 64) for rows in (1, 2, 3, 4, 5, 6, 1)]  # more than an engine keeps prepared
    for height, width in sizes:
        batch = np.random.default_rng(height).integers(0, 256, (1, height, width, 3), np.uint8)
        np.testing.assert_allclose(engine.run(batch)["scores"], expected(batch), atol=1e-4)


def test_bound_sizes_are_known_and_other_sizes_refused(models):
    engine = open_engine(models / "bound.onnx")
    assert engine.fixed_size == (96, 128)
    assert engine.fixed_batch == 1


def test_single_outputs_are_named_in_alphabetical_order(models):
    outputs = open_engine(models / "single.onnx").run(np.zeros((1, 64, 64, 3), np.uint8))
    assert outputs["boxes"].tolist() == [[0.25, 0.25, 0.75, 0.75]]
    assert outputs["classes"].shape == (1, 1)


def test_threads_default_to_the_cores_there_are():
    assert 1 <= base.default_threads() <= 4
    assert open_engine  # the default is used by every engine opened without a number


@pytest.mark.parametrize("suffix", [".onnx", ".xml", ".tflite"])
def test_a_damaged_file_is_refused_by_name(tmp_path, suffix):
    path = tmp_path / f"broken{suffix}"
    path.write_bytes(b"this is no model" * 100)
    networks.dense_card().write_beside(path)
    with pytest.raises(BadFile, match=r"broken.*cannot be loaded"):
        open_engine(path)


def test_a_file_without_a_card_is_refused(models, tmp_path):
    model = onnx.load(str(models / "dense.onnx"))
    del model.metadata_props[:]
    onnx.save(model, str(tmp_path / "bare.onnx"))
    shutil.copy(models / "dense.tflite", tmp_path / "bare.tflite")
    for name in ("bare.onnx", "bare.tflite"):
        with pytest.raises(BadFile, match="has no card"):
            open_engine(tmp_path / name)


@pytest.mark.parametrize("name", FILES)
def test_outputs_that_do_not_fit_the_card_are_refused(models, tmp_path, name):
    card = networks.dense_card(2)
    for path in models.glob("dense.*"):
        shutil.copy(path, tmp_path)
    card.write_beside(tmp_path / name)
    if name.endswith(".onnx"):
        networks.write_dense_onnx(tmp_path / name, **{"classes": 1} | {})
        model = onnx.load(str(tmp_path / name))
        onnx.helper.set_model_props(model, {"facetracker_card": card.to_text()})
        onnx.save(model, str(tmp_path / name))
    with pytest.raises(BadFile, match="dense head with 2 classes"):
        open_engine(tmp_path / name).run(np.zeros((1, 64, 64, 3), np.uint8))


def test_a_card_of_another_head_is_refused(models, tmp_path):
    shutil.copy(models / "dense.tflite", tmp_path)
    networks.dense_card(head="single").write_beside(tmp_path / "dense.tflite")
    with pytest.raises(BadFile, match="its card says a single head"):
        open_engine(tmp_path / "dense.tflite").run(np.zeros((1, 64, 64, 3), np.uint8))


def test_no_such_file_and_no_model_file(tmp_path):
    with pytest.raises(FaceTrackerError, match="no such file"):
        open_engine(tmp_path / "none.onnx")
    with pytest.raises(FaceTrackerError, match="no such model"):
        open_engine(tmp_path / "mine")
    (tmp_path / "model.h5").touch()
    with pytest.raises(FaceTrackerError, match=r"is not a model\. A model is a run folder, or a file \(.tflite"):
        open_engine(tmp_path / "model.h5")


def test_a_missing_library_is_named_with_the_way_to_get_it(models, monkeypatch):
    monkeypatch.setattr(base, "find_spec", lambda name: None)
    with pytest.raises(FaceTrackerError, match=r"needs onnxruntime.*pip install"):
        open_engine(models / "dense.onnx")


def test_an_input_of_another_layout_is_refused(tmp_path):
    path = networks.write_dense_onnx(tmp_path / "turned.onnx")
    model = onnx.load(str(path))
    sides = model.graph.input[0].type.tensor_type.shape.dim
    sides[1].dim_value, sides[3].dim_param = 3, "width"
    onnx.save(model, str(path))
    with pytest.raises(BadFile, match=r"not \(batch, height, width, 3\)"):
        open_engine(path)
