"""The whole way of a photo on drawn faces: no camera, no network, no question."""

from facetracker.demo.demo import demo, open_report
from facetracker.demo.steps import Demo

__all__ = ["Demo", "demo", "open_report"]
