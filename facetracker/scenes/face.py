"""Draws one head, seen from the front: skin with light on it, eyes, nose and mouth."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache

import numpy as np

from facetracker.core.photo import Picture
from facetracker.scenes.canvas import Canvas, Colour, Floats, ellipse, mirrored, mixed, moved, smooth
from facetracker.scenes.hair import draw_back_hair, draw_beard, draw_brows, draw_front_hair
from facetracker.scenes.person import Person
from facetracker.scenes.worn import draw_glasses, draw_mask

# What the head's canvas shows, in units of half a head's width around the point between the eyes.
LEFT, TOP, RIGHT, BOTTOM = -1.75, -1.85, 1.75, 2.15
DARK: Colour = (18, 16, 22)
NOSE_TIP = 0.50


@dataclass(frozen=True)
class Expression:
    """What the face does: eyes 0 closed .. 1 open, mouth 0 closed .. 1 open, smile -1 .. 1."""

    eyes: float = 1.0
    mouth: float = 0.0
    smile: float = 0.3


def face_box(who: Person) -> tuple[float, float, float, float]:
    """The face's box in units: cheek to cheek, from the middle of the forehead to the chin.

    That is where people and detectors trained on WIDER FACE put it (checked against YuNet in the tests).
    """
    return (-0.97, -0.90, 0.97, who.chin)


def landmarks(who: Person, expression: Expression) -> Floats:
    """Eyes, tip of the nose and corners of the mouth `(5, 2)`, left before right, in units of the canvas."""
    wide, rise = who.mouth * (1 + 0.12 * expression.smile), 0.075 * expression.smile
    mouth = 0.60 * who.chin + 0.045 - rise
    return np.array([(-who.eye_gap, 0), (who.eye_gap, 0), (0, NOSE_TIP - 0.06), (-wide, mouth), (wide, mouth)])


@lru_cache(maxsize=256)
def head(who: Person, expression: Expression, unit: int, light: float) -> Picture:
    """The head as `(H, W, 4)` premultiplied BGRA, `unit` pixels to half its width; `light` -1 left .. 1 right."""
    canvas = Canvas(LEFT, TOP, RIGHT, BOTTOM, unit)
    outline = smooth(_outline(who))
    _ears(canvas, who)
    canvas.fill(outline, who.skin, soft=0.006)
    skin = canvas.mask(outline)
    _light(canvas, skin, light)
    _forms(canvas, who, skin)
    _nose(canvas, who, skin, light)
    _mouth(canvas, who, expression, skin)
    for side in (-1, 1):
        _eye(canvas, who, expression, side)
    _age(canvas, who, skin)
    draw_beard(canvas, who, skin, expression.mouth)
    draw_brows(canvas, who, expression.smile)
    draw_front_hair(canvas, who, skin)
    if who.mask:
        draw_mask(canvas, who, light)
    if who.glasses != "none":
        draw_glasses(canvas, who)
    return canvas.picture()


@lru_cache(maxsize=64)
def back_of_head(who: Person, unit: int) -> Picture:
    """The hair that hangs behind neck and shoulders, on the same canvas as `head`."""
    canvas = Canvas(LEFT, TOP, RIGHT, BOTTOM, unit)
    draw_back_hair(canvas, who)
    return canvas.picture()


def _outline(who: Person) -> Floats:
    c, j = who.chin, who.jaw
    return mirrored(
        [
            (0, -1.36),
            (0.52, -1.27),
            (0.88, -0.92),
            (1.0, -0.38),
            (0.985, 0.12),
            (0.5 + j / 2, 0.52),
            (j, 0.52 * c + 0.12),
            (0.68 * j, 0.86 * c),
            (0.33, c - 0.035),
            (0, c),
        ]
    )


def _light(canvas: Canvas, skin: Floats, light: float) -> None:
    """Shade the head as if it were an egg lit from above and one side."""
    x, y = canvas.grid()
    skin = np.minimum(4 * skin, 1)  # half-covered pixels at the rim are shaded whole, or the rim would shine
    nx, ny = x / 1.12, y / 1.62
    nz = np.sqrt(np.clip(1 - nx**2 - ny**2, 0.02, 1))
    direction = np.array([0.55 * light, -0.42, 0.8], np.float32)
    direction /= np.linalg.norm(direction)
    lit = np.clip(nx * direction[0] + ny * direction[1] + nz * direction[2], 0, 1)
    factor = 1 + (0.58 * lit + 0.10 * lit**6 - 0.50) * skin
    shade = (1 - lit) * skin
    # Skin in shade is redder than skin in light.
    canvas.lit(np.stack([factor * (1 - 0.10 * shade), factor, factor * (1 + 0.04 * shade)]))


def _forms(canvas: Canvas, who: Person, skin: Floats) -> None:
    """Eye sockets, temples, cheeks and chin."""
    for side in (-1, 1):
        canvas.shade(ellipse(side * who.eye_gap, -0.06, 0.30, 0.19), 0.80, 0.09, skin)
        canvas.shade(ellipse(side * 0.24, -0.05, 0.10, 0.17), 0.80, 0.06, skin)
        canvas.shade(ellipse(side * 0.90, 0.45, 0.16, 0.5, 0.2 * side), 0.88, 0.10, skin)
        canvas.shade(ellipse(side * 0.56, 0.34, 0.24, 0.14, -0.25 * side), 1.10, 0.10, skin)
        blush = mixed(who.skin, (70, 70, 205), 0.45)
        canvas.fill(ellipse(side * 0.58, 0.50, 0.22, 0.17), blush, 0.22, 0.11, skin)
    canvas.shade(ellipse(0, who.chin - 0.16, 0.22, 0.11), 1.08, 0.06, skin)
    canvas.shade(ellipse(0, who.chin + 0.02, 0.6, 0.09), 0.78, 0.06)
    canvas.shade(ellipse(0, -0.75, 0.5, 0.25), 1.07, 0.16, skin)


def _ears(canvas: Canvas, who: Person) -> None:
    for side in (-1, 1):
        canvas.fill(ellipse(side * 1.01, 0.14, 0.13, 0.27, -0.15 * side), mixed(who.skin, DARK, 0.18), soft=0.008)
        canvas.fill(
            ellipse(side * 1.03, 0.10, 0.06, 0.16, -0.15 * side), mixed(who.skin, (40, 40, 110), 0.40), 0.6, 0.03
        )


def _eye(canvas: Canvas, who: Person, expression: Expression, side: int) -> None:
    x, y, w = side * who.eye_gap, 0.0, who.eye_size
    h = w * 0.46 * (0.12 + 0.88 * expression.eyes)
    slope = -0.018 * side  # outer corners a touch higher
    lid = mixed(who.skin, DARK, 0.72)
    almond = smooth(
        [
            (x - w, y + 0.02 + slope),
            (x - 0.5 * w, y - 0.75 * h),
            (x + 0.05 * side * w, y - h),
            (x + 0.55 * w, y - 0.7 * h),
            (x + w, y + 0.02 - slope),
            (x + 0.5 * w, y + 0.72 * h),
            (x, y + 0.85 * h),
            (x - 0.5 * w, y + 0.72 * h),
        ]
    )
    if expression.eyes > 0.25:
        canvas.fill(almond, (214, 218, 224), soft=0.006)
        ball = canvas.mask(almond, 0.004)
        canvas.shade(ellipse(x, y - h, w, 0.45 * h), 0.62, 0.03, ball)
        iris = w * 0.47
        canvas.fill(ellipse(x, y - 0.06 * h, iris, iris), mixed(who.eyes, DARK, 0.55), inside=ball, soft=0.006)
        canvas.fill(ellipse(x, y - 0.04 * h, 0.84 * iris, 0.84 * iris), who.eyes, inside=ball, soft=0.01)
        canvas.fill(ellipse(x, y - 0.06 * h, 0.45 * iris, 0.45 * iris), (10, 8, 10), inside=ball, soft=0.008)
        canvas.fill(ellipse(x - 0.33 * iris, y - 0.40 * iris, 0.17 * iris, 0.17 * iris), (250, 250, 250), 0.95, 0.008)
    upper, lower = almond[: len(almond) // 2 + 1], almond[len(almond) // 2 :]
    canvas.line(upper, lid, 0.055, 0.95, 0.008)
    canvas.line(lower, lid, 0.022, 0.45, 0.01)
    canvas.line(moved(upper, 0, -0.07), mixed(who.skin, DARK, 0.45), 0.026, 0.55, 0.012)
    canvas.line(moved(lower, 0, 0.09), mixed(who.skin, DARK, 0.35), 0.03, 0.22 + 0.3 * who.age, 0.03)


def _nose(canvas: Canvas, who: Person, skin: Floats, light: float) -> None:
    n, tip = who.nose, NOSE_TIP
    for side in (-1, 1):
        away = 0.78 if side * light < 0 else 0.90
        canvas.shade(
            [(side * 0.10, -0.12), (side * 0.15, 0.2), (side * n, tip), (side * 0.1, tip - 0.06), (side * 0.07, 0.1)],
            away,
            0.035,
            skin,
        )
        canvas.shade(ellipse(side * n, tip - 0.01, 0.065, 0.085), 0.86, 0.03, skin)
        canvas.fill(
            ellipse(side * 0.52 * n, tip + 0.065, 0.072, 0.030, 0.25 * side), mixed(who.skin, DARK, 0.78), 0.9, 0.014
        )
    canvas.shade(ellipse(0, tip + 0.11, 1.1 * n, 0.045), 0.74, 0.04, skin)
    canvas.shade([(-0.05, -0.2), (0.05, -0.2), (0.07, tip - 0.1), (-0.07, tip - 0.1)], 1.16, 0.035, skin)
    canvas.shade(ellipse(0.03 * light, tip - 0.06, 0.085, 0.07), 1.22, 0.035, skin)
    canvas.shade([(-0.06, 0.62), (0.06, 0.62), (0.05, 0.74), (-0.05, 0.74)], 0.88, 0.025, skin)


def _mouth(canvas: Canvas, who: Person, expression: Expression, skin: Floats) -> None:
    y = 0.60 * who.chin + 0.045
    w = who.mouth * (1 + 0.12 * expression.smile)
    lift = 0.075 * expression.smile  # how far the corners rise
    gap = 0.20 * expression.mouth
    lip = mixed(who.skin, (78, 72, 172), 0.52)
    lip = mixed(lip, DARK, 0.12)
    top = [
        (-w, y - lift),
        (-0.5 * w, y - 0.75 * who.lips),
        (-0.16 * w, y - who.lips),
        (0, y - 0.82 * who.lips),
        (0.16 * w, y - who.lips),
        (0.5 * w, y - 0.75 * who.lips),
        (w, y - lift),
    ]
    low = [
        (0.55 * w, y + 0.85 * who.lips + gap),
        (0, y + 1.25 * who.lips + gap),
        (-0.55 * w, y + 0.85 * who.lips + gap),
    ]
    canvas.fill(smooth(top + low), lip, 0.92, 0.012, skin)
    mouth = smooth(
        [
            (-0.95 * w, y - lift),
            (-0.4 * w, y - 0.01),
            (0, y + 0.015),
            (0.4 * w, y - 0.01),
            (0.95 * w, y - lift),
            (0.5 * w, y + 0.025 + 0.9 * gap),
            (0, y + 0.035 + gap),
            (-0.5 * w, y + 0.025 + 0.9 * gap),
        ]
    )
    canvas.fill(mouth, (32, 24, 52), 0.9, 0.008)
    if gap > 0.04:
        teeth = canvas.mask(mouth)
        canvas.fill(ellipse(0, y + 0.01, 0.66 * w, 0.5 * gap), (222, 228, 232), 0.95, 0.01, teeth)
        canvas.fill(ellipse(0, y + 1.05 * gap, 0.45 * w, 0.3 * gap), (84, 78, 168), 0.8, 0.02, teeth)
    canvas.shade(ellipse(0.06 * w, y + 0.78 * who.lips + gap, 0.34 * w, 0.028), 1.22, 0.02)
    canvas.shade(ellipse(0, y + 1.65 * who.lips + gap, 0.5 * w, 0.04), 0.78, 0.035, skin)
    for side in (-1, 1):
        canvas.shade(ellipse(side * (w + 0.02), y - lift, 0.035, 0.05), 0.78, 0.025, skin)


def _age(canvas: Canvas, who: Person, skin: Floats) -> None:
    """Laugh lines for all, furrows for the old, freckles for some of the pale."""
    for side in (-1, 1):
        fold = smooth(
            [(side * (who.nose + 0.05), 0.44), (side * 0.40, 0.62), (side * (who.mouth + 0.11), 0.86)], closed=False
        )
        canvas.line(fold, mixed(who.skin, DARK, 0.45), 0.035, 0.22 + 0.45 * who.age, 0.025, skin)
    if who.age > 0.5:
        for y in (-0.62, -0.76):
            line = smooth([(-0.5, y), (-0.2, y - 0.03), (0.2, y - 0.02), (0.5, y)], closed=False)
            canvas.line(line, mixed(who.skin, DARK, 0.4), 0.025, 0.5 * who.age, 0.015, skin)
    rng = np.random.default_rng(who.texture)
    if sum(who.skin) > 540 and rng.random() < 0.4:
        for x, y in rng.normal([0, 0.3], [0.42, 0.14], (46, 2)):
            canvas.fill(ellipse(x, y, 0.012, 0.012, steps=8), mixed(who.skin, (50, 80, 150), 0.6), 0.5, 0.004, skin)
