"""The network to export: the Keras model, its card, and its answers, with which every exported file is compared."""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path
from typing import Any, Literal

import numpy as np

from facetracker.core.console import silenced
from facetracker.core.errors import FaceTrackerError
from facetracker.core.photo import Picture
from facetracker.inference.card import Card, card_path
from facetracker.inference.engines import Outputs
from facetracker.inference.engines.keras import card_of

InputType = Literal["uint8", "float32"]


@dataclass(frozen=True)
class Exportable:
    """A trained tracker or classifier and its card. The batch stays open; a dense head's height and width do too."""

    model: Any
    card: Card

    @property
    def size(self) -> tuple[int, int] | None:
        """Height and width that the exported file is bound to, None for open ones."""
        side = self.card.image_size
        return (side, side) if self.card.head != "dense" else None

    def graph(self, input_type: InputType = "uint8") -> Any:
        """The network alone, pictures `(B, H, W, 3)` RGB 0..255 to the head's outputs, as a functional Keras model."""
        import keras

        height, width = self.size or (None, None)
        pictures = keras.Input((height, width, 3), dtype=input_type, name="pictures")
        outputs = self.model(pictures, training=False)
        if self.card.head == "classifier":
            outputs = {"probabilities": outputs}
        graph = keras.Model(pictures, outputs, name="face_tracker")
        height, width = self.input_sizes()[0]
        graph(np.zeros((1, height, width, 3), input_type))  # Keras exports only what has been called
        return graph

    @cached_property
    def _reference(self) -> Any:
        return self.graph()

    def run(self, batch: Picture) -> Outputs:
        """Keras's own answer for a batch `(B, H, W, 3)` uint8 RGB."""
        return {name: np.asarray(array, np.float32) for name, array in self._reference(batch).items()}

    def input_sizes(self) -> list[tuple[int, int]]:
        """Heights and widths at which an exported file is checked: with open sizes, more than one."""
        if self.size is not None:
            return [self.size]
        step, side = max(self.card.strides), self.card.image_size
        side = -(-side // step) * step
        return [(side, side), (max(step, side * 3 // 4 // step * step), side)]


def load_network(path: str | Path, threshold: float | None = None) -> Exportable:
    """The network in a `.keras` file; `threshold` goes into the card (default: what the model says)."""
    path = Path(path)
    if path.suffix != ".keras" and not is_styled_starter(path):
        raise FaceTrackerError("only a .keras file can be exported", path=path, fix="Name a run folder or model.keras.")
    with silenced():
        from facetracker.models.loading import load_model

        model = in_float32(load_model(path)) if path.suffix == ".keras" else _styled_starter(Card.read_beside(path))
    card = card_of(model, path)
    if threshold is not None:
        if not 0 <= threshold <= 1:
            raise FaceTrackerError(f"threshold {threshold:g} is not between 0 and 1")
        card = replace(card, threshold=threshold)
    return Exportable(model, card)


def is_styled_starter(path: Path) -> bool:
    """Whether a file is what `learn --instant` writes: the starter's, with a style in its card."""
    return path.suffix == ".tflite" and card_path(path).is_file() and Card.read_beside(path).style is not None


def _styled_starter(card: Card) -> Any:
    """The same tracker with the style in its graph, where every engine has it."""
    from facetracker.models.personal import PersonalTracker

    return PersonalTracker(
        card.style or (), own_head=False, image_size=card.image_size, weights="starter", threshold=card.threshold
    )


def in_float32(model: Any) -> Any:
    """The same model computing in float32: one trained in mixed precision would take its casts into every file."""
    if model.dtype_policy.name == "float32":
        return model
    from facetracker.models.base import plain_twin

    plain = plain_twin(model)
    plain.set_weights(model.get_weights())
    return plain
