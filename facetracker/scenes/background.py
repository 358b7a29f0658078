"""Rooms without people: a wall, a floor, furniture, posters and balls, so that not everything round is a face."""

from __future__ import annotations

from functools import lru_cache

import cv2
import numpy as np
from numpy.typing import NDArray

from facetracker.core.photo import Picture

WALLS = (
    (204, 214, 218),
    (196, 188, 172),
    (170, 190, 176),
    (158, 178, 206),
    (182, 170, 190),
    (120, 112, 104),
    (150, 160, 190),
    (92, 84, 78),
)
PAINTS = (
    (70, 90, 200),
    (60, 160, 230),
    (90, 170, 90),
    (190, 140, 60),
    (160, 90, 140),
    (60, 60, 64),
    (230, 230, 226),
    (100, 140, 170),
)


@lru_cache(maxsize=8)
def background(seed: int, width: int, height: int, blur: float = 1.0) -> Picture:
    """A room `(height, width, 3)` BGR, out of focus by `blur`; read-only, the same for the same arguments."""
    rng = np.random.default_rng((seed, 0x0B00))
    # Drawn at twice a small size so that a large picture costs no more than a small one.
    room = _wall(rng, 640, 480)
    draws = [_window, _shelf, _poster, _poster, _lamp, _plant, _clock, _curtain]
    order = rng.permutation(len(draws))[: int(rng.integers(3, 6))]
    slots = rng.permutation(5)
    for slot, which in zip(slots, order, strict=False):
        draws[which](room, rng, int(20 + slot * 125 + rng.integers(-15, 15)))
    _floor(room, rng)
    _balls(room, rng)
    room = _lit(room, rng)
    if blur > 0:
        room = cv2.GaussianBlur(room, (0, 0), 1.6 * blur)
    picture = _fitted(room, width, height)
    picture.setflags(write=False)
    return picture


def _fitted(room: Picture, width: int, height: int) -> Picture:
    """Cut the 640x480 room to the shape asked for and scale it."""
    scale = max(width / 640, height / 480)
    w, h = min(640, round(width / scale)), min(480, round(height / scale))
    x, y = (640 - w) // 2, 480 - h
    return cv2.resize(room[y : y + h, x : x + w], (width, height), interpolation=cv2.INTER_LINEAR)


