"""Reading and writing photos: always upright, always BGR uint8, damaged ones refused by name."""

from __future__ import annotations

import io
from pathlib import Path
from typing import Any, NamedTuple

import cv2
import numpy as np
from numpy.typing import NDArray

from facetracker.core.errors import BadFile, FaceTrackerError
from facetracker.core.files import write_atomically
from facetracker.core.other_formats import decode_other, kind_of
from facetracker.core.places import as_path

Picture = NDArray[Any]  # uint8; OpenCV's own stubs say no more than "integer or floating"

# A picture that unpacks to more than this is a decompression bomb or a mistake, not a photo of a face.
MAX_PIXELS = 200_000_000

PNG = b"\x89PNG\r\n\x1a\n"  # how the file starts
EDGE = 4096  # bytes looked at, from the front and from the back, to see whether a JPEG is whole
ORIENTATION = 0x0112  # the EXIF tag that says which way up


def read_picture(path: str | Path) -> Picture:
    """The photo as `(height, width, 3)` uint8 BGR, turned upright as its EXIF says.

    A truncated file is a `BadFile`: OpenCV would hand it out with its lower part grey.
    """
    return decode_picture(read_bytes(path), path)


def read_bytes(path: str | Path) -> bytes:
    """The content of a photo's file; one that cannot be read is a `BadFile`."""
    path = as_path(path)
    try:
        return path.read_bytes()
    except OSError as error:
        raise BadFile(f"cannot be read ({error.strerror or error})", path=path) from None


def decode_picture(data: bytes, path: str | Path = "picture", alpha: bool = False) -> Picture:
    """The bytes of an encoded picture as `(height, width, 3)` uint8 BGR, upright; `path` names it in errors.

    With `alpha` a picture that has transparency keeps it, as `(height, width, 4)` BGRA.
    """
    if not data:
        raise BadFile("is empty", path=path)
    if _is_truncated(data):
        raise BadFile("is truncated", path=path, fix="Take or copy it again.")
    if (kind := kind_of(data)) is not None:
        return decode_other(data, kind, MAX_PIXELS, path)
    # Before decoding: 3 kB that claim to be 30,000 x 30,000 pixels cost 70 seconds and 5 GB.
    if (pixels := _stated_pixels(data)) is None:
        raise BadFile("is not a readable picture (its header is damaged)", path=path)
    if pixels > MAX_PIXELS:
        most = f"at most {MAX_PIXELS / 1e6:.0f} million pixels are read"
        raise BadFile(f"is too large, or its header is damaged: {most}", path=path)
    try:
        picture = cv2.imdecode(np.frombuffer(data, np.uint8), cv2.IMREAD_UNCHANGED if alpha else cv2.IMREAD_COLOR)
    except cv2.error as error:
        raise BadFile(f"is not a readable picture ({error.err})", path=path) from None
    if picture is None:
        raise BadFile("is not a readable picture", path=path)
    height, width = picture.shape[:2]
    if height * width > MAX_PIXELS:
        raise BadFile(f"is too large ({width}x{height} pixels)", path=path)
    return picture


def _is_truncated(data: bytes) -> bool:
    """A JPEG without its end marker (some cameras pad with zeros or text), or a PNG cut before its last chunk."""
    if data[:2] == b"\xff\xd8":
        return b"\xff\xd9" not in data[max(_scan_of(data), len(data) - 4096) :]
    if data[:8] == PNG:
        return not _reaches_its_end(data)
    return False


def _scan_of(jpeg: bytes) -> int:
    """Where the pixels of a JPEG begin: a preview in its EXIF has an end marker of its own. 0 if that is not found."""
    place = 2
    while place + 4 <= len(jpeg) and jpeg[place] == 0xFF:
        if jpeg[place + 1] == 0xDA:
            return place
        place += 2 + int.from_bytes(jpeg[place + 2 : place + 4])
    return 0


def _reaches_its_end(png: bytes) -> bool:
    """Whether the chunks of a PNG follow each other up to the last one.

    OpenCV believes a chunk's length and allocates it: one flipped bit costs gigabytes and half a minute.
    """
    place = len(PNG)
    while place + 12 <= len(png):
        if png[place + 4 : place + 8] == b"IEND":
            return True
        place += 12 + int.from_bytes(png[place : place + 4])
    return False


def _stated_pixels(data: bytes) -> int | None:
    """Width times height as the header of a JPEG or PNG says; None for a JPEG whose header says nothing.

    0 for other formats: OpenCV itself stops at 2^30 pixels.
    """
    if data[:8] == PNG:
        return int.from_bytes(data[16:20]) * int.from_bytes(data[20:24])
    if data[:2] != b"\xff\xd8":
        return 0
    header = jpeg_header(data)
    return None if header is None else header.width * header.height


