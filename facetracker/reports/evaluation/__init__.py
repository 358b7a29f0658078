"""How good a model is, measured on labelled photos, and the pictures that explain it."""

from facetracker.reports.evaluation.evaluate import Evaluation, evaluate

__all__ = ["Evaluation", "evaluate"]
