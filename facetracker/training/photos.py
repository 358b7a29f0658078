"""The photos of a run, read once and kept at the network's size."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

from facetracker.core import console
from facetracker.core.errors import FaceTrackerError, Rejects
from facetracker.core.places import as_path
from facetracker.core.settings import Settings
from facetracker.data.layout import PARTITIONS, partitions_of
from facetracker.data.pool import Pool, read_pool
from facetracker.data.scale import crop_of
from facetracker.data.share import Share
from facetracker.data.table import Table, read_table


@dataclass(frozen=True)
class Photos:
    """The pools of a run: to train on, to validate on; the class names, and what had to be left out.

    `table` has the rows that the training pool was made from, for augmentation that starts from the whole photos;
    `val_table` those that are validated on. `crop` is how much of a frame a training picture shows (data/scale.py).
    """

    folder: Path
    train: Pool
    val: Pool | None
    classes: list[str]
    table: Table | None = None
    val_table: Table | None = None
    crop: float | None = None
    rejects: Rejects = field(default_factory=Rejects)


def read_photos(data: str | Path, settings: Settings, share: Share | None = None) -> Photos:
    """The photos of a folder of labelme files, of an augmented set or of TFRecord shards, at the network's size.

    A folder that is not split is trained on whole, without validation. Of several workers each reads its `share` of
    the photos to train on, and all of those to validate on.
    """
    data = as_path(data)
    split = _partitions(data)
    if split and "train" not in split:
        raise FaceTrackerError("has no partition train", path=data, fix=f"There are: {', '.join(split)}.")
    machines_too = settings.data.prelabelled
    train = read_table(data, "train" if split else None, prelabelled=machines_too, share=share)
    classes = train.class_names(settings.model.classes)
    if not len(train):
        raise FaceTrackerError("holds no labelled photo to train on", path=data, fix=_way_to_labels(train))
    if train.prelabelled:
        console.warn(
            f"{len(train.prelabelled)} photos left out: prelabelled, and nobody has looked "
            "(`facetracker review`; --set data.prelabelled=true takes them as they are)"
        )
    tables = [train]
    if "val" in split:
        tables.append(_spread(read_table(data, "val", prelabelled=machines_too), settings.training.val_pictures))
        tables[-1].class_names(classes)  # refuses labels that training does not know
    # Targets as narrow as the data allows: the dense head compares every cell with every row.
    widest = max(len(boxes) for table in tables for boxes in table.boxes)
    most = min(settings.data.max_faces, max(widest, 1) * (4 if _mosaics(settings) else 1))
    size, rejects = settings.model.image_size, Rejects()
    val = tables[1] if "val" in split else None
    crop = settings.model.crop or crop_of(train, val)
    pools = [read_pool(train, classes, size, most, settings.data.cache)]
    if val is not None:
        pools.append(read_pool(val, classes, size, most, settings.data.cache, crop))
    for table, pool in zip(tables, pools, strict=True):
        rejects.rows.extend(table.rejects.rows)
        if not len(pool):
            raise FaceTrackerError("holds no readable photo", path=table.folder, fix="See `facetracker audit`.")
    return Photos(
        folder=data,
        train=pools[0],
        val=pools[1] if val is not None else None,
        classes=classes,
        table=train,
        val_table=val,
        crop=crop,
        rejects=rejects,
    )


def _way_to_labels(table: Table) -> str:
    if table.prelabelled:
        return f"{len(table.prelabelled)} photos are prelabelled: look over them with `facetracker review`."
    return "Run `facetracker annotate`."


def _mosaics(settings: Settings) -> bool:
    return settings.data.online == "compose"


def _spread(table: Table, most: int | None) -> Table:
    """At most so many rows, evenly spread over the table, so that every photo has variants among them."""
    if most is None or len(table) <= most:
        return table
    rows = np.linspace(0, len(table) - 1, most).round().astype(int)
    chosen = Table(table.folder, table.kind, rejects=table.rejects)
    for name in ("names", "paths", "sizes", "bare", "jpegs", "boxes", "labels", "parts"):
        values = getattr(table, name)
        setattr(chosen, name, [values[row] for row in rows] if values else [])
    return chosen


def _partitions(folder: Path) -> list[str]:
    """The partitions there are: folders of pictures, or of TFRecord shards."""
    shards = [name for name in PARTITIONS if any((folder / name).glob("*.tfrecord"))]
    return partitions_of(folder) or shards
