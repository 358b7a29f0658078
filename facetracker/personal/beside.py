"""Learning beside labelme: what a person saves there moves the boxes in the files of photos nobody has touched.

labelme reads a photo's file when the photo is opened, so the next photo shows what the last one taught. A file is only
written again while it is what a machine wrote, to the byte: whatever a person saves in between is what stays.
"""

from __future__ import annotations

import os
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

from facetracker.core.errors import FaceTrackerError
from facetracker.core.example import Example
from facetracker.core.files import PART, read_json
from facetracker.core.photo import photo_size
from facetracker.inference.detector import find_model
from facetracker.labels.classes import listed_classes
from facetracker.labels.labelme import as_bytes, checked_content, labelme_content
from facetracker.labels.pairing import pairs_in
from facetracker.labels.prelabel import digest_of, images_of
from facetracker.labels.provenance import signature, signed, state_of
from facetracker.personal.while_labelling import WhileLabelling

LOOK_EVERY = 0.3  # seconds between two looks at the label files
BY = "learning while labelling"  # who drew the boxes, as the label file says


@contextmanager
def learning_beside(folder: str | Path) -> Iterator[WhileLabelling]:
    """Learn from what is saved in a folder of photos until the block ends, and move what nobody has touched."""
    done = threading.Event()
    with WhileLabelling() as learner:
        learnt = FolderLearnt(Path(folder), learner)
        with suppress(FaceTrackerError):  # no photos yet: whoever opens the folder says so
            learnt.look()
        watching = threading.Thread(target=_watch, args=(learnt, done), daemon=True, name="learns beside")
        watching.start()
        try:
            yield learner
        finally:
            done.set()
            watching.join()


def _watch(learnt: FolderLearnt, done: threading.Event) -> None:
    while not done.wait(LOOK_EVERY):
        with suppress(FaceTrackerError, OSError):  # a file that is just being written: the next look sees it
            learnt.look()


class FolderLearnt:
    """The label files of one folder, as its learner sees and writes them."""

    def __init__(self, folder: Path, learner: WhileLabelling):
        self.folder, self.learner = folder, learner
        self._stamps: dict[Path, tuple[int, int]] = {}
        self._untouched: dict[Path, Path] = {}  # photo by label file
        self._written = 0  # the learner's version that the files show
        self._latest = ""
        self._starter = digest_of(find_model())

    def look(self) -> int:
        """Learn from every file that has changed, then move what nobody has touched; how many files that were."""
        for pair in pairs_in(*images_of(self.folder)).owners:
            if pair.label is not None:
                with suppress(FaceTrackerError, OSError):
                    self._read(pair.photo, pair.label)
        if self.learner.version == self._written:
            return 0
        self._written = self.learner.version
        # Those first that labelme opens next.
        paths = sorted(self._untouched, key=lambda path: (path.name <= self._latest, path.name))
        return sum(self._move(self._untouched[path], path) for path in paths)

    def _read(self, photo: Path, label: Path) -> None:
        status = label.stat()
        stamp = status.st_mtime_ns, status.st_size
        if self._stamps.get(label) == stamp:
            return
        content = checked_content(read_json(label), label)
        self._stamps[label] = stamp
        self._untouched.pop(label, None)
        if state_of(content) == "prelabelled":
            if signature(content).get("model") == self._starter:
                self._untouched[label] = photo
                self.learner.look_ahead([photo])
        else:
            self._latest = label.name
            self.learner.note(photo, content)

    def _move(self, photo: Path, label: Path) -> bool:
        """Write what the learner suggests for a photo, unless that is in its file, or somebody else wrote the file."""
        with suppress(FaceTrackerError, OSError):
            seen = label.read_bytes()
            content = checked_content(read_json(label), label)
            if state_of(content) != "prelabelled":
                return False
            new = self._suggested(photo, label, content)
            if signature(new)["boxes"] != signature(content).get("boxes") and swapped(label, seen, as_bytes(new)):
                status = label.stat()
                self._stamps[label] = status.st_mtime_ns, status.st_size
                return True
        return False

    def _suggested(self, photo: Path, label: Path, content: dict[str, Any]) -> dict[str, Any]:
        found = self.learner.suggest(photo)
        width, height = photo_size(photo)
        name = self.learner.usual_label() or next(iter(listed_classes(self.folder)), "face")
        example = Example(photo, width, height, found.boxes, (name,) * len(found.boxes), reviewed=False)
        scores = tuple(f"{score:.2f}" for score in found.scores)
        about = {"prelabelled_by": BY, "model": self._starter, "doubt": found.doubt}
        return signed(labelme_content(label, example, descriptions=scores), **about)


def swapped(path: Path, seen: bytes, data: bytes) -> bool:
    """Put `data` in the place of a file that holds `seen`; False, and nothing lost, where it holds something else.

    The file is moved aside before it is compared, and the new one takes its place only while that is free: a program
    that saves at any moment in between has the last word.
    """
    new, aside = (path.with_name(f"{PART}{os.getpid()}-{word}-{path.name}") for word in ("new", "aside"))
    try:
        new.write_bytes(data)
        os.rename(path, aside)
        ours = aside.read_bytes() == seen
        try:
            os.link(new if ours else aside, path)
        except FileExistsError:  # saved again meanwhile: that is what stays
            return False
        except OSError:  # a file system without links
            os.replace(aside, path)
            return False
        if ours and aside.read_bytes() != seen:  # by a program that had it open
            os.replace(aside, path)
            return False
        return ours
    finally:
        for part in (new, aside):
            part.unlink(missing_ok=True)
