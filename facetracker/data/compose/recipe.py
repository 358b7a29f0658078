"""How often what happens to a composed training picture (facetracker/data/compose/compose.py)."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class ComposeRecipe:
    """How often what happens; shares of 1."""

    mosaic: float = 0.4
    whole: float = 0.15
    paste: float = 0.08
    lookalike: float = 0.06
    cut_off: float = 0.0  # the picture's edge runs through a face
    turn: float = 0.3
    most_degrees: float = 20.0
    any_size: float = 0.35
    smallest_face: float = 9.0
    largest_face: float = 0.8  # of the view's shorter side; the two bounds are for faces drawn at any size
    lured: float = 0.7  # of the views of a photo with lures and no face: one of them is in it
    usual_shift: float = 0.0  # mean of the logarithm of the scale round the usual one; below 0: smaller faces
    scenery: float = 0.4
    grey: float = 0.18
    blur: float = 0.12
    dark: float = 0.1
    jpeg: float = 0.15
    coarse: float = 0.08
    least_side: float = 6.0  # pixels: a smaller face is neither face nor background
    reference_side: int = 320
