"""A camera that needs none: drawn people who move, with the truth about every face.

`Scene(...).frame(index)` depends on the settings and the index alone, so frames can be drawn in any order, by any
number of processes, and again tomorrow.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property, lru_cache

import cv2
import numpy as np
from numpy.typing import NDArray

from facetracker.core.boxes import Boxes, as_boxes, clip, empty, from_pixels
from facetracker.core.photo import Picture
from facetracker.scenes import face as faces_drawn
from facetracker.scenes import worn
from facetracker.scenes.background import background
from facetracker.scenes.face import Expression, back_of_head, face_box, head
from facetracker.scenes.paths import Path, Pose
from facetracker.scenes.person import Person, person
from facetracker.scenes.worn import body

UNITS = (12, 20, 32, 48, 72, 110)  # pixels to half a head's width at which heads are drawn; scaled from there
BEND_ASIDE, BEND_UP = 0.20, 0.12  # how far the features of a head move that is turned all the way, in units
HIDDEN = 0.15  # a face of which less than this share can be seen is not in the truth


@dataclass(frozen=True)
class SceneFrame:
    """One drawn frame and the truth about it.

    `boxes` `(N, 4)` normalised xyxy, clipped to the picture; `ids` `(N,)` the person's number; `labels` one class
    each; `visible` `(N,)` the share of the whole face that can be seen (not covered, not outside the picture);
    `landmarks` `(N, 5, 2)` normalised: the eyes, the tip of the nose, the corners of the mouth, left before right.
    """

    picture: Picture
    boxes: Boxes
    ids: NDArray[np.int64]
    labels: tuple[str, ...]
    visible: NDArray[np.float32]
    landmarks: NDArray[np.float32]


@dataclass(frozen=True)
class Scene:
    """Drawn people in a room. Sizes in pixels, `noise` in grey levels, `blur` in pixels, `light` as a factor.

    `masks`: every second person wears one and the classes are `with_mask`/`without_mask` instead of `face`.
    `crossing`: people walk past and hide each other. `leaving`: they walk out of the picture and come back.
    `size`: heads of this share of the largest that fits, instead of a size for each person.
    `people`: seed of the people alone, so that one person can be drawn in several rooms (`seed`).
    """

    width: int = 640
    height: int = 480
    faces: int = 1
    seed: int = 0
    fps: float = 30.0
    masks: bool = False
    crossing: bool = False
    leaving: bool = False
    noise: float = 3.0
    blur: float = 0.0
    light: float = 1.0
    size: float | None = None
    people: int | None = None

    def frame(self, index: int) -> SceneFrame:
        """Frame `index` (0, 1, ...) with its truth."""
        seconds = index / self.fps
        picture = background(self.seed, self.width, self.height).copy()
        poses = [path.at(seconds) for path in self._paths]
        order = sorted(range(self.faces), key=lambda number: poses[number].near)
        shown: dict[int, tuple[Boxes, float]] = {}
        owner = np.full((self.height, self.width), -1, np.int16) if self.faces > 1 else None
        for number in order:
            who, pose = self._people[number], poses[number]
            draw_person(picture, who, pose, self._expression(number, seconds), self._light, owner, number)
        for number in order:
            seen = truth_of(self._people[number], poses[number], self.width, self.height, owner, number)
            if seen is not None:
                shown[number] = seen
        picture = self._developed(picture, index)
        numbers = sorted(shown)
        boxes = as_boxes([shown[number][0] for number in numbers]) if numbers else empty()
        labels = tuple(self._label(number) for number in numbers)
        visible = np.array([shown[number][1] for number in numbers], np.float32)
        points = [landmarks_of(self._people[n], poses[n], self._expression(n, seconds)) for n in numbers]
        landmarks = (np.array(points).reshape(-1, 5, 2) / [self.width, self.height]).astype(np.float32)
        return SceneFrame(picture, boxes, np.array(numbers, np.int64), labels, visible, landmarks)

    @cached_property
    def _people(self) -> list[Person]:
        crowd = self.seed if self.people is None else self.people
        return [person(crowd, number, mask=self._masked(number)) for number in range(self.faces)]

    @cached_property
    def _paths(self) -> list[Path]:
        return [
            Path(self.seed, n, self.faces, self.width, self.height, self.crossing, self.leaving, self.size)
            for n in range(self.faces)
        ]

    @property
    def _light(self) -> float:
        return 0.8 if np.random.default_rng((self.seed, 0x0B00)).random() < 0.5 else -0.8

    def _masked(self, number: int) -> bool:
        return self.masks and (self.seed + number) % 2 == 0

    def _label(self, number: int) -> str:
        if not self.masks:
            return "face"
        return "with_mask" if self._masked(number) else "without_mask"

    def _expression(self, number: int, seconds: float) -> Expression:
        """Blinks every few seconds, talks for a while, smiles now and then; few states, so that heads are reused."""
        own = np.random.default_rng((self.seed, number, 0x0E1E)).uniform(0, 10, 3)
        blink = (seconds + own[0]) % 3.7 < 0.13
        talk = (seconds + own[1]) % 9.0 < 3.0 and int(seconds * 6) % 2 == 0
        smile = (seconds + own[2]) % 11.0 < 5.0
        return Expression(0.1 if blink else 1.0, 0.6 if talk else 0.0, 0.8 if smile else 0.2)

    def _developed(self, picture: Picture, index: int) -> Picture:
        """What lens and sensor make of it: blur, brightness, noise."""
        if self.blur > 0:
            picture = cv2.GaussianBlur(picture, (0, 0), self.blur)
        if self.light != 1.0:
            picture = cv2.convertScaleAbs(picture, alpha=self.light)
        if self.noise > 0:
            picture = _with_noise(picture, self.noise, self.seed, index)
        return picture


def draw_person(
    picture: Picture,
    who: Person,
    pose: Pose,
    expression: Expression,
    light: float,
    owner: NDArray[np.int16] | None = None,
    number: int = 0,
) -> None:
    """Draw one person into the picture; `owner` (a picture of numbers) notes which pixels are theirs."""
    unit = next((u for u in UNITS if u >= pose.unit * 0.9), UNITS[-1])
    hair = back_of_head(who, unit) if who.style in ("long", "fringe", "curly", "bun", "scarf") else None
    if hair is not None:
        _lay(picture, hair, _map_of_head(pose, unit, bend=False), pose, owner, number)
    coarse = unit // 2 if unit >= 48 else unit  # cloth has no fine detail
    _lay_body(picture, body(who, coarse, light), pose, coarse, owner, number)
    _lay(picture, head(who, expression, unit, light), _map_of_head(pose, unit, bend=True), pose, owner, number)


def truth_of(
    who: Person, pose: Pose, width: int, height: int, owner: NDArray[np.int16] | None, number: int
) -> tuple[Boxes, float] | None:
    """The face's box clipped to the picture `(4,)` and its visible share; None when it cannot be seen."""
    left, top, right, bottom = face_box(who)
    cos, sin = np.cos(pose.roll), np.sin(pose.roll)
    # The box around a turned oval, not around its corners: those are air.
    cx, cy, rx, ry = (left + right) / 2, (top + bottom) / 2, (right - left) / 2, (bottom - top) / 2
    x = pose.x + pose.unit * (cx * cos - cy * sin)
    y = pose.y + pose.unit * (cx * sin + cy * cos)
    w, h = pose.unit * np.hypot(rx * cos, ry * sin), pose.unit * np.hypot(rx * sin, ry * cos)
    whole = from_pixels([x - w, y - h, x + w, y + h], width, height)
    box = clip(whole)[0]
    inside = float(np.prod(box[2:] - box[:2]) / np.prod(whole[0, 2:] - whole[0, :2]))
    if inside < HIDDEN:
        return None
    if owner is not None:
        x0, y0 = int(box[0] * width), int(box[1] * height)
        x1, y1 = int(np.ceil(box[2] * width)), int(np.ceil(box[3] * height))
        part = owner[y0:y1, x0:x1]
        covered = float(np.mean((part != number) & (part >= 0) & _oval(part.shape))) / 0.785
        inside *= max(0.0, 1 - covered)
    return None if inside < HIDDEN else (box, inside)


