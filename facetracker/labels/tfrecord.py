"""`tf.train.Example` messages and TFRecord files, written and read without TensorFlow.

Importing TensorFlow costs each worker process seconds and hundreds of megabytes; the format needs neither. A record
is its length (8 bytes), the masked CRC-32C of the length, the message, the masked CRC-32C of the message. The message
is a map from names to lists of bytes, floats or integers in protobuf's wire format.
"""

from __future__ import annotations

import struct
from collections.abc import Iterable, Iterator, Mapping, Sequence
from functools import lru_cache
from pathlib import Path
from typing import Any, BinaryIO

import numpy as np
from google_crc32c import value as crc32c

from facetracker.core.errors import BadFile
from facetracker.core.places import as_path

Features = Mapping[str, Any]

BYTES, FLOATS, INTEGERS = 1, 2, 3  # the fields of tensorflow.Feature
VARINT, FIXED64, LENGTH, FIXED32 = 0, 1, 2, 5  # protobuf's wire types
LIST = 1 << 3 | LENGTH  # field 1, length-delimited: BytesList.value, Features.feature, Example.features
MAX_RECORD = 1 << 30
SHORT = 32  # bytes


def encode_example(features: Features) -> bytes:
    """A `tf.train.Example` as bytes. Values are lists of bytes, or float32 or int64 arrays; names come sorted."""
    entries = [piece for name in sorted(features) for piece in _entry(name, features[name])]
    return b"".join(_field(LIST, entries))


def decode_example(message: bytes) -> dict[str, Any]:
    """The features of a `tf.train.Example`: lists of bytes, float32 and int64 arrays."""
    features: dict[str, Any] = {}
    try:
        for _, example in _fields(memoryview(message)):
            for _, entry in _fields(example):
                parts = dict(_fields(entry))
                features[str(parts[1], "utf-8")] = _values(parts.get(2, memoryview(b"")))
    except (TypeError, KeyError, ValueError):  # a number where a message should be, a name that is missing
        raise BadFile("holds a record that is no tf.train.Example") from None
    return features


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


def _entry(name: str, value: Any) -> list[bytes]:
    if isinstance(value, np.ndarray) and value.dtype == np.float32:
        return _pieces(name, FLOATS, [value.tobytes()] if value.size else [])
    if isinstance(value, np.ndarray) and value.dtype == np.int64:
        return (
            _repeated(name, INTEGERS, b"".join(map(_varint, value.tolist())))
            if value.size
            else _pieces(name, INTEGERS, [])
        )
    if len(value) == 1 and len(value[0]) < SHORT:
        return _repeated(name, BYTES, value[0])
    return _pieces(name, BYTES, value)


@lru_cache(maxsize=256)
def _repeated(name: str, kind: int, item: bytes) -> list[bytes]:
    """An entry of one short item: widths, formats and labels are the same in record after record."""
    return [b"".join(_pieces(name, kind, [item]))]


def _pieces(name: str, kind: int, items: Sequence[bytes]) -> list[bytes]:
    content = [piece for item in items for piece in _field(LIST, [item])]
    return _field(LIST, [*_name(name), *_field(2 << 3 | LENGTH, _field(kind << 3 | LENGTH, content))])


@lru_cache(maxsize=256)
def _name(name: str) -> list[bytes]:
    return _field(LIST, [name.encode()])


def _field(tag: int, content: list[bytes]) -> list[bytes]:
    """A field of a message in pieces: a picture among them is copied once, when all are joined, not at each level."""
    length = sum(map(len, content))  # every tag here, and most lengths, take one byte
    head = bytes((tag, length)) if length < 0x80 else bytes((tag,)) + _varint(length)
    return [head, *content]


def _varint(number: int) -> bytes:
    if 0 <= number < 0x80:
        return bytes((number,))
    number &= (1 << 64) - 1  # negative numbers are written as their 64-bit complement
    out = bytearray()
    while number > 0x7F:
        out.append(number & 0x7F | 0x80)
        number >>= 7
    out.append(number)
    return bytes(out)


def _fields(data: memoryview) -> Iterator[tuple[int, Any]]:
    """The (field number, value) pairs of a message."""
    place = 0
    while place < len(data):
        tag, place = _read_varint(data, place)
        kind = tag & 7
        if kind == VARINT:
            value, place = _read_varint(data, place)
            yield tag >> 3, value
            continue
        if kind == LENGTH:
            size, place = _read_varint(data, place)
        elif kind in (FIXED64, FIXED32):
            size = 8 if kind == FIXED64 else 4
        else:
            raise BadFile("holds a record that is no tf.train.Example")
        if place + size > len(data):
            raise BadFile("holds a record that is no tf.train.Example")
        yield tag >> 3, data[place : place + size]
        place += size


def _read_varint(data: memoryview, place: int) -> tuple[int, int]:
    number = shift = 0
    while place < len(data) and shift < 70:
        byte = data[place]
        place += 1
        number |= (byte & 0x7F) << shift
        if byte < 0x80:
            return number, place
        shift += 7
    raise BadFile("holds a record that is no tf.train.Example")


def _values(feature: memoryview) -> Any:
    for kind, content in _fields(feature):
        if kind == BYTES:
            return [bytes(item) for _, item in _fields(content)]
        if kind == FLOATS:
            return np.frombuffer(b"".join(bytes(item) for _, item in _fields(content)), "<f4")
        return np.array([_signed(number) for _, item in _fields(content) for number in _varints(item)], np.int64)
    return []


def _varints(item: Any) -> Iterable[int]:
    if isinstance(item, int):  # not packed
        yield item
        return
    place = 0
    while place < len(item):
        number, place = _read_varint(item, place)
        yield number


def _signed(number: int) -> int:
    return number - (1 << 64) if number >> 63 else number
