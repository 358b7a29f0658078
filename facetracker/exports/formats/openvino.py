"""OpenVINO: `.xml` with its `.bin`, the card in a JSON beside them."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from facetracker.core.photo import Picture
from facetracker.exports.formats.base import Format, load_with_engine
from facetracker.exports.network import Exportable
from facetracker.inference.card import Card
from facetracker.private import mute_openvino


def write(network: Exportable, path: Path, card: Card, pictures: Sequence[Picture]) -> None:
    """Write `.xml` and `.bin`, and the card beside them."""
    mute_openvino()  # Keras imports it
    network.graph().export(str(path), format="openvino", verbose=False)
    card.write_beside(path)


OPENVINO = Format("openvino", ".xml", write, load_with_engine)
