"""Who stands before the drawn camera: a person's looks, all from one seed."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from facetracker.scenes.canvas import Colour

# BGR, from dark to light; spread evenly, so that no tone is a rarity in a drawn data set.
SKINS: tuple[Colour, ...] = (
    (44, 62, 92),
    (58, 82, 118),
    (74, 104, 146),
    (94, 128, 172),
    (112, 150, 194),
    (134, 172, 214),
    (156, 188, 226),
    (174, 200, 234),
)
HAIRS: tuple[Colour, ...] = (
    (22, 20, 20),
    (30, 30, 38),
    (34, 48, 72),
    (44, 66, 104),
    (62, 104, 160),
    (110, 165, 205),
    (38, 62, 138),
    (150, 150, 152),
    (205, 208, 210),
)
EYES: tuple[Colour, ...] = ((34, 48, 72), (40, 70, 100), (130, 110, 70), (80, 112, 82), (28, 36, 52))
CLOTHES: tuple[Colour, ...] = (
    (122, 84, 52),
    (70, 62, 58),
    (66, 78, 150),
    (96, 122, 78),
    (178, 172, 168),
    (140, 104, 128),
    (60, 136, 186),
    (148, 128, 62),
)
MASKS: tuple[Colour, ...] = ((214, 190, 150), (232, 230, 228), (58, 54, 52), (190, 176, 208))
STYLES = ("short", "fringe", "long", "curly", "parted", "bald", "bun", "scarf")


@dataclass(frozen=True)
class Person:
    """The looks of one person; lengths in units of half a head's width."""

    skin: Colour
    hair: Colour
    eyes: Colour
    clothes: Colour
    style: str
    jaw: float  # width of the jaw, 0.74 (narrow) .. 0.94 (square)
    chin: float  # where the chin ends, 1.24 .. 1.42
    eye_size: float
    eye_gap: float
    brow: float  # thickness
    nose: float  # width
    mouth: float  # half width
    lips: float  # thickness
    age: float  # 0 young .. 1 old
    beard: str  # none, stubble, full, moustache
    glasses: str  # none, round, square, dark
    mask: bool
    mask_colour: Colour
    texture: int  # seed of strands, freckles and stubble


def person(seed: int, number: int = 0, mask: bool = False) -> Person:
    """Person `number` of the crowd `seed`; neighbours in number differ in skin, hair and style."""
    rng = np.random.default_rng((seed, number, 0x0FACE))
    # Walk through the tables with a stride, starting anywhere: a crowd of eight shows all eight skins.
    start = int(np.random.default_rng((seed, 0x0FACE)).integers(1 << 16))
    skin = SKINS[(start + 3 * number) % len(SKINS)]
    style = STYLES[(start // 8 + 5 * number) % len(STYLES)]
    dark = sum(skin) < 380
    hair = HAIRS[int(rng.integers(0, 3 if dark else len(HAIRS)))]
    beard = str(rng.choice(["none", "none", "none", "stubble", "full", "moustache"]))
    if style in ("long", "bun", "scarf", "fringe"):
        beard = "none"
    glasses = str(rng.choice(["none", "round", "square", "dark"], p=[0.70, 0.13, 0.13, 0.04]))
    if mask and glasses == "dark":  # of that face nothing is left to see, for a detector no more than for us
        glasses = "none"
    return Person(
        skin=skin,
        hair=hair,
        eyes=EYES[int(rng.integers(0, 2 if dark else len(EYES)))],
        clothes=CLOTHES[int(rng.integers(len(CLOTHES)))],
        style=style,
        jaw=float(rng.uniform(0.76, 0.92)),
        chin=float(rng.uniform(1.26, 1.42)),
        eye_size=float(rng.uniform(0.19, 0.235)),
        eye_gap=float(rng.uniform(0.40, 0.46)),
        brow=float(rng.uniform(0.06, 0.12)),
        nose=float(rng.uniform(0.19, 0.28)),
        mouth=float(rng.uniform(0.32, 0.42)),
        lips=float(rng.uniform(0.07, 0.13)),
        age=float(rng.uniform(0, 1)) ** 2,
        beard=beard,
        glasses=glasses,
        mask=mask,
        mask_colour=MASKS[int(rng.integers(len(MASKS)))],
        texture=int(rng.integers(1 << 31)),
    )
