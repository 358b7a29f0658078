"""HTML: the tracker as a page in one file, with the ONNX file in it, for people who have nothing installed."""

from __future__ import annotations

import tempfile
from collections.abc import Sequence
from pathlib import Path

from facetracker.core.errors import FaceTrackerError
from facetracker.core.photo import Picture
from facetracker.exports.formats import onnx
from facetracker.exports.formats.base import Format, Run, load_with_engine
from facetracker.exports.network import Exportable
from facetracker.exports.page import model_of_page, page_alone
from facetracker.inference.card import Card


def write(network: Exportable, path: Path, card: Card, pictures: Sequence[Picture]) -> None:
    """Write the page with the network's ONNX file in it."""
    with tempfile.TemporaryDirectory() as folder:
        model = Path(folder) / "model.onnx"
        onnx.write(network, model, card, pictures)
        write_page(model, card, path)


def write_page(model: Path, card: Card, path: Path) -> None:
    """Write the page of a model that is an ONNX file already."""
    if card.head == "classifier":
        fix = "Name a tracker: it finds the faces that a classifier judges."
        raise FaceTrackerError("classifies faces, it does not find them", path=model, fix=fix)
    path.write_bytes(page_alone(model.read_bytes(), card))


def load(path: Path) -> Run:
    """Run the model that lies in a page."""
    with tempfile.TemporaryDirectory() as folder:
        model = Path(folder) / "model.onnx"
        model.write_bytes(model_of_page(path.read_bytes(), path))
        return load_with_engine(model)


HTML = Format("html", ".html", write, load)
