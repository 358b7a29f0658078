"""TensorFlow's SavedModel: a folder for TensorFlow Serving, TensorFlow.js and whoever reads it; the card beside it."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from facetracker.core.photo import Picture
from facetracker.exports.formats.base import Format, Run
from facetracker.exports.network import Exportable
from facetracker.inference.card import Card
from facetracker.reports.evaluation.engines import SavedModelEngine


def write(network: Exportable, path: Path, card: Card, pictures: Sequence[Picture]) -> None:
    """Write the folder, and the card beside it."""
    network.graph().export(str(path), format="tf_saved_model", verbose=False)
    card.write_beside(path, reader="tensorflow")


def load(path: Path) -> Run:
    """Run the folder's default signature, as a server would."""
    return SavedModelEngine(path).run


SAVED_MODEL = Format("saved_model", ".saved_model", write, load)
