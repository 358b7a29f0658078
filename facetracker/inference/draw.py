"""What a person sees: boxes, numbers, trails, and in a corner how fast it goes. supervision draws the most of it."""

from __future__ import annotations

import re
from collections.abc import Sequence

import cv2
import numpy as np

from facetracker.core.faces import Faces
from facetracker.core.lettering import text_width, write
from facetracker.core.photo import Picture

GREEN, RED, ORANGE, FACE = "#2fbf5b", "#e5484d", "#f5a524", "#22c7e8"
OTHERS = ("#22c7e8", "#b07cff", "#ff8ac0", "#ffd24a", "#7cd0a0", "#ff9966")
TRAIL = 30  # frames
WHITE, SHADE = (255, 255, 255), 0.45
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


class Overlay:
    """Draws the faces of one picture after the other; remembers trails, so every view needs its own.

    With `landmarks` eyes, nose and the corners of the mouth too, where the detector knows them.
    """

    def __init__(self, classes: Sequence[str], width: int, height: int, landmarks: bool = False):
        import supervision as sv  # a second, which nobody pays who draws nothing

        palette = sv.ColorPalette.from_hex([class_colour(name, number) for number, name in enumerate(classes)])
        self.several, self.landmarks = len(classes) > 1, landmarks
        self._unit = max(min(width, height) / 480, 0.65)
        self._palette, self._thickness = palette, max(2, round(2 * self._unit))
        by_class = sv.ColorLookup.CLASS
        self._boxes = sv.RoundBoxAnnotator(palette, self._thickness, color_lookup=by_class, roundness=0.35)
        self._labels = sv.LabelAnnotator(
            palette,
            by_class,
            text_color=sv.Color.BLACK,
            text_scale=0.5 * self._unit,
            text_thickness=max(1, round(self._unit)),
            text_padding=max(3, round(5 * self._unit)),
            border_radius=round(6 * self._unit),
        )
        self.forget()

    def forget(self) -> None:
        """Drop the trails: the picture is mirrored now, or the film jumped."""
        import supervision as sv

        self._trails = sv.TraceAnnotator(
            self._palette, trace_length=TRAIL, thickness=self._thickness, color_lookup=sv.ColorLookup.CLASS
        )

    def faces(self, picture: Picture, faces: Faces) -> None:
        """Draw boxes, labels and trails into the picture."""
        if not len(faces):
            return
        drawn = faces.to_supervision()
        if faces.ids is not None:
            self._trails.annotate(picture, drawn)
        self._boxes.annotate(picture, drawn)
        if self.landmarks and faces.landmarks is not None:
            self._points(picture, faces)
        # Looking for a free place costs more than all the rest of the drawing: only where the usual one may be cut off.
        room = 170 * self._unit if self.several else 90 * self._unit
        left, top = drawn.xyxy[:, 0].max(), drawn.xyxy[:, 1].min()
        self._labels.smart_position = bool(left + room > picture.shape[1] or top < 28 * self._unit)
        self._labels.annotate(picture, drawn, labels=self.texts(faces))

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
