"""The network: backbones, heads, losses and `FaceTracker`. Keras and nothing else; any of its backends."""

from facetracker.model.backbones import BACKBONES
from facetracker.model.tracker import FaceTracker

__all__ = ["BACKBONES", "FaceTracker"]
