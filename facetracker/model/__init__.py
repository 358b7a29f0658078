"""The networks: backbones, heads, losses, `FaceTracker`, `FaceClassifier`. Keras alone, on any of its backends."""

from facetracker.model.backbones import BACKBONES
from facetracker.model.classic import CLASSIC
from facetracker.model.classifier import FaceClassifier
from facetracker.model.tracker import FaceTracker

__all__ = ["BACKBONES", "CLASSIC", "FaceClassifier", "FaceTracker"]
