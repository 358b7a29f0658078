"""The photos of a run, read once and kept at the network's size."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

from facetracker.cluster.tasks import Share
from facetracker.core import console
from facetracker.core.errors import FaceTrackerError, Rejects
from facetracker.core.places import as_path
from facetracker.core.settings import Settings
from facetracker.data.pool import Pool, read_pool
from facetracker.data.scale import crop_of
from facetracker.labels.collection import Collection, parts_of
from facetracker.training.plan import RunPlan


@dataclass(frozen=True)
class Photos:
    """The pools of a run: to train on, to validate on; the class names, and what had to be left out.

    `train_photos` are what the training pool was made from, for augmentation that starts from the whole photos;
    `val_photos` those that are validated on. `crop` is how much of a frame a training picture shows (data/scale.py).
    """

    folder: Path
    train: Pool
    val: Pool | None
    classes: list[str]
    train_photos: Collection
    val_photos: Collection | None = None
    crop: float | None = None
    rejects: Rejects = field(default_factory=Rejects)


def read_photos(
    data: str | Path, settings: Settings, plan: RunPlan | None = None, share: Share | None = None
) -> Photos:
    """The photos of a folder of labelme files, of an augmented set or of TFRecord shards, at the network's size.

    A folder that is not split is trained on whole, without validation. A run that goes on keeps to its `plan`. Of
    several workers each reads its `share` of the photos to train on, and all of those to validate on.
    """
    data = as_path(data)
    parts = parts_of(data) if data.is_dir() else []
    if parts and "train" not in parts:
        raise FaceTrackerError("has no part train", path=data, fix=f"There are: {', '.join(parts)}.")
    machines_too = settings.data.prelabelled
    train = Collection.open(data, "train" if parts else None, prelabelled=machines_too, share=share)
    plan = plan or RunPlan()
    if not len(train):
        raise train.nothing_to_learn()
    wanted = settings.model.classes or plan.classes
    if not wanted:
        train.refuse_slips()
    classes = train.class_names(wanted)
    if train.prelabelled:
        console.warn(
            f"{len(train.prelabelled)} photos left out: prelabelled, and nobody has looked "
            "(`facetracker review`; --set data.prelabelled=true takes them as they are)"
        )
    val = None
    if "val" in parts:
        val = _spread(Collection.open(data, "val", prelabelled=machines_too), settings.training.val_pictures)
        val.class_names(classes)  # refuses labels that training does not know
    collections = [train] if val is None else [train, val]
    # Targets as narrow as the data allows: the dense head compares every cell with every row.
    widest = max(len(example) for photos in collections for example in photos)
    most = min(settings.data.max_faces, max(widest, 1) * (4 if _mosaics(settings) else 1))
    size, rejects = settings.model.image_size, Rejects()
    crop = settings.model.crop or plan.crop or crop_of(train, val)
    pools = [read_pool(train, classes, size, most, settings.data.cache)]
    if val is not None:
        pools.append(read_pool(val, classes, size, most, settings.data.cache, crop))
    for photos, pool in zip(collections, pools, strict=True):
        rejects.rows.extend(photos.rejects.rows)
        if not len(pool):
            raise FaceTrackerError("holds no readable photo", path=photos.folder, fix="See `facetracker audit`.")
    return Photos(
        folder=data,
        train=pools[0],
        val=pools[1] if val is not None else None,
        classes=classes,
        train_photos=train,
        val_photos=val,
        crop=crop,
        rejects=rejects,
    )


def _mosaics(settings: Settings) -> bool:
    return settings.data.online == "compose"


def _spread(photos: Collection, most: int | None) -> Collection:
    """At most so many examples, evenly spread over the collection, so that every photo has variants among them."""
    if most is None or len(photos) <= most:
        return photos
    return photos.only(photos[row] for row in np.linspace(0, len(photos) - 1, most).round().astype(int))
