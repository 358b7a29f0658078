"""Files that a person brings: photos, labelme's label files, zips of them, and films, dropped on the page.

A file comes in parts, so that no request is large, and lies in `data/.brought` until its last part is there. Then it is
looked at, as everything from outside, before it is given a place: a photo must be one that can be read, an archive must
hold what it says and no more. Nothing that is there already is overwritten, whatever a file is called.
"""

from __future__ import annotations

import hashlib
import json
import os
import re
import secrets
import shutil
import threading
import time
import zipfile
from dataclasses import dataclass, field
from pathlib import Path, PurePosixPath
from typing import Any

from facetracker.capture.source import FILM_SUFFIXES
from facetracker.core.errors import BadFile, FaceTrackerError, Rejects
from facetracker.core.files import PHOTO_SUFFIXES, photo_names, write_atomically
from facetracker.core.other_formats import OTHER_SUFFIXES
from facetracker.core.photo import decode_picture, encode_jpeg
from facetracker.core.unpacking import BROKEN, check_archive
from facetracker.inference.films.film import FilmReader
from facetracker.labels.labelme import checked_content, path_of_photo, write_content
from facetracker.labels.pairing import label_path, places_in
from facetracker.web.paths import Place, inside

PART_BYTES = 4_000_000  # of a file, in one request
# The largest that each kind may be, in bytes; an archive also unpacked.
MOST_PHOTO, MOST_LABEL, MOST_ARCHIVE, MOST_FILM = 40_000_000, 1_000_000, 1_000_000_000, 4_000_000_000
MOST_ENTRIES = 20_000  # of an archive
MOST_COMING = 8  # files at once
FORGOTTEN = 3600.0  # seconds after which a file of which nothing more came is removed
SPARE = 200_000_000  # bytes that stay free on the disk
LONGEST = 80  # characters of a name
BROUGHT, FILMS = ".brought", "films"
ARCHIVE, LABEL = ".zip", ".json"
_UNSAFE = re.compile(r"[^\w.-]+")
_ID = re.compile(r"[0-9a-f]{16}")


@dataclass
class Brought:
    """What became of a file: `photos` and `labels` are new, `known` were there already, `films` lie in `films/`."""

    photos: list[str] = field(default_factory=list)
    labels: int = 0
    known: int = 0
    films: list[str] = field(default_factory=list)
    rejects: Rejects = field(default_factory=Rejects)

    def as_json(self) -> dict[str, Any]:
        """The answer to the page; of what was left out the first ten."""
        left_out = [{"name": str(path), "why": str(why)} for path, why in self.rejects.rows[:10]]
        return {
            "photos": self.photos,
            "labels": self.labels,
            "known": self.known,
            "films": self.films,
            "left_out": left_out,
            "left_out_count": len(self.rejects),
        }


