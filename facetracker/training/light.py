"""Fresh pictures while training (`data.online`): `light` changes those there are, `composing` makes others from photos.

Light is flip, zoom, shift and colour, another one for every picture in every epoch. One affine warp does flip, zoom,
stretch and shift at once, one look-up table the colours: about 0.2 ms a picture (the same in TensorFlow's ops took 2.4
ms, more than the training step of a small network). What comes out is a pure function of the batch and the seed, so a
resumed run sees the same. A picture whose face would be cut is left where it is: half a face labelled as a whole one
teaches the wrong thing.
"""

from __future__ import annotations

from collections.abc import Sequence

import cv2
import numpy as np
from numpy.typing import NDArray

from facetracker.core.boxes import areas
from facetracker.core.errors import FaceTrackerError
from facetracker.core.letterbox import GREY
from facetracker.data.batches import Change
from facetracker.data.compose.compose import Composer, Photo, pad_targets
from facetracker.data.pool import class_number
from facetracker.labels.collection import Collection

ZOOM = 1.35  # scale between 1/ZOOM and ZOOM
STRETCH = 1.10  # width against height
SHIFT = 0.15  # of the side
BRIGHTNESS = 30.0  # of 255
CONTRAST = 0.25
TINT = 0.08  # each colour on its own
GREYED = 0.05  # share of pictures without colour
KEPT = 0.85  # a face of which less stays inside counts as cut

Numbers = NDArray[np.float32]


FILLS = 0.5  # share of the picture from which on its face fills it, so that it may be pasted elsewhere


def light(pictures: NDArray[np.uint8], boxes: Numbers, classes: NDArray[np.int32], seed: Sequence[int]):
    """New pictures `(B, S, S, 3)` uint8 RGB and boxes `(B, M, 4)`; classes `(B, M)` (-1: padding) stay as they are.

    `seed` are the numbers that all choices are drawn from.
    """
    random = np.random.default_rng([int(part) for part in seed])
    count = len(pictures)
    windows = _windows(count, random)
    windows[_cuts_a_face(boxes, classes >= 0, windows)] = [0, 0, 1, 1]
    mirrored = random.random(count) < 0.5
    tables = _colour_tables(count, random)
    greyed = random.random(count) < GREYED
    changed = np.empty_like(pictures)
    for i, picture in enumerate(pictures):
        moved = _cut_out(picture, windows[i], bool(mirrored[i]))
        cv2.LUT(moved, tables[i], dst=changed[i])
        if greyed[i]:
            changed[i] = cv2.cvtColor(changed[i], cv2.COLOR_RGB2GRAY)[..., None]
    boxes = np.clip(_into(boxes, windows), 0, 1)
    turned = boxes[..., [2, 1, 0, 3]] * [-1, 1, -1, 1] + [1, 0, 1, 0]
    boxes = np.where(mirrored[:, None, None], turned, boxes)
    return changed, np.where((classes != -1)[..., None], boxes, 0).astype(np.float32), classes


def _windows(count: int, random: np.random.Generator) -> Numbers:
    """The part of each picture that will fill the frame, `(B, 4)` normalised xyxy; it may stick out."""
    zoom = ZOOM ** random.uniform(-1, 1, (count, 1))
    stretch = STRETCH ** random.uniform(-0.5, 0.5, (count, 1))
    half = 0.5 / np.concatenate([zoom * stretch, zoom / stretch], axis=1)
    centre = 0.5 + random.uniform(-SHIFT, SHIFT, (count, 2))
    return np.concatenate([centre - half, centre + half], axis=1).astype(np.float32)


def _into(boxes: Numbers, windows: Numbers) -> Numbers:
    """Boxes `(B, M, 4)` of the picture, normalised to the windows `(B, 4)`."""
    corner, size = windows[:, None, [0, 1, 0, 1]], (windows[:, 2:] - windows[:, :2])[:, None, [0, 1, 0, 1]]
    return (boxes - corner) / size


def _cuts_a_face(boxes: Numbers, faces: NDArray[np.bool_], windows: Numbers) -> NDArray[np.bool_]:
    """Which pictures `(B,)` would lose a noticeable part of a face."""
    moved = _into(boxes, windows)
    kept = _areas(np.clip(moved, 0, 1)) / np.maximum(_areas(moved), 1e-9)
    return np.asarray((faces & (kept < KEPT)).any(axis=1))


def _areas(boxes: Numbers) -> Numbers:
    return np.maximum(boxes[..., 2:] - boxes[..., :2], 0).prod(axis=-1)


def _cut_out(picture: NDArray[np.uint8], window: Numbers, mirrored: bool) -> NDArray[np.uint8]:
    """The window of a picture `(S, S, 3)` at the picture's own size, grey where it sticks out."""
    height, width = picture.shape[:2]
    left, top, right, bottom = (float(edge) for edge in window)
    wide, high = right - left, bottom - top
    # OpenCV counts in pixel centres, windows are given by their edges: hence the halves.
    map_x = [-wide, 0, right * width - wide / 2 - 0.5] if mirrored else [wide, 0, left * width + wide / 2 - 0.5]
    map_y = [0, high, top * height + high / 2 - 0.5]
    flags = cv2.INTER_LINEAR | cv2.WARP_INVERSE_MAP
    way, size = np.array([map_x, map_y]), (width, height)
    grey = (GREY, GREY, GREY)
    moved = cv2.warpAffine(picture, way, size, flags=flags, borderMode=cv2.BORDER_CONSTANT, borderValue=grey)
    return np.asarray(moved, np.uint8)


def _colour_tables(count: int, random: np.random.Generator) -> NDArray[np.uint8]:
    """Brightness, contrast and tint of each picture as look-up tables `(B, 1, 256, 3)`."""
    contrast = 1 + random.uniform(-CONTRAST, CONTRAST, (count, 1, 1, 1))
    tint = 1 + random.uniform(-TINT, TINT, (count, 1, 1, 3))
    brightness = random.uniform(-BRIGHTNESS, BRIGHTNESS, (count, 1, 1, 1))
    values = np.arange(256, dtype=np.float32)[None, None, :, None]
    tables = (values - 127.5) * (contrast * tint) + 127.5 + brightness
    return np.clip(np.round(tables), 0, 255).astype(np.uint8)


def composing(photos: Collection, classes: Sequence[str], seed: int, steps: int) -> Change:
    """A function that composes another batch in place of one: as many pictures, square RGB, with as many targets.

    The pictures are counted through the run, whose epochs have so many `steps`: no two are composed alike.
    """
    composer = Composer(composable(photos, classes), seed)

    def compose(pictures, boxes, classes, numbers):
        _, epoch, step = (int(number) for number in numbers)
        first, count = (epoch * steps + step) * len(pictures), len(pictures)
        made = [composer.compose(first + i, pictures.shape[1]) for i in range(count)]
        composed, found, kinds = zip(*made, strict=True)
        targets = pad_targets(found, kinds, boxes.shape[1])
        return np.stack(composed), targets["boxes"].astype(np.float32), targets["classes"].astype(np.int32)

    return compose


def composable(photos: Collection, classes: Sequence[str]) -> list[Photo]:
    """The photos as the composer wants them; what cannot be read has been reported before."""
    found = []
    for example in photos:
        try:
            data = example.as_jpeg()
        except FaceTrackerError:
            continue
        kinds = np.array([class_number(label, classes) for label in example.labels], np.int32)
        fills = len(example) == 1 and bool(areas(example.boxes)[0] > FILLS)
        found.append(Photo(data, example.boxes, kinds, pasteable=fills))
    return found
