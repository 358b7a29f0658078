"""A head that is turned aside: the drawing of its front laid around a round head, which is seen by a camera far away.

Every level of the head is an ellipse, so the place of a point of the drawing in the picture, and the way back, are
formulas. Lengths in units of half a head's width, as in `face`; angles in degrees, positive to the picture's right.
"""

from __future__ import annotations

from functools import lru_cache

import numpy as np

from facetracker.core.photo import Picture
from facetracker.scenes.canvas import Canvas, Floats, mixed
from facetracker.scenes.face import BOTTOM, DARK, LEFT, NOSE_TIP, RIGHT, TOP, Expression, face_box, head
from facetracker.scenes.person import Person

FARTHEST = 60.0  # degrees: beyond, the side of the head would be most of what is seen, and it has no features
WIDE, DEEP, HIGH = 1.16, 1.16, 1.70  # half the head with its hair: across, from front to back, upwards
SCARF_WIDE, SCARF_HIGH = 1.26, 2.15  # the same in a headscarf
JAW = 0.85  # where the sides of the head end: the front hangs lower, at the chin
NAPE = 0.40  # down to where there is hair on them
NOSE, NOSE_WIDE, NOSE_LONG = 0.30, 0.20, 0.30  # how far it sticks out, and over how much of the face that spreads
STEPS = 8  # until the nose's shift stands still
OUTSIDE = 9.0  # beyond every drawing


@lru_cache(maxsize=256)
def all_round(who: Person, expression: Expression, unit: int, light: float) -> Picture:
    """The front as `face.head` draws it, over the sides of the head: hair above, skin below, cloth in a scarf."""
    canvas = Canvas(LEFT, TOP, RIGHT, BOTTOM, unit)
    shade = mixed(who.skin, DARK, 0.25)
    above = {"scarf": who.clothes, "bald": shade}.get(who.style, mixed(who.hair, DARK, 0.2))
    below = who.clothes if who.style == "scarf" else shade
    wide, high = _shape(who)
    down = SCARF_HIGH if who.style == "scarf" else JAW
    v = np.concatenate([np.linspace(-high, 0, 40), np.linspace(0, down, 30)[1:]])
    rim = np.where(v < 0, _level(who, v), wide * np.sqrt(1 - np.clip(v / down, 0, 1) ** 4))
    right = np.stack([rim, v], axis=1)
    outline = np.concatenate([right, right[::-1] * [-1, 1]]).astype(np.float32)
    canvas.fill(outline, below, soft=0.01)
    canvas.fill([(LEFT, TOP), (RIGHT, TOP), (RIGHT, NAPE), (LEFT, NAPE)], above, soft=0.15, inside=canvas.mask(outline))
    sides, front = canvas.picture(), head(who, expression, unit, light)
    through = (255 - front[..., 3:].astype(np.float32)) / 255
    return np.rint(front + sides * through).clip(0, 255).astype(np.uint8)


def drawn_at(who: Person, x: Floats, v: Floats, yaw: float) -> Floats:
    """Which column of the drawing is seen at the places `x`, `v` of the turned head; `OUTSIDE` where it is not."""
    level, turn = _level(who, v), np.radians(yaw)
    wide, ahead = _swing(who, yaw)
    u = np.zeros_like(x)  # from the ridge of the nose, which hides the cheek behind it
    for _ in range(STEPS):
        share = (x - _nose(u, v) * np.sin(turn)) / np.maximum(level * wide, 1e-6)
        around = np.clip(np.arcsin(np.clip(share, -1, 1)) - ahead, -np.pi / 2, np.pi / 2)
        u = level * np.sin(around)
    return np.where(np.abs(share) <= 1, u, OUTSIDE).astype(np.float32)


def seen_at(who: Person, u: Floats, v: Floats, yaw: float) -> Floats:
    """Where points `u`, `v` of the drawing are seen: the way back from `drawn_at`."""
    level, turn = _level(who, v), np.radians(yaw)
    depth = DEEP / _shape(who)[0] * np.sqrt(np.maximum(level**2 - u**2, 0))
    return np.asarray(u * np.cos(turn) + (depth + _nose(u, v)) * np.sin(turn))


def box_turned(who: Person, yaw: float) -> tuple[float, float, float, float]:
    """As `face.face_box`, of the turned head: what of the same oval is seen."""
    left, top, right, bottom = face_box(who)
    around = np.linspace(0, 2 * np.pi, 60)
    u = ((left + right) / 2 + (right - left) / 2 * np.cos(around)).astype(np.float32)
    v = ((top + bottom) / 2 + (bottom - top) / 2 * np.sin(around)).astype(np.float32)
    x = seen_at(who, u, v, yaw)
    return float(x.min()), top, float(x.max()), bottom


def _shape(who: Person) -> tuple[float, float]:
    """Half the width and half the height of the head with what is on it."""
    return (SCARF_WIDE, SCARF_HIGH) if who.style == "scarf" else (WIDE, HIGH)


def _level(who: Person, v: Floats) -> Floats:
    """Half the head's width at the height `v`: upright at the face, round at the top and the chin."""
    wide, high = _shape(who)
    return np.asarray(wide * np.sqrt(np.maximum(1 - (v / high) ** 4, 0)))


def _swing(who: Person, yaw: float) -> tuple[float, float]:
    """Half the width of the turned head where it is 1 wide, and by how much its front leads, in radians."""
    wide, turn = _shape(who)[0], np.radians(yaw)
    across, along = np.cos(turn), DEEP / wide * np.sin(turn)
    return float(np.hypot(across, along)), float(np.arctan2(along, across))


def _nose(u: Floats, v: Floats) -> Floats:
    return np.asarray(NOSE * np.exp(-((u / NOSE_WIDE) ** 2) - ((v - NOSE_TIP + 0.08) / NOSE_LONG) ** 2))
