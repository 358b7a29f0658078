"""albumentations' own pipelines, run fast, seeded, and fitted to the picture.

A pipeline is albumentations' own YAML (`albumentations.save(compose, "mine.yaml", data_format="yaml")`), so that it
can be edited without code. What this file adds to running it:

- each draw is seeded on its own, so that one variant can be made again without those before it;
- a run of pointwise colour transforms is applied as one look-up table: each transform works on a ramp of the 256
  grey levels, and the picture is looked up once. The values are albumentations' own;
- crops and flips only note which part of the photo is meant, and which way round. The pixels are touched once, at the
  end, however many of these there are (facetracker/data/augment/draft.py);
- a crop that is larger than the picture, or smaller than the face, gets a size that fits;
- boxes come back unclipped, so that the caller can see how much of a face is left.
"""

from __future__ import annotations

import random
import warnings
from functools import lru_cache
from pathlib import Path
from typing import Any

import albumentations as A
import numpy as np

from facetracker.core import boxes as box_arithmetic
from facetracker.core import console
from facetracker.core.boxes import Boxes
from facetracker.core.errors import FaceTrackerError
from facetracker.core.photo import Picture
from facetracker.core.settings import read_yaml, way_out
from facetracker.data.augment.draft import RAMP, Draft, DraftPhoto

PIPELINES = Path(__file__).parent / "pipelines"
CROPS = A.RandomCrop | A.CenterCrop | A.AtLeastOneBBoxRandomCrop
# The write-up crops 450 pixels out of 480: a picture too small for the crop is cropped by the same share.
SHARE = 450 / 480
ROOM = 1.15  # a crop is at least this many times as wide and high as the largest face


def pipeline_names(folder: Path = PIPELINES) -> list[str]:
    """The pipelines that come with the package; of a classifier in a folder of their own."""
    return sorted(path.stem for path in folder.glob("*.yaml"))


def read_pipeline(name: str | Path, folder: Path = PIPELINES) -> dict[str, Any]:
    """A pipeline as albumentations' dictionary: one of the package by name, or a YAML file of the user's own."""
    if Path(name).suffix in (".yaml", ".yml"):
        path = Path(name)
    else:
        path = folder / f"{name}.yaml"
        if not path.is_file():
            raise FaceTrackerError(f"no pipeline is called {name}", fix=way_out(str(name), pipeline_names(folder)))
    spec = read_yaml(path)
    for complaint in compose(spec, path)[1]:  # said before the work begins, and once
        console.warn(f"{path}: {complaint}")
    return spec


def compose(spec: dict[str, Any], path: str | Path) -> tuple[A.BaseCompose, list[str]]:
    """albumentations' own pipeline of its dictionary, and what it complains of; `path` names it in errors."""
    try:
        # It warns of arguments that it does not know; its own `save` writes some such for RGBShift.
        with warnings.catch_warnings(record=True) as caught:
            warnings.simplefilter("always")
            made = A.from_dict(spec)
    except Exception as error:  # albumentations raises whatever its validation meets
        raise FaceTrackerError(
            f"is no albumentations pipeline ({error})",
            path=path,
            fix="Compare with facetracker/data/augment/pipelines.",
        ) from None
    if not isinstance(made, A.BaseCompose):
        raise FaceTrackerError("holds one transform, not a pipeline (Compose)", path=path)
    return made, [str(warning.message) for warning in caught]


class Pipeline:
    """A pipeline ready to run. `spec` is albumentations' dictionary; `path` names it in errors."""

    def __init__(self, spec: dict[str, Any], path: str | Path = "pipeline"):
        self.transforms: list[Any] = list(compose(spec, path)[0].transforms)
        self.steps = _fused(self.transforms)
        self._photo: DraftPhoto | None = None  # the last one drawn from: its variants are asked for one after the other
        # The crops inside each step, with the size that the file wants.
        self._crops = [
            [(crop, crop.width, crop.height) for crop in _leaves([step]) if _adapts(crop)] for step in self.steps
        ]

    def draw(self, picture: Picture, boxes: Boxes, seed: int) -> tuple[Picture, Boxes, list[int]]:
        """One random variant of a picture `(H, W, 3)` with boxes `(N, 4)`.

        Returns the picture (read it only: it may be a view), the boxes unclipped and which of the given boxes each
        one is. The same seed draws the same variant.
        """
        draft = self.draft(picture, boxes, seed)
        return draft.pixels(), draft.boxes, draft.owners

    def draft(self, picture: Picture, boxes: Boxes, seed: int) -> Draft:
        """What `draw` draws, as far as it can be known without touching a pixel."""
        choices, generator = random.Random(seed), np.random.default_rng(seed)
        for transform in self.transforms:
            transform.set_random_state(generator, choices)
        if self._photo is None or self._photo.picture is not picture:
            self._photo = DraftPhoto(picture)
        rows = np.concatenate([boxes, np.arange(len(boxes), dtype=np.float32)[:, None]], axis=1)
        draft = Draft(self._photo, rows)
        for step, crops in zip(self.steps, self._crops, strict=True):
            for crop, width, height in crops:
                crop.width, crop.height = _fitting_crop(width, height, draft.width, draft.height, draft.rows.tobytes())
            if isinstance(step, Slice | LookUp):
                step.apply(draft)
            else:
                data = step(image=draft.pixels(), bboxes=draft.rows)
                draft = Draft(DraftPhoto(data["image"]), np.asarray(data["bboxes"], np.float32).reshape(-1, 5))
        return draft


