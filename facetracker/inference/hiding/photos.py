"""A photo written again with its faces hidden, and with nothing else of what the camera wrote into the file."""

from __future__ import annotations

import io
from pathlib import Path

import cv2

from facetracker.core.boxes import to_pixels
from facetracker.core.console import counted
from facetracker.core.errors import FaceTrackerError
from facetracker.core.files import write_atomically
from facetracker.core.photo import decode_picture, read_bytes
from facetracker.inference.films.sightings import Looks
from facetracker.inference.hiding.cover import Cover

LEAST = 0.3  # score from which something is hidden in a photo, which has no other frame to ask
QUALITY = 95
FORMATS = {
    ".jpg": "JPEG",
    ".jpeg": "JPEG",
    ".png": "PNG",
    ".webp": "WEBP",
    ".bmp": "BMP",
    ".tif": "TIFF",
    ".tiff": "TIFF",
}


def hide_in_photo(source: Path, save: Path, looks: Looks, cover: Cover) -> str:
    """Hide every face of a photo; the line for the person. The picture is upright afterwards.

    Place, date, camera and the small preview (which shows the face) are left out; the colour profile stays.
    """
    from PIL import Image

    if save.suffix.lower() not in FORMATS:
        raise FaceTrackerError(f"is no name of a photo ({', '.join(FORMATS)})", path=save)
    data = read_bytes(source)
    picture = decode_picture(data, source)
    boxes, _ = looks.in_photo(picture, LEAST)
    high, wide = picture.shape[:2]
    cover.on_bgr(picture, to_pixels(boxes, wide, high))
    with Image.open(io.BytesIO(data)) as original:
        profile = original.info.get("icc_profile") if original.mode in ("RGB", "RGBA", "P") else None
    written, kind = io.BytesIO(), FORMATS[save.suffix.lower()]
    options = {"icc_profile": profile} if profile and kind != "BMP" else {}
    shown = Image.fromarray(cv2.cvtColor(picture, cv2.COLOR_BGR2RGB))
    shown.save(written, kind, quality=QUALITY, **options)
    write_atomically(save, written.getvalue())
    return f"{save}: {counted(len(boxes), 'face')} hidden"
