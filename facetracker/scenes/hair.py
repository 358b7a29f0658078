"""Hair, brows and beards: a soft shape, then strands over it."""

from __future__ import annotations

import numpy as np

from facetracker.scenes.canvas import Canvas, Colour, Floats, ellipse, mirrored, mixed, moved, smooth, stroke
from facetracker.scenes.person import Person

WHITE: Colour = (255, 255, 255)
BLACK: Colour = (8, 8, 10)


def draw_back_hair(canvas: Canvas, who: Person) -> None:
    """What hangs behind the head."""
    dark = mixed(who.hair, BLACK, 0.35)
    if who.style in ("long", "fringe"):
        fall = 1.95 if who.style == "long" else 1.1
        shape = smooth(
            mirrored(
                [
                    (0, -1.55),
                    (0.7, -1.42),
                    (1.16, -0.9),
                    (1.26, -0.1),
                    (1.28, 0.7),
                    (1.2, fall),
                    (0.6, fall + 0.1),
                    (0, fall),
                ]
            )
        )
        canvas.fill(shape, dark, soft=0.012)
        _strands(canvas, who, canvas.mask(shape), 120, bend=0.1)
    elif who.style == "curly":
        rng = np.random.default_rng(who.texture)
        for turn in np.linspace(-0.15 * np.pi, 1.15 * np.pi, 26):
            x, y = 1.1 * np.cos(turn), -0.55 - 0.85 * np.sin(turn)
            canvas.fill(ellipse(x, y, *rng.uniform(0.2, 0.34, 2)), mixed(dark, who.hair, rng.random()), soft=0.02)
    elif who.style == "bun":
        canvas.fill(ellipse(0, -1.52, 0.42, 0.30), dark, soft=0.012)
    elif who.style == "scarf":
        shape = smooth(
            mirrored([(0, -1.62), (0.75, -1.45), (1.2, -0.8), (1.24, 0.2), (1.1, 1.1), (1.25, 2.1), (0, 2.4)])
        )
        canvas.fill(shape, mixed(who.clothes, BLACK, 0.25), soft=0.012)


def draw_front_hair(canvas: Canvas, who: Person, skin: Floats) -> None:
    """What frames the face; it throws a little shadow on the forehead."""
    if who.style == "bald":
        canvas.shade(ellipse(-0.2, -1.0, 0.3, 0.14, -0.3), 1.16, 0.1, skin)
        return
    if who.style == "scarf":
        _scarf(canvas, who, skin)
        return
    shape = smooth(_hairline(who))
    canvas.shade(moved(shape, 0, 0.06), 0.72, 0.05, skin)
    canvas.fill(shape, who.hair, soft=0.014)
    area = canvas.mask(shape, 0.01)
    canvas.shade(ellipse(-0.25, -1.12, 0.5, 0.12, -0.2), 1.45, 0.08, area)
    canvas.shade(ellipse(0, -1.5, 1.1, 0.1), 0.8, 0.08, area)
    if who.style == "curly":
        _curls(canvas, who, area)
    else:
        _strands(canvas, who, area, 170, bend=0.35 if who.style == "parted" else 0.2)


def _hairline(who: Person) -> Floats:
    """The outline of the hair on top of the head, clockwise from the left temple."""
    top = [
        (-1.08, 0.02),
        (-1.13, -0.5),
        (-1.02, -1.05),
        (-0.62, -1.46),
        (0, -1.58),
        (0.62, -1.46),
        (1.02, -1.05),
        (1.13, -0.5),
        (1.08, 0.02),
    ]
    line = {
        "short": [(0.96, -0.1), (0.90, -0.58), (0.6, -0.86), (0, -0.94), (-0.6, -0.86), (-0.90, -0.58), (-0.96, -0.1)],
        "fringe": [(0.95, 0.1), (0.86, -0.38), (0.5, -0.44), (0, -0.40), (-0.5, -0.44), (-0.86, -0.38), (-0.95, 0.1)],
        "long": [(0.95, 0.1), (0.88, -0.5), (0.5, -0.9), (0.05, -1.12), (-0.5, -0.9), (-0.88, -0.5), (-0.95, 0.1)],
        "curly": [
            (0.95, 0.05),
            (0.88, -0.56),
            (0.55, -0.80),
            (0, -0.86),
            (-0.55, -0.80),
            (-0.88, -0.56),
            (-0.95, 0.05),
        ],
        "parted": [
            (0.96, 0.0),
            (0.90, -0.48),
            (0.55, -0.66),
            (0.05, -0.82),
            (-0.42, -1.08),
            (-0.86, -0.66),
            (-0.96, 0.0),
        ],
        "bun": [(0.95, -0.1), (0.86, -0.66), (0.5, -0.94), (0, -1.02), (-0.5, -0.94), (-0.86, -0.66), (-0.95, -0.1)],
    }[who.style]
    return np.asarray(top + line, np.float32)


def _strands(canvas: Canvas, who: Person, area: Floats, count: int, bend: float) -> None:
    """Single hairs, lighter and darker than the rest, combed down from the parting."""
    rng = np.random.default_rng(who.texture)
    x = rng.uniform(-1.2, 1.2, count)
    lift = 0.35 * x**2
    across = [0.35 * x, 0.8 * x, x * (1 + bend * 0.3), x * (1 + bend)]
    down = [np.full(count, -1.55), lift - 1.2, lift - 0.6, lift + 1.9]
    lines = smooth(np.stack([np.stack(across, 1), np.stack(down, 1)], 2), closed=False, steps=5)
    canvas.hairs(lines, rng.uniform(-0.4, 0.4, count), 0.02, area)


