"""Where a photo's label file stands on disk: `labels/provenance.py` for files."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from facetracker.labels import provenance
from facetracker.labels.labelme import read_content, write_content
from facetracker.labels.provenance import State, is_unreviewed

__all__ = ["State", "accept", "is_unreviewed", "state_of"]


def state_of(label: str | Path | Mapping[str, Any] | None) -> State:
    """`unlabelled` (no file), `prelabelled` (as a machine wrote it) or `reviewed` (a person has saved it).

    `label` is the label file's path, which need not be there, or its parsed content. A damaged one is a `BadFile`.
    """
    if isinstance(label, str | Path):
        return provenance.state_of(read_content(label)) if Path(label).is_file() else "unlabelled"
    return provenance.state_of(label)


def accept(label: str | Path) -> Path:
    """Note in a prelabelled file that a person has looked at the photo and found it right; boxes stay as they are."""
    return write_content(label, provenance.accepted(read_content(label)))
