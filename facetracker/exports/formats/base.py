"""What a format is: how a file of it is written, which precisions it knows, how its outputs are read back."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from facetracker.core.photo import Picture
from facetracker.exports.network import Exportable
from facetracker.inference.card import Card
from facetracker.inference.engines import Outputs, open_engine

Precision = Literal["float32", "float16", "int8"]
# Writes the network to a path; the pictures `(H, W, 3)` uint8 RGB calibrate int8 and are empty otherwise.
Write = Callable[[Exportable, Path, Card, Sequence[Picture]], None]
Run = Callable[[Picture], Outputs]


@dataclass(frozen=True)
class Format:
    """One format. `suffix` is the file's; files that belong to it start with its name."""

    name: str
    suffix: str
    write: Write
    load: Callable[[Path], Run]
    precisions: tuple[Precision, ...] = ("float32",)

    def file_name(self, stem: str, precision: Precision) -> str:
        """`model.onnx`, `model.int8.onnx`: the precision shows in the name unless it is float32."""
        part = "" if precision == "float32" else f".{precision}"
        return f"{stem}{part}{self.suffix}"


def load_with_engine(path: Path) -> Run:
    """Run the file as the runtime will run it, its card included."""
    return open_engine(path).run