def landmarks_of(who: Person, pose: Pose, expression: Expression) -> NDArray[np.float64]:
    """Where a drawn head's landmarks come to lie, `(5, 2)` in pixels of the picture."""
    drawn = faces_drawn.landmarks(who, expression)
    u, v = drawn.T
    for _ in range(20):  # against the bend of `_map_of_head`, which goes from the picture to the drawing
        inner = np.maximum(1 - u * u, 0) * np.maximum(1 - (v / 1.45) ** 2, 0)
        u, v = drawn[:, 0] + BEND_ASIDE * pose.yaw * inner, drawn[:, 1] + BEND_UP * pose.pitch * inner
    cos, sin = np.cos(pose.roll), np.sin(pose.roll)
    return pose.unit * np.stack([u * cos - v * sin, u * sin + v * cos], axis=1) + [pose.x, pose.y]


@lru_cache(maxsize=256)
def _oval(shape: tuple[int, int]) -> NDArray[np.bool_]:
    y, x = np.ogrid[-1 : 1 : shape[0] * 1j, -1 : 1 : shape[1] * 1j]
    return (x * x + y * y) <= 1


def _map_of_head(pose: Pose, unit: int, bend: bool) -> tuple[NDArray[np.float32], NDArray[np.float32], int, int]:
    """For each pixel around the head, which pixel of its drawing it shows; and the left upper corner of the patch.

    `bend` shifts the features sideways and up or down, most in the middle and not at the rim, as a turning head does.
    """
    reach = 2.75 * pose.unit
    x0, x1 = int(pose.x - 1.85 * pose.unit), int(pose.x + 1.85 * pose.unit) + 1
    y0, y1 = int(pose.y - 2.0 * pose.unit), int(pose.y + min(reach, 2.3 * pose.unit)) + 1
    x = (np.arange(x0, x1, dtype=np.float32) + 0.5 - pose.x) / pose.unit
    y = (np.arange(y0, y1, dtype=np.float32) + 0.5 - pose.y) / pose.unit
    cos, sin = np.float32(np.cos(pose.roll)), np.float32(np.sin(pose.roll))
    u = x[None, :] * cos + y[:, None] * sin
    v = y[:, None] * cos - x[None, :] * sin
    if bend:
        inner = np.maximum(1 - u * u, 0) * np.maximum(1 - (v / 1.45) ** 2, 0)
        u -= np.float32(BEND_ASIDE * pose.yaw) * inner
        v -= np.float32(BEND_UP * pose.pitch) * inner
    u = (u - np.float32(faces_drawn.LEFT)) * unit - 0.5
    v = (v - np.float32(faces_drawn.TOP)) * unit - 0.5
    return u, v, x0, y0


