"""Drawn photos of people with their labels, for whatever wants a labelled folder."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from facetracker.core.example import Example
from facetracker.core.photo import write_jpeg
from facetracker.labels.labelme import write_labels
from facetracker.scenes import photo


def draw_photos(
    folder: Path, count: int, seed: int = 0, width: int = 160, height: int = 120, first: int = 0, **options: Any
) -> Path:
    """So many labelled photos in `folder/images` and `folder/labels`, the first of them number `first`; the folder.

    `options` are those of `scenes.photo`: how many faces, masks or none.
    """
    for number in range(first, first + count):
        drawn = photo(seed, number, width=width, height=height, **options)
        path = write_jpeg(folder / "images" / f"{seed:02d}-{number:03d}.jpg", drawn.picture)
        write_labels(folder / "labels" / f"{path.stem}.json", Example(path, width, height, drawn.boxes, drawn.labels))
    return folder
