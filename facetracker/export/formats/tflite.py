"""LiteRT (`.tflite`), the card in a JSON beside it; float16 and full int8 by TensorFlow's converter."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator, Sequence
from pathlib import Path

import numpy as np

from facetracker.errors import FaceTrackerError
from facetracker.export.formats.base import Format, load_with_engine
from facetracker.export.network import Network
from facetracker.pictures import Picture
from facetracker.runtime.card import Card


def write(network: Network, path: Path, card: Card, pictures: Sequence[Picture]) -> None:
    """Write the `.tflite` file in the card's precision, and the card beside it."""
    if card.precision == "float32":
        network.graph().export(str(path), format="litert", verbose=False)
    else:
        path.write_bytes(quantized(network, card, pictures))
    card.write_beside(path)


def quantized(network: Network, card: Card, pictures: Sequence[Picture]) -> bytes:
    """The bytes of a float16 or int8 file.

    int8 takes uint8 pictures as they are: its input scale must come out as exactly 1, so the calibration sees black
    and white beside the photos.
    """
    import tensorflow as tf

    if card.precision == "int8" and not pictures:
        raise FaceTrackerError("int8 needs photos to calibrate with", fix="Pass --calibrate FOLDER.")
    with tempfile.TemporaryDirectory() as folder:
        # Through a SavedModel, because its signature keeps the names of the outputs.
        network.graph("float32" if card.precision == "int8" else "uint8").export(folder, verbose=False)
        converter = tf.lite.TFLiteConverter.from_saved_model(folder)
        converter.optimizations = [tf.lite.Optimize.DEFAULT]
        if card.precision == "float16":
            converter.target_spec.supported_types = [tf.float16]
        else:
            converter.representative_dataset = lambda: _representative(pictures)
            converter.target_spec.supported_ops = [tf.lite.OpsSet.TFLITE_BUILTINS_INT8]
            converter.inference_input_type = tf.uint8
            converter.inference_output_type = tf.float32
        return converter.convert()


def _representative(pictures: Sequence[Picture]) -> Iterator[list[np.ndarray]]:
    for picture in pictures:
        yield [picture[None].astype(np.float32)]
    extreme = np.zeros_like(pictures[0], np.float32)
    extreme[:, : pictures[0].shape[1] // 2] = 255.0
    yield [extreme[None]]


TFLITE = Format("tflite", ".tflite", write, load_with_engine, ("float32", "float16", "int8"))