class JpegHeader(NamedTuple):
    """What a JPEG says of itself before its pixels: the size in pixels, before EXIF turns it, and the channels."""

    width: int
    height: int
    channels: int


def jpeg_header(data: bytes) -> JpegHeader | None:
    """The header of a JPEG from its first bytes; None where they hold none, or one without a size."""
    # Not `Image.open`: it warns of every photo above 89 million pixels.
    from PIL.JpegImagePlugin import JpegImageFile

    try:
        with JpegImageFile(io.BytesIO(data)) as picture:
            return JpegHeader(*picture.size, len(picture.getbands()))
    except Exception:  # Pillow raises a dozen kinds for damaged files
        return None


def photo_size(path: str | Path) -> tuple[int, int]:
    """`(width, height)` of the upright picture, as the file's header says; refuses an empty or truncated one.

    Nothing is decoded, so damage in the middle shows only when the picture is read.
    """
    from PIL import Image

    path = as_path(path)
    try:
        with path.open("rb") as file:
            front = file.read(EDGE)
            length = file.seek(0, 2)
            file.seek(max(0, length - EDGE))
            back = file.read(EDGE)
            if not length:
                raise BadFile("is empty", path=path)
            if front[:2] == b"\xff\xd8" and b"\xff\xd9" not in back:
                raise BadFile("is truncated", path=path, fix="Take or copy it again.")
            header = jpeg_header(front)
            if header is not None and not _has_exif(front):
                return header.width, header.height
            file.seek(0)
            with Image.open(file) as picture:
                width, height = picture.size
                turned = picture.getexif().get(ORIENTATION, 1) in (5, 6, 7, 8)
    except BadFile:
        raise
    except OSError as error:
        why = "is not a readable picture" if error.strerror is None else f"cannot be read ({error.strerror})"
        raise BadFile(why, path=path) from None
    except Exception as error:  # Pillow raises a dozen kinds for damaged files
        raise BadFile(f"is not a readable picture ({error})", path=path) from None
    if not 0 < width * height <= MAX_PIXELS:
        raise BadFile(f"has an impossible size ({width}x{height} pixels)", path=path)
    return (height, width) if turned else (width, height)


def orientation_of(photo: str | Path) -> tuple[int, str | None]:
    """How the pixels must be turned (1: they stand upright) and the picture's MIME type; `(1, None)` if unreadable."""
    from PIL import Image

    try:
        with Image.open(photo) as picture:
            return picture.getexif().get(ORIENTATION, 1), Image.MIME.get(picture.format or "")
    except Exception:  # Pillow's readers raise whatever they stumble over; who opens it next will say so
        return 1, None


def is_bare_jpeg(data: bytes) -> bool:
    """A JPEG without EXIF, in grey or three colours, which can be copied as it is: upright, and nothing private."""
    header = jpeg_header(data) if data[:3] == b"\xff\xd8\xff" and not _has_exif(data) else None
    return header is not None and header.channels in (1, 3)


def _has_exif(front: bytes) -> bool:
    return b"Exif\0\0" in front[:65536]


def encode_jpeg(picture: Picture, quality: int = 95) -> bytes:
    """The picture as JPEG bytes without any EXIF: the pixels are upright already, and the rest is private."""
    done, data = cv2.imencode(".jpg", picture, [cv2.IMWRITE_JPEG_QUALITY, quality])
    if not done:
        raise FaceTrackerError(f"a picture of shape {picture.shape} cannot be written as JPEG")
    return data.tobytes()


def write_jpeg(path: str | Path, picture: Picture, quality: int = 95, sync: bool = True) -> Path:
    """Write the picture as JPEG, all or nothing."""
    return write_atomically(path, encode_jpeg(picture, quality), sync)


def ends_as_jpeg(path: Path) -> bool:
    """Whether a JPEG that we wrote is there to its end: false for one that is missing or was cut off."""
    try:
        with path.open("rb") as file:
            file.seek(-2, 2)
            return file.read() == b"\xff\xd9"
    except OSError:
        return False


def encode_png(picture: Picture) -> bytes:
    """The picture (BGR, grey or BGRA) as PNG bytes."""
    done, data = cv2.imencode(".png", picture)
    if not done:
        raise FaceTrackerError(f"a picture of shape {picture.shape} cannot be written as PNG")
    return data.tobytes()


def write_png(path: str | Path, picture: Picture) -> Path:
    """Write the picture (BGR, grey or BGRA) as PNG, all or nothing."""
    return write_atomically(path, encode_png(picture))
