"""Drawn things that look like a face and are none: skulls on shirts, masks on walls, sockets and car fronts.

A detector takes two dark spots above a dark bar for a face. Photos hold few such things, so they are drawn and put
beside the faces of a training picture, where nothing labels them.
"""

from __future__ import annotations

from collections.abc import Iterator

import cv2
import numpy as np
from numpy.typing import NDArray

from facetracker.core.boxes import Boxes, overlaps
from facetracker.core.photo import Picture

Random = np.random.Generator
Colour = tuple[int, int, int]
Oval = tuple[tuple[int, int], tuple[int, int], float, int, int]  # arguments of cv2.ellipse

SMALLEST, LARGEST = 16.0, 0.55  # pixels; share of the picture's side
TRIES = 6
DRAWN_SIDE = 160  # pixels at which it is drawn, before it gets its size
SKIN = ((80, 110, 170), (130, 160, 225), (60, 80, 120))  # BGR of the hands that come before a shirt


def add_lookalike(random: Random, picture: Picture, boxes: Boxes) -> Picture:
    """The picture (BGR) with one lookalike where no box `(N, 4)` in pixels is; as it was if no such place is found."""
    height, width = picture.shape[:2]
    for _ in range(TRIES):
        size = int(np.exp(random.uniform(np.log(SMALLEST), np.log(LARGEST * min(width, height)))))
        left, top = int(random.integers(0, width - size)), int(random.integers(0, height - size))
        if overlaps([left, top, left + size, top + size], boxes).any():
            continue
        drawn, cover = lookalike(random)
        drawn = cv2.resize(drawn, (size, size), interpolation=cv2.INTER_AREA)
        share = cv2.resize(cover, (size, size), interpolation=cv2.INTER_AREA)[..., None]
        region = picture[top : top + size, left : left + size]
        region[:] = (drawn * share + region * (1 - share)).astype(np.uint8)
        return picture
    return picture


def lookalike(random: Random) -> tuple[Picture, NDArray[np.float32]]:
    """One lookalike `(160, 160, 3)` BGR, and how much of each pixel it covers `(160, 160)`, 0 to 1."""
    light, dark = _two_colours(random)
    picture = np.empty((DRAWN_SIDE, DRAWN_SIDE, 3), np.uint8)
    picture[:] = dark
    cover = np.zeros((DRAWN_SIDE, DRAWN_SIDE), np.float32)
    for shape in _head(random):
        cv2.ellipse(picture, *shape, light, -1, cv2.LINE_AA)
        cv2.ellipse(cover, *shape, 1.0, -1, cv2.LINE_AA)
    _eyes(random, picture, dark, light)
    _nose(random, picture, dark)
    _mouth(random, picture, dark)
    _wear(random, picture, dark)
    if random.random() < 0.4:  # a hand before it
        (x, y), (across, high) = random.uniform(20, 140, 2), random.uniform(12, 34, 2)
        skin = SKIN[random.integers(len(SKIN))]
        cv2.ellipse(picture, *_oval(x, y, across, high, random.uniform(0, 180)), skin, -1, cv2.LINE_AA)
    if random.random() < 0.6:
        cover[:] = 1.0  # with the cloth it is printed on
    turn = cv2.getRotationMatrix2D((DRAWN_SIDE / 2, DRAWN_SIDE / 2), random.uniform(-15, 15), 1.0)
    size = (DRAWN_SIDE, DRAWN_SIDE)
    turned = cv2.warpAffine(picture, turn, size, borderMode=cv2.BORDER_REPLICATE)
    return turned.astype(np.uint8), cv2.warpAffine(cover, turn, size).astype(np.float32)


def _two_colours(random: Random) -> tuple[Colour, Colour]:
    """Of the head and of what is dark in it; at times the other way round."""
    grey, tint = random.uniform(120, 245), random.uniform(-25, 25, 3)
    light = _colour(grey + tint * (1 if random.random() < 0.7 else 3))
    dark = _colour(random.uniform(5, 80) + random.uniform(-15, 15, 3))
    return (dark, light) if random.random() < 0.15 else (light, dark)


