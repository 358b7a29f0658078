"""LiteRT (`.tflite`), the card in a JSON beside it; float16 and full int8 by TensorFlow's converter."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from facetracker.core.errors import FaceTrackerError
from facetracker.core.photo import Picture
from facetracker.exports.formats.base import Format, load_with_engine
from facetracker.exports.network import Exportable
from facetracker.inference.card import Card


def write(network: Exportable, path: Path, card: Card, pictures: Sequence[Picture]) -> None:
    """Write the `.tflite` file in the card's precision, and the card beside it."""
    path.write_bytes(converted(network, card, pictures))
    card.write_beside(path)


def converted(network: Exportable, card: Card, pictures: Sequence[Picture]) -> bytes:
    """The bytes of a file in the card's precision.

    int8 takes uint8 pictures as they are: its input scale must come out as exactly 1, so the calibration sees black
    and white beside the photos.
    """
    import tensorflow as tf

    if card.precision == "int8" and not pictures:
        raise FaceTrackerError("int8 needs photos to calibrate with", fix="Pass --calibrate FOLDER.")
    with tempfile.TemporaryDirectory() as folder:
        _save(network.graph("float32" if card.precision == "int8" else "uint8"), folder)
        converter = tf.lite.TFLiteConverter.from_saved_model(folder)
        if card.precision != "float32":
            converter.optimizations = [tf.lite.Optimize.DEFAULT]
        if card.precision == "float16":
            converter.target_spec.supported_types = [tf.float16]
        elif card.precision == "int8":
            converter.representative_dataset = lambda: _representative(pictures)
            converter.target_spec.supported_ops = [tf.lite.OpsSet.TFLITE_BUILTINS_INT8]
            converter.inference_input_type = tf.uint8
            converter.inference_output_type = tf.float32
        return converter.convert()


def _save(graph: Any, folder: str) -> None:
    """A SavedModel, whose signature keeps the names of the outputs.

    Keras's own export hangs every layer into it and traces each several times: 9 seconds for a file that takes 4 so.
    """
    import tensorflow as tf

    source = graph.inputs[0]
    traced = tf.function(lambda pictures: graph(pictures, training=False), autograph=False)
    module = tf.Module()
    module.weights = [variable.value for variable in graph.variables]
    signature = traced.get_concrete_function(tf.TensorSpec(source.shape, source.dtype, name=source.name))
    tf.saved_model.save(module, folder, signatures={"serving_default": signature})


def _representative(pictures: Sequence[Picture]) -> Iterator[list[np.ndarray]]:
    for picture in pictures:
        yield [picture[None].astype(np.float32)]
    extreme = np.zeros_like(pictures[0], np.float32)
    extreme[:, : pictures[0].shape[1] // 2] = 255.0
    yield [extreme[None]]


TFLITE = Format("tflite", ".tflite", write, load_with_engine, ("float32", "float16", "int8"))
