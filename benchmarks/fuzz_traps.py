"""Traps made by hand, for `fuzz.py`: too deep, too large, unpacking to gigabytes, claiming what is not there."""

from __future__ import annotations

import functools
import io
import json
import zipfile
import zlib
from pathlib import Path

from fuzz_files import sound_cards

BOMB = 1500  # MB that an archive unpacks to

DEEP = [("[" * 100_000), '{"a":' * 100_000, "[" * 100_000 + "]" * 100_000]


def zipped(names: dict[str, bytes]) -> bytes:
    data = io.BytesIO()
    with zipfile.ZipFile(data, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in names.items():
            archive.writestr(name, content)
    return data.getvalue()


@functools.cache
def bomb(name: str, megabytes: int) -> bytes:
    """An archive of one entry of so many zeros: a megabyte is packed once and repeated, which takes a second."""
    packing, zeros = zlib.compressobj(9, zlib.DEFLATED, -zlib.MAX_WBITS), bytes(1 << 20)
    packed = (packing.compress(zeros) + packing.flush(zlib.Z_FULL_FLUSH)) * megabytes + b"\x03\x00"
    entry, data = zipfile.ZipInfo(name), io.BytesIO()
    entry.compress_type, entry.compress_size, entry.file_size = zipfile.ZIP_DEFLATED, len(packed), megabytes << 20
    entry.header_offset = 0
    entry.CRC = functools.reduce(lambda crc, _: zlib.crc32(zeros, crc), range(megabytes), 0)
    with zipfile.ZipFile(data, "w") as archive:
        assert archive.fp is not None
        archive.fp.write(entry.FileHeader() + packed)
        archive.filelist.append(entry)
        archive.start_dir, archive._didModify = archive.fp.tell(), True  # type: ignore[attr-defined]
    return data.getvalue()


def claims(shape: str) -> bytes:
    """An `.npz` with one array that claims this shape and holds nothing of it."""
    head = ("{'descr': '<f8', 'fortran_order': False, 'shape': " + shape + ", }").ljust(117) + "\n"
    return zipped({"progress.npy": b"\x93NUMPY\x01\x00" + len(head).to_bytes(2, "little") + head.encode() + bytes(64)})


LAUGHS = "a: &a [x, x, x, x, x, x, x, x, x, x]\n" + "".join(
    f"{name}: &{name} [{', '.join([f'*{before}'] * 10)}]\n" for before, name in zip("abcdefgh", "bcdefghi", strict=True)
)


def yaml_traps() -> list[tuple[str, bytes]]:
    texts = [*DEEP, "a: " * 50_000, "- " * 100_000, LAUGHS, "x: 2001-99-99", "x: !!python/object/apply:os.system [id]"]
    texts += ["model: {image_size: 1000000000}", "training: {epochs: " + "9" * 5000 + "}"]
    texts += ["? [a]\n: b", "x" * (8 << 20)]
    return [(".yaml", text.encode()) for text in texts]


def json_traps(suffix: str = ".json") -> list[tuple[str, bytes]]:
    return [(suffix, text.encode()) for text in [*DEEP, "9" * 10_000, '{"a": ' + "9" * 5000 + "}", "\x00" * 100]]


def card_traps() -> list[tuple[str, bytes]]:
    sound = json.loads(sound_cards(Path())[0][1])
    sides = [10**9, 10**400, -1, 65536, True, "640"]
    made = [json.dumps({**sound, "image_size": side}).encode() for side in sides]
    made += [json.dumps({**sound, "strides": value}).encode() for value in ([0], [10**9] * 3, [8], [-8, 16, 32])]
    made.append(json.dumps({**sound, "classes": ["face\x1b[2J"] * 1000}).encode())
    return [*json_traps(".tflite.json"), *((".tflite.json", data) for data in made)]


def npz_traps() -> list[tuple[str, bytes]]:
    shapes = ("(5000000000,)", "(1000000, 1000000)", "(-1,)", "(10**9,)", "(2**62, 4)", "'x'")
    made = [claims(shape) for shape in shapes]
    made += [bomb("progress.npy", BOMB), zipped({"progress.npy": b""}), zipped({"../../x.npy": b"\x93NUMPY"})]
    return [(".npz", data) for data in made]


def keras_traps() -> list[tuple[str, bytes]]:
    import h5py

    config = {"registered_name": "facetracker>FaceTracker", "config": {"backbone": "smallest", "image_size": 10**9}}
    made = [(".keras", bomb(name, BOMB)) for name in ("config.json", "model.weights.h5")]
    for text in (*DEEP, json.dumps(config)):
        made.append((".keras", zipped({"config.json": text.encode()})))
    data = io.BytesIO()
    with h5py.File(data, "w") as file:
        file.create_dataset("a", (5_000_000_000,), "f8", chunks=(1 << 16,))
        file["b"] = h5py.ExternalLink("/etc/passwd", "/")
    made.append((".h5", data.getvalue()))
    return made


def answer_traps() -> list[tuple[str, bytes]]:
    """Lists of faces to hide: numbers that are none, rows too long, fields without an end."""
    head = "number,hide,from,to,score,doubt\n"
    rows = [
        "1,yes,-inf,inf,,",
        "1,yes,nan,nan,,",
        "1,yes,1e400,1e400,,",
        "9" * 5000 + ",no,0,1,,",
        "1,no,0,0.1" + ",x" * 50_000,
    ]
    rows += ['1,"no' + "x" * 200_000, "1", "1,no,0,1\x00,,", "1,no,0,0.3,,\n" * 20_000]
    return [(".csv", (head + row + "\n").encode()) for row in rows] + [(".csv", b"\xff\xfe" + head.encode("utf-16-le"))]


def zone_traps() -> list[tuple[str, bytes]]:
    texts = ["a=" + "0.5," * 100_000 + "0.5", "a" * 10**6 + "=0,0,1,1", "a=0,0,1,1\n" * 2, "=" * 10**5, "a=nan,0,1,1"]
    texts += ["a=-1e400,0,1,1", "\x1b[2J=0,0,1,1", "a=" + "9" * 10**6 + ",0,1,1"]
    texts.append("\n".join(f"z{number}=0,0,1,1" for number in range(20_000)))
    return [(".txt", text.encode()) for text in texts]


def class_traps() -> list[tuple[str, bytes]]:
    return [(".txt", data) for data in (b"\xff" * 1000, b"a\n" * 10**6, b"x" * 10**7, b"\x1b[2J\n", b"\x00\n")]


def other_photo_traps() -> list[tuple[str, bytes]]:
    """A GIF and a JPEG 2000 of a few bytes that claim thousands of millions of pixels."""
    gif = (
        b"GIF89a"
        + b"\xff\xff" * 2
        + b"\x80\x00\x00"
        + bytes(6)
        + b","
        + bytes(4)
        + b"\xff\xff" * 2
        + b"\x00\x02\x02L\x01\x00;"
    )
    sizes = (60_000).to_bytes(4, "big") * 2 + bytes(8) + (60_000).to_bytes(4, "big") * 2 + bytes(8)
    stream = (
        b"\xff\x4f\xff\x51" + (47).to_bytes(2, "big") + bytes(2) + sizes + (3).to_bytes(2, "big") + b"\x07\x01\x01" * 3
    )
    return [(".gif", gif), (".jp2", stream), (".avif", b"\x00\x00\x00\x1cftypavif" + bytes(100))]
