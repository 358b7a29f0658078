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

from facetracker.core.boxes import Boxes, as_boxes, empty
from facetracker.core.photo import Picture
from facetracker.scenes.background import background
from facetracker.scenes.face import Expression
from facetracker.scenes.paths import Path
from facetracker.scenes.person import Person, person
from facetracker.scenes.placing import draw_person, landmarks_of, truth_of


@dataclass(frozen=True)
class SceneFrame:
    """One drawn frame and the truth about it.

    `boxes` `(N, 4)` normalised xyxy, clipped to the picture; `ids` `(N,)` the person's number; `labels` one class
    each; `visible` `(N,)` the share of the whole face that can be seen (not covered, not outside the picture);
    `landmarks` `(N, 5, 2)` normalised: the eyes, the tip of the nose, the corners of the mouth, left before right;
    `aside` `(N,)` degrees by which the heads are turned to the picture's right, where the scene lets them.
    """

    picture: Picture
    boxes: Boxes
    ids: NDArray[np.int64]
    labels: tuple[str, ...]
    visible: NDArray[np.float32]
    landmarks: NDArray[np.float32]
    aside: NDArray[np.float32]


@dataclass(frozen=True)
class Scene:
    """Drawn people in a room. Sizes in pixels, `noise` in grey levels, `blur` in pixels, `light` as a factor.

    `masks`: every second person wears one and the classes are `with_mask`/`without_mask` instead of `face`.
    `crossing`: people walk past and hide each other. `leaving`: they walk out of the picture and come back.
    `size`: heads of this share of the largest that fits, instead of a size for each person.
    `people`: seed of the people alone, so that one person can be drawn in several rooms (`seed`).
    `turning`: heads turn aside by up to so many degrees (60 at most) and back, slowly.
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
    turning: float = 0.0

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
        aside = np.array([poses[number].aside for number in numbers], np.float32)
        return SceneFrame(picture, boxes, np.array(numbers, np.int64), labels, visible, landmarks, aside)

    @cached_property
    def _people(self) -> list[Person]:
        crowd = self.seed if self.people is None else self.people
        return [person(crowd, number, mask=self._masked(number)) for number in range(self.faces)]

    @cached_property
    def _paths(self) -> list[Path]:
        return [
            Path(
                self.seed, n, self.faces, self.width, self.height, self.crossing, self.leaving, self.size, self.turning
            )
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
