"""Which photos are one's own: decides whether a training keeps the starter's answers for everything unlike them.

Photos of one person in one room look more like each other than like anybody's. What is learnt from them holds there;
elsewhere the starter's head goes on answering (models/familiarity.py). A collection as varied as anybody's has no
elsewhere: then the whole network is trained.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from facetracker.core import console
from facetracker.core.errors import FaceTrackerError
from facetracker.core.settings import Keep, Settings
from facetracker.data.pool import Pool
from facetracker.models import FaceTracker
from facetracker.models.familiarity import means_of
from facetracker.training.light import light

AUTO: Keep = "auto"
NOTHING: Keep = "nothing"
UNFAMILIAR: Keep = "unfamiliar"
MOST, AT_ONCE = 400, 8  # pictures looked at, in all and in one go


def keep_of(settings: Settings, classes: Sequence[str], pool: Pool | None) -> Keep:
    """What `training.keep` means for these photos; `pool` is None for several workers, none of which sees them all."""
    from_starter = settings.model.weights == "starter" and settings.model.head == "dense"
    keep = settings.training.keep
    if keep == UNFAMILIAR and (not from_starter or pool is None):
        needs = "the starter's weights and the dense head" if not from_starter else "a single worker"
        raise FaceTrackerError(f"training.keep=unfamiliar needs {needs}", fix="--set training.keep=nothing")
    if keep != AUTO:
        return keep
    # Photos of several classes (with and without a mask) come from many people.
    if not from_starter or len(classes) > 1 or pool is None:
        return NOTHING
    tracker = FaceTracker(settings.model.backbone, "dense", classes, weights="starter", two_heads=True)
    if learn_familiar(tracker, pool, settings.training.seed):
        console.say("these photos stand apart from other people's: elsewhere the starter goes on answering")
        return UNFAMILIAR
    console.say("these photos are as varied as anybody's: the whole network is trained")
    return NOTHING


def learn_familiar(tracker: FaceTracker, pool: Pool, seed: int) -> bool:
    """Show a tracker with two heads what is familiar; do these pictures stand apart from anybody's?"""
    return tracker.familiarity.learn(feature_means(tracker, pool, seed))


def feature_means(tracker: FaceTracker, pool: Pool, seed: int) -> NDArray[np.float32]:
    """Means of the features of stride 16 `(N, C)` of up to `MOST` pictures, changed lightly as in training."""
    rows = np.random.default_rng([seed, len(pool)]).integers(0, len(pool), MOST)
    means = []
    for first in range(0, MOST, AT_ONCE):
        chosen = rows[first : first + AT_ONCE]
        pictures, _ = light(pool.pictures[chosen], pool.boxes[chosen], pool.classes[chosen], (seed, first))
        means.append(means_of(tracker, pictures))
    return np.concatenate(means)
