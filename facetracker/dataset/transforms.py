"""albumentations' own pipelines, run fast, seeded, and fitted to the picture.

A pipeline is albumentations' own YAML (`albumentations.save(compose, "mine.yaml", data_format="yaml")`), so that it
can be edited without code. What this file adds to running it:

- each draw is seeded on its own, so that one variant can be made again without those before it;
- a run of pointwise colour transforms is applied as one look-up table: each transform works on a ramp of the 256
  grey levels, and the picture is looked up once. The values are albumentations' own;
- a crop that is larger than the picture, or smaller than the face, gets a size that fits;
- boxes come back unclipped, so that the caller can see how much of a face is left.
"""

from __future__ import annotations

import os
import random
import warnings
from pathlib import Path
from typing import Any

os.environ.setdefault("NO_ALBUMENTATIONS_UPDATE", "1")  # its import asks the network otherwise

import albumentations as A
import cv2
import numpy as np
from albucore import sz_lut

from facetracker import boxes as box_arithmetic
from facetracker import console
from facetracker.boxes import Boxes
from facetracker.config import nearest, read_yaml
from facetracker.errors import FaceTrackerError
from facetracker.pictures import Picture

PIPELINES = Path(__file__).parent / "pipelines"
CROPS = A.RandomCrop | A.CenterCrop | A.AtLeastOneBBoxRandomCrop
# The write-up crops 450 pixels out of 480: a picture too small for the crop is cropped by the same share.
SHARE = 450 / 480
ROOM = 1.15  # a crop is at least this many times as wide and high as the largest face

# Every grey level in every channel, as a picture.
RAMP = np.repeat(np.arange(256, dtype=np.uint8).reshape(16, 16, 1), 3, axis=2)


def pipeline_names() -> list[str]:
    """The pipelines that come with the package."""
    return sorted(path.stem for path in PIPELINES.glob("*.yaml"))


def read_pipeline(name: str | Path) -> dict[str, Any]:
    """A pipeline as albumentations' dictionary: one of the package by name, or a YAML file of the user's own."""
    if Path(name).suffix in (".yaml", ".yml"):
        path = Path(name)
    else:
        path = PIPELINES / f"{name}.yaml"
        if not path.is_file():
            guess = nearest(str(name), pipeline_names())
            hint = f"Did you mean {guess}?" if guess else f"There are: {', '.join(pipeline_names())}."
            raise FaceTrackerError(f"no pipeline is called {name}", fix=hint)
    spec = read_yaml(path)
    for complaint in Pipeline(spec, path).complaints:  # said before the work begins, and once
        console.warn(f"{path}: {complaint}")
    return spec


class Pipeline:
    """A pipeline ready to run. `spec` is albumentations' dictionary; `path` names it in errors."""

    def __init__(self, spec: dict[str, Any], path: str | Path = "pipeline"):
        try:
            # It warns of arguments that it does not know; its own `save` writes some such for RGBShift.
            with warnings.catch_warnings(record=True) as caught:
                warnings.simplefilter("always")
                compose = A.from_dict(spec)
        except Exception as error:  # albumentations raises whatever its validation meets
            raise FaceTrackerError(
                f"is no albumentations pipeline ({error})", path=path, fix="Compare with facetracker/dataset/pipelines."
            ) from None
        self.complaints = [str(warning.message) for warning in caught]
        if not isinstance(compose, A.BaseCompose):
            raise FaceTrackerError("holds one transform, not a pipeline (Compose)", path=path)
        self.transforms: list[Any] = list(compose.transforms)
        self.steps = _fused(self.transforms)
        # The crops inside each step, with the size that the file wants.
        self._crops = [
            [(crop, crop.width, crop.height) for crop in _leaves([step]) if _adapts(crop)] for step in self.steps
        ]

    def draw(self, picture: Picture, boxes: Boxes, seed: int) -> tuple[Picture, Boxes, list[int]]:
        """One random variant of a picture `(H, W, 3)` with boxes `(N, 4)`.

        Returns the picture, the boxes unclipped and which of the given boxes each one is. The same seed draws the
        same variant.
        """
        dice, generator = random.Random(seed), np.random.default_rng(seed)
        for transform in self.transforms:
            transform.set_random_state(generator, dice)
        rows = np.concatenate([boxes, np.arange(len(boxes), dtype=np.float32)[:, None]], axis=1)
        data: dict[str, Any] = {"image": picture, "bboxes": rows}
        for step, crops in zip(self.steps, self._crops, strict=True):
            height, width = data["image"].shape[:2]
            for crop, wanted_width, wanted_height in crops:
                crop.width, crop.height = fitting_crop(
                    wanted_width, wanted_height, width, height, data["bboxes"][:, :4]
                )
            data = step(**data)
        rows = np.asarray(data["bboxes"], np.float32).reshape(-1, 5)
        return data["image"], rows[:, :4], [int(index) for index in rows[:, 4]]


def fitting_crop(crop_width: int, crop_height: int, width: int, height: int, boxes: Boxes) -> tuple[int, int]:
    """The size of a crop that holds the largest face and fits into a picture, in the wanted proportions (pixels)."""
    needed = 0.0
    if len(boxes):
        face = box_arithmetic.sizes(boxes)[box_arithmetic.largest(boxes)] * (width, height)
        needed = ROOM * max(float(face[0]) / crop_width, float(face[1]) / crop_height)
    fits = min(width / crop_width, height / crop_height)
    scale = min(fits, max(needed, 1.0 if fits >= 1.0 else SHARE * fits))
    return max(1, round(crop_width * scale)), max(1, round(crop_height * scale))


class LookUp:
    """A run of pointwise colour transforms, applied to a picture as one look-up table."""

    def __init__(self, transforms: list[Any]):
        self.transforms = transforms

    def __call__(self, image: Picture, **rest: Any) -> dict[str, Any]:
        table = RAMP
        for transform in self.transforms:
            table = transform(image=table)["image"]
        if table is not RAMP:
            image = look_up(image, np.ascontiguousarray(table).reshape(256, 3))
        return {"image": image, **rest}


class Slice:
    """A crop or a flip, without the copies of the picture that albumentations makes before and after it."""

    def __init__(self, transform: Any):
        self.transform = transform

    def __call__(self, **data: Any) -> dict[str, Any]:
        if not self.transform.should_apply():
            return data
        params = self.transform.update_transform_params(params=self.transform.get_params(), data=data)
        params.update(self.transform.get_params_dependent_on_data(params=params, data=data))
        image, rows = data["image"], data["bboxes"]
        return {
            "image": self.transform.apply(image, **params),
            "bboxes": self.transform.apply_to_bboxes(rows, **params) if len(rows) else rows,
        }


def look_up(picture: Picture, table: np.ndarray) -> Picture:
    """Each value of a picture `(H, W, 3)` uint8 replaced by its row in the channel's column of a table `(256, 3)`."""
    if (table[:, 0] == table[:, 1]).all() and (table[:, 0] == table[:, 2]).all():
        return sz_lut(np.ascontiguousarray(picture), np.ascontiguousarray(table[:, 0]), inplace=False)
    return cv2.LUT(picture, table[None])


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
