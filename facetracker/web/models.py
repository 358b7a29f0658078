"""The model that Live uses: the file that the server runs, and the ONNX file that the tab runs."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from facetracker.core.errors import FaceTrackerError
from facetracker.inference.detector import ASSETS, STARTER, Detector, find_model
from facetracker.web.paths import NotThere


class ModelInUse:
    """A model for the server, with its file for the tab where there is one."""

    def __init__(self, model: str | Path | None = None, name: str | None = None):
        path = find_model(model)
        # A run's own folder holds model.keras first; only what the runtime runs without tensorflow comes in here.
        if path.suffix == ".keras":
            fix = f"facetracker export {model} --to onnx"
            raise FaceTrackerError("the page runs exported models", path=path, fix=fix)
        self.path = path
        self.detector = Detector.load(path)
        self.detector.detect(np.zeros((480, 640, 3), np.uint8))  # the first look takes half a second
        self.name = name or (STARTER if model is None or str(model) == STARTER else path.stem)
        onnx = path.with_suffix(".onnx")
        if not onnx.is_file() and self.detector.card.style is not None:
            onnx = ASSETS / "starter.onnx"  # a style is the starter's file with another card, in the tab as here
        self.onnx = onnx if onnx.is_file() else None

    def for_tab(self) -> Path:
        """The ONNX file."""
        if self.onnx is None:
            raise NotThere(f"{self.name} has no ONNX file", fix="facetracker export RUN --to onnx, or use the server.")
        return self.onnx