def _wall(rng: np.random.Generator, width: int, height: int) -> Picture:
    paint = np.array(WALLS[rng.integers(len(WALLS))], np.float32) * rng.uniform(0.8, 1.1)
    row = np.repeat(paint[None], width, axis=0)
    if rng.random() < 0.25:  # wallpaper
        stripes = (np.arange(width) // int(rng.integers(14, 40))) % 2
        row *= (1 - 0.07 * stripes)[:, None]
    return np.repeat(np.clip(row, 0, 255).astype(np.uint8)[None], height, axis=0)


def _floor(room: Picture, rng: np.random.Generator) -> None:
    y = int(rng.integers(385, 440))
    wood = np.array([70, 100, 140], np.float32) * rng.uniform(0.6, 1.3)
    room[y:] = np.clip(wood, 0, 255).astype(np.uint8)
    for x in range(-200, 900, int(rng.integers(50, 90))):
        cv2.line(room, (x, y), (x + (x - 320) // 2, 480), tuple(float(v) for v in wood * 0.8), 2, cv2.LINE_AA)
    cv2.rectangle(room, (0, y - 10), (640, y), (225, 228, 228), -1)
    if rng.random() < 0.6:  # a table
        x, w = int(rng.integers(-60, 420)), int(rng.integers(180, 320))
        top = int(rng.integers(330, 380))
        brown = (48, 74, 112)
        cv2.rectangle(room, (x, top), (x + w, top + 16), brown, -1)
        for leg in (x + 12, x + w - 24):
            cv2.rectangle(room, (leg, top + 16), (leg + 12, 480), (38, 60, 92), -1)
        cv2.ellipse(room, (x + w // 3, top - 14), (16, 16), 0, 0, 360, _paint(rng), -1, cv2.LINE_AA)


def _balls(room: Picture, rng: np.random.Generator) -> None:
    for _ in range(int(rng.integers(0, 4))):
        r = int(rng.integers(12, 34))
        x, y = int(rng.integers(20, 620)), int(rng.integers(395, 470)) - r // 2
        paint = np.array(_paint(rng), np.float32)
        for step in range(8):  # from rim to highlight
            share = step / 7
            colour = tuple(float(v) for v in np.clip(paint * (0.62 + 0.55 * share), 0, 255))
            cv2.circle(
                room,
                (int(x - 0.35 * r * share), int(y - 0.4 * r * share)),
                int(r * (1 - 0.85 * share)),
                colour,
                -1,
                cv2.LINE_AA,
            )


def _window(room: Picture, rng: np.random.Generator, x: int) -> None:
    w, h = int(rng.integers(110, 160)), int(rng.integers(150, 220))
    y = int(rng.integers(30, 70))
    sky = np.linspace(0, 1, h)[:, None, None] * np.array([-30, 5, 20]) + np.array([235, 205, 175])
    view = _part(room, x, y, w, h)
    view[:] = sky[: view.shape[0]].astype(np.uint8)
    for cx in (x + w // 4, x + 3 * w // 4):
        cv2.circle(room, (cx, y + h), int(w * rng.uniform(0.2, 0.35)), (70, 120, 80), -1, cv2.LINE_AA)
    cv2.rectangle(room, (x, y + h), (x + w, y + h + 40), (150, 160, 150), -1)
    white = (238, 240, 240)
    cv2.rectangle(room, (x, y), (x + w, y + h + 40), white, 8)
    cv2.line(room, (x + w // 2, y), (x + w // 2, y + h + 40), white, 6)
    cv2.line(room, (x, y + h // 2), (x + w, y + h // 2), white, 5)


def _shelf(room: Picture, rng: np.random.Generator, x: int) -> None:
    w, y, h = int(rng.integers(110, 170)), int(rng.integers(50, 110)), 300
    cv2.rectangle(room, (x, y), (x + w, y + h), (52, 74, 104), -1)
    for top in range(y + 6, y + h - 40, 62):
        cv2.rectangle(room, (x + 6, top), (x + w - 6, top + 56), (34, 48, 68), -1)
        at = x + 8
        while at < x + w - 18:
            thick, tall = int(rng.integers(6, 15)), int(rng.integers(34, 52))
            cv2.rectangle(room, (at, top + 56 - tall), (at + thick, top + 56), _paint(rng), -1)
            at += thick + 1 + 12 * int(rng.random() < 0.12)


def _poster(room: Picture, rng: np.random.Generator, x: int) -> None:
    w, h, y = int(rng.integers(70, 120)), int(rng.integers(90, 150)), int(rng.integers(40, 120))
    cv2.rectangle(room, (x - 5, y - 5), (x + w + 5, y + h + 5), (40, 44, 50), -1)
    cv2.rectangle(room, (x, y), (x + w, y + h), _paint(rng), -1)
    for _ in range(int(rng.integers(2, 6))):
        centre = (x + int(rng.integers(15, w - 15)), y + int(rng.integers(15, h - 15)))
        size = int(rng.integers(6, 15))
        if rng.random() < 0.5:
            cv2.circle(room, centre, size, _paint(rng), -1, cv2.LINE_AA)
        else:
            cv2.rectangle(
                room, (centre[0] - size, centre[1] - size), (centre[0] + size, centre[1] + size), _paint(rng), -1
            )


def _lamp(room: Picture, rng: np.random.Generator, x: int) -> None:
    y = int(rng.integers(120, 200))
    cv2.line(room, (x + 40, y), (x + 40, 430), (60, 64, 70), 5, cv2.LINE_AA)
    shade = np.array([(x + 15, y - 55), (x + 65, y - 55), (x + 88, y + 12), (x - 8, y + 12)], np.int32)
    cv2.fillPoly(room, [shade], (190, 222, 240), cv2.LINE_AA)


def _plant(room: Picture, rng: np.random.Generator, x: int) -> None:
    foot = (x + 45, 400)
    for _ in range(16):
        tip = (x + 45 + int(rng.normal(0, 42)), int(rng.integers(240, 360)))
        green = (int(rng.integers(40, 80)), int(rng.integers(100, 150)), int(rng.integers(50, 90)))
        middle = ((foot[0] + tip[0]) // 2, (foot[1] + tip[1]) // 2 - 10)
        angle = float(np.degrees(np.arctan2(tip[1] - foot[1], tip[0] - foot[0])))
        reach = int(np.hypot(tip[0] - foot[0], tip[1] - foot[1]) / 2)
        cv2.ellipse(room, middle, (reach, 9), angle, 0, 360, green, -1, cv2.LINE_AA)
    pot = np.array([(x + 15, 385), (x + 75, 385), (x + 66, 440), (x + 24, 440)], np.int32)
    cv2.fillPoly(room, [pot], (70, 100, 170), cv2.LINE_AA)


def _clock(room: Picture, rng: np.random.Generator, x: int) -> None:
    centre, r = (x + 45, int(rng.integers(70, 110))), int(rng.integers(26, 40))
    cv2.circle(room, centre, r, (44, 46, 52), -1, cv2.LINE_AA)
    cv2.circle(room, centre, r - 4, (236, 238, 238), -1, cv2.LINE_AA)
    for turn, reach in zip(rng.uniform(0, 2 * np.pi, 2), (0.5, 0.75), strict=True):
        tip = (int(centre[0] + reach * r * np.cos(turn)), int(centre[1] + reach * r * np.sin(turn)))
        cv2.line(room, centre, tip, (40, 40, 44), 3, cv2.LINE_AA)


def _curtain(room: Picture, rng: np.random.Generator, x: int) -> None:
    paint, w = np.array(_paint(rng), np.float32), int(rng.integers(60, 110))
    folds = 0.8 + 0.2 * np.sin(np.arange(w) / rng.uniform(3, 6))
    part = _part(room, x, 0, w, 410)
    part[:] = np.clip(paint * folds[None, : part.shape[1], None], 0, 255).astype(np.uint8)


def _lit(room: Picture, rng: np.random.Generator) -> Picture:
    """Light falls off from one upper corner."""
    return cv2.multiply(room, _falloff(rng.random() < 0.5), scale=1 / 200)


@lru_cache(maxsize=2)
def _falloff(from_left: bool) -> NDArray[np.uint8]:
    """The light on the wall, 200 times its factor."""
    y, x = np.mgrid[0:480, 0:640].astype(np.float32)
    away = np.hypot((x - (100 if from_left else 540)) / 640, y / 480)
    return cv2.cvtColor(((1.12 - 0.42 * away) * 200).astype(np.uint8), cv2.COLOR_GRAY2BGR)


def _part(room: Picture, x: int, y: int, w: int, h: int) -> NDArray[np.uint8]:
    return room[max(y, 0) : y + h, max(x, 0) : max(x + w, 0)]


def _paint(rng: np.random.Generator) -> tuple[float, float, float]:
    b, g, r = np.array(PAINTS[rng.integers(len(PAINTS))]) * rng.uniform(0.7, 1.1)
    return (min(b, 255.0), min(g, 255.0), min(r, 255.0))
