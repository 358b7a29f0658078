"""Photos into the bin and back, and the names of classes: what a person changes in a data folder besides boxes."""

from __future__ import annotations

import os
import re
import secrets
from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from facetracker.core.errors import BadFile, FaceTrackerError
from facetracker.core.files import write_atomically
from facetracker.labels.classes import LABELS_FILE, listed_classes
from facetracker.labels.labelme import read_content, write_content
from facetracker.labels.provenance import signed_again, state_of
from facetracker.labels.shapes import ShapeFault, shape_label
from facetracker.web.labels import Labels
from facetracker.web.paths import NotThere, inside

BIN = "bin"
_TICKET = re.compile(r"\d{8}-\d{6}-[0-9a-f]{8}")
MOST_CLASSES, LONGEST = 50, 60


class Tidying:
    """The bin and the classes of one data folder."""

    def __init__(self, labels: Labels):
        self.labels, self.data = labels, labels.index.data

    def bin(self, name: str) -> str:
        """Move a photo and its label file into `bin/`; the ticket that brings them back to where they were."""
        entry = self.labels.index.find(name)
        ticket = f"{datetime.now(UTC):%Y%m%d-%H%M%S}-{secrets.token_hex(4)}"
        folder = inside(self.data, self.data / BIN) / ticket
        with self.labels.lock:
            for path in (entry.photo, entry.label):
                if path.is_file():
                    target = folder / path.relative_to(self.data)
                    target.parent.mkdir(parents=True, exist_ok=True)
                    os.replace(path, target)
        self.labels.suggestions.note(entry.photo, None)
        return ticket

    def bring_back(self, ticket: str) -> str:
        """Move what a ticket stands for back to where it was; the photo's name."""
        folder = self.data / BIN / ticket
        if _TICKET.fullmatch(ticket) is None or not folder.is_dir():
            raise NotThere("is not in the bin", path=ticket[:40])
        inside(self.data, folder)
        files = sorted(path for path in folder.rglob("*") if path.is_file())
        places = {path: inside(self.data, self.data / path.relative_to(folder)) for path in files}
        with self.labels.lock:
            for target in places.values():
                if target.exists():
                    raise FaceTrackerError("is there again already", path=target.name, fix="Look into data/bin.")
            for path, target in places.items():
                target.parent.mkdir(parents=True, exist_ok=True)
                os.replace(path, target)
        for path in sorted(folder.rglob("*"), reverse=True):
            path.rmdir()
        folder.rmdir()
        return files[0].stem

    def add_class(self, name: str) -> list[str]:
        """Put another class behind the others; all of them."""
        classes = self.labels.classes()
        name = _class_name(name)
        if name in classes:
            raise FaceTrackerError(f"{name} is a class already")
        if len(classes) >= MOST_CLASSES:
            raise FaceTrackerError(f"there are {MOST_CLASSES} classes already")
        self._list([*classes, name])
        return self.labels.classes()

    def rename_class(self, old: str, new: str) -> dict[str, Any]:
        """Give a class another name, in the list and in every label file: `classes`, and how many files were changed.

        Where the new name is a class already, both become one.
        """
        classes, new = self.labels.classes(), _class_name(new)
        if old not in classes:
            raise NotThere("is no class", path=old[:LONGEST])
        changed = 0
        with self.labels.lock:
            for entry in self.labels.index.entries().values():
                changed += self._rename_in(entry.label, old, new)
        self._list(list(dict.fromkeys(new if name == old else name for name in classes)))
        return {"classes": self.labels.classes(), "changed": changed}

    def _rename_in(self, path: Path, old: str, new: str) -> bool:
        try:
            content = read_content(path)
        except BadFile:  # none, or one that the list of photos complains about
            return False
        waits = state_of(content) == "prelabelled"
        found = [shape for shape in content["shapes"] if isinstance(shape, Mapping) and shape.get("label") == old]
        for shape in found:
            shape["label"] = new  # type: ignore[index]
        if found:
            write_content(path, signed_again(content) if waits else content)
        return bool(found)

    def _list(self, classes: list[str]) -> None:
        if classes != listed_classes(self.data):
            write_atomically(self.data / LABELS_FILE, "".join(f"{name}\n" for name in classes))


def _class_name(name: str) -> str:
    """A name that labelme, and a line of `labels.txt`, can hold."""
    name = name.strip()
    try:
        shape_label({"label": name})
    except ShapeFault:
        raise FaceTrackerError("a class needs a name") from None
    if len(name) > LONGEST or name.startswith("__"):
        raise FaceTrackerError(f"{name[:LONGEST]!r} is no name for a class", fix=f"At most {LONGEST} characters.")
    return name
