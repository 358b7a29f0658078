"""Labels as the page draws them, in labelme's own files.

A shape that the page did not touch stays as it was, a shape that it moved keeps everything but its corners, and what
the page does not know (polygons, points, keys of other programs) survives. A file that somebody else wrote in the
meantime is not overwritten: its etag no longer fits.
"""

from __future__ import annotations

import hashlib
import threading
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np
from pydantic import BaseModel, ConfigDict, Field, ValidationError

from facetracker.core.errors import BadFile, FaceTrackerError
from facetracker.core.files import write_atomically, write_if_still
from facetracker.core.photo import photo_size
from facetracker.core.settings import first_fault
from facetracker.labels.classes import listed_classes
from facetracker.labels.labelme import (
    NO_FACE,
    VERSION,
    as_bytes,
    path_of_photo,
    read_content,
    redrawn,
    stated_size,
)
from facetracker.labels.prelabel import prelabel
from facetracker.labels.provenance import RECORD, How, State, accepted, how_reviewed, is_unreviewed, state_of
from facetracker.labels.shapes import (
    PixelBox,
    ShapeFault,
    encloses_area,
    read_shape,
    shape_box,
    shape_label,
    usable_box,
)
from facetracker.web.paths import Entry, PhotoIndex
from facetracker.web.suggestions import Suggestions, suggested_record

MOST_SHAPES = 1000


class Changed(FaceTrackerError):
    """The file is not the one that the page saw: the answer is 412."""


class EditedShape(BaseModel):
    """One box as the page sends it, in pixels; `index` is the shape in the file that it comes from."""

    model_config = ConfigDict(extra="ignore")

    label: str = Field(min_length=1, max_length=100)
    box: tuple[float, float, float, float]
    index: int | None = Field(None, ge=0)


class Edited(BaseModel):
    """A photo's boxes as the page sends them; `suggested` are those that a machine had drawn for it."""

    model_config = ConfigDict(extra="ignore")

    shapes: list[EditedShape] = Field(max_length=MOST_SHAPES)
    no_face: bool = False
    suggested: list[tuple[float, float, float, float]] | None = Field(None, max_length=MOST_SHAPES)


@dataclass(frozen=True)
class Listed:
    """One photo as the list shows it."""

    name: str
    state: State
    faces: int
    how: How | None = None