def _curls(canvas: Canvas, who: Person, area: Floats) -> None:
    rng = np.random.default_rng(who.texture + 1)
    places = zip(rng.uniform(-1.1, 1.1, 150), rng.uniform(-1.6, 0.0, 150), rng.uniform(0.05, 0.12, 150), strict=True)
    rings = [ellipse(x, y, size, size * 0.8, steps=14)[:11] for x, y, size in places]
    canvas.hairs(rings, rng.uniform(-0.4, 0.4, 150), 0.03, area)


def _scarf(canvas: Canvas, who: Person, skin: Floats) -> None:
    right = [(0, -1.6), (0.8, -1.38), (1.2, -0.6), (1.2, 0.3), (1.0, 1.0), (1.12, 1.6), (0.6, 1.98), (0, 2.06)]
    outer = mirrored(right)
    inner = ellipse(0, (who.chin - 0.80) / 2, 0.87, (who.chin + 0.86) / 2, steps=48)
    canvas.shade(ellipse(0, 0.27, 0.80, who.chin - 0.2), 1.0, 0.02, skin)
    area = np.clip(canvas.mask(smooth(outer), 0.01) - canvas.mask(inner, 0.012), 0, 1)
    whole = [(canvas.left, canvas.top), (-canvas.left, canvas.top), (-canvas.left, 3), (canvas.left, 3)]
    canvas.fill(whole, who.clothes, inside=area)
    for x in (-0.75, -0.4, 0.1, 0.5, 0.85):
        fold = smooth([(x * 0.4, -1.6), (x * 0.9, -1.1), (x * 1.25, 0.2), (x * 1.0, 1.7)], closed=False)
        canvas.line(fold, mixed(who.clothes, BLACK, 0.4), 0.06, 0.5, 0.03, area)
        canvas.line(moved(fold, 0.06, 0), mixed(who.clothes, WHITE, 0.3), 0.05, 0.4, 0.03, area)


def draw_brows(canvas: Canvas, who: Person, smile: float) -> None:
    """Two arcs with hairs; a smile lifts them a little."""
    colour = mixed(who.hair, BLACK, 0.25) if sum(who.hair) < 420 else mixed(who.hair, (50, 70, 100), 0.5)
    rng = np.random.default_rng(who.texture + 2)
    for side in (-1, 1):
        y = -0.27 - 0.03 * smile
        arc = smooth(
            [(side * 0.17, y + 0.035), (side * who.eye_gap, y - 0.045), (side * (who.eye_gap + 0.29), y + 0.05)],
            closed=False,
        )
        canvas.line(arc, colour, who.brow, 0.85, 0.015)
        hairs = [
            [(x, y0 + 0.035), (x + side * 0.03, y0), (x + side * 0.07, y0 - 0.02)]
            for x, y0 in arc[rng.integers(0, len(arc), 26)]
        ]
        canvas.hairs(hairs, rng.uniform(-0.5, 0.2, 26), 0.012, canvas.mask(stroke(arc, who.brow), 0.02))


def draw_beard(canvas: Canvas, who: Person, skin: Floats, mouth: float) -> None:
    """Stubble, a moustache, or a full beard that grows on the lower face and spares the lips."""
    if who.beard == "none":
        return
    c = who.chin
    lips = ellipse(0, 0.60 * c + 0.05 + 0.1 * mouth, who.mouth + 0.02, 0.13 + 0.12 * mouth)
    lip = smooth(
        [
            (-0.44, 0.74 + 0.02),
            (-0.2, 0.61),
            (0, 0.645),
            (0.2, 0.61),
            (0.44, 0.76),
            (0.2, 0.715),
            (0, 0.72),
            (-0.2, 0.715),
        ]
    )
    cheeks = smooth(
        mirrored(
            [
                (0, 0.615),
                (0.3, 0.62),
                (0.6, 0.72),
                (0.85, 0.42),
                (0.99, 0.05),
                (1.05, 0.3),
                (0.95, 0.85),
                (0.62, c - 0.02),
                (0, c + 0.08),
            ]
        )
    )
    full = np.clip(canvas.mask(cheeks, 0.035) - canvas.mask(lips, 0.02), 0, 1)
    whole = [(-1.2, 0), (1.2, 0), (1.2, 1.7), (-1.2, 1.7)]
    if who.beard == "stubble":
        canvas.fill(whole, mixed(who.hair, (90, 90, 90), 0.3), 0.30, inside=full * skin)
        return
    if who.beard == "full":
        canvas.fill(whole, who.hair, 0.90, inside=full)
        rng = np.random.default_rng(who.texture + 3)
        places = zip(rng.uniform(-1, 1, 300), rng.uniform(0.2, c, 300), strict=True)
        hairs = [[(x, y), (x * 1.02, y + 0.06), (x * 0.98, y + 0.13)] for x, y in places]
        canvas.hairs(hairs, rng.uniform(-0.4, 0.4, 300), 0.015, full)
    canvas.fill(lip, mixed(who.hair, BLACK, 0.1), 0.88, 0.02)
