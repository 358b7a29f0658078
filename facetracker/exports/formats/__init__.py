"""The formats: one file each, one entry each."""

from facetracker.exports.formats.base import Format, Precision
from facetracker.exports.formats.h5 import H5
from facetracker.exports.formats.onnx import ONNX
from facetracker.exports.formats.openvino import OPENVINO
from facetracker.exports.formats.saved_model import SAVED_MODEL
from facetracker.exports.formats.tflite import TFLITE

FORMATS = {entry.name: entry for entry in (ONNX, TFLITE, OPENVINO, SAVED_MODEL, H5)}

__all__ = ["FORMATS", "Format", "Precision"]
