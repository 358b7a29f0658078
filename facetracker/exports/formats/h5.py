"""HDF5, Keras's older format: the weights, our settings in an attribute; only Keras reads it."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from facetracker.core.photo import Picture
from facetracker.exports.formats.base import Format, Run
from facetracker.exports.network import Exportable
from facetracker.inference.card import Card
from facetracker.inference.engines.keras import KerasEngine


def write(network: Exportable, path: Path, card: Card, pictures: Sequence[Picture]) -> None:
    """Write the tracker without its optimizer, and the card beside it."""
    from facetracker.models.loading import save_h5

    save_h5(network.model, path)
    card.write_beside(path, reader="keras")


def load(path: Path) -> Run:
    """Load the file with our safe loader and run it in Keras."""
    return KerasEngine(path, 0).run


H5 = Format("h5", ".h5", write, load)
