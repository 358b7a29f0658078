"""The card of an exported model: everything the runtime must know besides the file itself.

An ONNX file carries its card in its metadata under `CARD_KEY`. A `.tflite` or OpenVINO `.xml` has it in a JSON
beside it, named `MODEL.tflite.json`: neither format has room for text that every reader finds.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any, Literal

from facetracker.core.errors import BadFile
from facetracker.core.files import write_json
from facetracker.version import __version__

CARD_KEY = "facetracker_card"
MOST_PIXELS = 65536
MOST_SIDE = 4096  # of an input, pixels
MOST_TEXT = 1 << 20  # bytes of a card
HEADS, PRECISIONS = ("single", "dense", "classifier"), ("float32", "float16", "int8")


@dataclass(frozen=True)
class Card:
    """What an exported model is. Unknown keys of a card file are passed over: a newer version may have written more.

    `image_size` is the longer side of the input in pixels (a single head's square), `threshold` the score from which
    a box counts, `iou_threshold` the overlap from which two boxes are one face, `strides` the pixels a cell of a
    dense head, in order. `margin` is a classifier's: the share of a face's longer side that its crop shows around it;
    so is `centre`: the share of a picture's shorter side that it looks at, from the middle (none: all of it).
    `style` are four numbers by which boxes are drawn as one person does (style.py), where the graph does not do it.
    `crop` is of what was trained on crops: the share of a frame's shorter side that one shows, above 1 in pixels.
    Checked by hand, not by pydantic: that alone would be a third of a detector's start.
    """

    classes: list[str]
    image_size: int
    head: Literal["single", "dense", "classifier"]
    threshold: float = 0.5
    iou_threshold: float = 0.5
    strides: list[int] = field(default_factory=lambda: [8, 16, 32])
    margin: float = 0.0
    centre: float | None = None
    style: list[float] | None = None
    crop: float | None = None
    name: str = ""
    backbone: str = ""
    precision: Literal["float32", "float16", "int8"] = "float32"
    version: str = __version__

    def __post_init__(self) -> None:
        for key, fault in self._faults():
            raise ValueError(f"{key}: {fault}")

    def _faults(self) -> Iterator[tuple[str, str]]:
        if not _list_of(self.classes, str):
            yield "classes", "is no list of names"
        if not _whole(self.image_size) or not 16 <= self.image_size <= MOST_SIDE:
            yield "image_size", f"{str(self.image_size)[:40]} is no side from 16 to {MOST_SIDE} pixels"
        for key, known in (("head", HEADS), ("precision", PRECISIONS)):
            if getattr(self, key) not in known:
                yield key, f"{getattr(self, key)!r} is none of {', '.join(known)}"
        for key in ("threshold", "iou_threshold", "margin"):
            value = getattr(self, key)
            if isinstance(value, bool) or not isinstance(value, int | float) or not 0 <= value <= 1:
                yield key, f"{value!r} is no number between 0 and 1"
        if self.centre is not None and (not isinstance(self.centre, int | float) or not 0 < self.centre <= 1):
            yield "centre", f"{self.centre!r} is no share of a side"
        if self.style is not None and not _style_like(self.style):
            yield "style", "is no list of four numbers"
        if self.crop is not None and (isinstance(self.crop, bool) or not isinstance(self.crop, int | float)):
            yield "crop", f"{self.crop!r} is no number"
        elif self.crop is not None and not 0 < self.crop <= MOST_PIXELS:
            yield "crop", f"{self.crop!r} is no share and no number of pixels"
        if not _list_of(self.strides, int) or len(self.strides) > 16 or not all(1 <= n <= 1024 for n in self.strides):
            yield "strides", "is no list of pixels"
        for key in ("name", "backbone", "version"):
            if not isinstance(getattr(self, key), str):
                yield key, "is no text"

    def as_dict(self) -> dict[str, Any]:
        """The card as plain values."""
        return asdict(self)

    def to_text(self) -> str:
        """The card as JSON text, as it stands in the metadata or the file beside the model."""
        return json.dumps(self.as_dict(), indent=2, ensure_ascii=False) + "\n"

    @classmethod
    def from_text(cls, text: str | bytes, path: str | Path) -> Card:
        """The card in JSON text; `path` names the model in errors."""
        try:
            values = json.loads(text)
        except (ValueError, RecursionError) as error:
            raise _damaged(f"no JSON: {error}", path) from None
        if not isinstance(values, dict):
            raise _damaged("no JSON object", path)
        known = {key: values[key] for key in cls.__dataclass_fields__ if key in values}
        for key in ("classes", "image_size", "head"):
            if key not in known:
                raise _damaged(f"{key} is missing", path)
        try:
            return cls(**known)
        except ValueError as error:
            raise _damaged(str(error), path) from None

    def write_beside(self, model: str | Path, reader: str | None = None) -> Path:
        """Write the card into the JSON beside the model file; `reader` says who opens that if the runtime cannot."""
        extra = {} if reader is None else {"reader": reader}
        return write_json(card_path(model), {**self.as_dict(), **extra})

    @classmethod
    def read_beside(cls, model: str | Path) -> Card:
        """The card from the JSON beside the model file."""
        path = card_path(model)
        try:
            if path.stat().st_size > MOST_TEXT:
                raise _damaged("longer than any card", path)
            text = path.read_bytes()
        except OSError:
            raise no_card(model, f"{path.name} is not beside it") from None
        return cls.from_text(text, path)


def _whole(value: Any) -> bool:
    return isinstance(value, int) and not isinstance(value, bool)


def _list_of(values: Any, kind: type) -> bool:
    return isinstance(values, list) and bool(values) and all(isinstance(value, kind) for value in values)


def _style_like(values: Any) -> bool:
    numbers = isinstance(values, list) and all(
        isinstance(value, int | float) and not isinstance(value, bool) and abs(value) <= 10 for value in values
    )
    return numbers and len(values) == 4


def _damaged(why: str, path: str | Path) -> BadFile:
    return BadFile(f"its card is damaged ({why})", path=path, fix="Export it again.")


def card_path(model: str | Path) -> Path:
    """Where the card of a file without room for one lies: `MODEL.tflite.json`."""
    model = Path(model)
    return model.with_name(model.name + ".json")


def no_card(model: str | Path, why: str) -> BadFile:
    """The error for a model file that does not say what it is."""
    return BadFile(
        f"has no card ({why})", path=model, fix="Export it with `facetracker export`, and keep both together."
    )
