"""Photos that OpenCV does not read for us, by Pillow: HEIC (iPhones), AVIF, GIF, JPEG 2000.

They are looked at, hidden in and collected from; photos to label are JPEGs, which labelme, browsers and every other
program open. Of an animated file the first frame counts.
"""

from __future__ import annotations

import io
import warnings
from collections.abc import Sequence
from functools import cache
from pathlib import Path
from shlex import quote

import numpy as np

from facetracker.core.errors import BadFile, Rejects, one_line
from facetracker.core.install import install_command, is_installed

FILM_SUFFIXES = (".mp4", ".mkv", ".avi", ".mov", ".webm", ".m4v", ".mpg", ".mpeg", ".ogv", ".wmv")
# What cameras and drawing programs keep pictures in, which nothing here reads.
NOT_READ = (".cr2", ".cr3", ".nef", ".arw", ".dng", ".raf", ".orf", ".rw2", ".pef", ".jxl", ".psd", ".xcf", ".svg")
OTHER_SUFFIXES = (".heic", ".heif", ".avif", ".gif", ".jp2")
HEIC, PILLOW = "HEIC", "Pillow's"
HEIC_BRANDS = (b"heic", b"heix", b"heim", b"heis", b"hevc", b"hevx", b"mif1", b"msf1")
MAGIC = (b"GIF87a", b"GIF89a", b"\x00\x00\x00\x0cjP  \r\n\x87\n", b"\xff\x4f\xff\x51")


@cache
def _heic_reader() -> str:
    """What brings the reader of HEIC; found out once, not for each of a thousand photos."""
    return install_command("heic")


def as_jpeg(source: str | Path, count: int = 999) -> str:
    """The command that makes JPEGs of the photos in a folder, or of one; and what comes first if HEIC is not read."""
    first = "" if is_installed("pillow_heif") else f"{_heic_reader()}, then "
    return f"{first}facetracker collect --source {quote(str(source))} --folder NEW/images --count {count} --every 0"


def passed_over(folder: Path, taken: Sequence[str]) -> Rejects:
    """Pictures and films directly in a folder of photos that are not among those `taken` (by suffix), and why."""
    found = Rejects()
    for path in folder.iterdir() if folder.is_dir() else ():
        suffix = path.suffix.lower()
        if suffix in taken or path.name.startswith("."):
            continue
        if suffix in OTHER_SUFFIXES:
            found.add(path, f"labelme cannot open {suffix[1:].upper()}; as JPEG: {as_jpeg(folder)}")
        elif suffix in FILM_SUFFIXES:
            found.add(path, "is a film, not a photo; name a film by itself")
        elif suffix in NOT_READ:
            found.add(path, f"{suffix[1:].upper()} pictures cannot be read; save it as JPEG")
    return found


def kind_of(data: bytes) -> str | None:
    """Who reads these bytes: HEIC, PILLOW, or None where it is one of OpenCV's formats."""
    if data[4:8] == b"ftyp":
        brands = data[8 : min(int.from_bytes(data[:4]), 64)]
        if b"avif" in brands or b"avis" in brands:
            return PILLOW
        return HEIC if brands[:4] in HEIC_BRANDS else None
    return PILLOW if data.startswith(MAGIC) else None


def decode_other(data: bytes, kind: str, most_pixels: int, path: str | Path) -> np.ndarray:
    """The picture `(H, W, 3)` uint8 BGR, upright; more than `most_pixels` are refused before they are decoded."""
    from PIL import Image, ImageOps

    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # Pillow warns of large pictures; what is too large is told below
            picture = _opened(data, kind, path)
            width, height = picture.size
            if not 0 < width * height <= most_pixels:
                raise BadFile(f"is too large ({width}x{height} pixels)", path=path)
            rgb = np.asarray(ImageOps.exif_transpose(picture.to_pillow() if kind == HEIC else picture).convert("RGB"))
    except BadFile:
        raise
    except Image.DecompressionBombError:
        raise BadFile("is too large (or its header is damaged)", path=path) from None
    except Exception as error:  # Pillow and libheif raise a dozen kinds for damaged files
        raise BadFile(f"is not a readable picture ({one_line(str(error))})", path=path) from None
    return np.ascontiguousarray(rgb[..., ::-1])


def _opened(data: bytes, kind: str, path: str | Path):
    """The picture, its pixels not yet decoded."""
    if kind == PILLOW:
        from PIL import Image

        return Image.open(io.BytesIO(data), formats=("AVIF", "GIF", "JPEG2000"))
    try:
        import pillow_heif
    except ImportError:
        # In the fault, not beside it: of a file that is left out only the fault is told.
        raise BadFile(f"is HEIC, as iPhones take them; to read it: {_heic_reader()}", path=path) from None
    return pillow_heif.open_heif(io.BytesIO(data))
