"""Keras to ONNX, LiteRT, OpenVINO, SavedModel and HDF5, each checked against Keras."""

from facetracker.exports.exporting import Exported, export

__all__ = ["Exported", "export"]
