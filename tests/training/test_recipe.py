"""The tutorial's own recipe, whole: its preset on drawn scenes, then saved, loaded and exported."""

import csv

import numpy as np
import pytest

from facetracker.core.example import Example
from facetracker.core.letterbox import letterbox
from facetracker.core.photo import write_jpeg
from facetracker.exports import export
from facetracker.labels.labelme import write_labels
from facetracker.models.loading import load_model
from facetracker.scenes import photo
from facetracker.training.fit import train

TUTORIALS_PARAMETERS = 16_826_181


@pytest.fixture(scope="module")
def scenes(tmp_path_factory):
    """Eight drawn photos of 320x240 with at most one face, in `train`, four in `val`."""
    folder = tmp_path_factory.mktemp("scenes")
    for part, seed, count in (("train", 1, 8), ("val", 2, 4)):
        for number in range(count):
            still = photo(seed, number, 320, 240, faces=int(number % 4 > 0))
            file = write_jpeg(folder / part / "images" / f"{part}-{number}.jpg", still.picture)
            label = folder / part / "labels" / f"{part}-{number}.json"
            write_labels(label, Example(file, 320, 240, still.boxes, tuple(still.labels)))
    return folder


@pytest.mark.no_cover
@pytest.mark.slow
def test_the_loss_falls_and_the_saved_loaded_and_exported_networks_agree(scenes, tmp_path):
    folder = train(scenes, "vgg16", ["model.weights=none", "training.epochs=4"], name="tutorial", runs=tmp_path)
    with (folder / "history.csv").open(newline="") as file:
        losses = [float(row["total_loss"]) for row in csv.DictReader(file)]
    assert losses[-1] < 0.9 * losses[0]
    model = load_model(folder / "last.keras")
    assert model.count_params() == TUTORIALS_PARAMETERS
    again = tmp_path / "again.keras"
    model.save(again)
    exported = export(folder / "last.keras", ["onnx", "tflite", "openvino"], tmp_path / "exported")
    assert [result.path.name for result in exported] == ["last.onnx", "last.tflite", "last.xml"]
    assert max(result.difference for result in exported) <= 1e-4
    picture, _ = letterbox(photo(3, 0, 320, 240, faces=1).picture, 120, 120)
    batch = np.ascontiguousarray(picture[None, ..., ::-1])
    expected = {name: np.asarray(value) for name, value in model(batch, training=False).items()}

    from facetracker.inference.engines import open_engine

    for outputs in (load_model(again)(batch, training=False), open_engine(exported[0].path).run(batch)):
        assert set(expected) == set(outputs)
        for name, values in expected.items():
            assert np.asarray(outputs[name]) == pytest.approx(values, abs=1e-4)
