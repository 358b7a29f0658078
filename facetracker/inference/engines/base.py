"""What an engine is, and which one reads which file."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections import OrderedDict
from collections.abc import Callable, Mapping, Sequence
from importlib import import_module
from importlib.util import find_spec
from pathlib import Path
from typing import TypeVar

import numpy as np
from numpy.typing import NDArray

from facetracker.core.errors import BadFile, FaceTrackerError
from facetracker.core.install import install_command
from facetracker.core.machine import processors
from facetracker.core.photo import Picture
from facetracker.inference.card import MOST_SIDE, Card

Outputs = dict[str, NDArray[np.float32]]
R = TypeVar("R")
MOST_BATCH = 1024

# What the heads call their outputs (boxes, scores; a classifier has one), in the alphabetical order in which exporters
# write a dictionary.
OUTPUT_NAMES: dict[str, tuple[str, ...]] = {
    "single": ("boxes", "classes"),
    "dense": ("offsets", "scores"),
    "classifier": ("probabilities",),
}
# What a dense head may have beside them; first in the alphabet too.
LANDMARKS = "landmarks"

# Suffix: (module of ours, class, library it needs, extra that brings the library). Of several models in a
# folder the first kind is taken: LiteRT, which needs no extra.
_ENGINES = {
    ".tflite": ("litert", "LiteRTEngine", "ai_edge_litert", None),
    ".onnx": ("onnx", "OnnxEngine", "onnxruntime", "train"),
    ".xml": ("openvino", "OpenVINOEngine", "openvino", "openvino"),
    ".keras": ("keras", "KerasEngine", "keras", "train"),
}
SUFFIXES = tuple(_ENGINES)


class Engine(ABC):
    """A model file, loaded and ready to run.

    `fixed_size` is the (height, width) the file is bound to, None where it takes any multiple of its largest
    stride; `fixed_batch` likewise. `threads` is the number of threads the engine's own pool works with.
    """

    name: str
    path: Path
    card: Card
    threads: int
    fixed_size: tuple[int, int] | None = None
    fixed_batch: int | None = None

    @abstractmethod
    def run(self, batch: Picture) -> Outputs:
        """The head's outputs for a batch `(B, H, W, 3)` uint8 RGB, float32, batch first.

        single: `classes (B, K)`, `boxes (B, 4)`; dense: `scores (B, A, K)`, `offsets (B, A, 4)` and, where the head
        knows them, `landmarks (B, A, 10)`; classifier: `probabilities (B, K)`.
        The arrays are valid until the next call.
        """

    def bind_input(self, shape: Sequence[int | None]) -> None:
        """Note from the file's input shape `(B, H, W, 3)` (None: any) what is fixed; refuse another layout."""
        if len(shape) != 4 or shape[3] != 3:
            raise BadFile(f"its input has the shape {tuple(shape)}, not (batch, height, width, 3)", path=self.path)
        batch, height, width = shape[:3]
        if max(height or 1, width or 1) > MOST_SIDE or (batch or 1) > MOST_BATCH:
            raise BadFile(f"its input of the shape {tuple(shape)} is larger than any tracker's", path=self.path)
        self.fixed_batch = batch
        self.fixed_size = (height, width) if height and width else None

    def name_outputs(self, names: Sequence[str]) -> dict[str, str]:
        """The head's name for each of the file's output names; exporters may have renamed them in order."""
        wanted = OUTPUT_NAMES[self.card.head]
        if self.card.head == "dense" and len(names) == len(wanted) + 1:
            wanted = (LANDMARKS, *wanted)
        if len(names) != len(wanted):
            raise BadFile(f"has {len(names)} outputs, a {self.card.head} head has {len(wanted)}", path=self.path)
        if set(names) == set(wanted):
            return {name: name for name in names}
        return dict(zip(sorted(names), wanted, strict=True))

    def check(self, outputs: Mapping[str, NDArray]) -> None:
        """Refuse outputs that do not fit the card, once, at the first run."""
        if self.card.head == "classifier":
            shape = outputs["probabilities"].shape
            if len(shape) != 2 or shape[1] != len(self.card.classes):
                raise BadFile(f"gives {shape}, its card says {len(self.card.classes)} classes", path=self.path)
            return
        boxes, scores = (outputs[name] for name in OUTPUT_NAMES[self.card.head])
        sides = 2 if self.card.head == "single" else 3
        if (scores.ndim, boxes.ndim) != (sides, sides) or (scores.shape[-1], boxes.shape[-1]) != (
            len(self.card.classes),
            4,
        ):
            raise BadFile(
                f"its outputs have the shapes {scores.shape} and {boxes.shape}, its card says a {self.card.head} head "
                f"with {len(self.card.classes)} classes",
                path=self.path,
            )


class ForShapes(OrderedDict[tuple[int, ...], R]):
    """What an engine has made ready for each input shape, the last few of them.

    A camera has one shape; a folder of photos has many, and each costs memory and time. `make` gets one ready.
    """

    KEPT = 4

    def __init__(self, make: Callable[[tuple[int, ...]], R]):
        super().__init__()
        self._make = make

    def of(self, shape: tuple[int, ...]) -> R:
        """What runs a batch of this shape."""
        if shape not in self:
            self[shape] = self._make(shape)
            if len(self) > self.KEPT:
                self.popitem(last=False)
        self.move_to_end(shape)
        return self[shape]


def default_threads() -> int:
    """Threads an engine gets unless told otherwise: see docs/research/realtime.md for the measurement."""
    return min(4, processors())


def open_engine(path: str | Path, threads: int | None = None) -> Engine:
    """Load a model file with the engine its suffix names."""
    path = Path(path)
    if path.suffix.lower() not in _ENGINES:
        if not path.exists():
            raise FaceTrackerError("no such model", path=path, fix="Name a run folder or a model file.")
        raise FaceTrackerError(
            "is not a model", path=path, fix=f"A model is a run folder, or a file ({', '.join(SUFFIXES)})."
        )
    if not path.is_file():
        raise FaceTrackerError("no such file", path=path, fix="Train and export a model, or leave the name out.")
    module, kind, library, extra = _ENGINES[path.suffix.lower()]
    if find_spec(library) is None:
        command = install_command(extra) if extra else f"pip install {library.replace('_', '-')}"
        raise FaceTrackerError(f"needs {library}", path=path, fix=f"{command}, or use a .tflite file.")
    engine: Engine = getattr(import_module(f"facetracker.inference.engines.{module}"), kind)(
        path, threads or default_threads()
    )
    return engine
