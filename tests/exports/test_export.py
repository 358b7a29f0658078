"""Every format, both heads: the same network as in Keras, its card with it, and nothing handed over that is not."""

from __future__ import annotations

import dataclasses
import json
import sys

import numpy as np
import pytest
from typer.testing import CliRunner

from facetracker.cli.export import sort_arguments
from facetracker.cli.main import app
from facetracker.core.errors import FaceTrackerError
from facetracker.exports import export
from facetracker.exports.check import TOLERANCE, difference, drawn_frames, run_in_ones
from facetracker.exports.formats import FORMATS
from facetracker.exports.network import in_float32, load_network
from facetracker.inference.card import CARD_KEY, Card
from facetracker.inference.engines import open_engine
from facetracker.reports.evaluation.engines import find
from facetracker.reports.evaluation.evaluate import judge
from facetracker.reports.evaluation.photos import LabelledPhotos

pytestmark = pytest.mark.slow  # every format of two networks, half a minute of conversion

RUNTIME = ("onnx", "tflite", "openvino")
EVERY = (*RUNTIME, "saved_model", "h5", "html")


def pictures(height=64, width=64, count=2, seed=0):
    return np.random.default_rng(seed).integers(0, 256, (count, height, width, 3), dtype=np.uint8)


def reference(case, batch):
    return {name: np.asarray(array) for name, array in case.model(batch, training=False).items()}


def test_every_format_is_there_and_equal(case):
    assert set(EVERY) == set(FORMATS)
    for name, result in zip(EVERY, case.results(*EVERY), strict=True):
        assert result.format == name
        assert result.fault is None
        assert result.path.exists()
        assert result.difference <= TOLERANCE
        assert result.size > 50_000


@pytest.mark.parametrize("name", RUNTIME)
def test_the_engine_gives_what_the_tracker_in_memory_gives(case, name):
    engine = open_engine(case.file(name))
    batch = pictures()
    found, expected = run_in_ones(engine.run, batch), reference(case, batch)
    assert set(found) == set(expected)
    for output, values in expected.items():
        assert np.abs(values[0] - values[1]).max() > 1e-3  # else everything would be equal to everything
        np.testing.assert_allclose(found[output], values, atol=1e-4, rtol=1e-4)


@pytest.mark.parametrize("name", RUNTIME)
def test_a_dense_head_keeps_its_sizes_open(dense, name):
    engine = open_engine(dense.file(name))
    assert engine.fixed_size is None
    for height, width in ((32, 96), (96, 64)):
        batch = pictures(height, width, count=1)
        expected = reference(dense, batch)
        np.testing.assert_allclose(engine.run(batch)["offsets"], expected["offsets"], atol=1e-4, rtol=1e-4)


def test_a_single_head_keeps_its_square(single):
    for name in RUNTIME:
        assert open_engine(single.file(name)).fixed_size == (64, 64)


def test_several_pictures_at_once(case):
    for name in RUNTIME:
        engine = open_engine(case.file(name))
        assert engine.fixed_batch is None
        batch = pictures(count=3)
        for output, values in reference(case, batch).items():
            np.testing.assert_allclose(engine.run(batch)[output], values, atol=1e-4, rtol=1e-4)


def test_the_card_travels_with_the_file(dense):
    for name in RUNTIME:
        card = open_engine(dense.file(name)).card
        assert (card.classes, card.image_size, card.head, card.precision) == (["bare", "mask"], 64, "dense", "float32")
        assert card.backbone == "tiny"
    for name, reader in (("saved_model", "tensorflow"), ("h5", "keras")):
        beside = json.loads((dense.path.parent / f"{dense.file(name).name}.json").read_text())
        assert beside["classes"] == ["bare", "mask"]
        assert beside["reader"] == reader


def test_onnx_is_valid_and_says_what_is_open(dense):
    import onnx

    model = onnx.load(str(dense.file("onnx")))
    onnx.checker.check_model(model, full_check=True)
    dims = [dim.dim_param for dim in model.graph.input[0].type.tensor_type.shape.dim]
    assert dims[:3] == ["batch", "height", "width"]
    keys = [entry.key for entry in model.metadata_props]
    assert keys.count(CARD_KEY) == 1


