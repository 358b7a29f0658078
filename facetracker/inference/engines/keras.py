"""Keras: a trained `.keras` file as it is, slow to start; for evaluation and for comparing exports with it."""

from __future__ import annotations

from importlib import import_module
from pathlib import Path

import numpy as np

from facetracker.core.photo import Picture
from facetracker.inference.card import Card
from facetracker.inference.engines.base import LANDMARKS, OUTPUT_NAMES, Engine, Outputs


class KerasEngine(Engine):
    """Threads are TensorFlow's own affair here; the number is only noted."""

    name = "keras"

    def __init__(self, path: Path, threads: int):
        self.path, self.threads = path, threads
        # By name, not by an import statement: the runtime must never bring tensorflow in, and import-linter
        # watches over it. Only a person who asks for a .keras file pays for it.
        self._model = import_module("facetracker.models.loading").load_model(path)
        self.card = card_of(self._model, path)
        side = self.card.image_size
        self.fixed_size = (side, side) if self.card.head != "dense" else None

    def run(self, batch: Picture) -> Outputs:
        outputs = self._model.predict_on_batch(batch)
        if self.card.head == "classifier":
            outputs = {"probabilities": outputs}
        names = [name for name in (*OUTPUT_NAMES[self.card.head], LANDMARKS) if name in outputs]
        return {name: np.asarray(outputs[name], np.float32) for name in names}


def card_of(model: object, path: str | Path = "") -> Card:
    """The card of a `facetracker.models.FaceTracker` or `FaceClassifier`, from its own attributes."""
    config = model.get_config()  # type: ignore[attr-defined]
    known = {
        key: config[key]
        for key in (
            "classes",
            "image_size",
            "head",
            "threshold",
            "iou_threshold",
            "strides",
            "margin",
            "centre",
            "crop",
        )
        if config.get(key)
    }
    if hasattr(model, "strides"):
        known["strides"] = model.strides
    known |= {key: list(known[key]) for key in ("classes", "strides") if key in known}
    known.setdefault("head", "classifier")  # a tracker names its head, a classifier has none
    backbone = config.get("backbone")
    file = Path(path)
    name = file.parent.name if file.stem == "model" and file.parent.name else file.stem  # a run's is its folder's
    return Card(**known, name=name, backbone=backbone if isinstance(backbone, str) else "")