class Labels:
    """The label files of one data folder, and what its labelling has taught; safe to use from several threads."""

    def __init__(self, index: PhotoIndex):
        self.index = index
        self.suggestions = Suggestions()
        self.lock = threading.Lock()  # held by whoever writes label files
        self._before: dict[Path, bytes] = {}  # what a machine had written where a person then saved
        self._seen: dict[Path, tuple[tuple[int, int], Listed, frozenset[str]]] = {}

    def listed(self) -> list[Listed]:
        """Every photo, sorted by name."""
        return [self._summary(entry)[0] for entry in self.index.entries().values()]

    def overview(self, by_doubt: bool = False) -> dict[str, Any]:
        """The list as the page shows it; `by_doubt` puts what waits for a person first, what teaches most first."""
        listed = self.listed()
        entries = self.index.entries()
        waiting = [entries[one.name].photo for one in listed if one.state != "reviewed" and one.name in entries]
        self.suggestions.begin(waiting)
        if by_doubt and listed:
            place = {photo.stem: number for number, photo in enumerate(self.suggestions.learner.in_order(waiting))}
            listed.sort(key=lambda photo: (place.get(photo.name, len(place)), photo.name))
        return {
            "learner": self.suggestions.told(),
            "photos": [asdict(photo) for photo in listed],
            "classes": self.classes(),
            "reviewed": sum(photo.state == "reviewed" for photo in listed),
            "total": len(listed),
        }

    def prelabel(self, model: Path, names: Sequence[str] | None) -> int:
        """Let the model draw first boxes where there are none; how many files that made."""
        entries = self.index.entries()
        only = list(entries) if names is None else [self.index.find(name).name for name in names]
        return len(prelabel(self.index.data, model, only=only).written) if only else 0

    def classes(self) -> list[str]:
        """The class names: those of `labels.txt`, then those that occur; `face` where there are none."""
        names = listed_classes(self.index.data)
        found = sorted({name for entry in self.index.entries().values() for name in self._summary(entry)[1]})
        return list(dict.fromkeys([*names, *found])) or ["face"]

    def read(self, name: str) -> dict[str, Any]:
        """One photo's boxes for the page."""
        entry = self.index.find(name)
        with self.lock:
            content, etag = _content(entry.label)
        width, height = _size(entry, content)
        suggested = self.suggestions.shapes(entry.photo, content, width, height, self.classes)
        if suggested is not None:
            shapes, about = suggested
            return {**_for_page(width, height, "suggested", shapes, {}, etag), **about}
        if content is None:
            return _for_page(width, height, "unlabelled", [], {}, "")
        shapes = _shapes_for_page(content, width, height)
        return _for_page(width, height, state_of(content), shapes, content.get("flags"), etag)

    def read_all(self, names: Sequence[str]) -> dict[str, Any]:
        """Several photos' boxes for the page, by name; those that cannot be read are left out."""
        found = {}
        for name in names:
            with suppress(FaceTrackerError, OSError):
                found[name] = self.read(name)
        return found

    def write(self, name: str, edited: Mapping[str, Any], etag: str | None) -> str:
        """Save a photo's boxes, and learn from them; the file's new etag.

        `etag` is what the page saw, None when it saw no file.
        """
        try:
            wish = Edited.model_validate(edited)
        except ValidationError as error:
            raise FaceTrackerError(f"the labels cannot be read ({': '.join(first_fault(error))})") from None
        entry = self.index.find(name)
        with self.lock:
            content, now = _content(entry.label)
            _refuse_a_change(entry, now, etag)
            seen = None if content is None else entry.label.read_bytes()
            if seen is not None and state_of(content) == "prelabelled":
                self._before[entry.label] = seen
            content = merged(content or {}, wish, entry, *_size(entry, content))
            if now != _etag(seen) or not write_if_still(entry.label, as_bytes(content), seen):
                raise _changed_elsewhere(entry)
            self._seen.pop(entry.label, None)
            etag = _content(entry.label)[1]
        self.suggestions.note(entry.photo, content)
        return etag

    def take_back(self, name: str, etag: str | None) -> dict[str, Any]:
        """Undo a person's first save of a photo, and its lesson: it is as no person had seen it, with fresh boxes."""
        entry = self.index.find(name)
        with self.lock:
            _refuse_a_change(entry, _content(entry.label)[1], etag)
            before = self._before.pop(entry.label, None)
            if before is None:
                entry.label.unlink(missing_ok=True)
            else:
                write_atomically(entry.label, before)
            self._seen.pop(entry.label, None)
        self.suggestions.note(entry.photo, None)
        return self.read(name)

    def _summary(self, entry: Entry) -> tuple[Listed, frozenset[str]]:
        """The photo in the list and its class names; a file is read again only when it has changed."""
        try:
            status = entry.label.stat()
        except OSError:
            if self._seen.pop(entry.label, None) is not None:
                self.suggestions.note_later(entry.photo, None)
            return Listed(entry.name, "unlabelled", 0), frozenset()
        stamp = (status.st_mtime_ns, status.st_size)
        known = self._seen.get(entry.label)
        if known is None or known[0] != stamp:
            try:
                content = read_content(entry.label)
                shapes, state = _readable(content), state_of(content)
                how = how_reviewed(content) if state == "reviewed" else None
                listed = Listed(entry.name, state, len(shapes), how)
                known = (stamp, listed, frozenset(label for _, label, _ in shapes))
                self.suggestions.note_later(entry.photo, content)
            except BadFile:
                known = (stamp, Listed(entry.name, "unlabelled", 0), frozenset())
            self._seen[entry.label] = known
        return known[1], known[2]


