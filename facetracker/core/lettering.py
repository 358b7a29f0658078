"""Text in a picture, in any script: OpenCV's older fonts know ASCII only."""

from __future__ import annotations

from functools import lru_cache

import cv2

from facetracker.core.photo import Picture


def write(
    picture: Picture, text: str, x: int, y: int, size: int, colour: tuple[int, int, int], weight: int = 500
) -> int:
    """Text with its base line at (x, y), `size` pixels high; where it ends."""
    return int(cv2.putText(picture, text, (x, y), colour, _font(), size, weight)[0][0])


def text_width(text: str, size: int, weight: int = 500) -> int:
    """How wide the text will be, pixels."""
    (_, _, width, _) = cv2.getTextSize((0, 0), text, (0, 0), _font(), size, weight)
    return int(width)


def shortened(text: str, most: int) -> str:
    """The text cut in the middle to at most so many characters: a file's name tells most at its ends."""
    if len(text) <= most:
        return text
    head = (most - 3) // 2
    return f"{text[:head]}...{text[len(text) - (most - 3 - head) :]}"


@lru_cache(maxsize=1)
def _font() -> cv2.FontFace:
    return cv2.FontFace("sans")
