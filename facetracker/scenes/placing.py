"""A drawn person in a picture: where every pixel of the drawing goes, where the face is, how much of it can be seen."""

from __future__ import annotations

from functools import lru_cache

import cv2
import numpy as np
from numpy.typing import NDArray

from facetracker.core.boxes import Boxes, clip, from_pixels
from facetracker.core.photo import Picture
from facetracker.scenes import face, turned, worn
from facetracker.scenes.face import Expression, back_of_head, face_box, head
from facetracker.scenes.paths import Pose
from facetracker.scenes.person import Person
from facetracker.scenes.worn import body

UNITS = (12, 20, 32, 48, 72, 110)  # pixels to half a head's width at which heads are drawn; scaled from there
BEND_ASIDE, BEND_UP = 0.20, 0.12  # how far the features of a head move that is turned all the way, in units
HIDDEN = 0.15  # a face of which less than this share can be seen is not in the truth


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
        _lay(picture, hair, _map_of_head(pose, unit), pose, owner, number)
    coarse = unit // 2 if unit >= 48 else unit  # cloth has no fine detail
    _lay_body(picture, body(who, coarse, light), pose, coarse, owner, number)
    drawing = turned.all_round(who, expression, unit, light) if pose.aside else head(who, expression, unit, light)
    _lay(picture, drawing, _map_of_head(pose, unit, who), pose, owner, number)


def truth_of(
    who: Person, pose: Pose, width: int, height: int, owner: NDArray[np.int16] | None, number: int
) -> tuple[Boxes, float] | None:
    """The face's box clipped to the picture `(4,)` and its visible share; None when it cannot be seen."""
    left, top, right, bottom = turned.box_turned(who, pose.aside) if pose.aside else face_box(who)
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
    drawn = face.landmarks(who, expression)
    u, v = drawn.T
    for _ in range(20):  # against the shift of `_map_of_head`, which goes from the picture to the drawing
        inner = np.maximum(1 - u * u, 0) * np.maximum(1 - (v / 1.45) ** 2, 0)
        u, v = drawn[:, 0] + BEND_ASIDE * pose.yaw * inner, drawn[:, 1] + BEND_UP * pose.pitch * inner
    if pose.aside:
        u = turned.seen_at(who, drawn[:, 0], drawn[:, 1], pose.aside)
    cos, sin = np.cos(pose.roll), np.sin(pose.roll)
    return pose.unit * np.stack([u * cos - v * sin, u * sin + v * cos], axis=1) + [pose.x, pose.y]


@lru_cache(maxsize=256)
def _oval(shape: tuple[int, int]) -> NDArray[np.bool_]:
    y, x = np.ogrid[-1 : 1 : shape[0] * 1j, -1 : 1 : shape[1] * 1j]
    return (x * x + y * y) <= 1


def _map_of_head(
    pose: Pose, unit: int, who: Person | None = None
) -> tuple[NDArray[np.float32], NDArray[np.float32], int, int]:
    """For each pixel around the head, which pixel of its drawing it shows; and the left upper corner of the patch.

    The face of `who` is turned: its features are shifted sideways and up or down, most in the middle and not at the
    rim, or the head is seen from aside.
    """
    reach = 2.75 * pose.unit
    x0, x1 = int(pose.x - 1.85 * pose.unit), int(pose.x + 1.85 * pose.unit) + 1
    y0, y1 = int(pose.y - 2.0 * pose.unit), int(pose.y + min(reach, 2.3 * pose.unit)) + 1
    x = (np.arange(x0, x1, dtype=np.float32) + 0.5 - pose.x) / pose.unit
    y = (np.arange(y0, y1, dtype=np.float32) + 0.5 - pose.y) / pose.unit
    cos, sin = np.float32(np.cos(pose.roll)), np.float32(np.sin(pose.roll))
    u = x[None, :] * cos + y[:, None] * sin
    v = y[:, None] * cos - x[None, :] * sin
    if who is not None:
        inner = np.maximum(1 - u * u, 0) * np.maximum(1 - (v / 1.45) ** 2, 0)
        v -= np.float32(BEND_UP * pose.pitch) * inner
        u = turned.drawn_at(who, u, v, pose.aside) if pose.aside else u - np.float32(BEND_ASIDE * pose.yaw) * inner
    u = (u - np.float32(face.LEFT)) * unit - 0.5
    v = (v - np.float32(face.TOP)) * unit - 0.5
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
