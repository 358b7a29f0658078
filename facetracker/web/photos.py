"""A photo as a browser shows it: upright, without what the camera noted beside it."""

from __future__ import annotations

from pathlib import Path

from facetracker.core.photo import encode_jpeg, orientation_of, read_picture

KINDS = {".jpg": "image/jpeg", ".jpeg": "image/jpeg", ".png": "image/png", ".webp": "image/webp"}


def picture_for_page(photo: Path) -> tuple[bytes, str]:
    """The photo's bytes and their type: as they are where a browser shows them so, else as a JPEG."""
    kind = KINDS.get(photo.suffix.lower())
    if kind is not None and orientation_of(photo) == (1, kind):
        return photo.read_bytes(), kind
    return encode_jpeg(read_picture(photo), 92), "image/jpeg"
