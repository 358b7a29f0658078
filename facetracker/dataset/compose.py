"""Training pictures composed from photos: zoomed in and out, four in one, faces pasted into empty scenes.

A detector learns from what varies. A few thousand photos vary too little in how large faces are, where they stand and
what surrounds them, so every training picture is composed anew: the same `(seed, index)` gives the same picture,
on any machine and in any order. No step turns faces upside down or keeps the label of a face that is gone.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

import cv2
import numpy as np
from numpy.typing import NDArray

from facetracker.boxes import Boxes, as_boxes, empty
from facetracker.dataset.cut_off import cut_off_a_face
from facetracker.dataset.lookalikes import add_lookalike
from facetracker.errors import BadFile
from facetracker.letterbox import GREY
from facetracker.pictures import Picture, jpeg_header

# Of a face less than this must be visible to be one; what is left of a smaller share is nobody's mistake: ignored.
LEAST_VISIBLE = 0.4
# Below this side (pixels) a face is not asked for, and above this share of the picture it is scaled down.
LEAST_SIDE = 6.0
MOST_SHARE = 0.95
MOST_ZOOM = 1.8
# Class of a box that is neither face nor background: the loss looks away (facetracker.model.assign.IGNORED).
IGNORED = -2

Classes = NDArray[np.int32]
Random = np.random.Generator


@dataclass(frozen=True)
class Photo:
    """An encoded photo and its faces: `boxes` `(N, 4)` normalised, `classes` `(N,)`.

    `weight`: how often it is drawn. `pasteable`: its first face fills the picture, so it may be pasted elsewhere.
    `may_enlarge`: False where small faces are known to lack labels; zooming in would bring them out. `lures` `(N, 4)`:
    what an earlier detector took for faces and is none; a photo without a face is looked at there.
    """

    data: bytes
    boxes: Boxes
    classes: Classes
    weight: float = 1.0
    pasteable: bool = False
    may_enlarge: bool = True
    lures: Boxes = field(default_factory=empty)


@dataclass(frozen=True)
class Recipe:
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
    reference_side: int = 320


@dataclass
class View:
    """A picture in the making: pixels (BGR), faces in pixels and their classes."""

    picture: Picture
    boxes: Boxes
    classes: Classes = field(default_factory=lambda: np.zeros(0, np.int32))


class Composer:
    """Composes square training pictures from photos; `compose(index, side)` depends on nothing but its arguments.

    Up to `cache_bytes` of decoded photos are kept: decoding is half of the work.
    """

    def __init__(self, photos: Sequence[Photo], seed: int = 0, recipe: Recipe | None = None, cache_bytes: int = 0):
        if not photos:
            raise ValueError("no photos to compose from")
        self.photos = list(photos)
        self.seed = seed
        self.recipe = recipe or Recipe()
        weights = np.array([photo.weight for photo in self.photos], np.float64)
        self._kept: dict[tuple[int, int], Picture] = {}
        self._room = cache_bytes
        self._pick_any = _picker(np.arange(len(self.photos)), weights)
        self._pick_empty = _picker([i for i, photo in enumerate(self.photos) if not len(photo.boxes)], weights)
        self._pick_pasteable = _picker([i for i, photo in enumerate(self.photos) if photo.pasteable], weights)

    def compose(self, index: int, side: int) -> tuple[Picture, Boxes, Classes]:
        """Picture number `index` as `(side, side, 3)` uint8 RGB, its boxes `(N, 4)` normalised, classes `(N,)`.

        A class of -2 marks a box where the loss looks away: too small, or cut off.
        """
        random = np.random.default_rng([self.seed, index, side])
        kind = random.random()
        if kind < self.recipe.mosaic:
            view = self._mosaic(random, side)
        elif kind < self.recipe.mosaic + self.recipe.paste and self._pick_empty and self._pick_pasteable:
            view = self._pasted(random, side)
        else:
            view = self._view(random, side, side)
        if random.random() < 0.5:
            view = _mirrored(view)
        more = np.random.default_rng([self.seed, index, side, 1])
        if self.recipe.cut_off and more.random() < self.recipe.cut_off:
            view.picture, view.boxes = cut_off_a_face(more, view.picture, view.boxes)
        if more.random() < self.recipe.lookalike:
            view.picture = add_lookalike(more, view.picture, view.boxes)
        picture = self._weathered(random, view.picture)
        boxes, classes = _visible(view.boxes, view.classes, side, side)
        return cv2.cvtColor(picture, cv2.COLOR_BGR2RGB), as_boxes(boxes / side), classes

    def _view(self, random: Random, width: int, height: int) -> View:
        """A part of one photo, or all of it, `width` x `height` pixels."""
        number = self._pick_any(random)
        photo = self.photos[number]
        whole = random.random() < self.recipe.whole
        full_height, full_width = height_and_width(photo.data)
        # As large as it would be when the longer side of the photo has the reference size.
        usual = self.recipe.reference_side / max(full_width, full_height)
        centre = np.array([random.random(), random.random()])
        if whole:
            scale = min(width / full_width, height / full_height) * random.uniform(0.7, 1.0)
            centre = np.array([0.5, 0.5])
        elif len(photo.boxes):
            face = photo.boxes[random.integers(len(photo.boxes))] * np.array([full_width, full_height] * 2)
            face_side = max(1.0, float(np.sqrt((face[2] - face[0]) * (face[3] - face[1]))))
            scale = usual * float(np.exp(random.normal(self.recipe.usual_shift, 0.45)))
            if random.random() < self.recipe.any_size:
                largest = self.recipe.largest_face * min(width, height)
                wanted = np.exp(random.uniform(np.log(self.recipe.smallest_face), np.log(largest)))
                scale = wanted / face_side
            largest = MOST_ZOOM if photo.may_enlarge else usual
            scale = min(scale, largest, MOST_SHARE * min(width, height) / face_side)
            centre = (face[:2] + face[2:]) / 2 / [full_width, full_height]
        else:
            scale = min(MOST_ZOOM, usual * float(np.exp(random.normal(0.2, 0.5))))
            if len(photo.lures) and random.random() < self.recipe.lured:
                lure = photo.lures[random.integers(len(photo.lures))]
                centre = (lure[:2] + lure[2:]) / 2
        picture, reduced = self._decoded(number, scale)
        have_height, have_width = picture.shape[:2]
        scale_now = scale * reduced
        # Where in the view the chosen point comes to lie: anywhere, but the view stays filled where it can be.
        at = np.array([random.uniform(0.15, 0.85) * width, random.uniform(0.15, 0.85) * height])
        shown = np.array([have_width, have_height]) * scale_now
        if whole:
            at = np.array([width, height]) / 2 + random.uniform(-0.5, 0.5, 2) * np.maximum([width, height] - shown, 0)
        corner = at - centre * shown
        room = np.array([width, height]) - shown
        if random.random() < 0.8:
            corner = np.clip(corner, np.minimum(room, 0), np.maximum(room, 0))
        degrees = 0.0
        if random.random() < self.recipe.turn:
            degrees = random.uniform(-self.recipe.most_degrees, self.recipe.most_degrees)
        matrix = _placement(scale_now, corner, degrees, at)
        if _fills(picture, matrix, width, height):
            view = cv2.warpAffine(
                picture, matrix, (width, height), flags=cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE
            )
        else:
            view = self._backdrop(random, width, height)
            cv2.warpAffine(picture, matrix, (width, height), view, cv2.INTER_LINEAR, cv2.BORDER_TRANSPARENT)
        boxes = _turned(photo.boxes * np.array([have_width, have_height] * 2), matrix)
        return View(view, boxes, photo.classes.astype(np.int32))

    def _decoded(self, number: int, scale: float) -> tuple[Picture, float]:
        """A photo, decoded at a half or a quarter where `scale` allows (sharp and fast), and by how much it shrank."""
        factor = next((factor for factor in (4, 2) if scale * factor <= 1.2), 1)
        picture = self._kept.get((number, factor))
        if picture is None:
            picture = _decode(self.photos[number].data, factor)
            if picture.nbytes <= self._room:
                self._room -= picture.nbytes
                self._kept[number, factor] = picture
        return picture, float(factor)

    def _backdrop(self, random: Random, width: int, height: int) -> Picture:
        """What is seen beside a photo: a scene without faces, or one colour."""
        if self._pick_empty and random.random() < self.recipe.scenery:
            picture, _ = self._decoded(self._pick_empty(random), 0.5)
            return cv2.resize(picture, (width, height), interpolation=cv2.INTER_LINEAR)
        colour = GREY if random.random() < 0.7 else int(random.integers(256))
        return np.full((height, width, 3), colour, np.uint8)

    def _mosaic(self, random: Random, side: int) -> View:
        """Four views in one picture, meeting at a random point."""
        x, y = (int(side * random.uniform(0.3, 0.7)) for _ in range(2))
        picture = np.empty((side, side, 3), np.uint8)
        boxes, classes = [], []
        for left, top, right, bottom in ((0, 0, x, y), (x, 0, side, y), (0, y, x, side), (x, y, side, side)):
            view = self._view(random, right - left, bottom - top)
            picture[top:bottom, left:right] = view.picture
            part, kinds = _visible(view.boxes, view.classes, right - left, bottom - top)
            boxes.append(part + np.array([left, top, left, top]))
            classes.append(kinds)
        return View(picture, as_boxes(np.concatenate(boxes)), np.concatenate(classes))

    def _pasted(self, random: Random, side: int) -> View:
        """One to four close-ups in a scene without faces, with soft oval or straight edges."""
        scene, _ = self._decoded(self._pick_empty(random), 1.0)
        picture = cv2.resize(scene, (side, side), interpolation=cv2.INTER_LINEAR)
        boxes: list[NDArray] = []
        classes: list[int] = []
        for _ in range(random.integers(1, 5)):
            number = self._pick_pasteable(random)
            photo = self.photos[number]
            wanted = np.exp(random.uniform(np.log(self.recipe.smallest_face * 1.5), np.log(0.6 * side)))
            close_up, _ = self._decoded(number, wanted / 300)
            size = max(8, int(wanted))
            close_up = cv2.resize(close_up, (size, size), interpolation=cv2.INTER_AREA)
            left, top = (int(random.integers(0, max(1, side - size))) for _ in range(2))
            spot = np.array([left, top, left + size, top + size])
            if any(_covers(spot, other) for other in boxes):
                continue
            soft = _oval(size) if random.random() < 0.5 else np.ones((size, size, 1), np.float32)
            region = picture[top : top + size, left : left + size]
            region[:] = (close_up * soft + region * (1.0 - soft)).astype(np.uint8)
            boxes.append(photo.boxes[0] * size + np.array([left, top, left, top]))
            classes.append(int(photo.classes[0]))
        return View(picture, as_boxes(boxes), np.array(classes, np.int32))

    def _weathered(self, random: Random, picture: Picture) -> Picture:
        """Light, colour, focus and noise as cameras make them."""
        recipe = self.recipe
        dark = random.random() < recipe.dark
        contrast, shift = random.uniform(0.7, 1.3), random.uniform(-25, 25)
        gamma = random.uniform(0.75, 1.35)
        if dark:
            contrast, shift, gamma = random.uniform(0.25, 0.6), random.uniform(-10, 10), random.uniform(1.0, 1.6)
        tint = random.uniform(0.88, 1.12, 3)
        steps = 255.0 * (np.arange(256) / 255.0) ** gamma
        table = (((steps[:, None] - 128) * contrast + 128 if not dark else steps[:, None] * contrast) + shift) * tint
        picture = cv2.LUT(picture, np.clip(table, 0, 255).astype(np.uint8)[None])
        if random.random() < recipe.grey:
            picture = cv2.cvtColor(cv2.cvtColor(picture, cv2.COLOR_BGR2GRAY), cv2.COLOR_GRAY2BGR)
        if random.random() < recipe.blur:
            picture = cv2.GaussianBlur(picture, (0, 0), random.uniform(0.4, 1.4))
        if random.random() < recipe.coarse:
            factor = random.uniform(0.5, 0.8)
            small = cv2.resize(picture, None, fx=factor, fy=factor, interpolation=cv2.INTER_AREA)
            picture = cv2.resize(small, picture.shape[1::-1], interpolation=cv2.INTER_LINEAR)
        if dark or random.random() < 0.1:
            noise = random.normal(0, random.uniform(2, 9), (*picture.shape[:2], 1)).astype(np.int16)
            picture = np.clip(picture + noise, 0, 255).astype(np.uint8)
        if random.random() < recipe.jpeg:
            _, data = cv2.imencode(".jpg", picture, [cv2.IMWRITE_JPEG_QUALITY, int(random.integers(35, 90))])
            picture = _decode(data.tobytes(), 1)
        return picture


def pad_targets(boxes: Sequence[Boxes], classes: Sequence[Classes], most: int) -> dict[str, NDArray[np.float32]]:
    """Boxes and classes of a batch as the model's targets `(B, most, 4)` and `(B, most)`, padded with 0 and -1.

    Of more than `most` faces the largest stay.
    """
    padded = np.zeros((len(boxes), most, 4), np.float32)
    kinds = np.full((len(boxes), most), -1.0, np.float32)
    for row, (own, own_kinds) in enumerate(zip(boxes, classes, strict=True)):
        sizes = (own[:, 2:] - own[:, :2]).prod(axis=1)
        best = np.argsort(-sizes, kind="stable")[:most]
        padded[row, : len(best)] = own[best]
        kinds[row, : len(best)] = own_kinds[best]
    return {"boxes": padded, "classes": kinds}


def height_and_width(data: bytes) -> tuple[int, int]:
    """Height and width of an encoded photo: of a JPEG from its header, for decoding it to measure it costs the most."""
    header = jpeg_header(data)
    if header is not None:
        return header.height, header.width
    height, width = _decode(data, 1).shape[:2]
    return height, width


def _picker(indices, weights):
    """A function that draws one of `indices` by weight, or None where there are none."""
    indices = np.asarray(indices, np.int64)
    if not len(indices):
        return None
    bounds = np.cumsum(weights[indices])

    def pick(random: Random) -> int:
        return int(
            indices[np.searchsorted(bounds, random.random() * bounds[-1], side="right").clip(0, len(indices) - 1)]
        )

    return pick


def _decode(data: bytes, factor: int) -> Picture:
    flag = {1: cv2.IMREAD_COLOR, 2: cv2.IMREAD_REDUCED_COLOR_2, 4: cv2.IMREAD_REDUCED_COLOR_4}[factor]
    picture = cv2.imdecode(np.frombuffer(data, np.uint8), flag)
    if picture is None:
        raise BadFile("is not a readable picture", path="photo to compose from")
    return picture


def _fills(picture: Picture, matrix, width: int, height: int) -> bool:
    """Whether the photo, placed by the matrix, covers the whole view: then nothing is seen beside it."""
    corners = np.array([[0, 0], [width, 0], [0, height], [width, height]], np.float64)
    back = (corners - matrix[:, 2]) @ np.linalg.inv(matrix[:, :2]).T
    return bool((back >= -1.5).all() and (back <= np.array(picture.shape[1::-1]) + 1.5).all())


def _placement(scale: float, corner, degrees: float, pivot):
    """The 2x3 matrix that scales a photo, puts its corner at `corner` and turns it round `pivot`."""
    matrix = np.array([[scale, 0.0, corner[0]], [0.0, scale, corner[1]]])
    if not degrees:
        return matrix
    turn = cv2.getRotationMatrix2D((float(pivot[0]), float(pivot[1])), degrees, 1.0)
    return turn @ np.vstack([matrix, [0.0, 0.0, 1.0]])


def _turned(boxes: Boxes, matrix) -> Boxes:
    """Boxes in pixels after the matrix: the box round the turned oval, for a face is one and not a rectangle."""
    middle = (boxes[:, :2] + boxes[:, 2:]) / 2 @ matrix[:, :2].T + matrix[:, 2]
    half = (boxes[:, 2:] - boxes[:, :2]) / 2
    reach = np.sqrt(half**2 @ (matrix[:, :2] ** 2).T)
    return as_boxes(np.concatenate([middle - reach, middle + reach], axis=1))


def _mirrored(view: View) -> View:
    width = view.picture.shape[1]
    boxes = view.boxes.copy()
    boxes[:, [0, 2]] = width - boxes[:, [2, 0]]
    return View(cv2.flip(view.picture, 1), boxes, view.classes)


def _visible(boxes: Boxes, classes: Classes, width: int, height: int) -> tuple[Boxes, Classes]:
    """Boxes cut at the view's edge; of those mostly gone or too small the class becomes IGNORED."""
    if not len(boxes):
        return as_boxes(boxes), np.zeros(0, np.int32)
    cut = boxes.copy()
    cut[:, [0, 2]] = cut[:, [0, 2]].clip(0, width)
    cut[:, [1, 3]] = cut[:, [1, 3]].clip(0, height)
    sides = cut[:, 2:] - cut[:, :2]
    share = sides.prod(axis=1) / np.maximum((boxes[:, 2:] - boxes[:, :2]).prod(axis=1), 1e-6)
    small = np.sqrt(np.maximum(sides.prod(axis=1), 0)) < LEAST_SIDE
    kinds = np.where((share < LEAST_VISIBLE) | small, IGNORED, classes).astype(np.int32)
    there = (sides > 1).all(axis=1)
    return as_boxes(cut[there]), kinds[there]


def _covers(spot, other) -> bool:
    return bool(min(spot[2], other[2]) > max(spot[0], other[0]) and min(spot[3], other[3]) > max(spot[1], other[1]))


def _oval(size: int):
    """A soft oval mask `(size, size, 1)`: 1 inside, falling to 0 at the edges."""
    y, x = np.mgrid[:size, :size].astype(np.float32) / max(size - 1, 1) * 2 - 1
    return np.clip((1.0 - np.sqrt(x**2 + y**2)) * 4, 0, 1)[..., None]
