"""Engines: ONNX Runtime, LiteRT, OpenVINO and Keras behind one small interface, chosen by the file.

`open_engine(path).run(batch)` takes `(B, H, W, 3)` uint8 RGB and answers with the head's outputs by name.
"""

from facetracker.inference.engines.base import Engine, Outputs, open_engine

__all__ = ["Engine", "Outputs", "open_engine"]
