"""What `inspect` left in a run folder, shown in the report: where the answers come from, and the filters."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from facetracker.reports.page import data_address

# Of the sheets that `inspect` writes; the largest one, of the activations, is left to its own report.
PICTURES = {
    "gradcam.png": "Where each answer comes from: bright places speak for it.",
    "filters.png": "What the first layer looks for: as training began, if that is known, and now.",
}


def looking_inside(models: Sequence[tuple[str, Path]]) -> list[tuple[str, Path, list[tuple[str, str]]]]:
    """Of every run that was inspected since it was trained: name, folder, and `(address, what it shows)` of a picture.

    The models come as `(name, file)`.
    """
    runs = {path.parent: name for name, path in models if path.name.startswith("model.")}
    return [(name, run / "inspect", _pictures(run / "inspect")) for run, name in runs.items() if _was_inspected(run)]


def _was_inspected(run: Path) -> bool:
    """Whether the pictures are there and younger than the network: those of an earlier one would mislead."""
    network, pictures = run / "model.keras", [run / "inspect" / name for name in PICTURES]
    if not all(path.is_file() for path in (network, *pictures)):
        return False
    return min(path.stat().st_mtime for path in pictures) >= network.stat().st_mtime


def _pictures(folder: Path) -> list[tuple[str, str]]:
    return [(data_address((folder / file).read_bytes()), text) for file, text in PICTURES.items()]
