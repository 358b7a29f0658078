"""The networks: backbones, heads, losses, `FaceTracker`, `FaceClassifier`. Keras alone, on any of its backends."""

from facetracker.models.backbones import BACKBONES
from facetracker.models.classic import CLASSIC
from facetracker.models.classifier import FaceClassifier
from facetracker.models.personal import PersonalTracker
from facetracker.models.tracker import FaceTracker

__all__ = ["BACKBONES", "CLASSIC", "FaceClassifier", "FaceTracker", "PersonalTracker"]
