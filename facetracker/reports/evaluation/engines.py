"""Detectors for every file that `export` writes: the runtime's, and the two formats that only TensorFlow reads."""

from __future__ import annotations

from contextlib import nullcontext
from pathlib import Path

import numpy as np

from facetracker.core.console import silenced
from facetracker.core.errors import FaceTrackerError
from facetracker.core.photo import Picture
from facetracker.inference.card import Card
from facetracker.inference.detector import Detector, find_model
from facetracker.inference.engines.base import OUTPUT_NAMES, Engine, Outputs, default_threads, open_engine
from facetracker.inference.engines.keras import KerasEngine

# The curves need boxes far below any threshold in use; below this there is only noise.
FAINTEST = 0.01
# What the runtime does not open: it needs neither, and must not bring TensorFlow in.
TRAINING_SUFFIXES = (".h5", ".saved_model")


class SavedModelEngine(Engine):
    """TensorFlow's SavedModel through its default signature, as a server would run it.

    A SavedModel is a program: open only what you exported yourself.
    """

    name = "tensorflow"

    def __init__(self, path: Path, threads: int = 0):
        import tensorflow as tf

        self.path, self.threads = path, threads
        self.card = Card.read_beside(path)
        side = self.card.image_size
        self.fixed_size = (side, side) if self.card.head == "single" else None
        self._constant = tf.constant
        self._owner = tf.saved_model.load(str(path))  # owns the variables, so it must live as long as the signature
        self._serve = self._owner.signatures["serving_default"]

    def run(self, batch: Picture) -> Outputs:
        outputs = self._serve(pictures=self._constant(batch))
        return {name: np.asarray(outputs[name], np.float32) for name in OUTPUT_NAMES[self.card.head]}


def find(model: str | Path) -> Path:
    """The model file meant, the formats of training included."""
    path = Path(model)
    if path.suffix in TRAINING_SUFFIXES:
        if not path.exists():
            raise FaceTrackerError("no such file", path=path)
        return path
    return find_model(model)


def detector_for(path: Path, threads: int | None = None, image_size: int | None = None) -> Detector:
    """A detector that hands out faint boxes too, for any exported file; TensorFlow starts without its noise."""
    heavy = path.suffix == ".keras" or path.suffix in TRAINING_SUFFIXES
    with silenced() if heavy else nullcontext():
        if path.suffix == ".saved_model":
            engine: Engine = SavedModelEngine(path, threads or default_threads())
        elif path.suffix == ".h5":
            engine = KerasEngine(path, threads or default_threads())
        else:
            engine = open_engine(path, threads)
        return Detector(engine, FAINTEST, image_size=image_size)


def size_of(path: Path) -> int:
    """Bytes of a model: a file, a folder, or OpenVINO's `.xml` with its `.bin`."""
    files = list(path.rglob("*")) if path.is_dir() else [path]
    files += [path.with_suffix(".bin")] if path.suffix == ".xml" else []
    return sum(file.stat().st_size for file in files if file.is_file())
