"""The formats that Keras writes by itself, with the card beside the file: OpenVINO, SavedModel and HDF5."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from facetracker.core.photo import Picture
from facetracker.exports.formats.base import Format, Run, load_with_engine
from facetracker.exports.network import Exportable
from facetracker.inference.card import Card
from facetracker.inference.engines.keras import KerasEngine
from facetracker.private import mute_openvino
from facetracker.reports.evaluation.engines import SavedModelEngine


def write_openvino(network: Exportable, path: Path, card: Card, pictures: Sequence[Picture]) -> None:
    """Write `.xml` and `.bin`, and the card beside them."""
    mute_openvino()  # Keras imports it
    network.graph().export(str(path), format="openvino", verbose=False)
    card.write_beside(path)


def write_saved_model(network: Exportable, path: Path, card: Card, pictures: Sequence[Picture]) -> None:
    """Write a folder for TensorFlow Serving, TensorFlow.js and whoever reads it, and the card beside it."""
    network.graph().export(str(path), format="tf_saved_model", verbose=False)
    card.write_beside(path, reader="tensorflow")


def write_h5(network: Exportable, path: Path, card: Card, pictures: Sequence[Picture]) -> None:
    """Write the tracker without its optimizer, our settings in an attribute, and the card beside it."""
    from facetracker.models.loading import save_h5

    save_h5(network.model, path)
    card.write_beside(path, reader="keras")


def load_saved_model(path: Path) -> Run:
    """Run the folder's default signature, as a server would."""
    return SavedModelEngine(path).run


def load_h5(path: Path) -> Run:
    """Load the file with our safe loader and run it in Keras."""
    return KerasEngine(path, 0).run


OPENVINO = Format("openvino", ".xml", write_openvino, load_with_engine)
SAVED_MODEL = Format("saved_model", ".saved_model", write_saved_model, load_saved_model)
H5 = Format("h5", ".h5", write_h5, load_h5)
