"""The formats: one file each, one entry each."""

from facetracker.export.formats.base import Format, Precision
from facetracker.export.formats.h5 import H5
from facetracker.export.formats.onnx import ONNX
from facetracker.export.formats.openvino import OPENVINO
from facetracker.export.formats.saved_model import SAVED_MODEL
from facetracker.export.formats.tflite import TFLITE

FORMATS = {entry.name: entry for entry in (ONNX, TFLITE, OPENVINO, SAVED_MODEL, H5)}

__all__ = ["FORMATS", "Format", "Precision"]
