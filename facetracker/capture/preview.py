"""The picture that a person sees while photos are taken: themselves, a countdown, and how many there are."""

from __future__ import annotations

import cv2
import numpy as np

from facetracker.core.lettering import text_width, write
from facetracker.core.photo import Picture

WHITE = (255, 255, 255)
GREY = (190, 190, 190)
GREEN = (120, 220, 120)
AMBER = (80, 190, 255)


def draw_preview(
    picture: Picture,
    taken: int,
    count: int,
    wait: float,
    every: float,
    flash: float = 0.0,
    hint: str = "",
    mirror: bool = False,
) -> Picture:
    """The preview of a frame; the frame itself stays as it is.

    `wait` seconds until the next photo, out of `every`; `flash` 1 right after a photo, falling to 0; `hint` a line
    for the person; `mirror` as in a looking-glass.
    """
    shown = cv2.flip(picture, 1) if mirror else picture.copy()
    height, width = shown.shape[:2]
    unit = max(min(width, height) / 480, 0.4)
    if flash > 0:  # a white frame and a little light: a whole white picture twice a second hurts
        shown = cv2.convertScaleAbs(shown, alpha=1, beta=40 * flash)
        cv2.rectangle(shown, (0, 0), (width - 1, height - 1), WHITE, max(round(20 * unit * flash), 1))
    _bar(shown, taken, count, unit)
    _countdown(shown, wait, every, unit)
    if hint:
        _hint(shown, hint, unit)
    return shown


def _shade(picture: Picture, left: int, top: int, right: int, bottom: int, strength: float = 0.62) -> None:
    part = picture[max(top, 0) : bottom, max(left, 0) : right]
    cv2.convertScaleAbs(part, part, 1 - strength)


def _bar(picture: Picture, taken: int, count: int, unit: float) -> None:
    """Along the lower edge: how many, the keys, and a line that grows."""
    height, width = picture.shape[:2]
    tall = round(46 * unit)
    _shade(picture, 0, height - tall, width, height)
    size, base = round(20 * unit), height - round(16 * unit)
    end = write(picture, f"{taken}", round(16 * unit), base, round(24 * unit), WHITE, 700)
    write(picture, f" of {count}", end, base, size, GREY)
    keys = "Space  take now     Q  stop"
    small = round(15 * unit)
    write(picture, keys, width - text_width(keys, small) - round(16 * unit), base, small, GREY)
    line = max(round(4 * unit), 2)
    cv2.rectangle(picture, (0, height - line), (width, height), (70, 70, 70), -1)
    cv2.rectangle(picture, (0, height - line), (round(width * min(taken / count, 1)), height), GREEN, -1)


def _countdown(picture: Picture, wait: float, every: float, unit: float) -> None:
    """A ring in the right upper corner that closes until the photo is taken; with the seconds, if there are some."""
    width = picture.shape[1]
    r = round(24 * unit)
    centre = (width - round(18 * unit) - r, round(18 * unit) + r)
    ring = max(round(5 * unit), 2)
    share = 1 - min(max(wait / every, 0.0), 1.0) if every > 0 else 1.0
    _disc(picture, centre, r + ring)
    cv2.circle(picture, centre, r, (110, 110, 110), ring, cv2.LINE_AA)
    if share > 0.01:  # an arc of no length would be drawn as a dot in the centre
        cv2.ellipse(picture, centre, (r, r), -90, 0, 360 * share, WHITE, ring, cv2.LINE_AA)
    if wait > 0.95:
        digits, size = f"{int(np.ceil(wait))}", round(26 * unit)
        write(
            picture,
            digits,
            centre[0] - text_width(digits, size, 700) // 2,
            centre[1] + round(9 * unit),
            size,
            WHITE,
            700,
        )


def _disc(picture: Picture, centre: tuple[int, int], radius: int) -> None:
    """Darken a disc, so that the ring shows on any background."""
    x0, y0 = max(centre[0] - radius, 0), max(centre[1] - radius, 0)
    part = picture[y0 : centre[1] + radius + 1, x0 : centre[0] + radius + 1]
    mask = np.zeros(part.shape[:2], np.uint8)
    cv2.circle(mask, (centre[0] - x0, centre[1] - y0), radius, 140, -1, cv2.LINE_AA)
    part[:] = (part * (1 - mask[..., None] / 255)).astype(np.uint8)


def _hint(picture: Picture, text: str, unit: float) -> None:
    width = picture.shape[1]
    size = round(18 * unit)
    wide = text_width(text, size, 600)
    left, top = (width - wide) // 2, round(22 * unit)
    _shade(picture, left - round(14 * unit), top, left + wide + round(14 * unit), top + round(34 * unit))
    write(picture, text, left, top + round(23 * unit), size, AMBER, 600)
