"""Which way is kept, and from which score a face counts: decided on photos that were held back."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

STYLE, OWN_HEAD = "style", "own head"
# An own head was better than the style by 0.05 in the mean of six people, give or take 0.04, and on one photo the two
# differ by 0.1 either way: a single photo that speaks against it weighs little, ten weigh much.
DOUBT = 0.3
# The threshold is this share of the lowest score of a face held back, within bounds: people also sit in the dark. With
# 0.75 of six people one is not shown on a third of the test photos, with 0.6 another gets second boxes.
MARGIN = 0.68
LOWEST, HIGHEST = 0.25, 0.5


@dataclass(frozen=True)
class Choice:
    """What was kept, the mean overlap on photos held back of style and own head, and a line that says why.

    `reason` is told where the two were not compared.
    """

    kept: str
    style: float | None
    own: float | None
    photos: int
    reason: str = "no photo could be held back to compare"

    @property
    def why(self) -> str:
        if self.style is None or self.own is None:
            return f"kept the {self.kept}: {self.reason}"
        photos = f"{self.photos} photo{'s' * (self.photos != 1)} held back"
        return f"kept the {self.kept}: overlap {self.own:.2f} with an own head, {self.style:.2f} by style, on {photos}"


def choose(style: NDArray[np.float32], own: NDArray[np.float32], doubt: float = DOUBT) -> Choice:
    """Overlaps `(N,)` of the same faces held back, with the style and with the own head, to what is kept.

    A `doubt` below 0 asks an own head to be better by so much on one photo, by half of it on two, and so on.
    """
    if not len(style):
        return Choice(OWN_HEAD, None, None, 0)
    better = own.mean() >= style.mean() - doubt / len(own)
    return Choice(OWN_HEAD if better else STYLE, float(style.mean()), float(own.mean()), len(own))


def threshold_for(scores: NDArray[np.float32], usual: float = HIGHEST) -> float:
    """The score from which a face counts, from the scores `(N,)` that faces held back got."""
    if not len(scores):
        return usual
    share = MARGIN * len(scores) / (len(scores) + 1)  # one face says little of how low the next one's score will be
    return round(float(np.clip(share * np.quantile(scores, 0.05), LOWEST, HIGHEST)), 2)
