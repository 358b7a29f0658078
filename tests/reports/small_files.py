"""Model files and photos small enough for a test: real files, run by the real engine."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from facetracker import scenes
from facetracker.core.boxes import as_boxes
from facetracker.core.example import Example
from facetracker.core.photo import write_jpeg
from facetracker.inference.card import CARD_KEY, Card
from facetracker.labels.labelme import write_labels


def constant_model(path: Path, box=(0.25, 0.25, 0.75, 0.75), scores=(0.9,), classes=("face",)) -> Path:
    """An ONNX file of a single head that finds the same box in every picture."""
    import onnx
    from onnx import TensorProto, helper, numpy_helper

    card = Card(classes=list(classes), image_size=64, head="single")
    values = {"boxes": np.array([box], np.float32), "classes": np.array([scores], np.float32)}
    graph = helper.make_graph(
        [
            # The picture takes part, weighted with nothing: a graph that ignores its input is not run by every engine.
            helper.make_node("Cast", ["pictures"], ["floats"], to=TensorProto.FLOAT),
            helper.make_node("ReduceMean", ["floats"], ["mean"], keepdims=0),
            helper.make_node("Mul", ["mean", "nothing"], ["zero"]),
            *(helper.make_node("Add", ["zero", f"{name}_value"], [name]) for name in values),
        ],
        "constant",
        [helper.make_tensor_value_info("pictures", TensorProto.UINT8, ["batch", 64, 64, 3])],
        [helper.make_tensor_value_info(name, TensorProto.FLOAT, [1, array.shape[1]]) for name, array in values.items()],
        [
            numpy_helper.from_array(np.zeros((), np.float32), "nothing"),
            *(numpy_helper.from_array(array, f"{name}_value") for name, array in values.items()),
        ],
    )
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 13)], ir_version=8)
    entry = model.metadata_props.add()
    entry.key, entry.value = CARD_KEY, card.to_text()
    onnx.save(model, str(path))
    return path


def labelled_photo(images: Path, stem: str, boxes=((0.25, 0.25, 0.75, 0.75),), labels=None, index: int = 0) -> Path:
    """A square drawn photo in `images` with its label file in `labels` beside it."""
    picture = scenes.photo(1, index, width=64, height=64, faces=1).picture
    path = write_jpeg(images / f"{stem}.jpg", picture)
    labels = ("face",) * len(boxes) if labels is None else labels
    write_labels(images.parent / "labels" / f"{stem}.json", Example(path, 64, 64, as_boxes(boxes), labels))
    return path
