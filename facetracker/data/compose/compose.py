"""Training pictures composed from photos: zoomed in and out, four in one, faces pasted into empty scenes.

A detector learns from what varies. A few thousand photos vary too little in how large faces are, where they stand and
what surrounds them, so every training picture is newly composed: the same `(seed, index)` gives the same picture,
on any machine and in any order. No step turns faces upside down or keeps the label of a face that is gone.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

import cv2
import numpy as np
from numpy.typing import NDArray

from facetracker.core.boxes import Boxes, as_boxes, empty, overlaps
from facetracker.core.errors import BadFile
from facetracker.core.letterbox import GREY
from facetracker.core.photo import Picture, jpeg_header
from facetracker.data.compose.lookalikes import add_lookalike
from facetracker.data.compose.placing import Classes, cut_off_a_face, fills, placement, shown, turned, visible
from facetracker.data.compose.recipe import ComposeRecipe
from facetracker.data.compose.weather import weathered

# A photo is not enlarged further, nor until its chosen face takes more of the view than this share of its shorter side.
MOST_ZOOM, MOST_SHARE = 1.8, 0.95
# Of a face: eyes, nose, corners of the mouth; and which of them change places in a mirror.
POINTS, MIRRORED = 5, [1, 0, 2, 4, 3]
Random = np.random.Generator
Points = NDArray[np.float32]


@dataclass(frozen=True)
class Photo:
    """An encoded photo and its faces: `boxes` `(N, 4)` normalised, `classes` `(N,)`.

    `weight`: how often it is drawn. `pasteable`: its first face fills the picture, so it may be pasted elsewhere.
    `may_enlarge`: False where small faces are known to lack labels; zooming in would bring them out. `lures` `(N, 4)`:
    what an earlier detector took for faces and is none; a photo without a face is looked at there. `points` `(N, 5, 2)`
    are the faces' landmarks, normalised, not a number where nobody knows; None: nowhere.
    """

    data: bytes
    boxes: Boxes
    classes: Classes
    weight: float = 1.0
    pasteable: bool = False
    may_enlarge: bool = True
    lures: Boxes = field(default_factory=empty)
    points: Points | None = None


@dataclass
class Composition:
    """A picture in the making: pixels (BGR), faces in pixels, their classes and landmarks `(N, 5, 2)` in pixels."""

    picture: Picture
    boxes: Boxes
    classes: Classes
    points: Points


class Composer:
    """Composes square training pictures from photos; `compose(index, side)` depends on nothing but its arguments.

    Up to `cache_bytes` of decoded photos are kept: decoding is half of the work.
    """

    def __init__(
        self, photos: Sequence[Photo], seed: int = 0, recipe: ComposeRecipe | None = None, cache_bytes: int = 0
    ):
        if not photos:
            raise ValueError("no photos to compose from")
        self.photos = list(photos)
        self.seed = seed
        self.recipe = recipe or ComposeRecipe()
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
        return self.compose_faces(index, side)[:3]

    def compose_faces(self, index: int, side: int) -> tuple[Picture, Boxes, Classes, Points]:
        """As `compose`, and the landmarks `(N, 5, 2)` normalised, not a number where nobody knows."""
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
        # Numbers of its own for what came later: what came before draws the same ones as ever.
        more = np.random.default_rng([self.seed, index, side, 1])
        # Not even drawn where it never happens: then the pictures of older recipes stay the same.
        if self.recipe.cut_off and more.random() < self.recipe.cut_off:
            # Points move along as boxes without a size, which are never the face that is cut.
            count, spots = len(view.boxes), np.tile(view.points.reshape(-1, 2), 2)
            view.picture, moved = cut_off_a_face(more, view.picture, as_boxes(np.concatenate([view.boxes, spots])))
            view.boxes, view.points = moved[:count], moved[count:, :2].reshape(-1, POINTS, 2)
        if more.random() < self.recipe.lookalike:
            view.picture = add_lookalike(more, view.picture, view.boxes)
        picture = weathered(random, view.picture, self.recipe)
        points = view.points[shown(view.boxes, side, side)]
        boxes, classes = visible(view.boxes, view.classes, side, side, self.recipe.least_side)
        return (
            cv2.cvtColor(picture, cv2.COLOR_BGR2RGB),
            as_boxes(boxes / side),
            classes,
            (points / side).astype(np.float32),
        )

    def _view(self, random: Random, width: int, height: int) -> Composition:
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
        matrix = placement(scale_now, corner, degrees, at)
        if fills(picture, matrix, width, height):
            view = cv2.warpAffine(
                picture, matrix, (width, height), flags=cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE
            )
        else:
            view = self._backdrop(random, width, height)
            cv2.warpAffine(picture, matrix, (width, height), view, cv2.INTER_LINEAR, cv2.BORDER_TRANSPARENT)
        boxes = turned(photo.boxes * np.array([have_width, have_height] * 2), matrix)
        points = _points_of(photo) * np.array([have_width, have_height]) @ matrix[:, :2].T + matrix[:, 2]
        return Composition(view, boxes, photo.classes.astype(np.int32), points.astype(np.float32))

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

    def _mosaic(self, random: Random, side: int) -> Composition:
        """Four views in one picture, meeting at a random point."""
        x, y = (int(side * random.uniform(0.3, 0.7)) for _ in range(2))
        picture = np.empty((side, side, 3), np.uint8)
        boxes, classes, points = [], [], []
        for left, top, right, bottom in ((0, 0, x, y), (x, 0, side, y), (0, y, x, side), (x, y, side, side)):
            view = self._view(random, right - left, bottom - top)
            picture[top:bottom, left:right] = view.picture
            size = right - left, bottom - top
            points.append(view.points[shown(view.boxes, *size)] + np.array([left, top], np.float32))
            part, kinds = visible(view.boxes, view.classes, *size, self.recipe.least_side)
            boxes.append(part + np.array([left, top, left, top]))
            classes.append(kinds)
        return Composition(picture, as_boxes(np.concatenate(boxes)), np.concatenate(classes), np.concatenate(points))

    def _pasted(self, random: Random, side: int) -> Composition:
        """One to four close-ups in a scene without faces, with soft oval or straight edges."""
        scene, _ = self._decoded(self._pick_empty(random), 1.0)
        picture = cv2.resize(scene, (side, side), interpolation=cv2.INTER_LINEAR)
        boxes: list[NDArray] = []
        classes: list[int] = []
        points = np.zeros((0, POINTS, 2), np.float32)
        for _ in range(random.integers(1, 5)):
            number = self._pick_pasteable(random)
            photo = self.photos[number]
            wanted = np.exp(random.uniform(np.log(self.recipe.smallest_face * 1.5), np.log(0.6 * side)))
            close_up, _ = self._decoded(number, wanted / 300)
            size = max(8, int(wanted))
            close_up = cv2.resize(close_up, (size, size), interpolation=cv2.INTER_AREA)
            left, top = (int(random.integers(0, max(1, side - size))) for _ in range(2))
            spot = np.array([left, top, left + size, top + size])
            if overlaps(spot, boxes).any():
                continue
            soft = _oval(size) if random.random() < 0.5 else np.ones((size, size, 1), np.float32)
            region = picture[top : top + size, left : left + size]
            region[:] = (close_up * soft + region * (1.0 - soft)).astype(np.uint8)
            boxes.append(photo.boxes[0] * size + np.array([left, top, left, top]))
            classes.append(int(photo.classes[0]))
            points = np.concatenate([points, _points_of(photo)[:1] * size + np.array([left, top], np.float32)])
        return Composition(picture, as_boxes(boxes), np.array(classes, np.int32), points)


def pad_faces(composed: Sequence[tuple], step: int = 8, most: int = 96) -> dict[str, NDArray[np.float32]]:
    """What `compose_faces` gave for a batch as targets, with `landmarks` `(B, M, 10)`.

    Padded with 0, -1 and not a number. M is a multiple of `step`, as many as are needed but not more than `most`.
    """
    _, boxes, classes, points = zip(*composed, strict=True)
    need = min(most, max(step, -(-max(map(len, boxes)) // step) * step))
    targets = pad_targets(boxes, classes, need)
    landmarks = np.full((len(boxes), need, 2 * POINTS), np.nan, np.float32)
    for row, (own, spots) in enumerate(zip(boxes, points, strict=True)):
        best = largest(own, need)
        landmarks[row, : len(best)] = spots[best].reshape(-1, 2 * POINTS)
    return {**targets, "landmarks": landmarks}


def largest(boxes: Boxes, most: int) -> NDArray[np.int64]:
    """The numbers of the largest `most` of boxes `(N, 4)`, largest first."""
    return np.argsort(-(boxes[:, 2:] - boxes[:, :2]).prod(axis=1), kind="stable")[:most]


def pad_targets(boxes: Sequence[Boxes], classes: Sequence[Classes], most: int) -> dict[str, NDArray[np.float32]]:
    """Boxes and classes of a batch as the model's targets `(B, most, 4)` and `(B, most)`, padded with 0 and -1.

    Of more than `most` faces the largest stay.
    """
    padded = np.zeros((len(boxes), most, 4), np.float32)
    kinds = np.full((len(boxes), most), -1.0, np.float32)
    for row, (own, own_kinds) in enumerate(zip(boxes, classes, strict=True)):
        best = largest(own, most)
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


def _mirrored(view: Composition) -> Composition:
    width = view.picture.shape[1]
    boxes = view.boxes.copy()
    boxes[:, [0, 2]] = width - boxes[:, [2, 0]]
    points = view.points[:, MIRRORED] * np.array([-1, 1], np.float32) + np.array([width, 0], np.float32)
    return Composition(cv2.flip(view.picture, 1), boxes, view.classes, points)


def _points_of(photo: Photo) -> Points:
    """The landmarks `(N, 5, 2)` of a photo's faces, normalised."""
    if photo.points is None:
        return np.full((len(photo.boxes), POINTS, 2), np.nan, np.float32)
    return photo.points


def _oval(size: int):
    """A soft oval mask `(size, size, 1)`: 1 inside, falling to 0 at the edges."""
    y, x = np.mgrid[:size, :size].astype(np.float32) / max(size - 1, 1) * 2 - 1
    return np.clip((1.0 - np.sqrt(x**2 + y**2)) * 4, 0, 1)[..., None]
