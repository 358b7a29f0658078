"""Damage done to label files and pictures on purpose, from a seed: what disks, people and other programs do."""

from __future__ import annotations

import copy
import json
import random
from typing import Any

import cv2
import numpy as np
from photo_set import draw, rectangle

WIDTH, HEIGHT = 160, 120

NUMBERS = [
    0,
    1,
    -1,
    2,
    7,
    159.5,
    160,
    160.4,
    -0.4,
    1e-9,
    1e9,
    1e308,
    -1e308,
    10**400,
    2**63,
    float("nan"),
    float("inf"),
]
KINDS = ["rectangle", "polygon", "circle", "point", "line", "mask", "ellipse"]
TEXTS = ["", "face", "0", "NaN", "..\\x.jpg", "x" * 5000, "\ud800", "a\0b", "\u202eface"]
LISTS = [
    [],
    [[]],
    [{}],
    [None, None],
    [1, 2],
    [[1, 2]],
    [[1, 2], [3, 4]],
    [[30, 30], [90, 80]],
    [["1", "2"], ["3", "4"]],
]
JUNK: list[Any] = [None, True, False, {}, {"label": "face"}, [[1, 2, 3], [4, 5, 6]], *NUMBERS, *KINDS, *TEXTS, *LISTS]


def sound_label(chance: random.Random) -> dict[str, Any]:
    """A labelme file as people make them: several kinds of shapes, flags, sometimes keys of other programs."""

    def x() -> float:
        return round(chance.uniform(0, WIDTH), chance.choice([0, 2, 14]))

    def y() -> float:
        return round(chance.uniform(0, HEIGHT), chance.choice([0, 2, 14]))

    shapes = []
    for _ in range(chance.choice([0, 1, 1, 1, 2, 5])):
        kind = chance.choice(["rectangle"] * 6 + ["polygon", "circle", "oriented_rectangle", "point", "line"])
        points = {"polygon": 5, "oriented_rectangle": 4, "point": 1}.get(kind, 2)
        shape = rectangle(0, 0, 1, 1, label=chance.choice(["face", "face", "mask"]), description="", mask=None)
        shape.update(shape_type=kind, points=[[x(), y()] for _ in range(points)])
        shapes.append(shape)
    content = {
        "version": chance.choice(["5.0.1", "6.3.1"]),
        "flags": chance.choice([{}, {"no_face": False}]),
        "shapes": shapes,
        "imagePath": "..\\images\\a.jpg",
        "imageData": chance.choice([None, "iVBORw0KGgo="]),
        "imageHeight": HEIGHT,
        "imageWidth": WIDTH,
    }
    return content | chance.choice([{}, {"camera": "left"}])


def damaged_label(chance: random.Random) -> bytes:
    """A sound label file with one to four things wrong in its structure, its bytes, or both."""
    content: Any = sound_label(chance)
    kind = chance.choice(["structure", "structure", "bytes", "both", "nothing"])
    if kind in ("structure", "both"):
        for _ in range(chance.randint(1, 4)):
            content = _damaged_structure(content, chance)
    try:
        data = json.dumps(content, ensure_ascii=chance.random() < 0.5, indent=chance.choice([None, 2])).encode()
    except UnicodeEncodeError:
        data = json.dumps(content).encode()
    if kind in ("bytes", "both"):
        for _ in range(chance.randint(1, 4)):
            data = damaged_bytes(data, chance)
    return data


def _damaged_structure(content: Any, chance: random.Random) -> Any:
    content = copy.deepcopy(content)
    places: list[tuple[Any, Any]] = []

    def walk(node: Any) -> None:
        keys = list(node) if isinstance(node, dict) else range(len(node)) if isinstance(node, list) else []
        for key in keys:
            places.append((node, key))
            walk(node[key])

    walk(content)
    if not places or chance.random() < 0.01:
        return copy.deepcopy(chance.choice(JUNK))
    node, key = chance.choice(places)
    action = chance.choice(["junk", "junk", "junk", "remove", "double", "nest", "move"])
    if action == "junk":
        node[key] = copy.deepcopy(chance.choice(JUNK))
    elif action == "remove":
        del node[key]
    elif action == "double" and isinstance(node, list):
        node.insert(key, copy.deepcopy(node[key]))
    elif action == "nest":
        node[key] = [node[key]]
    elif isinstance(node[key], int | float) and not isinstance(node[key], bool) and abs(node[key]) < 1e9:
        node[key] = node[key] * chance.choice([-1, 0, 2, 3, 10, 0.001]) + chance.choice([0, -50, 200])
    return content


def damaged_bytes(data: bytes, chance: random.Random) -> bytes:
    """One thing that happens to bytes."""
    if not data:
        return data
    place, length = chance.randrange(len(data)), chance.choice([1, 1, 2, 8, 64, 512])
    action = chance.choice(["flip", "set", "cut", "drop", "double", "zero", "insert", "swap"])
    changed = bytearray(data)
    if action == "flip":
        changed[place] ^= 1 << chance.randrange(8)
    elif action == "set":
        changed[place] = chance.choice(b'0123456789.-e"[]{},: \0\xff\xc3')
    elif action == "cut":
        del changed[place:]
    elif action == "drop":
        del changed[place : place + length]
    elif action == "double":
        changed[place:place] = changed[place : place + length]
    elif action == "zero":
        changed[place : place + length] = bytes(len(changed[place : place + length]))
    elif action == "insert":
        changed[place:place] = chance.randbytes(length)
    else:
        other = chance.randrange(len(data))
        changed[place], changed[other] = changed[other], changed[place]
    return bytes(changed)


def sound_pictures() -> list[tuple[str, bytes]]:
    """`(suffix, bytes)` of the formats that cameras and people hand in."""
    picture = draw(1, 320, 240)
    grey = cv2.cvtColor(picture, cv2.COLOR_BGR2GRAY)
    made = [
        (".jpg", picture, []),
        (".jpg", picture, [cv2.IMWRITE_JPEG_PROGRESSIVE, 1]),
        (".jpeg", grey, [cv2.IMWRITE_JPEG_QUALITY, 40]),
        (".jpg", picture, [cv2.IMWRITE_JPEG_RST_INTERVAL, 4]),
        (".png", picture, []),
        (".png", np.dstack([picture, grey]), []),
        (".bmp", picture, []),
        (".webp", picture, []),
        (".tif", picture, []),
    ]
    return [(suffix, cv2.imencode(suffix, pixels, options)[1].tobytes()) for suffix, pixels, options in made]


def damaged_picture(chance: random.Random, sound: list[tuple[str, bytes]]) -> tuple[str, bytes]:
    """A picture with one to five things wrong; the damage likes the header, where it hurts most."""
    suffix, data = chance.choice(sound)
    if chance.random() < 0.1:
        return suffix, chance.choice(
            [b"", data[:1], data[:20], b"\0" * 100, chance.randbytes(200), data[len(data) // 2 :]]
        )
    if chance.random() < 0.25:
        return suffix, data[: chance.randrange(len(data))]
    for _ in range(chance.randint(1, 5)):
        head = chance.choice([64, 700, len(data)])
        data = damaged_bytes(data[:head], chance) + data[head:]
    return suffix, data
