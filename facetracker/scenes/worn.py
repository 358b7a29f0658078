"""What people wear: glasses, a mask over mouth and nose, and the clothes on their shoulders."""

from __future__ import annotations

from functools import lru_cache

import numpy as np

from facetracker.core.photo import Picture
from facetracker.scenes.canvas import Canvas, Floats, ellipse, mirrored, mixed, moved, smooth
from facetracker.scenes.hair import BLACK, WHITE
from facetracker.scenes.person import Person

# The canvas of the shoulders, in the units of the head; the drawing may be continued downwards by its last row.
BODY_LEFT, BODY_TOP, BODY_RIGHT, BODY_BOTTOM = -3.0, 0.3, 3.0, 3.6


def draw_glasses(canvas: Canvas, who: Person) -> None:
    """Two frames with a bridge; dark ones hide the eyes."""
    frame = (28, 26, 30) if who.texture % 3 else mixed(who.hair, (40, 60, 120), 0.5)
    for side in (-1, 1):
        x, y = side * who.eye_gap, 0.03
        if who.glasses == "round":
            lens = ellipse(x, y, 0.31, 0.29, steps=40)
        else:
            corners = [
                (-0.33, -0.21),
                (0, -0.235),
                (0.33, -0.21),
                (0.345, 0.05),
                (0.26, 0.24),
                (0, 0.265),
                (-0.26, 0.24),
                (-0.345, 0.05),
            ]
            lens = moved(smooth(corners), x, y)
        if who.glasses == "dark":
            canvas.fill(lens, (30, 26, 24), 0.93, 0.006)
        glass = canvas.mask(lens)
        shine = [(x - 0.2, y - 0.3), (x - 0.08, y - 0.3), (x - 0.24, y + 0.3), (x - 0.36, y + 0.3)]
        canvas.fill(shine, WHITE, 0.16, 0.02, glass)
        canvas.line(np.concatenate([lens, lens[:1]]), frame, 0.05, 1.0, 0.004)
        canvas.line(np.concatenate([lens[len(lens) // 2 :], lens[: len(lens) // 2 + 1]]), frame, 0.05, 1.0, 0.004)
        canvas.line([(side * (who.eye_gap + 0.33), -0.04), (side * 0.9, -0.05), (side * 1.04, -0.02)], frame, 0.05)
    canvas.line(smooth([(-0.13, 0.0), (0, -0.06), (0.13, 0.0)], closed=False), frame, 0.06)


def draw_mask(canvas: Canvas, who: Person, light: float) -> None:
    """A face mask from the bridge of the nose to below the chin, with pleats and loops around the ears."""
    colour, c = who.mask_colour, who.chin
    for side in (-1, 1):
        for y0, y1 in ((0.36, 0.02), (0.95, 0.3)):
            canvas.line(
                [(side * 0.82, y0), (side * 0.95, (y0 + y1) / 2), (side * 1.03, y1)], mixed(colour, BLACK, 0.1), 0.035
            )
    shape = smooth(
        mirrored(
            [
                (0, 0.17),
                (0.22, 0.21),
                (0.52, 0.33),
                (0.88, 0.38),
                (0.90, 0.75),
                (0.72, 0.88 * c),
                (0.38, c + 0.03),
                (0, c + 0.06),
            ]
        )
    )
    canvas.shade(moved(shape, 0, -0.04), 0.75, 0.03)
    canvas.fill(shape, colour, soft=0.008)
    area = canvas.mask(shape)
    x, y = canvas.grid()
    bulge = np.clip(1 - (x / 1.05) ** 2 - ((y - 0.78) / 0.75) ** 2, 0, 1)
    factor = 0.72 + 0.34 * np.sqrt(bulge) + 0.10 * light * x
    canvas.lit(1 + (factor - 1) * area)
    for y0 in (0.62, 0.82, 1.02):
        pleat = smooth(
            [(-0.86, y0 - 0.02), (-0.4, y0 + 0.035), (0, y0 + 0.05), (0.4, y0 + 0.035), (0.86, y0 - 0.02)], closed=False
        )
        canvas.line(pleat, mixed(colour, BLACK, 0.35), 0.03, 0.6, 0.012, area)
        canvas.line(moved(pleat, 0, 0.035), mixed(colour, WHITE, 0.4), 0.03, 0.5, 0.012, area)


@lru_cache(maxsize=64)
def body(who: Person, unit: int, light: float) -> Picture:
    """Neck and shoulders as `(H, W, 4)` premultiplied BGRA, `unit` pixels to half a head's width."""
    canvas = Canvas(BODY_LEFT, BODY_TOP, BODY_RIGHT, BODY_BOTTOM, unit)
    neck_skin = mixed(who.skin, BLACK, 0.16)
    neck = smooth(mirrored([(0, 0.3), (0.62, 0.3), (0.60, 1.1), (0.63, 1.6), (0.95, 1.95), (0, 2.5)]))
    canvas.fill(neck, neck_skin, soft=0.01)
    canvas.shade(ellipse(0, who.chin - 0.1, 0.8, 0.42), 0.62, 0.12)
    shoulders = _shoulders()
    canvas.fill(shoulders, who.clothes, soft=0.012)
    cloth = canvas.mask(shoulders)
    collar = smooth(
        mirrored([(0, 2.25), (0.34, 2.12), (0.58, 1.78), (0.70, 1.72), (0.66, 2.0), (0.38, 2.36), (0, 2.52)])
    )
    canvas.fill(collar, mixed(who.clothes, WHITE, 0.25), 1.0, 0.012)
    x, _ = canvas.grid()
    factor = 0.92 + np.float32(0.14 * light) * x / 3 - 0.25 * (np.abs(x) / 2.6) ** 3
    canvas.lit((1 + (factor - 1) * cloth).astype(np.float32))
    rng = np.random.default_rng(who.texture + 4)
    for start in rng.uniform(-1.6, 1.6, 7):
        fold = smooth([(start, 2.3), (start * 1.1 + 0.1, 2.8), (start * 1.15, 3.7)], closed=False)
        canvas.line(fold, mixed(who.clothes, BLACK, 0.5), 0.10, 0.35, 0.06, cloth)
    return canvas.picture()


def _shoulders() -> Floats:
    half = [
        (0, 2.35),
        (0.32, 2.2),
        (0.60, 1.80),
        (0.72, 1.70),
        (1.3, 1.95),
        (1.95, 2.2),
        (2.35, 2.65),
        (2.5, 3.3),
        (2.5, 4.2),
        (0, 4.2),
    ]
    return smooth(mirrored(half))