def _lay(picture, drawing, way, pose: Pose, owner, number: int) -> None:
    u, v, x0, y0 = way
    height, width = picture.shape[:2]
    left, top = max(-x0, 0), max(-y0, 0)
    right, bottom = min(u.shape[1], width - x0), min(u.shape[0], height - y0)
    if right <= left or bottom <= top:
        return
    u, v = np.ascontiguousarray(u[top:bottom, left:right]), np.ascontiguousarray(v[top:bottom, left:right])
    patch = cv2.remap(drawing, u, v, cv2.INTER_LINEAR, borderMode=cv2.BORDER_CONSTANT, borderValue=0)
    _blend(picture, patch, x0 + left, y0 + top, owner, number)


def _lay_body(picture, drawing, pose: Pose, unit: int, owner, number: int) -> None:
    """Neck and shoulders stay upright; their last row is continued to the lower edge of the picture."""
    height, width = picture.shape[:2]
    scale = pose.unit / unit
    x0 = max(int(pose.x + worn.BODY_LEFT * pose.unit), 0)
    x1 = min(int(pose.x + worn.BODY_RIGHT * pose.unit) + 1, width)
    y0 = max(int(pose.y + worn.BODY_TOP * pose.unit), 0)
    if x1 <= x0 or y0 >= height:
        return
    shift_x = pose.x + worn.BODY_LEFT * pose.unit - x0 + 0.5 * scale - 0.5
    shift_y = pose.y + worn.BODY_TOP * pose.unit - y0 + 0.5 * scale - 0.5
    matrix = np.array([[scale, 0, shift_x], [0, scale, shift_y]], np.float32)
    patch = cv2.warpAffine(
        drawing, matrix, (x1 - x0, height - y0), flags=cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE
    )
    _blend(picture, patch, x0, y0, owner, number)


