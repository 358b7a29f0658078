"""What a person sees: boxes, numbers, trails, and in a corner how fast it goes."""

from __future__ import annotations

import re
from collections import deque
from collections.abc import Sequence

import cv2
import numpy as np
from numpy.typing import NDArray

from facetracker.core.faces import Faces
from facetracker.core.lettering import text_width, write
from facetracker.core.photo import Picture

GREEN, RED, ORANGE, FACE = "#2fbf5b", "#e5484d", "#f5a524", "#22c7e8"
OTHERS = ("#22c7e8", "#b07cff", "#ff8ac0", "#ffd24a", "#7cd0a0", "#ff9966")
TRAIL = 30  # frames
WHITE, BLACK, SHADE = (255, 255, 255), (0, 0, 0), 0.45
ROUNDNESS = 0.35  # of a box: its corners' radius, of half its shorter side
Colour = tuple[int, int, int]  # BGR
POINT = (90, 240, 255)  # BGR

HELP = (
    ("q, Esc", "quit"),
    ("space", "pause"),
    ("s", "save this frame for labelling"),
    ("m", "mirror"),
    ("b", "blur faces"),
    ("h", "this help"),
)


def class_colour(name: str, number: int = 0) -> str:
    """The colour of a class: a mask is green, no mask red, a mask worn wrongly orange, a face cyan."""
    words = set(re.split(r"[^a-z]+", name.lower()))
    if words & {"incorrect", "incorrectly", "wrong"}:
        return ORANGE
    if "mask" in words or "masked" in words or "nomask" in words or "unmasked" in words:
        return RED if words & {"no", "non", "without", "not", "nomask", "unmasked"} else GREEN
    return FACE if name == "face" else OTHERS[number % len(OTHERS)]


def bgr(colour: str) -> Colour:
    """`#22c7e8` as blue, green and red."""
    red, green, blue = (int(colour[i : i + 2], 16) for i in (1, 3, 5))
    return blue, green, red