def test_saved_and_loaded_is_the_same_to_the_bit(case):
    batch = pictures()
    loaded = load_network(case.path)
    for output, values in reference(case, batch).items():
        np.testing.assert_array_equal(loaded.run(batch)[output], values)


def test_h5_is_what_our_loader_opens_and_what_any_reader_of_hdf5_understands(case):
    import h5py

    from facetracker.models.loading import load_model

    again, batch = load_model(case.file("h5")), pictures()
    for output, values in reference(case, batch).items():
        np.testing.assert_array_equal(np.asarray(again(batch, training=False)[output]), values)
    assert again.classes == case.model.classes
    with h5py.File(case.file("h5"), "r") as file:
        arrays: list[np.ndarray] = []
        file.visititems(lambda _, item: arrays.append(item[()]) if isinstance(item, h5py.Dataset) else None)
    assert sum(array.size for array in arrays) == sum(weight.size for weight in case.model.get_weights())


def test_every_exported_file_can_be_evaluated(dense, snapshots):
    from facetracker.core.example import Example
    from facetracker.labels.collection import Collection

    samples = [Example(snapshots / f"{index}.jpg", 96, 72, [[0.2, 0.2, 0.8, 0.8]], ("bare",)) for index in range(3)]
    paths = [find(path) for path in (dense.path, *(dense.file(name) for name in EVERY if name != "html"))]
    results = judge(paths, LabelledPhotos(Collection(snapshots, samples)), threshold=0.2).models
    engines = ["keras", "onnxruntime", "litert", "openvino", "tensorflow", "keras"]
    assert [result.engine for result in results] == engines
    assert [result.name.partition(".")[2] for result in results][-2:] == ["saved_model", "h5"]
    for result in results[1:]:
        for ours, keras in zip(result.answers, results[0].answers, strict=True):
            np.testing.assert_allclose(np.sort(ours.scores)[-5:], np.sort(keras.scores)[-5:], atol=1e-3)


def test_a_model_that_is_not_there_is_said(tmp_path):
    with pytest.raises(FaceTrackerError, match="no such file"):
        find(tmp_path / "model.h5")


def test_a_difference_is_seen(dense):
    network = load_network(dense.path)
    frames = drawn_frames(1)
    run = open_engine(dense.file("onnx")).run
    assert difference(network, run, frames) <= TOLERANCE
    assert difference(network, lambda batch: {**run(batch), "scores": run(batch)["scores"] + 0.01}, frames) > 0.009
    assert difference(network, lambda batch: {"scores": run(batch)["scores"]}, frames) == float("inf")
    assert difference(network, lambda batch: {**run(batch), "scores": run(batch)["scores"] * np.nan}, frames) == float(
        "inf"
    )


def test_beyond_tolerance_nothing_stays(dense, tmp_path):
    result = export(dense.path, ["onnx"], out=tmp_path, tolerance=0.0)[0]
    assert result.path is None
    assert "differs from Keras" in result.line()
    assert list(tmp_path.iterdir()) == []


def test_a_converter_that_fails_takes_only_its_format_with_it(dense, tmp_path, monkeypatch):
    def write(*_):
        raise RuntimeError("out of luck")

    monkeypatch.setitem(FORMATS, "openvino", dataclasses.replace(FORMATS["openvino"], write=write))
    broken, whole = export(dense.path, ["openvino", "h5"], out=tmp_path)
    assert broken.path is None
    assert "the converter failed (RuntimeError: out of luck)" in broken.line()
    assert whole.path == tmp_path / "model.h5"


def test_openvino_is_an_extra_and_says_so_before_anything_is_written(dense, tmp_path, monkeypatch):
    monkeypatch.setitem(sys.modules, "openvino", None)
    with pytest.raises(FaceTrackerError, match=r"needs openvino.*\[openvino\]"):
        export(dense.path, ["onnx", "openvino"], out=tmp_path)
    assert list(tmp_path.iterdir()) == []


