"""`tf.train.Example` messages and TFRecord files, written and read without TensorFlow.

Importing TensorFlow costs each worker process seconds and hundreds of megabytes; protobuf, which comes with it, a
twentieth of a second. A record is its length (8 bytes), the masked CRC-32C of the length, the message, the masked
CRC-32C of the message.
"""

from __future__ import annotations

import struct
from collections.abc import Iterator, Mapping
from functools import cache
from pathlib import Path
from typing import Any, BinaryIO

import numpy as np
from google.protobuf import descriptor_pb2, descriptor_pool, message_factory
from google.protobuf.message import DecodeError
from google_crc32c import value as crc32c

from facetracker.core.errors import BadFile
from facetracker.core.places import as_path

Features = Mapping[str, Any]

MAX_RECORD = 1 << 30
PACKAGE = "facetracker.tfrecord"  # not tensorflow's own: where both are loaded, neither knows of the other
FIELD = descriptor_pb2.FieldDescriptorProto
LISTS = (("bytes_list", FIELD.TYPE_BYTES), ("float_list", FIELD.TYPE_FLOAT), ("int64_list", FIELD.TYPE_INT64))


def encode_example(features: Features) -> bytes:
    """A `tf.train.Example` as bytes. Values are lists of bytes, or float32 or int64 arrays; names come sorted."""
    message = _example()()
    for name, value in features.items():
        feature = message.features.feature[name]
        if isinstance(value, np.ndarray):
            kept = feature.float_list if value.dtype == np.float32 else feature.int64_list
            value = value.tolist()
        else:
            kept = feature.bytes_list
        kept.SetInParent()  # an empty list is one of its kind all the same
        kept.value.extend(value)
    return message.SerializeToString(deterministic=True)


def decode_example(message: bytes) -> dict[str, Any]:
    """The features of a `tf.train.Example`: lists of bytes, float32 and int64 arrays."""
    try:
        features = _example().FromString(message).features.feature
    except DecodeError:
        raise BadFile("holds a record that is no tf.train.Example") from None
    return {name: _values(feature) for name, feature in features.items()}


def _values(feature: Any) -> Any:
    kind = feature.WhichOneof("kind")
    if kind == "float_list":
        return np.array(feature.float_list.value, np.float32)
    if kind == "int64_list":
        return np.array(feature.int64_list.value, np.int64)
    return list(feature.bytes_list.value)


@cache
def _example() -> Any:
    """The class of the messages, built as TensorFlow's `example.proto` and `feature.proto` describe them."""
    file = descriptor_pb2.FileDescriptorProto(name="facetracker/tfrecord.proto", package=PACKAGE, syntax="proto3")

    def add(message: Any, name: str, number: int, kind: Any, **options: Any) -> None:
        """A field of a scalar kind, or of another message, by name."""
        if isinstance(kind, str):
            options["type_name"], kind = f".{PACKAGE}.{kind}", FIELD.TYPE_MESSAGE
        message.field.add(name=name, number=number, type=kind, **{"label": FIELD.LABEL_OPTIONAL, **options})

    feature = descriptor_pb2.DescriptorProto(name="Feature")
    feature.oneof_decl.add(name="kind")
    for number, (name, kind) in enumerate(LISTS, start=1):
        add(file.message_type.add(name=name), "value", 1, kind, label=FIELD.LABEL_REPEATED)
        add(feature, name, number, name, oneof_index=0)
    file.message_type.append(feature)
    features = file.message_type.add(name="Features")
    entry = features.nested_type.add(name="FeatureEntry")
    entry.options.map_entry = True
    add(entry, "key", 1, FIELD.TYPE_STRING)
    add(entry, "value", 2, "Feature")
    add(features, "feature", 1, "Features.FeatureEntry", label=FIELD.LABEL_REPEATED)
    add(file.message_type.add(name="Example"), "features", 1, "Features")
    pool = descriptor_pool.DescriptorPool()
    pool.Add(file)
    return message_factory.GetMessageClass(pool.FindMessageTypeByName(f"{PACKAGE}.Example"))


def frame(message: bytes) -> bytes:
    """The message as one TFRecord record."""
    length = struct.pack("<Q", len(message))
    return b"".join((length, _checksum(length), message, _checksum(message)))


def read_records(path: str | Path) -> Iterator[bytes]:
    """The messages of a TFRecord file, one after the other; a damaged one is a `BadFile`."""
    with as_path(path).open("rb") as file:
        while header := file.read(12):
            length = _length(header, path)
            message = _exactly(file, length, path)
            if _exactly(file, 4, path) != _checksum(message):
                raise BadFile("is damaged (wrong checksum)", path=path, fix="Make it again with `facetracker augment`.")
            yield message


def _length(header: bytes, path: str | Path) -> int:
    if len(header) < 12 or header[8:] != _checksum(header[:8]):
        raise BadFile("is no TFRecord file, or damaged", path=path)
    length = struct.unpack("<Q", header[:8])[0]
    if length > MAX_RECORD:
        raise BadFile("holds a record of more than a gigabyte", path=path)
    return length


def _exactly(file: BinaryIO, count: int, path: str | Path) -> bytes:
    data = file.read(count)
    if len(data) != count:
        raise BadFile("is truncated", path=path, fix="Make it again with `facetracker augment`.")
    return data


def _checksum(data: bytes) -> bytes:
    crc = crc32c(data)
    return struct.pack("<I", ((crc >> 15 | crc << 17) + 0xA282EAD8) & 0xFFFFFFFF)