def merged(content: Mapping[str, Any], wish: Edited, entry: Entry, width: int, height: int) -> dict[str, Any]:
    """The file's new content: the earlier one with the page's boxes, and reviewed, because a person saved it."""
    content = accepted(content) if content else {}
    old = list(content.get("shapes") or [])
    shapes = [_changed(old, shape, width, height) for shape in wish.shapes]
    kept = [shape for shape in old if not encloses_area(shape)]
    if wish.suggested is not None:
        content[RECORD] = suggested_record(wish.suggested, kept)
    flags = content.get("flags")
    flags = dict(flags) if isinstance(flags, Mapping) else {}
    if wish.no_face and not shapes:
        flags[NO_FACE] = True
    elif flags.get(NO_FACE):
        flags[NO_FACE] = False
    return {
        "version": VERSION,
        "imagePath": path_of_photo(entry.label, entry.photo),
        "imageData": None,
        **content,
        "flags": flags,
        "shapes": shapes + kept,
        "imageHeight": height,
        "imageWidth": width,
    }


def _changed(old: list[Any], wish: EditedShape, width: int, height: int) -> dict[str, Any]:
    """One shape: the earlier one as far as the page left it alone, else a rectangle."""
    earlier = old[wish.index] if wish.index is not None and wish.index < len(old) else None
    if not isinstance(earlier, Mapping) or not encloses_area(earlier):
        earlier = None
    return redrawn(earlier, wish.label, _usable(wish, width, height), width, height)


def _usable(wish: EditedShape, width: int, height: int) -> list[float]:
    """The box in order and inside the picture."""
    if not np.isfinite(wish.box).all():
        raise FaceTrackerError("a box has a coordinate that is no number")
    x1, y1, x2, y2 = wish.box
    shape = {"shape_type": "rectangle", "points": [[x1, y1], [x2, y2]]}
    try:
        shape_label({"label": wish.label})
        return [*usable_box(shape_box(shape), width, height)]
    except ShapeFault as fault:
        raise FaceTrackerError(f"a box {fault}", fix="Draw it again.") from None


def _refuse_a_change(entry: Entry, now: str, etag: str | None) -> None:
    if now != (etag or ""):
        raise _changed_elsewhere(entry)


def _changed_elsewhere(entry: Entry) -> Changed:
    return Changed("was changed by another program", path=entry.label.name, fix="Load the photo again.")


def _content(label: Path) -> tuple[dict[str, Any] | None, str]:
    """The file's content and etag; None and "" when there is no file."""
    try:
        data = label.read_bytes()
    except FileNotFoundError:
        return None, ""
    except OSError as error:
        raise BadFile(f"cannot be read ({error.strerror})", path=label) from None
    return read_content(label), _etag(data)


def _etag(data: bytes | None) -> str:
    return "" if data is None else hashlib.sha256(data).hexdigest()[:32]


def _size(entry: Entry, content: Mapping[str, Any] | None) -> tuple[int, int]:
    return stated_size(content or {}) or photo_size(entry.photo)


def _readable(content: Mapping[str, Any]) -> list[tuple[int, str, PixelBox]]:
    """The place in the file, the label and the box of every shape that has them."""
    read = ((index, read_shape(shape)) for index, shape in enumerate(content["shapes"]))
    return [(index, *found) for index, found in read if found is not None]


def _shapes_for_page(content: Mapping[str, Any], width: int, height: int) -> list[dict[str, Any]]:
    """The shapes that can be shown. `index` is their place in the file, which the page sends back."""
    waiting = state_of(content) == "prelabelled"
    return [
        {
            "index": index,
            "label": label,
            "box": [round(side, 4) for side in box.clipped(width, height)],
            "unreviewed": waiting and is_unreviewed(content["shapes"][index]),
            "editable": content["shapes"][index].get("shape_type") in ("rectangle", None),
        }
        for index, label, box in _readable(content)
    ]


def _for_page(width: int, height: int, state: str, shapes: list, flags: Any, etag: str) -> dict[str, Any]:
    flags = flags if isinstance(flags, Mapping) else {}
    return {"width": width, "height": height, "state": state, "shapes": shapes, "flags": dict(flags), "etag": etag}