def rounded(picture: Picture, box: NDArray[np.int32], radius: int, colour: Colour, thickness: int) -> None:
    """A rectangle `(4,)` in pixels with round corners; `thickness` -1 fills it."""
    left, top, right, bottom = (int(value) for value in box)
    radius = max(0, min(radius, (right - left) // 2, (bottom - top) // 2))
    corners = [
        ((left + radius, top + radius), 180),
        ((right - radius, top + radius), 270),
        ((right - radius, bottom - radius), 0),
        ((left + radius, bottom - radius), 90),
    ]
    arcs = [cv2.ellipse2Poly(middle, (radius, radius), 0, turn, turn + 90, 10) for middle, turn in corners]
    outline = np.concatenate(arcs)
    if thickness < 0:
        cv2.fillPoly(picture, [outline], colour, cv2.LINE_AA)
    else:
        cv2.polylines(picture, [outline], True, colour, thickness, cv2.LINE_AA)


class Overlay:
    """Draws the faces of one picture after the other; remembers trails, so every view needs its own.

    With `landmarks` eyes, nose and the corners of the mouth too, where the detector knows them.
    """

    def __init__(self, classes: Sequence[str], width: int, height: int, landmarks: bool = False):
        self.several, self.landmarks = len(classes) > 1, landmarks
        self._colours = [bgr(class_colour(name, number)) for number, name in enumerate(classes)]
        self._unit = max(min(width, height) / 480, 0.65)
        self._thickness = max(2, round(2 * self._unit))
        self.forget()

    def forget(self) -> None:
        """Drop the trails: the picture is mirrored now, or the film jumped."""
        self._trails: dict[int, deque[NDArray[np.int32]]] = {}
        self._drawn: NDArray[np.float32] | None = None

    def faces(self, picture: Picture, faces: Faces) -> None:
        """Draw boxes, labels and trails into the picture."""
        if not len(faces):
            return
        boxes = np.rint(faces.pixels).astype(np.int32)
        colours = [self._colours[number % len(self._colours)] for number in faces.classes]
        if faces.ids is not None:
            self._repeated = self._drawn is not None and np.array_equal(faces.pixels, self._drawn)
            self._drawn = faces.pixels
            for number, box, colour in zip(faces.ids.tolist(), boxes, colours, strict=True):
                self._trail(picture, number, (box[:2] + box[2:]) // 2, colour)
        for box, colour in zip(boxes, colours, strict=True):
            rounded(picture, box, round(ROUNDNESS * min(box[2:] - box[:2]) / 2), colour, self._thickness)
        if self.landmarks and faces.landmarks is not None:
            self._points(picture, faces)
        for box, colour, text in zip(boxes, colours, self.texts(faces), strict=True):
            self._label(picture, box, text, colour)

    def _trail(self, picture: Picture, number: int, middle: NDArray[np.int32], colour: Colour) -> None:
        """The way of a face's middle through the last frames."""
        trail = self._trails.setdefault(number, deque(maxlen=TRAIL))
        if not self._repeated:  # the same picture again, for the film is paused
            trail.append(middle)
        if len(trail) > 1:
            cv2.polylines(picture, [np.array(trail)], False, colour, self._thickness, cv2.LINE_AA)

    def _label(self, picture: Picture, box: NDArray[np.int32], text: str, colour: Colour) -> None:
        """A plate with the text above the box; inside it where there is no room above, never cut off at a side."""
        if not text:
            return
        size, edge = max(10, round(15 * self._unit)), max(3, round(5 * self._unit))
        wide, high = text_width(text, size) + 2 * edge, size + 2 * edge
        left = int(np.clip(box[0], 0, max(0, picture.shape[1] - wide)))
        top = int(box[1]) - high if box[1] >= high else max(0, int(box[1]))
        rounded(picture, np.array([left, top, left + wide, top + high]), round(6 * self._unit), colour, -1)
        write(picture, text, left + edge, top + high - edge - size // 8, size, BLACK)

    def _points(self, picture: Picture, faces: Faces) -> None:
        """A dot on each landmark, no larger than a twentieth of its face."""
        assert faces.landmarks is not None
        spots = faces.landmarks * [faces.width, faces.height]
        for points, box in zip(spots, faces.pixels, strict=True):
            radius = int(np.clip((box[2] - box[0]) / 20, 1, 3 * self._unit))
            for x, y in points:
                cv2.circle(picture, (round(x), round(y)), radius, POINT, -1, cv2.LINE_AA)

    def texts(self, faces: Faces) -> list[str]:
        """What stands above each box: `#3 face 0.97`; no score where this frame shows no face."""
        texts = []
        for face in faces:
            parts = [] if face.id is None else [f"#{face.id}"]
            parts += [face.label.replace("_", " ")] if self.several else []
            parts += [] if face.coasting else [f"{face.score:.2f}"]
            texts.append(" ".join(parts))
        return texts

    def status(self, picture: Picture, lines: Sequence[str]) -> None:
        """A line or two in the upper left corner, on a shade."""
        self._panel(picture, [(line, "") for line in lines if line], 0, 0)

    def help(self, picture: Picture) -> None:
        """The keys, in the middle of the picture."""
        self._panel(picture, HELP, None, None)

    def _panel(self, picture: Picture, rows: Sequence[tuple[str, str]], left: int | None, top: int | None) -> None:
        if not rows:
            return
        size = max(10, round(15 * self._unit))
        step, edge = round(size * 1.5), round(size * 0.6)
        first = max(text_width(row[0], size) for row in rows)
        second = max(text_width(row[1], size) for row in rows)
        wide = first + (second + size if second else 0) + 2 * edge
        high = step * len(rows) + edge
        height, width = picture.shape[:2]
        left = max(0, (width - wide) // 2) if left is None else left
        top = max(0, (height - high) // 2) if top is None else top
        shaded = picture[top : top + high, left : left + wide]
        cv2.convertScaleAbs(shaded, shaded, alpha=SHADE)
        for number, (key, text) in enumerate(rows):
            line = top + step * (number + 1) - edge // 2
            write(picture, key, left + edge, line, size, WHITE)
            if text:
                write(picture, text, left + edge + first + size, line, size, WHITE)
