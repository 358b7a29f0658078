"""Photos on disk as a source: one photo, a folder, or a numbered sequence; upright, damaged ones passed over."""

from __future__ import annotations

import glob
import re
from pathlib import Path

from facetracker.capture.frames import Frame, Source, now
from facetracker.core.errors import BadFile, FaceTrackerError, Rejects
from facetracker.core.files import PHOTO_SUFFIXES, photos_in
from facetracker.core.other_formats import FILM_SUFFIXES, OTHER_SUFFIXES, passed_over
from facetracker.core.photo import read_picture

LOOKED_AT = (*PHOTO_SUFFIXES, *OTHER_SUFFIXES)  # of which pictures are read, though not all of them can be labelled
_NUMBER = re.compile(r"%0?(\d*)d")


class Stills(Source):
    """Photos one after the other, one a second in the source's time; `rejects` names those that cannot be read."""

    stills = True

    def __init__(self, name: str, paths: list[Path], fps: float | None = None):
        if not paths:
            kinds = ", ".join(suffix[1:] for suffix in LOOKED_AT)
            raise FaceTrackerError("holds no photos", path=name, fix=f"Photos are: {kinds}.")
        self.name, self.paths, self.count = name, paths, len(paths)
        # Numbered pictures are a film taken apart; other photos have nothing to do with each other.
        self.stills, self.fps = fps is None, fps
        self.rejects = Rejects()
        self._index = -1

    def _next(self) -> float | None:
        if self._index + 1 >= len(self.paths):
            return None
        self._index += 1
        return self._index / (self.fps or 1.0)

    def _frame(self) -> Frame | None:
        path = self.paths[self._index]
        try:
            picture = read_picture(path)
        except BadFile as error:
            self.rejects.add(path, error)
            return None
        if self.width is None:
            self.height, self.width = picture.shape[:2]
        return Frame(picture, self._index, self._index / (self.fps or 1.0), now(), path)

    def close(self) -> None:
        self._index = len(self.paths)


def open_folder(folder: Path) -> Stills:
    """All photos directly in a folder, by name; where there are none, those in the folders below it."""
    beside = passed_over(folder, LOOKED_AT)
    photos = photos_in(folder, LOOKED_AT) or _photos_below(folder)
    films = [path for path, _ in beside if Path(path).suffix.lower() in FILM_SUFFIXES]
    if not photos and films:
        raise FaceTrackerError("holds films, no photos", path=folder, fix=f"One film at a time: {films[0]}")
    opened = Stills(str(folder), photos)
    opened.rejects.rows += beside.rows
    return opened


def _photos_below(folder: Path) -> list[Path]:
    """The photos of a data folder, split or not: `images/`, `test/images/`, ...; what is hidden is not looked at."""
    below = (path for path in folder.rglob("*") if path.suffix.lower() in LOOKED_AT and path.is_file())
    return sorted(path for path in below if not any(part.startswith(".") for part in path.relative_to(folder).parts))


def open_sequence(pattern: str, fps: float) -> Stills:
    """A film as numbered pictures (`f_%03d.jpg`) or photos by a pattern (`shots/*.jpg`)."""
    found = _NUMBER.search(Path(pattern).name)
    if found is None:
        return Stills(pattern, [Path(path) for path in sorted(glob.glob(pattern))])
    before, after = Path(pattern).name.split(found[0], 1)
    digits = rf"\d{{{int(found[1])},}}" if found[1] else r"\d+"
    name = re.compile(rf"{re.escape(before)}({digits}){re.escape(after)}")
    there = photos_in(Path(pattern).parent, LOOKED_AT)
    numbered = [(int(m[1]), path) for path in there if (m := name.fullmatch(path.name))]
    return Stills(pattern, [path for _, path in sorted(numbered)], fps)
