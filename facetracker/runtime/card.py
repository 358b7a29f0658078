"""The card of an exported model: everything the runtime must know besides the file itself.

An ONNX file carries its card in its metadata under `CARD_KEY`. A `.tflite` or OpenVINO `.xml` has it in a JSON
beside it, named `MODEL.tflite.json`: neither format has room for text that every reader finds.
"""

from __future__ import annotations

from pathlib import Path
from typing import Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from facetracker.errors import BadFile
from facetracker.files import write_atomically
from facetracker.version import __version__

CARD_KEY = "facetracker_card"


class Card(BaseModel):
    """What an exported model is. Unknown keys are kept away silently: a newer version may have written more."""

    model_config = ConfigDict(extra="ignore")

    classes: list[str] = Field(min_length=1)
    image_size: int = Field(ge=32, description="Longer side of the input, pixels; a single head's square.")
    head: Literal["single", "dense"]
    threshold: float = Field(0.5, ge=0, le=1, description="Score from which a box counts.")
    iou_threshold: float = Field(0.5, ge=0, le=1, description="Overlap from which two boxes are one face.")
    strides: list[int] = Field([8, 16, 32], min_length=1, description="Pixels a cell, dense head, in order.")
    name: str = ""
    backbone: str = ""
    precision: Literal["float32", "float16", "int8"] = "float32"
    version: str = __version__

    def to_text(self) -> str:
        """The card as JSON text, as it stands in the metadata or the file beside the model."""
        return self.model_dump_json(indent=2) + "\n"

    @classmethod
    def from_text(cls, text: str | bytes, path: str | Path) -> Card:
        """The card in JSON text; `path` names the model in errors."""
        try:
            return cls.model_validate_json(text)
        except ValidationError as error:
            first = error.errors()[0]
            key = ".".join(str(part) for part in first["loc"]) or "JSON"
            raise BadFile(f"its card is damaged ({key}: {first['msg']})", path=path, fix="Export it again.") from None

    def write_beside(self, model: str | Path) -> Path:
        """Write the card into the JSON beside the model file."""
        return write_atomically(card_path(model), self.to_text())

    @classmethod
    def read_beside(cls, model: str | Path) -> Card:
        """The card from the JSON beside the model file."""
        path = card_path(model)
        try:
            text = path.read_bytes()
        except OSError:
            raise no_card(model, f"{path.name} is not beside it") from None
        return cls.from_text(text, path)


def card_path(model: str | Path) -> Path:
    """Where the card of a file without room for one lies: `MODEL.tflite.json`."""
    model = Path(model)
    return model.with_name(model.name + ".json")


def no_card(model: str | Path, why: str) -> BadFile:
    """The error for a model file that does not say what it is."""
    return BadFile(
        f"has no card ({why})", path=model, fix="Export it with `facetracker export`, and keep both together."
    )