class Bringing:
    """Takes files for one data folder; safe to use from several threads."""

    def __init__(self, place: Place):
        self.place = place
        self._lock = threading.Lock()
        self._prints: dict[Path, tuple[tuple[int, int], str]] = {}

    def part(self, name: str, size: int, at: int, ticket: str, data: bytes) -> dict[str, Any]:
        """One part of the file `name` of `size` bytes; the answer's `ticket` names it in the next one.

        With the last part comes what became of it.
        """
        kind = _kind_of(name, size)
        if not 0 <= at <= size or at + len(data) > size or (not data and size):
            raise FaceTrackerError("a part lies outside the file")
        with self._lock:
            coming = self._coming(ticket, at, size)
            with coming.open("ab") as file:
                if file.tell() != at:
                    raise FaceTrackerError("a part is missing", fix="Bring the file again.")
                file.write(data)
            if at + len(data) < size:
                return {"ticket": coming.name, "have": at + len(data)}
            try:
                done = Brought()
                self._take(coming, name, kind, done)
            finally:
                coming.unlink(missing_ok=True)
                if not any(coming.parent.iterdir()):
                    coming.parent.rmdir()
        return {"ticket": coming.name, "have": size, **done.as_json()}

    def _coming(self, ticket: str, at: int, size: int) -> Path:
        """Where the parts of a file are put together."""
        self.place.data.mkdir(parents=True, exist_ok=True)
        folder = inside(self.place.data, self.place.data / BROUGHT)
        if at:
            path = folder / ticket
            if _ID.fullmatch(ticket) is None or not path.is_file():
                raise FaceTrackerError("that file is no longer known", fix="Bring it again.")
            return path
        folder.mkdir(exist_ok=True)
        for old in folder.iterdir():
            if time.time() - old.stat().st_mtime > FORGOTTEN:
                old.unlink()
        if len(list(folder.iterdir())) >= MOST_COMING:
            raise FaceTrackerError("too many files at once", fix="Wait until some are there.")
        if shutil.disk_usage(folder).free < size + SPARE:
            raise FaceTrackerError("the disk is too full for this file", fix="Make room, then bring it again.")
        return folder / secrets.token_hex(8)

    def _take(self, file: Path, name: str, kind: str, done: Brought) -> None:
        if kind == "film":
            try:
                with FilmReader(file):
                    pass
            except BadFile as error:
                raise BadFile(error.fault, path=name) from None
            films = inside(self.place.data, self.place.data / FILMS)
            films.mkdir(exist_ok=True)
            target = _free(films, _safe(name))
            os.replace(file, target)
            done.films.append(target.name)
        elif kind == "archive":
            self._unpack(file, name, done)
        elif kind == "label":
            self._label(name, file.read_bytes(), done)
        else:
            self._photo(name, file.read_bytes(), done)

    def _unpack(self, file: Path, name: str, done: Brought) -> None:
        """The photos of an archive, then its label files, which need them."""
        try:
            with zipfile.ZipFile(file) as archive:
                check_archive(archive, name, MOST_ARCHIVE)
                entries = [entry for entry in archive.infolist() if _wanted(entry.filename)]
                if len(entries) > MOST_ENTRIES:
                    raise BadFile(f"holds more than {MOST_ENTRIES:,} files", path=name)
                for entry in sorted(entries, key=lambda entry: _suffix(entry.filename) == LABEL):
                    self._unpack_one(archive, entry, done)
        except BROKEN as error:
            raise BadFile("is no zip archive that can be read", path=name) from error
        if not (done.photos or done.labels or done.known or done.rejects):
            raise BadFile("holds no photos", path=name, fix=f"Photos are {', '.join(PHOTO_SUFFIXES)}.")

    def _unpack_one(self, archive: zipfile.ZipFile, entry: zipfile.ZipInfo, done: Brought) -> None:
        is_label = _suffix(entry.filename) == LABEL
        most = MOST_LABEL if is_label else MOST_PHOTO
        if entry.file_size > most:
            done.rejects.add(entry.filename, f"is larger than {most:,} bytes")
            return
        with archive.open(entry) as packed:
            data = packed.read(most + 1)
        if len(data) > most:
            done.rejects.add(entry.filename, f"is larger than {most:,} bytes")
            return
        try:
            (self._label if is_label else self._photo)(PurePosixPath(entry.filename).name, data, done)
        except FaceTrackerError as error:
            done.rejects.add(entry.filename, error)

    def _photo(self, name: str, data: bytes, done: Brought) -> None:
        """Keep a photo as it is, unless the same is there already; what browsers do not show as JPEG."""
        picture = decode_picture(data, name)
        if _suffix(name) in OTHER_SUFFIXES:
            data, name = encode_jpeg(picture), f"{PurePosixPath(name).stem}.jpg"
        images = self._images()
        digest = _digest(data)
        if digest in {self._print(images / other) for other in photo_names(images)}:
            done.known += 1
            return
        target = _free(images, _safe(name), stems=True)
        write_atomically(target, data)
        done.photos.append(target.stem)

    def _label(self, name: str, data: bytes, done: Brought) -> None:
        """Keep labelme's file of a photo that is there and has none."""
        try:
            content = checked_content(json.loads(data), Path(name))
        except (ValueError, RecursionError):
            raise BadFile("is no labelme file", path=name) from None
        stem = Path(_safe(name)).stem
        images = self._images()
        photo = next((images / other for other in photo_names(images) if Path(other).stem == stem), None)
        if photo is None:
            raise BadFile("has no photo of that name here", path=name, fix="Bring the photo first.")
        label = label_path(photo)
        inside(self.place.data, label)
        if label.exists():
            done.known += 1
            return
        content |= {"imagePath": path_of_photo(label, photo), "imageData": None}
        write_content(label, content)
        done.labels += 1

    def _images(self) -> Path:
        """The folder of the photos that are labelled; where there is none yet, `images`."""
        folders = places_in(self.place.data).to_label()
        alone = folders[0].images if len(folders) == 1 and not folders[0].part else self.place.images
        images = inside(self.place.data, alone)
        images.mkdir(parents=True, exist_ok=True)
        return images

    def _print(self, photo: Path) -> str:
        """What tells one photo file from another; read again only when it has changed."""
        status = photo.stat()
        stamp = status.st_mtime_ns, status.st_size
        known = self._prints.get(photo)
        if known is None or known[0] != stamp:
            known = self._prints[photo] = (stamp, _digest(photo.read_bytes()))
        return known[1]


