"""One labelme shape as a box in pixels, and what can be wrong with it.

A rectangle has two corners in the order in which they were clicked; polygons, circles and masks count by their
bounding box. Lines and points are no faces and are left out. Nothing is guessed: a shape that cannot be read is
a fault that a person sees, because a face that silently goes missing teaches the network that it is none.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

# Kinds that enclose an area; X-AnyLabeling writes rectangles with four corners, so every kind takes more than two.
LEAST_POINTS = {"rectangle": 2, "polygon": 3, "circle": 2, "mask": 2, "oriented_rectangle": 3}
NO_AREA = ("point", "points", "line", "linestrip")

SLIVER = 1.0  # pixels; a box narrower than this is a slip of the mouse, not a face


class ShapeFault(ValueError):
    """Why one shape cannot be used; `kind` is the audit's name for it."""

    def __init__(self, kind: str, detail: str):
        self.kind = kind
        super().__init__(detail)


@dataclass(frozen=True)
class PixelBox:
    """A labelled shape as `left, top, right, bottom` in pixels, before any clipping."""

    left: float
    top: float
    right: float
    bottom: float

    def __iter__(self):
        return iter((self.left, self.top, self.right, self.bottom))

    def clipped(self, width: int, height: int) -> PixelBox:
        """The part inside a picture of `width` x `height` pixels."""
        return PixelBox(
            min(max(self.left, 0.0), float(width)),
            min(max(self.top, 0.0), float(height)),
            min(max(self.right, 0.0), float(width)),
            min(max(self.bottom, 0.0), float(height)),
        )

    def is_sliver(self) -> bool:
        return self.right - self.left < SLIVER or self.bottom - self.top < SLIVER

    def sticks_out(self, width: int, height: int) -> float:
        """How many pixels it reaches over the picture's edge; 0 when it is inside."""
        return max(0.0, -self.left, -self.top, self.right - width, self.bottom - height)


def encloses_area(shape: Any) -> bool:
    """False for labelme's points and lines, which are no faces; True for all else, known or not."""
    return not (isinstance(shape, Mapping) and shape.get("shape_type") in NO_AREA)


def shape_label(shape: Any) -> str:
    """The class name of a shape; a `ShapeFault` when there is none."""
    if not isinstance(shape, Mapping):
        raise ShapeFault("broken shape", "is no labelme shape")
    label = shape.get("label")
    if not isinstance(label, str) or not label.strip():
        raise ShapeFault("broken shape", "has no label")
    if not label.isprintable():
        raise ShapeFault("broken shape", "has a label with unprintable characters")
    return label


def shape_box(shape: Any) -> PixelBox:
    """The bounding box of a shape in pixels, as labelled; a `ShapeFault` when it cannot be read."""
    if not isinstance(shape, Mapping):
        raise ShapeFault("broken shape", "is no labelme shape")
    points = _points(shape.get("points"))
    kind = shape.get("shape_type")
    if kind is None:  # labelme before 3.0 knew only polygons and did not say so
        kind = "rectangle" if len(points) == 2 else "polygon"
    if not isinstance(kind, str) or kind not in LEAST_POINTS:
        raise ShapeFault("broken shape", f"is of the unknown kind {str(kind)[:40]!r}")
    if len(points) < LEAST_POINTS[kind]:
        raise ShapeFault("broken shape", f"is a {kind} with {len(points)} point{'s' * (len(points) != 1)}")
    if kind == "circle":
        return _around_circle(points)
    across, down = zip(*points, strict=True)
    return PixelBox(min(across), min(down), max(across), max(down))


def read_shape(shape: Any) -> tuple[str, PixelBox] | None:
    """Label and box of a shape, as labelled; None for points, lines, and what cannot be read."""
    try:
        return (shape_label(shape), shape_box(shape)) if encloses_area(shape) else None
    except ShapeFault:
        return None


def usable_box(box: PixelBox, width: int, height: int) -> PixelBox:
    """The part of `box` inside the picture; a `ShapeFault` when that is no face's box.

    A face at the edge may be labelled past it and is clipped. A corner more than a whole picture away is damage.
    """
    if box.is_sliver():
        raise ShapeFault("degenerate", f"is {box.right - box.left:.1f} x {box.bottom - box.top:.1f} pixels large")
    if box.left < -width or box.top < -height or box.right > 2 * width or box.bottom > 2 * height:
        raise ShapeFault("outside the picture", "lies far outside the picture")
    inside = box.clipped(width, height)
    if inside.is_sliver():
        raise ShapeFault("outside the picture", "lies outside the picture")
    return inside


def in_click_order(shape: Any) -> bool:
    """True for a rectangle whose two corners are not upper left, lower right (the tutorial's reader needs that)."""
    if not isinstance(shape, Mapping) or shape.get("shape_type") != "rectangle":
        return False
    points = _points(shape.get("points"))
    return len(points) == 2 and (points[0][0] > points[1][0] or points[0][1] > points[1][1])


def _points(points: Any) -> list[tuple[float, float]]:
    if not isinstance(points, list) or not points:
        raise ShapeFault("broken shape", "has no points")
    return [_point(point) for point in points]


def _point(point: Any) -> tuple[float, float]:
    if not isinstance(point, list) or len(point) != 2:
        raise ShapeFault("broken shape", "has a point that is not [x, y]")
    return _number(point[0]), _number(point[1])


def _number(value: Any) -> float:
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise ShapeFault("broken shape", f"has a coordinate that is no number ({str(value)[:20]!r})")
    try:
        number = float(value)
    except OverflowError:  # an integer of hundreds of digits
        number = math.inf
    if not math.isfinite(number):
        raise ShapeFault("broken shape", f"has a coordinate that is no finite number ({str(value)[:20]})")
    return number


def _around_circle(points: list[tuple[float, float]]) -> PixelBox:
    """labelme stores the centre and one point on the rim."""
    if len(points) != 2:
        raise ShapeFault("broken shape", f"is a circle with {len(points)} points")
    (x, y), (rim_x, rim_y) = points
    radius = math.hypot(rim_x - x, rim_y - y)
    box = PixelBox(x - radius, y - radius, x + radius, y + radius)
    if not all(map(math.isfinite, box)):
        raise ShapeFault("broken shape", "has a coordinate that is no finite number")
    return box
