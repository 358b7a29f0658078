"""From names that a client sends to files: no name ever leads out of the folder it belongs to.

Two guards. A photo's name is never made into a path: it is looked up among the photos that lie in the data folder.
And every path, wherever it comes from, is followed to its real place before it is opened: a link that leads out of
the folder counts as not there.
"""

from __future__ import annotations

import re
import time
from dataclasses import dataclass
from pathlib import Path

from facetracker.core.errors import FaceTrackerError
from facetracker.core.photo import encode_jpeg, orientation_of, read_picture
from facetracker.labels.pairing import IMAGES, LABELS, PhotoFolder, label_path, pairs_in, places_in

SETTLED = 100_000_000  # ns
# One of them tells a run's folder: what `train` or `learn` writes there. By name, for the server imports neither: they
# would bring what training needs.
CONFIG, ABOUT = "config.yaml", "learn.json"
NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,79}")


KINDS = {".jpg": "image/jpeg", ".jpeg": "image/jpeg", ".png": "image/png", ".webp": "image/webp"}


class NotThere(FaceTrackerError):
    """Nothing of that name: the answer is 404, whether it is missing, hidden or outside."""


@dataclass(frozen=True)
class Place:
    """Where one page's photos and runs lie."""

    data: Path
    runs: Path
    aug_data: Path

    @property
    def images(self) -> Path:
        """Where collected photos land."""
        return self.data / IMAGES


@dataclass(frozen=True)
class Entry:
    """One photo of the data folder and where its label file lies, or would."""

    name: str
    photo: Path
    label: Path
    labelled: bool


def inside(folder: Path, path: Path) -> Path:
    """The real place of `path`, all links followed; `NotThere` unless it lies in the real place of `folder`."""
    try:
        root, real = folder.resolve(), path.resolve()
    except (OSError, RuntimeError, ValueError):  # a circle of links, or a NUL in the name
        raise NotThere("no such file", path=path.name) from None
    if not real.is_relative_to(root):
        raise NotThere("lies outside the folder", path=path.name)
    return real


def run_folder(place: Place, name: str) -> Path:
    """The run of that name."""
    if NAME.fullmatch(name) is None:
        raise NotThere("no such run", fix="See the list of runs.")
    folder = inside(place.runs, place.runs / name)
    if not any((folder / file).is_file() for file in (CONFIG, ABOUT)):
        raise NotThere(f"no run is called {name}", fix="See the list of runs.")
    return folder


def file_of(folder: Path, name: str) -> Path:
    """A file directly in a folder, which must be there and no link out of it."""
    path = inside(folder, folder / name)
    if path.parent != folder.resolve() or not path.is_file():
        raise NotThere("is not there", path=name)
    return path


class PhotoIndex:
    """The photos of the data folder by name (their stem); read again when a folder changes.

    They are those that labelme shows as well: `images/` when it holds photos, else the folder itself, else its
    parts (which are copies as soon as `images/` is there).
    """

    def __init__(self, data: Path):
        self.data = data
        self._seen: tuple[object, ...] | None = None
        self._entries: dict[str, Entry] = {}

    def entries(self) -> dict[str, Entry]:
        """Every photo, sorted by name."""
        folders = self._folders()
        images = tuple(folder.images for folder in folders)
        seen = tuple(_stamp(path) for place in images for path in (place, place.parent / LABELS, place / LABELS))
        if self._seen != (images, seen):
            found: dict[str, Entry] = {}
            for folder in folders:
                for entry in self._entries_in(folder):
                    found.setdefault(entry.name, entry)
            self._entries = dict(sorted(found.items()))
            # A folder's time moves in ticks of some milliseconds: what changed only just may go on changing unseen.
            settled = time.time_ns() - max(seen, default=0) > SETTLED
            self._seen = (images, seen) if settled else None
        return self._entries

    def find(self, name: str) -> Entry:
        """The photo of that name."""
        entry = self.entries().get(name)
        if entry is None:
            raise NotThere("no photo of that name", fix="Load the page again.")
        inside(self.data, entry.photo)  # once more: it may have become a link since
        inside(self.data, entry.label)
        return entry

    def _folders(self) -> list[PhotoFolder]:
        """The folders whose photos are shown; none that lies outside."""
        folders = places_in(self.data).to_label() if self.data.is_dir() else []
        return [folder for folder in folders if _lies_inside(self.data, folder.images)]

    def _entries_in(self, folder: PhotoFolder) -> list[Entry]:
        found = []
        for pair in pairs_in(folder).owners:
            label = pair.label or label_path(pair.photo)
            if _lies_inside(self.data, pair.photo) and _lies_inside(self.data, label):
                found.append(Entry(pair.stem, pair.photo, label, pair.label is not None))
        return found


def _lies_inside(data: Path, path: Path) -> bool:
    try:
        inside(data, path)
    except NotThere:
        return False
    return True


def _stamp(path: Path) -> int:
    try:
        return path.stat().st_mtime_ns
    except OSError:
        return 0


def picture_for_page(photo: Path) -> tuple[bytes, str]:
    """The photo's bytes and their type: as they are where a browser shows them so, else as a JPEG."""
    kind = KINDS.get(photo.suffix.lower())
    if kind is not None and orientation_of(photo) == (1, kind):
        return photo.read_bytes(), kind
    return encode_jpeg(read_picture(photo), 92), "image/jpeg"