def _blend(picture, patch, x0: int, y0: int, owner, number: int) -> None:
    """Lay a premultiplied BGRA patch over the picture at (x0, y0)."""
    height, width = patch.shape[:2]
    part = picture[y0 : y0 + height, x0 : x0 + width]
    colour = cv2.cvtColor(patch, cv2.COLOR_BGRA2BGR)
    alpha = patch[..., 3]
    through = cv2.cvtColor(cv2.bitwise_not(alpha), cv2.COLOR_GRAY2BGR)
    part[:] = cv2.add(cv2.multiply(part, through, scale=1 / 255), colour)
    if owner is not None:
        owner[y0 : y0 + height, x0 : x0 + width][alpha > 127] = number


@lru_cache(maxsize=4)
def _grain(width: int, height: int) -> NDArray[np.float32]:
    """Sensor noise of one grey level, larger than the picture, so that each frame can take another part of it."""
    rng = np.random.default_rng((width, height, 0x0A15E))
    return rng.standard_normal((height + 61, width + 67, 3), np.float32)


@lru_cache(maxsize=4)
def _grain_of(width: int, height: int, level: float) -> Picture:
    """The noise of so many grey levels around 128."""
    return cv2.convertScaleAbs(_grain(width, height), alpha=level, beta=128.0)


def _with_noise(picture: Picture, level: float, seed: int, index: int) -> Picture:
    height, width = picture.shape[:2]
    x, y = (index * 29 + seed * 7) % 67, (index * 37 + seed * 11) % 61
    grain = _grain_of(width, height, level)[y : y + height, x : x + width]
    return cv2.addWeighted(picture, 1.0, grain, 1.0, -128.0)


def photo(
    seed: int,
    index: int,
    width: int = 640,
    height: int = 480,
    faces: int | None = None,
    masks: bool = False,
) -> SceneFrame:
    """Still number `index` of a drawn collection: other people, room, light and sharpness in every one.

    `faces` None draws their number too: none in one photo of five, mostly one, at times two or three.
    """
    rng = np.random.default_rng((seed, index, 0x0F070))
    if faces is None:
        faces = int(rng.choice([0, 1, 2, 3], p=[0.2, 0.5, 0.2, 0.1]))
    scene = Scene(
        width=width,
        height=height,
        faces=faces,
        seed=int(rng.integers(1 << 31)),
        masks=masks,
        noise=float(rng.uniform(0, 6)),
        blur=float(rng.choice([0.0, 0.0, rng.uniform(0.4, 1.2)])) * min(width, height) / 480,
        light=float(rng.uniform(0.6, 1.2)),
        size=float(rng.uniform(0.4, 0.95)),
    )
    return scene.frame(int(rng.integers(3000)))
