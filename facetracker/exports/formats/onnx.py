"""ONNX: one file with the card in its metadata; int8 by ONNX Runtime's static quantization."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from facetracker.core.errors import FaceTrackerError
from facetracker.core.photo import Picture
from facetracker.exports.formats.base import Format, load_with_engine
from facetracker.exports.network import Exportable
from facetracker.inference.card import CARD_KEY, Card


def write(network: Exportable, path: Path, card: Card, pictures: Sequence[Picture]) -> None:
    """Write the ONNX file, quantized when the card says int8."""
    import onnx

    network.graph().export(str(path), format="onnx", verbose=False)
    if card.precision == "int8":
        quantize(path, pictures)
    model = onnx.load(str(path))
    _name_open_sizes(model)
    model.producer_name, model.producer_version = "facetracker", card.version
    entry = model.metadata_props.add()
    entry.key, entry.value = CARD_KEY, card.to_text()
    onnx.checker.check_model(model)
    onnx.save(model, str(path))


def _name_open_sizes(model: Any) -> None:
    """`batch`, `height`, `width` instead of the converter's `unk__17`."""
    outputs = [(output, ("batch", "cells")) for output in model.graph.output]
    for value, names in ((model.graph.input[0], ("batch", "height", "width")), *outputs):
        for dim, name in zip(value.type.tensor_type.shape.dim, names, strict=False):
            if not dim.dim_value:
                dim.dim_param = name


def quantize(path: Path, pictures: Sequence[Picture]) -> None:
    """Weights and activations to int8, in place, all but the last steps to scores and distances.

    Those steps are exponentials: eight bits over their whole range would round a small face's box to whole cells.
    """
    import onnx
    from onnxruntime.quantization import CalibrationDataReader, QuantFormat, QuantType, quantize_static
    from onnxruntime.quantization.shape_inference import quant_pre_process

    class Reader(CalibrationDataReader):
        def __init__(self) -> None:
            self.rows: Iterator[Picture] = iter(pictures)

        def get_next(self) -> dict[str, Picture] | None:
            picture = next(self.rows, None)
            return None if picture is None else {"pictures": picture[None]}

    if not pictures:
        raise FaceTrackerError("int8 needs photos to calibrate with", fix="Pass --calibrate FOLDER.")
    with tempfile.TemporaryDirectory() as folder:
        ready = Path(folder) / "ready.onnx"
        quant_pre_process(str(path), str(ready), skip_symbolic_shape=True)
        quantize_static(
            str(ready),
            str(path),
            Reader(),
            quant_format=QuantFormat.QDQ,
            per_channel=True,
            activation_type=QuantType.QUInt8,
            weight_type=QuantType.QInt8,
            # Weights of seven bits: processors with AVX2 and no VNNI add pairs of products in 16 bits, and with eight
            # bits they overflow. Scores of a test network were off by 0.39 there, and by 0.02 like this.
            reduce_range=True,
            nodes_to_exclude=behind_the_last_convolutions(onnx.load(str(ready))),
        )


def behind_the_last_convolutions(model: Any) -> list[str]:
    """Names of the nodes after which no convolution or matrix product comes: the head's own arithmetic."""
    heavy = {"Conv", "ConvTranspose", "MatMul", "Gemm"}
    feeds: dict[str, list[Any]] = {}
    for node in model.graph.node:
        for name in node.input:
            feeds.setdefault(name, []).append(node)
    leads: dict[str, bool] = {}
    for node in reversed(model.graph.node):  # a graph's nodes stand in the order in which they run
        later = [follower for name in node.output for follower in feeds.get(name, [])]
        leads[node.name] = any(follower.op_type in heavy or leads[follower.name] for follower in later)
    return [node.name for node in model.graph.node if not leads[node.name] and node.op_type not in heavy]


ONNX = Format("onnx", ".onnx", write, load_with_engine, ("float32", "int8"))
