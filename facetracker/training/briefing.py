"""What a run is told before it starts: what it trains on, what looks wrong with that, and how long it will take."""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass

import keras
import numpy as np
from numpy.typing import NDArray

from facetracker.core import boxes as box_arithmetic
from facetracker.core import console
from facetracker.core.hashing import NEAR, distances, fingerprint
from facetracker.core.naming import sessions
from facetracker.data.batches import Feed
from facetracker.data.pool import Pool
from facetracker.training.state import capture, put_back

ONE_POSITION = 0.8  # share of the faces near one place from which on the labels are called one-sided
NEAR_PLACE = 0.08  # "near": within this share of the picture's side
LOOK_ALIKE = 0.2  # share of val pictures with a near twin in train from which on the split is doubted
LOOKED_AT = 1000  # pictures of each side that are compared


@dataclass(frozen=True)
class Contents:
    """What a pool holds: pictures, faces, pictures without a face, and faces by class."""

    pictures: int
    faces: int
    without_face: int
    by_class: dict[str, int]

    def __str__(self) -> str:
        kinds = ", ".join(f"{name} {count}" for name, count in self.by_class.items())
        return f"{self.pictures} pictures, {self.faces} faces ({kinds}), {self.without_face} without a face"


def contents(pool: Pool, classes: Sequence[str]) -> Contents:
    """Count what a pool holds."""
    real = pool.classes >= 0
    by_class = {name: int((pool.classes == i).sum()) for i, name in enumerate(classes)}
    return Contents(len(pool), int(real.sum()), int((~real.any(axis=1)).sum()), by_class)


def warnings(train: Pool, val: Pool | None) -> list[str]:
    """What in the data will make the tracker worse, or its score better than the truth."""
    found = []
    real = train.classes >= 0
    if real.any(axis=1).all():
        found.append(
            "no training picture is without a face: the tracker will see faces everywhere; "
            "collect some of the empty room and save them without a box"
        )
    if not real.any():
        found.append("no training picture has a face: there is nothing to learn")
    elif (place := one_position(train)) is not None:
        x, y = place
        found.append(
            f"most faces are at one place (about {x:.0%} from the left, {y:.0%} from the top): the tracker may learn "
            "the place instead of the face; collect photos with the face elsewhere, or pass --set data.online=light"
        )
    if val is None:
        found.append(
            "there are no val pictures, so nobody can tell when it only memorises the photos; split them first"
        )
    elif shared := shared_sessions(train, val):
        found.append(
            f"val shares {len(shared)} session{'s' * (len(shared) > 1)} with train ({', '.join(sorted(shared)[:2])}): "
            "its score will be better than the truth; collect another session, or split by session"
        )
    elif (share := shared_with_train(train, val)) >= LOOK_ALIKE:
        found.append(
            f"{share:.0%} of the val pictures look nearly like a training picture: "
            "the val score will be better than the truth"
        )
    return found


def one_position(pool: Pool) -> tuple[float, float] | None:
    """The place `(x, y)` around which most of the largest faces are, or None."""
    rows = np.flatnonzero((pool.classes >= 0).any(axis=1))
    if len(rows) < 8:
        return None
    centres = np.concatenate([_largest_centre(pool.boxes[row][pool.classes[row] >= 0]) for row in rows])
    middle = np.median(centres, axis=0)
    near = (np.abs(centres - middle).max(axis=1) <= NEAR_PLACE).mean()
    return (float(middle[0]), float(middle[1])) if near >= ONE_POSITION else None


def _largest_centre(boxes: box_arithmetic.Boxes) -> box_arithmetic.Numbers:
    return box_arithmetic.centres(boxes[[box_arithmetic.largest(boxes)]])


def shared_sessions(train: Pool, val: Pool) -> set[str]:
    """The sessions that have photos on both sides, as far as their names say."""
    found = sessions([*train.names, *val.names])
    ours, theirs = ({found[name] for name in pool.names} for pool in (train, val))
    return {session for session in ours & theirs if session is not None}


def shared_with_train(train: Pool, val: Pool) -> float:
    """Share of the val pictures that have a near twin among the training pictures, by their fingerprints."""
    ours = _fingerprints(train)
    theirs = _fingerprints(val)
    return float(np.mean([(distances(int(one), ours) <= NEAR).any() for one in theirs]))


def _fingerprints(pool: Pool) -> NDArray[np.uint64]:
    rows = np.linspace(0, len(pool) - 1, min(len(pool), LOOKED_AT)).round().astype(int)
    return np.array([fingerprint(pool.pictures[row]) for row in rows], np.uint64)


def time_a_step(model: keras.Model, feed: Feed, epoch: int, steps: int = 3) -> float:
    """Seconds a training step takes, measured on real batches; the model is put back as it was."""
    before = capture(model)
    batches, steps = feed.batches(epoch, epoch + 1), min(steps, feed.steps)
    # The first step traces the graph, which the run itself will use again.
    model.fit(batches, steps_per_epoch=1, shuffle=False, verbose=0)
    began = time.perf_counter()
    model.fit(batches, steps_per_epoch=steps, shuffle=False, verbose=0)
    seconds = (time.perf_counter() - began) / steps
    put_back(model, before)
    return seconds


def brief(train: Pool, val: Pool | None, classes: Sequence[str], augmented: str = "none") -> None:
    """Say what a run will train on, and warn."""
    console.say(f"train: {contents(train, classes)}")
    if val is not None:
        console.say(f"val:   {contents(val, classes)}")
    if augmented != "none":
        console.say(f"each picture is changed in another way every epoch ({augmented})")
    for warning in warnings(train, val):
        console.warn(warning)
