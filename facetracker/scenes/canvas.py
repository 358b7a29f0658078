"""A small canvas for drawing people: soft filled shapes with sub-pixel edges on a picture with transparency.

Coordinates are in units of half a head's width, (0, 0) between the eyes, x to the right, y down. The picture is
float32 BGR with its own alpha and is handed out premultiplied, ready to be laid over a background.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from functools import lru_cache

import cv2
import numpy as np
from numpy.typing import ArrayLike, NDArray

from facetracker.core.photo import Picture

Floats = NDArray[np.float32]
Colour = tuple[float, float, float]  # BGR, 0..255
TONES = 8  # steps of lighter and of darker hairs
SHIFT = 4  # cv2 takes corners in 1/16 pixel


class Canvas:
    """A transparent picture that reaches from (left, top) to (right, bottom), `unit` pixels to a unit."""

    def __init__(self, left: float, top: float, right: float, bottom: float, unit: float):
        self.left, self.top, self.unit = left, top, unit
        self.width, self.height = round((right - left) * unit), round((bottom - top) * unit)
        self.colour = np.zeros((3, self.height, self.width), np.float32)  # planes: numpy multiplies them fastest
        self.alpha = np.zeros((self.height, self.width), np.float32)

    def fill(
        self,
        points: ArrayLike,
        colour: Colour,
        opacity: float = 1.0,
        soft: float = 0.0,
        inside: Floats | None = None,
    ) -> None:
        """Fill a closed shape of points `(N, 2)`; `soft` blurs its edge (units), `inside` (a mask of the whole
        canvas, 0..1) cuts it to another shape."""
        found = self._mask(points, soft)
        if found is not None:
            self._lay(found[0], found[1] * opacity, colour, inside)

    def shade(self, points: ArrayLike, factor: float, soft: float, inside: Floats | None = None) -> None:
        """Darken (factor < 1) or lighten (> 1) what is drawn already; nothing new becomes opaque."""
        found = self._mask(points, soft)
        if found is None:
            return
        where, mask = found
        if inside is not None:
            mask = mask * inside[where]
        self.colour[:, *where] *= 1 + (factor - 1) * mask

    def line(
        self,
        points: ArrayLike,
        colour: Colour,
        thickness: float,
        opacity: float = 1.0,
        soft: float = 0.0,
        inside: Floats | None = None,
    ) -> None:
        """A line through points `(N, 2)`, `thickness` in units with thin ends."""
        self.fill(stroke(points, thickness), colour, opacity, soft, inside)

    def hairs(self, lines: ArrayLike, tones: ArrayLike, thickness: float, inside: Floats) -> None:
        """Many thin lines `(M, N, 2)` at once over what is drawn: each lightens (tone > 0) or darkens by its tone."""
        layer = np.full((self.height, self.width), 128, np.uint8)
        width = max(1, round(thickness * self.unit))
        levels = np.round(np.asarray(tones) * TONES).astype(int)
        pixels = (np.asarray(lines, np.float32) - np.array([self.left, self.top], np.float32)) * self.unit - 0.5
        corners = np.round(pixels * (1 << SHIFT)).astype(np.int32)
        for level in np.unique(levels):
            grey = int(128 + 100 * level / TONES)
            cv2.polylines(layer, list(corners[levels == level]), False, grey, width, cv2.LINE_AA, SHIFT)
        change = (layer.astype(np.float32) - 128) * (inside / 100)
        # Lightening adds, so that black hair has strands too; darkening takes a share.
        self.colour *= 1 + np.minimum(change, 0)
        self.colour += np.maximum(change, 0) * 70

    def mask(self, points: ArrayLike, soft: float = 0.0) -> Floats:
        """The shape as a mask of the whole canvas, 0..1."""
        whole = np.zeros((self.height, self.width), np.float32)
        found = self._mask(points, soft)
        if found is not None:
            whole[found[0]] = found[1]
        return whole

    def grid(self) -> tuple[Floats, Floats]:
        """The units of every pixel: x `(1, W)` and y `(H, 1)`."""
        x = (np.arange(self.width, dtype=np.float32) + 0.5) / self.unit + self.left
        y = (np.arange(self.height, dtype=np.float32) + 0.5) / self.unit + self.top
        return x[None, :], y[:, None]

    def picture(self) -> Picture:
        """What is drawn, `(H, W, 4)` uint8, BGR premultiplied by alpha; read-only, for it is kept and used again."""
        planes = np.empty((4, self.height, self.width), np.float32)
        np.multiply(np.clip(self.colour, 0, 255), self.alpha, out=planes[:3])
        np.multiply(self.alpha, 255, out=planes[3])
        picture = cv2.merge([plane.round().astype(np.uint8) for plane in planes])
        picture.setflags(write=False)
        return picture

    def lit(self, factor: Floats) -> None:
        """Multiply what is drawn by a field `(H, W)`, or `(3, H, W)` for each of B, G, R."""
        self.colour *= factor

    def _mask(self, points: ArrayLike, soft: float) -> tuple[tuple[slice, slice], Floats] | None:
        pixels = (np.asarray(points, np.float64) - [self.left, self.top]) * self.unit - 0.5
        margin = 2 + int(2.5 * soft * self.unit)
        x0, y0 = np.maximum(np.floor(pixels.min(0)).astype(int) - margin, 0)
        x1, y1 = np.minimum(np.ceil(pixels.max(0)).astype(int) + margin + 1, [self.width, self.height])
        if x1 <= x0 or y1 <= y0:
            return None
        mask = _filled(pixels - [x0, y0], x1 - x0, y1 - y0, soft * self.unit)
        return (slice(y0, y1), slice(x0, x1)), mask.astype(np.float32) / np.float32(255)

    def _lay(self, where: tuple[slice, slice], mask: Floats, colour: Colour, inside: Floats | None) -> None:
        if inside is not None:
            mask = mask * inside[where]
        below = self.alpha[where]
        alpha = mask + below * (1 - mask)
        share = mask / np.maximum(alpha, 1e-4)
        part = self.colour[:, *where]
        part += (np.array(colour, np.float32)[:, None, None] - part) * share
        self.alpha[where] = alpha


def _filled(corners: NDArray[np.floating], width: int, height: int, blur: float) -> Picture:
    """A shape of corners in pixels, 0..255; its edge blurred by `blur` pixels."""
    shrink = 1 << max(0, int(np.log2(max(blur, 1) / 1.5)))  # a soft shape needs no fine grid
    mask: Picture = np.zeros((-(-height // shrink), -(-width // shrink)), np.uint8)
    fine = np.round(((corners + 0.5) / shrink - 0.5) * (1 << SHIFT)).astype(np.int32)
    cv2.fillPoly(mask, [fine], 255, cv2.LINE_AA, SHIFT)
    if blur > 0.3:
        mask = cv2.GaussianBlur(mask, (0, 0), blur / shrink, borderType=cv2.BORDER_REPLICATE)
    if shrink > 1:
        whole = (mask.shape[1] * shrink, mask.shape[0] * shrink)
        mask = cv2.resize(mask, whole, interpolation=cv2.INTER_LINEAR)[:height, :width]
    return mask


@lru_cache(maxsize=64)
def _circle(steps: int) -> tuple[Floats, Floats]:
    turn = np.linspace(0, 2 * np.pi, steps, endpoint=False, dtype=np.float32)
    return np.cos(turn), np.sin(turn)


def ellipse(x: float, y: float, rx: float, ry: float, angle: float = 0.0, steps: int = 32) -> Floats:
    """Points `(steps, 2)` of an ellipse, turned by `angle` radians."""
    dx, dy = _circle(steps)
    cos, sin = math.cos(angle), math.sin(angle)
    points = np.empty((steps, 2), np.float32)
    points[:, 0] = x + rx * cos * dx - ry * sin * dy
    points[:, 1] = y + rx * sin * dx + ry * cos * dy
    return points


@lru_cache(maxsize=16)
def _weights(steps: int) -> Floats:
    """The Catmull-Rom weights of four neighbouring points, `(steps, 4)`."""
    t = np.linspace(0, 1, steps, endpoint=False)
    weights = [-t + 2 * t**2 - t**3, 2 - 5 * t**2 + 3 * t**3, t + 4 * t**2 - 3 * t**3, t**3 - t**2]
    return (0.5 * np.stack(weights, 1)).astype(np.float32)


def smooth(points: ArrayLike, closed: bool = True, steps: int = 8) -> Floats:
    """A Catmull-Rom curve through points `(N, 2)`: `(N * steps, 2)`; or through many such rows `(M, N, 2)` at once."""
    p = np.asarray(points, np.float32)
    before, after = (p[..., -1:, :], p[..., :2, :]) if closed else (p[..., :1, :], p[..., -1:, :])
    q = np.concatenate([before, p, after], axis=-2)
    n = p.shape[-2] if closed else p.shape[-2] - 1
    four = np.stack([q[..., i : i + n, :] for i in range(4)], axis=-2)  # (..., n, 4, 2)
    curve = (_weights(steps) @ four).reshape(*p.shape[:-2], n * steps, 2)
    return curve if closed else np.concatenate([curve, p[..., -1:, :]], axis=-2)


def mirrored(right: Sequence[tuple[float, float]]) -> Floats:
    """A closed outline from its right half, listed from the middle of the top to the middle of the bottom."""
    half = np.asarray(right, np.float32)
    other = half[::-1] * [-1, 1]
    inner = other[1:-1] if half[0, 0] == 0 else other[1:]
    return np.concatenate([half, inner]).astype(np.float32)


def stroke(points: ArrayLike, thickness: float, ends: float = 0.35) -> Floats:
    """The outline of a line through `(N, 2)` that is thickest in its middle and `ends` as thick at its ends."""
    p = np.asarray(points, np.float32)
    along = np.gradient(p, axis=0)
    normal = np.stack([-along[:, 1], along[:, 0]], 1)
    normal /= np.maximum(np.linalg.norm(normal, axis=1, keepdims=True), 1e-6)
    width = ends + (1 - ends) * np.sin(np.linspace(0, np.pi, len(p)))
    side = normal * (width * thickness / 2)[:, None]
    return np.concatenate([p + side, (p - side)[::-1]]).astype(np.float32)


def moved(points: Floats, x: float, y: float) -> Floats:
    """The points `(N, 2)` shifted."""
    return points + np.array([x, y], np.float32)


def mixed(a: Colour, b: Colour, share: float) -> Colour:
    """Colour `a` with `share` of `b` in it."""
    return (a[0] + (b[0] - a[0]) * share, a[1] + (b[1] - a[1]) * share, a[2] + (b[2] - a[2]) * share)
