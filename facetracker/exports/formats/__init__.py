"""The formats, an entry each."""

from facetracker.exports.formats.base import Format, Precision
from facetracker.exports.formats.html import HTML
from facetracker.exports.formats.onnx import ONNX
from facetracker.exports.formats.plain import H5, OPENVINO, SAVED_MODEL
from facetracker.exports.formats.tflite import TFLITE

FORMATS = {entry.name: entry for entry in (ONNX, TFLITE, OPENVINO, SAVED_MODEL, H5, HTML)}

__all__ = ["FORMATS", "Format", "Precision"]