def _kind_of(name: str, size: int) -> str:
    """What a file is by its name: photo, label, archive or film; refuses what is none, and what is too large."""
    suffix = _suffix(name)
    kinds = {ARCHIVE: ("archive", MOST_ARCHIVE), LABEL: ("label", MOST_LABEL)}
    kinds |= dict.fromkeys((*PHOTO_SUFFIXES, *OTHER_SUFFIXES), ("photo", MOST_PHOTO))
    kinds |= dict.fromkeys(FILM_SUFFIXES, ("film", MOST_FILM))
    if suffix not in kinds:
        fix = "Photos (JPEG, PNG, WebP, BMP, TIFF, HEIC, AVIF, GIF), labelme's JSON, zips and films can be brought."
        raise BadFile("cannot be labelled", path=name[:LONGEST], fix=fix)
    kind, most = kinds[suffix]
    if not 0 < size <= most:
        raise BadFile("is empty" if size <= 0 else f"is larger than {most:,} bytes", path=name[:LONGEST])
    return kind


def _wanted(name: str) -> bool:
    """A photo or a label file in an archive, and none of the files that systems put beside them."""
    parts = PurePosixPath(name).parts
    hidden = any(part.startswith((".", "__MACOSX")) for part in parts if part not in ("/", ".."))
    return bool(parts) and not hidden and _suffix(name) in (*PHOTO_SUFFIXES, *OTHER_SUFFIXES, LABEL)


def _suffix(name: str) -> str:
    return PurePosixPath(name.replace("\\", "/")).suffix.lower()


def _safe(name: str) -> str:
    """The last part of a name with what any file system takes; never hidden, never empty."""
    path = PurePosixPath(name.replace("\\", "/").replace("\0", ""))
    stem = _UNSAFE.sub("_", path.stem).strip("._-")[:LONGEST] or "photo"
    return stem + path.suffix.lower()


def _free(folder: Path, name: str, stems: bool = False) -> Path:
    """A place in `folder` that nothing has; with `stems` no other photo has its stem: they would share a label file."""
    wanted = Path(name)
    taken = {path.stem if stems else path.name for path in folder.iterdir()}
    number, tried = 2, wanted
    while (tried.stem if stems else tried.name) in taken:
        tried = Path(f"{wanted.stem}-{number}{wanted.suffix}")
        number += 1
    return folder / tried


def _digest(data: bytes) -> str:
    return hashlib.blake2b(data, digest_size=16).hexdigest()
