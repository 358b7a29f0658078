"""Small networks with known answers, for tests: they find squares of pure green (class 0) and pure red (class 1).

The same weights as ONNX (built by hand, at once) and as Keras, from which LiteRT files are made (slow: TensorFlow).
A cell's score is the mean over it of how green it is; its box reaches `REACH` strides from its centre.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper

from facetracker.inference.card import CARD_KEY, Card

REACH = 1.5
GREEN = (0, 255, 0)  # BGR
RED = (0, 0, 255)


def colour_weights(classes: int) -> np.ndarray:
    """(classes, 3) weights on RGB: how green, how red; sigmoid(10 * (x - 0.5))."""
    rows = np.array([[-1.0, 1.0, -1.0], [1.0, -1.0, -1.0]], np.float32)[:classes]
    return rows * 10 / 255


def dense_card(classes: int = 1, **changes) -> Card:
    names = ["face", "no_mask"][:classes]
    return Card(
        **{"classes": names, "image_size": 128, "head": "dense", "threshold": 0.6, "iou_threshold": 0.1, **changes}
    )


def write_dense_onnx(
    path: Path, classes: int = 1, size: tuple[int, int] | None = None, batch: int | None = None, **card
) -> Path:
    """A dense network as ONNX; `size` (height, width) and `batch` bind it, None leaves them open."""
    height, width = size or ("height", "width")
    nodes = [
        helper.make_node("Cast", ["picture"], ["float"], to=TensorProto.FLOAT),
        helper.make_node("Transpose", ["float"], ["nchw"], perm=[0, 3, 1, 2]),
        helper.make_node("Conv", ["nchw", "weights", "bias"], ["colour"]),
    ]
    values = [
        numpy_helper.from_array(colour_weights(classes)[:, :, None, None], "weights"),
        numpy_helper.from_array(np.full(classes, -5.0, np.float32), "bias"),
        numpy_helper.from_array(np.zeros((4, classes, 1, 1), np.float32), "zeros"),
        numpy_helper.from_array(np.full(4, REACH, np.float32), "reach"),
        numpy_helper.from_array(np.array([0, -1, classes]), "score_shape"),
        numpy_helper.from_array(np.array([0, -1, 4]), "offset_shape"),
    ]
    for stride in (8, 16, 32):
        pool, s = f"pool{stride}", str(stride)
        nodes += [
            helper.make_node("AveragePool", ["colour"], [pool], kernel_shape=[stride] * 2, strides=[stride] * 2),
            helper.make_node("Sigmoid", [pool], [f"sigmoid{s}"]),
            helper.make_node("Transpose", [f"sigmoid{s}"], [f"nhwc{s}"], perm=[0, 2, 3, 1]),
            helper.make_node("Reshape", [f"nhwc{s}", "score_shape"], [f"scores{s}"]),
            helper.make_node("Conv", [pool, "zeros", "reach"], [f"reach{s}"]),
            helper.make_node("Transpose", [f"reach{s}"], [f"reachnhwc{s}"], perm=[0, 2, 3, 1]),
            helper.make_node("Reshape", [f"reachnhwc{s}", "offset_shape"], [f"offsets{s}"]),
        ]
    for name in ("scores", "offsets"):
        nodes.append(helper.make_node("Concat", [f"{name}{s}" for s in (8, 16, 32)], [name], axis=1))
    graph = helper.make_graph(
        nodes,
        "dense",
        [helper.make_tensor_value_info("picture", TensorProto.UINT8, [batch or "batch", height, width, 3])],
        [
            helper.make_tensor_value_info("offsets", TensorProto.FLOAT, [batch or "batch", "cells", 4]),
            helper.make_tensor_value_info("scores", TensorProto.FLOAT, [batch or "batch", "cells", classes]),
        ],
        values,
    )
    return _save(graph, path, dense_card(classes, **card))


def write_single_onnx(path: Path, size: int = 64, **card) -> Path:
    """A single-head network as ONNX: class score = how green the picture is; box always the middle half."""
    nodes = [
        helper.make_node("Cast", ["picture"], ["float"], to=TensorProto.FLOAT),
        helper.make_node("ReduceMean", ["float", "axes"], ["mean"], keepdims=0),
        helper.make_node("MatMul", ["mean", "weights"], ["colour"]),
        helper.make_node("Add", ["colour", "shift"], ["logit"]),
        helper.make_node("Sigmoid", ["logit"], ["output_1"]),
        helper.make_node("MatMul", ["mean", "zeros"], ["nothing"]),
        helper.make_node("Add", ["nothing", "middle"], ["output_0"]),
    ]
    values = [
        numpy_helper.from_array(np.array([1, 2]), "axes"),
        numpy_helper.from_array(colour_weights(1).T.copy(), "weights"),
        numpy_helper.from_array(np.array([-5.0], np.float32), "shift"),
        numpy_helper.from_array(np.zeros((3, 4), np.float32), "zeros"),
        numpy_helper.from_array(np.array([0.25, 0.25, 0.75, 0.75], np.float32), "middle"),
    ]
    graph = helper.make_graph(
        nodes,
        "single",
        [helper.make_tensor_value_info("picture", TensorProto.UINT8, ["batch", size, size, 3])],
        [
            helper.make_tensor_value_info("output_0", TensorProto.FLOAT, ["batch", 4]),
            helper.make_tensor_value_info("output_1", TensorProto.FLOAT, ["batch", 1]),
        ],
        values,
    )
    return _save(graph, path, Card(**{"classes": ["face"], "image_size": size, "head": "single", **card}))


def _save(graph, path: Path, card: Card | None) -> Path:
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 18)], ir_version=10)
    if card is not None:
        helper.set_model_props(model, {CARD_KEY: card.to_text()})
    onnx.checker.check_model(model)
    onnx.save(model, str(path))
    return path


def write_openvino(path: Path, source: Path, card: Card) -> Path:
    """The network of an ONNX file as OpenVINO `.xml` + `.bin` with its card beside it."""
    from facetracker.private import mute_openvino

    mute_openvino()
    import openvino

    openvino.save_model(openvino.convert_model(str(source)), str(path), compress_to_fp16=False)
    card.write_beside(path)
    return path


def write_dense_tflite(path: Path, size: tuple[int, int] | None = None, classes: int = 1, **card) -> Path:
    """The dense network as LiteRT by way of Keras; run in a process of its own, it brings TensorFlow in."""
    import keras

    height, width = size or (None, None)
    picture = keras.Input((height, width, 3), dtype="uint8")
    floats = keras.layers.Rescaling(1.0)(picture)
    colour = keras.layers.Conv2D(classes, 1, name="colour")
    seen = colour(floats)
    scores, offsets = [], []
    for stride in (8, 16, 32):
        pooled = keras.layers.AveragePooling2D(stride)(seen)
        reach = keras.layers.Conv2D(
            4, 1, kernel_initializer="zeros", bias_initializer=keras.initializers.Constant(REACH)
        )(pooled)
        scores.append(keras.layers.Reshape((-1, classes))(keras.layers.Activation("sigmoid")(pooled)))
        offsets.append(keras.layers.Reshape((-1, 4))(reach))
    outputs = {"scores": keras.layers.Concatenate(1)(scores), "offsets": keras.layers.Concatenate(1)(offsets)}
    model = keras.Model(picture, outputs)
    colour.set_weights([colour_weights(classes).T[None, None], np.full(classes, -5.0, np.float32)])
    model.export(str(path), format="litert", verbose=False)
    dense_card(classes, **card).write_beside(path)
    return path
