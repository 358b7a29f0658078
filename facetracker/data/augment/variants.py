"""From one photo to its augmented variants: a pure function of (recipe, photo, number of the variant).

Nothing here reads or writes files, so that any machine can make any variant: the process pool of `augment`, and
other schedulers, call the same function.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Iterator
from dataclasses import asdict, dataclass, replace
from functools import lru_cache
from typing import Any

import numpy as np

from facetracker.core import boxes as box_arithmetic
from facetracker.core.boxes import Boxes, Numbers
from facetracker.core.example import Example
from facetracker.core.letterbox import letterbox
from facetracker.core.photo import Picture
from facetracker.data.augment.draft import Draft, DraftPhoto
from facetracker.data.augment.transforms import Pipeline

MAX_DRAWS = 20
# A picture that still shows some whole faces is accepted with others cut after so many draws: in a crowd nearly
# every crop cuts somebody.
PATIENCE = 4
PLANNED_BYTES = 1 << 25  # of photo: as many variants are planned before the first is drawn
SLIVER = 0.01  # less than this share of a box is its empty corner: no face is seen


@dataclass(frozen=True)
class Recipe:
    """Everything, beside the photos, that the variants depend on.

    `pipeline` is albumentations' dictionary; a face of which less than `min_visibility` (share of its box) is left
    loses its label; `size` letterboxes each variant into a square of so many pixels; `quality` is that of the JPEG.
    """

    pipeline: dict[str, Any]
    seed: int = 0
    variants: int = 60
    min_visibility: float = 0.5
    size: int | None = None
    quality: int = 95

    def as_dict(self) -> dict[str, Any]:
        return asdict(self)


@dataclass(frozen=True)
class Variant:
    """One augmented picture `(H, W, 3)` BGR with its faces: boxes `(N, 4)` normalised, a label each.

    `draws` is how many were needed; `whole` means that none was usable and the photo was taken as it is.
    """

    number: int
    picture: Picture
    boxes: Boxes
    labels: tuple[str, ...]
    draws: int = 1
    whole: bool = False


def make_variants(picture: Picture, example: Example, recipe: Recipe, numbers: Iterable[int]) -> Iterator[Variant]:
    """The variants with these numbers of one photo `(H, W, 3)` BGR uint8."""
    pipeline = _pipeline(json.dumps(recipe.pipeline, sort_keys=True))
    waiting = list(numbers)
    while waiting:
        # Many are planned, then drawn: taken in turns, Python and the pixels push each other out of the processor's
        # caches, which costs a sixth of the time. Plans may hold pixels, so a large photo is taken in few at a time.
        count = max(1, PLANNED_BYTES // max(picture.nbytes, 1))
        plans = [_plan(pipeline, picture, example, recipe, number) for number in waiting[:count]]
        waiting = waiting[count:]
        for plan in plans:
            yield _fit(
                Variant(plan.number, plan.draft.pixels(), plan.boxes, plan.labels, plan.draws, plan.whole), recipe.size
            )


def clean_variant(picture: Picture, example: Example, recipe: Recipe) -> Variant:
    """The photo as it is, as variant 0: what val and test are measured on."""
    return _fit(Variant(0, picture, example.boxes, example.labels), recipe.size)


def visible_shares(boxes: Boxes) -> Numbers:
    """Which share of each unclipped box `(N, 4)` lies inside the picture, `(N,)`."""
    if not len(boxes) or (boxes.min() >= 0 and boxes.max() <= 1):
        return np.ones(len(boxes), np.float32)
    whole = box_arithmetic.areas(boxes)
    inside = box_arithmetic.areas(box_arithmetic.clip(boxes))
    return np.divide(inside, whole, out=np.zeros_like(whole), where=whole > 0)


def seed_of(*parts: Any) -> int:
    """A 64-bit seed from anything that prints, the same on every machine."""
    text = "\0".join(str(part) for part in parts)
    return int.from_bytes(hashlib.blake2b(text.encode("utf-8", "surrogatepass"), digest_size=8).digest(), "big")


@dataclass(frozen=True)
class _Plan:
    """A variant whose pixels are not drawn yet; the fields are those of `Variant`."""

    number: int
    draft: Draft
    boxes: Boxes
    labels: tuple[str, ...]
    draws: int
    whole: bool = False


def _plan(pipeline: Pipeline, picture: Picture, example: Example, recipe: Recipe, number: int) -> _Plan:
    best: _Plan | None = None
    for draw in range(MAX_DRAWS):
        draft = pipeline.draft(picture, example.boxes, seed_of(recipe.seed, example.stem, number, draw))
        visible = visible_shares(draft.boxes)
        if (visible == 1).all():
            labels = tuple([example.labels[owner] for owner in draft.owners])
            return _Plan(number, draft, box_arithmetic.clip(draft.boxes), labels, draw + 1)
        kept = visible >= recipe.min_visibility
        cut = int(((visible > SLIVER) & ~kept).sum())
        labels = tuple(example.labels[owner] for owner, keep in zip(draft.owners, kept, strict=True) if keep)
        plan = _Plan(number, draft, box_arithmetic.clip(draft.boxes[kept]), labels, draw + 1)
        if not cut:
            return plan
        if len(plan.boxes) and best is None:
            best = plan
        if best is not None and draw + 1 >= PATIENCE:
            return best
    whole = Draft(DraftPhoto(picture), np.zeros((0, 5), np.float32))
    return _Plan(number, whole, example.boxes, example.labels, MAX_DRAWS, whole=True)


def _fit(variant: Variant, size: int | None) -> Variant:
    if size is None:
        return variant
    picture, place = letterbox(variant.picture, size, size)
    return replace(variant, picture=picture, boxes=place.to_input(variant.boxes))


@lru_cache(maxsize=4)
def _pipeline(spec: str) -> Pipeline:
    return Pipeline(json.loads(spec))
