"""The picture that `augment` leaves for a person: a few of the variants that were made, with their boxes."""

from __future__ import annotations

import itertools
from collections.abc import Set

from facetracker.core.example import Example
from facetracker.core.photo import Picture
from facetracker.data.augment.plan import Plan
from facetracker.data.gallery import sheet_of
from facetracker.labels.collection import read_example
from facetracker.labels.pairing import IMAGES, LABELS, Pair
from facetracker.labels.records import records_in

PHOTOS, VARIANTS = 5, 6
SIDE = 160  # pixels


def preview_of(plan: Plan, undone: Set[int]) -> Picture | None:
    """The sheet `(H, W, 3)` BGR; None where nothing was made. `undone` are the jobs that have no done-file."""
    made = _of_shard(plan, undone) if plan.shard else _of_files(plan, undone)
    return sheet_of(made, VARIANTS, SIDE) if made else None


def _of_files(plan: Plan, undone: Set[int]) -> list[Example]:
    """The first variants of a few photos of the first part, a photo a line."""
    made = []
    for part in plan.parts[:1]:
        place = plan.folder / part.name
        done = (number for number in part.jobs if number not in undone)
        step = max(1, (len(part.jobs) - sum(number in part.jobs for number in undone)) // PHOTOS)
        for job in itertools.islice(done, 0, PHOTOS * step, step):
            for number in range(1 if part.clean else min(plan.recipe.variants, VARIANTS)):
                name = f"{plan.name(job)}.{number}"
                made.append(read_example(Pair(place / IMAGES / f"{name}.jpg", place / LABELS / f"{name}.json")))
    return made


def _of_shard(plan: Plan, undone: Set[int]) -> list[Example]:
    """The first records of the first shard, sorted by photo and variant."""
    first = next((number for number in range(len(plan)) if number not in undone), None)
    if first is None:
        return []
    shard = plan.folder / plan.part(first).name / plan.name(first)
    records = itertools.islice(records_in(shard), PHOTOS * VARIANTS)
    return [record.as_example(plan.part(first).name, shard) for record in sorted(records, key=lambda one: one.name)]