def fitting_crop(crop_width: int, crop_height: int, width: int, height: int, boxes: Boxes) -> tuple[int, int]:
    """The size of a crop that holds the largest face and fits into a picture, in the wanted proportions (pixels)."""
    needed = 0.0
    if len(boxes):
        face = box_arithmetic.sizes(boxes)[box_arithmetic.largest(boxes)] * (width, height)
        needed = ROOM * max(float(face[0]) / crop_width, float(face[1]) / crop_height)
    fits = min(width / crop_width, height / crop_height)
    scale = min(fits, max(needed, 1.0 if fits >= 1.0 else SHARE * fits))
    return max(1, round(crop_width * scale)), max(1, round(crop_height * scale))


@lru_cache(maxsize=64)
def _fitting_crop(crop_width: int, crop_height: int, width: int, height: int, rows: bytes) -> tuple[int, int]:
    boxes = np.frombuffer(rows, np.float32).reshape(-1, 5)[:, :4]
    return fitting_crop(crop_width, crop_height, width, height, boxes)


class LookUp:
    """A run of pointwise colour transforms, applied to a picture as one look-up table."""

    def __init__(self, transforms: list[Any]):
        self.transforms = transforms

    def apply(self, draft: Draft) -> None:
        """Add the transforms to the table by which the draft will be looked up."""
        for transform in self.transforms:
            if transform.should_apply():
                params = transform.update_transform_params(transform.get_params(), {"image": RAMP})
                params.update(transform.get_params_dependent_on_data(params, {"image": RAMP}))
                table = RAMP if draft.table is None else draft.table
                draft.table = transform.apply(table, **params)


class Slice:
    """A crop or a flip: which part of the photo, and which way round."""

    def __init__(self, transform: Any):
        self.transform = transform

    def apply(self, draft: Draft) -> None:
        """Cut or turn the draft round, if it is its turn: `p` of the transform says how often."""
        if not self.transform.should_apply():
            return
        if isinstance(self.transform, A.HorizontalFlip):
            draft.mirror()
        elif isinstance(self.transform, A.VerticalFlip):
            draft.upend()
        else:
            params = {"shape": (draft.height, draft.width, 3)}
            found = self.transform.get_params_dependent_on_data(params, {"bboxes": draft.rows})
            draft.cut(*found["crop_coords"])


def is_pointwise(transform: Any) -> bool:
    """Whether a transform maps each value by itself, whatever the picture around it shows."""
    if isinstance(transform, A.RandomBrightnessContrast):
        return transform.brightness_by_max and not transform.ensure_safe_range
    return isinstance(transform, A.RandomGamma | A.RGBShift | A.InvertImg | A.Posterize)


def _fused(transforms: list[Any]) -> list[Any]:
    steps: list[Any] = []
    for transform in transforms:
        if isinstance(transform, CROPS | A.HorizontalFlip | A.VerticalFlip) and not _pads(transform):
            steps.append(Slice(transform))
        elif not is_pointwise(transform):
            steps.append(transform)
        elif steps and isinstance(steps[-1], LookUp):
            steps[-1].transforms.append(transform)
        else:
            steps.append(LookUp([transform]))
    return steps


def _leaves(transforms: list[Any]) -> list[Any]:
    found: list[Any] = []
    for transform in transforms:
        if isinstance(transform, Slice):
            found.append(transform.transform)
        else:
            found.extend(_leaves(transform.transforms) if isinstance(transform, A.BaseCompose) else [transform])
    return found


def _adapts(transform: Any) -> bool:
    return isinstance(transform, CROPS) and not _pads(transform)


def _pads(transform: Any) -> bool:
    return getattr(transform, "pad_if_needed", False)
