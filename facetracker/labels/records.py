"""Augmented pictures as TFRecord shards: written whole or not at all, with an index.

    FOLDER/train/train-00000-of-00008.tfrecord ...      each record a tf.train.Example
    FOLDER/train/index.json                             the shards, what is in them, how they were made

The features have the names of TensorFlow's Object Detection API, so that other tools read them.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from facetracker.core import boxes as box_arithmetic
from facetracker.core.boxes import Boxes, as_boxes
from facetracker.core.errors import BadFile, FaceTrackerError
from facetracker.core.example import Example
from facetracker.core.files import read_json
from facetracker.core.install import install_command
from facetracker.core.places import as_path
from facetracker.labels.pairing import PARTS

INDEX = "index.json"
IMAGE, NAME, SOURCE = "image/encoded", "image/filename", "image/source_id"
WIDTH, HEIGHT, FORMAT = "image/width", "image/height", "image/format"
EDGES = tuple(f"image/object/bbox/{edge}" for edge in ("xmin", "ymin", "xmax", "ymax"))
LABEL = "image/object/class/text"


@dataclass(frozen=True)
class Record:
    """One augmented picture: the JPEG, its name, the photo it was made from, boxes `(N, 4)` and a label each."""

    name: str
    image: str
    jpeg: bytes
    width: int
    height: int
    boxes: Boxes
    labels: tuple[str, ...]

    def encode(self) -> bytes:
        columns = as_boxes(self.boxes).T
        return _tfrecord().encode_example(
            {
                IMAGE: [self.jpeg],
                FORMAT: [b"jpeg"],
                NAME: [self.name.encode()],
                SOURCE: [self.image.encode()],
                WIDTH: np.array([self.width], np.int64),
                HEIGHT: np.array([self.height], np.int64),
                LABEL: [label.encode() for label in self.labels],
                **{edge: np.ascontiguousarray(column) for edge, column in zip(EDGES, columns, strict=True)},
            }
        )

    def as_example(self, part: str, shard: Path, picture: bool = True) -> Example:
        """The record as the house knows it, with or without its picture."""
        return Example(
            Path(self.name),
            self.width,
            self.height,
            self.boxes,
            self.labels,
            part=part,
            source=shard,
            made_from=self.image,
            jpeg=self.jpeg if picture else None,
        )


def decode_record(message: bytes) -> Record:
    """The record of one `tf.train.Example`."""
    try:
        features = _tfrecord().decode_example(message)
        columns = [np.asarray(features.get(edge, ()), np.float32) for edge in EDGES]
        boxes = as_boxes(np.stack(columns, axis=1)) if len(columns[0]) else box_arithmetic.empty()
        labels = tuple(label.decode() for label in features.get(LABEL, ()))
        if len(labels) != len(boxes):
            raise BadFile(f"holds a record with {len(boxes)} boxes and {len(labels)} labels")
        return Record(
            _text(features.get(NAME)),
            _text(features.get(SOURCE)),
            features[IMAGE][0],
            int(_first(features.get(WIDTH))),
            int(_first(features.get(HEIGHT))),
            boxes,
            labels,
        )
    except (KeyError, IndexError, ValueError, TypeError, AttributeError) as error:
        raise BadFile(f"holds a record that is no picture with boxes ({error})") from None


def _text(values: Any) -> str:
    return values[0].decode() if values else ""


def _first(values: Any) -> int:
    return values[0] if values is not None and len(values) else 0


def shard_name(part: str, number: int, count: int) -> str:
    return f"{part}-{number:05d}-of-{count:05d}.tfrecord"


def parts_of_records(folder: Path) -> list[str]:
    """The parts of which there are shards."""
    return [name for name in PARTS if (folder / name).is_dir() and shards_in(folder, name)]


def shards_in(folder: str | Path, part: str) -> list[Path]:
    """The shards of one part, complete and in order; an index that names a missing one is an error."""
    place = as_path(folder) / part
    index = place / INDEX
    if not index.is_file():
        return sorted(place.glob("*.tfrecord"))
    content = read_json(index)
    names = [shard["file"] for shard in content["shards"]] if isinstance(content, dict) and "shards" in content else []
    paths = [place / name for name in names]
    for path in paths:
        if not path.is_file():
            raise FaceTrackerError(
                "is missing, but the index names it", path=path, fix="Run `facetracker augment` again."
            )
    return paths


def records_in(path: str | Path) -> Iterator[Record]:
    """The records of one shard; a damaged shard is a `BadFile` that names it."""
    for message in _tfrecord().read_records(path):
        try:
            yield decode_record(message)
        except BadFile as error:
            raise BadFile(error.fault, path=path, fix="Make it again with `facetracker augment`.") from None


def _tfrecord() -> Any:
    """What writes and reads them, when the first record is met: who labels photos needs no protobuf."""
    try:
        from facetracker.labels import tfrecord
    except ImportError as error:
        raise FaceTrackerError(f"TFRecord needs {error.name}", fix=install_command("train")) from None
    return tfrecord