def _colour(values: NDArray) -> Colour:
    blue, green, red = (int(value) for value in np.clip(values, 0, 255))
    return blue, green, red


def _oval(x: float, y: float, half_width: float, half_height: float, degrees: float = 0.0) -> Oval:
    """A whole oval round (x, y)."""
    return (round(x), round(y)), (max(1, round(half_width)), max(1, round(half_height))), degrees, 0, 360


def _head(random: Random) -> Iterator[Oval]:
    """A cranium, and mostly a jaw."""
    yield _oval(80, random.uniform(62, 76), random.uniform(50, 72), random.uniform(48, 64))
    if random.random() < 0.8:
        yield _oval(80, random.uniform(106, 120), random.uniform(28, 48), random.uniform(26, 40))


def _eyes(random: Random, picture: Picture, dark: Colour, light: Colour) -> None:
    apart, y = random.uniform(20, 32), random.uniform(62, 82)
    across, high, slant = random.uniform(9, 20), random.uniform(7, 20), random.uniform(-35, 35)
    for side in (-1, 1):
        cv2.ellipse(picture, *_oval(80 + side * apart, y, across, high, side * slant), dark, -1, cv2.LINE_AA)
    if random.random() < 0.25:  # a gleam
        for side in (-1, 1):
            cv2.circle(picture, (round(80 + side * apart), round(y)), round(random.uniform(2, 5)), light, -1)


def _nose(random: Random, picture: Picture, dark: Colour) -> None:
    if random.random() < 0.75:
        half, top, bottom = random.uniform(5, 12), random.uniform(84, 92), random.uniform(98, 110)
        corners = np.array([[80, top], [80 - half, bottom], [80 + half, bottom]]).round().astype(np.int32)
        cv2.fillPoly(picture, [corners], dark, cv2.LINE_AA)


def _mouth(random: Random, picture: Picture, dark: Colour) -> None:
    y, half = random.uniform(112, 130), random.uniform(18, 38)
    kind = random.random()
    if kind < 0.55:  # teeth
        high, teeth = random.uniform(6, 14), int(random.integers(4, 10))
        left, right = round(80 - half), round(80 + half)
        if random.random() < 0.5:
            cv2.rectangle(picture, (left, round(y - high)), (right, round(y + high)), dark, 2)
        for x in np.linspace(left, right, teeth):
            cv2.line(picture, (round(x), round(y - high)), (round(x), round(y + high)), dark, 2, cv2.LINE_AA)
        cv2.line(picture, (left, round(y)), (right, round(y)), dark, 2, cv2.LINE_AA)
    elif kind < 0.8:  # open
        cv2.ellipse(picture, *_oval(80, y, half * 0.8, random.uniform(4, 14)), dark, -1, cv2.LINE_AA)
    else:  # a smile, or its contrary
        arc = (0, 180) if random.random() < 0.6 else (180, 360)
        thick = int(random.integers(2, 7))
        cv2.ellipse(picture, (80, round(y)), (round(half), round(half * 0.5)), 0, *arc, dark, thick, cv2.LINE_AA)


def _wear(random: Random, picture: Picture, dark: Colour) -> None:
    """Cracks, folds and the grain of cloth."""
    for _ in range(int(random.integers(0, 6))):
        x1, y1, x2, y2 = (int(value) for value in random.integers(0, DRAWN_SIDE, 4))
        cv2.line(picture, (x1, y1), (x2, y2), dark, int(random.integers(1, 4)), cv2.LINE_AA)
    if random.random() < 0.5:
        grain = random.normal(0, random.uniform(4, 25), (DRAWN_SIDE // 2, DRAWN_SIDE // 2, 1))
        spread = cv2.resize(grain, (DRAWN_SIDE, DRAWN_SIDE))[..., None]
        picture[:] = np.clip(picture + spread, 0, 255).astype(np.uint8)
    above, below = random.uniform(0.6, 1.1, 2)
    shade = np.linspace(above, below, DRAWN_SIDE)[:, None, None]
    picture[:] = np.clip(picture * shade, 0, 255).astype(np.uint8)