def test_what_is_there_stays_without_force(dense, tmp_path):
    (tmp_path / "model.h5").write_text("precious")
    with pytest.raises(FaceTrackerError, match="is there already"):
        export(dense.path, ["h5"], out=tmp_path)
    assert (tmp_path / "model.h5").read_text() == "precious"
    export(dense.path, ["h5"], out=tmp_path, force=True)
    assert (tmp_path / "model.h5").stat().st_size > 50_000
    assert sorted(path.name for path in tmp_path.iterdir()) == ["model.h5", "model.h5.json"]


def test_a_folder_is_replaced_whole(single, tmp_path):
    old = tmp_path / "model.saved_model"
    old.mkdir()
    (old / "old.txt").write_text("old")
    export(single.path, ["saved_model"], out=tmp_path, force=True)
    assert (old / "saved_model.pb").is_file()
    assert not (old / "old.txt").exists()


def test_a_threshold_for_the_card(single, tmp_path):
    export(single.path, ["h5"], out=tmp_path, threshold=0.35)
    assert Card.read_beside(tmp_path / "model.h5").threshold == 0.35
    with pytest.raises(FaceTrackerError, match="not between 0 and 1"):
        export(single.path, ["h5"], out=tmp_path, threshold=3, force=True)


def test_a_run_folder_names_its_model(single, tmp_path):
    result = export(single.path.parent, ["h5"], out=tmp_path)[0]
    assert result.path == tmp_path / "model.h5"


def test_mixed_precision_does_not_travel():
    from facetracker.models import FaceTracker

    mixed = FaceTracker("tiny", "single", image_size=64, dtype="mixed_float16")
    plain = in_float32(mixed)
    assert plain.dtype_policy.name == "float32"
    for ours, theirs in zip(plain.get_weights(), mixed.get_weights(), strict=True):
        np.testing.assert_array_equal(ours, theirs)


def test_mistakes_of_a_person_name_the_way_out(single, tmp_path):
    for model, to, options, what in (
        (single.path, ["onx"], {}, "Did you mean onnx"),
        (single.path, ["h5"], {"quantize": "int8"}, "int8 is possible with onnx, tflite"),
        (single.path, ["tflite"], {"quantize": "int8"}, "--calibrate FOLDER"),
        (single.path, ["tflite"], {"quantize": "int8", "calibrate": tmp_path / "no"}, "no such folder"),
        (single.path, ["tflite"], {"quantize": "int8", "calibrate": tmp_path}, "holds no readable photo"),
        (tmp_path / "no.keras", ["onnx"], {}, "no such file"),
        (tmp_path, ["onnx"], {}, "holds no model.keras"),
        (single.file("onnx"), ["tflite"], {}, "only a .keras file"),
    ):
        with pytest.raises(FaceTrackerError, match=what):
            export(model, to, out=tmp_path / "out", **options)


def test_the_command(single, tmp_path):
    arguments = ["export", str(single.path), "--to", "h5", "--out", str(tmp_path)]
    run = CliRunner().invoke(app, arguments)
    assert run.exit_code == 0, run.output
    assert "h5: " in run.output
    assert "largest difference to Keras" in run.output


def test_the_command_says_by_its_exit_code_that_a_format_failed(single, tmp_path, monkeypatch):
    monkeypatch.setitem(FORMATS, "h5", dataclasses.replace(FORMATS["h5"], write=lambda *_: 1 / 0))
    run = CliRunner().invoke(app, ["export", str(single.path), "--to", "h5", "--out", str(tmp_path)])
    assert run.exit_code == 3
    assert "h5: removed, the converter failed (ZeroDivisionError" in run.output


def test_formats_after_the_option_in_any_order():
    assert sort_arguments(["m.keras", "tflite"], ["onnx"]) == ("m.keras", ["onnx", "tflite"])
    assert sort_arguments(["tflite", "m.keras"], ["onnx"]) == ("m.keras", ["onnx", "tflite"])
    assert sort_arguments(["m.keras"], []) == ("m.keras", ["onnx"])
    assert sort_arguments(["onnx"], []) == ("onnx", ["onnx"])  # a folder may have that name
    for arguments, to, what in (
        (["m.keras", "tflit"], ["onnx"], "Did you mean tflite"),
        (["a.keras", "b.keras"], [], "one model at a time"),
        (["tflite"], ["onnx"], "no model is named"),
    ):
        with pytest.raises(FaceTrackerError, match=what):
            sort_arguments(arguments, to)
