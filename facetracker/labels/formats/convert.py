"""From labelme to COCO, Pascal VOC and YOLO, and back. Photos are linked or copied, never moved or changed."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from facetracker.core import console
from facetracker.core.errors import BadFile, FaceTrackerError, Rejects
from facetracker.core.files import write_atomically
from facetracker.labels.classes import LABELS_FILE, listed_classes
from facetracker.labels.formats.coco import is_coco, read_coco, write_coco
from facetracker.labels.formats.exchange import (
    Collection,
    ExchangeEntry,
    all_classes,
    photo_size,
    place_photo,
    unlabelled,
)
from facetracker.labels.formats.voc import is_voc, read_voc, write_voc
from facetracker.labels.formats.yolo import is_yolo, read_yolo, write_yolo
from facetracker.labels.labelme import read_labels, write_labels
from facetracker.labels.pairing import IMAGES, LABELS, pairs_in, photo_folders

REJECTS = "rejects.txt"


@dataclass(frozen=True)
class Conversion:
    """What was brought over; `unlabelled` photos have no label (labelme) or were left out (the other formats)."""

    come_from: str
    photos: int
    faces: int
    no_face: int
    unlabelled: int
    classes: list[str]
    rejects: Rejects
    notes: list[str]


def is_labelme(source: Path) -> bool:
    """Whether a folder holds photos with at least one labelme file."""
    if not source.is_dir():
        return False
    return any(label is not None for _, folder in photo_folders(source) for _, label in pairs_in(folder).photos)


def read_labelme(source: Path, classes: Sequence[str] = ()) -> Collection:
    """Every photo of a labelme folder, split or not."""
    found = Collection(classes=list(classes) or listed_classes(source))
    for part, folder in photo_folders(source):
        pairs = pairs_in(folder)
        for path in pairs.orphans:
            found.rejects.add(path, "its photo is not there")
        for photo, label in console.track(pairs.photos, "convert"):
            try:
                if label is None:
                    sample = unlabelled(photo)
                else:
                    notes: list[str] = []
                    sample = read_labels(label, photo, size=photo_size(photo), notes=notes)
                    found.notes += [f"{label}: {note}" for note in notes]
            except BadFile as error:
                found.rejects.add(error.path or photo, error)
            else:
                found.entries.append(ExchangeEntry(sample, part))
    return found


def write_labelme(target: Path, collection: Collection) -> None:
    """`TARGET/[train|val|test/]{images,labels}`."""
    for entry in collection.entries:
        sample, folder = entry.sample, target / entry.part
        photo = folder / IMAGES / sample.photo.name
        place_photo(sample.photo, photo)
        if sample.reviewed:
            write_labels(folder / LABELS / f"{sample.stem}.json", replace(sample, photo=photo), force=True)
    write_atomically(target / LABELS_FILE, "".join(f"{name}\n" for name in collection.classes))


READERS: dict[str, tuple[Callable[[Path], bool], Callable[[Path, Sequence[str]], Collection]]] = {
    "coco": (is_coco, read_coco),
    "voc": (is_voc, read_voc),
    "labelme": (is_labelme, read_labelme),
    "yolo": (is_yolo, read_yolo),
}
WRITERS: dict[str, Callable[[Path, Collection], None]] = {
    "coco": write_coco,
    "voc": write_voc,
    "labelme": write_labelme,
    "yolo": write_yolo,
}


def convert(
    source: str | Path,
    target: str | Path,
    to: str,
    come_from: str | None = None,
    classes: Sequence[str] | None = None,
    force: bool = False,
) -> Conversion:
    """Bring labels and photos from `source` to the empty folder `target` in the format `to`.

    Formats are coco, voc, yolo and labelme; `come_from` is found out by itself. `classes` gives the class names
    (YOLO without a data.yaml) or their order. What cannot be brought over is named in `target/rejects.txt`.
    """
    source, target = Path(source), Path(target)
    for name in (to, come_from):
        if name is not None and name not in WRITERS:
            raise FaceTrackerError(f"no format is called {name}", fix=f"There are: {', '.join(sorted(WRITERS))}.")
    if not source.exists():
        raise FaceTrackerError("no such file or folder", path=source)
    if target.resolve() == source.resolve():
        raise FaceTrackerError("is both source and target", path=target, fix="Name another folder.")
    if target.exists() and (not target.is_dir() or any(target.iterdir())) and not force:
        raise FaceTrackerError("is there already", path=target, fix="Choose another folder or pass --force.")
    come_from = come_from or _format_of(source)
    found = READERS[come_from][1](source, classes or ())
    found.classes = all_classes(found.entries, found.classes)
    waiting = sum(not entry.sample.reviewed for entry in found.entries)
    if to != "labelme":
        found.entries = list(found.labelled)
    _drop_shared_names(found, across_parts=to == "voc")
    WRITERS[to](target, found)
    if found.rejects:
        write_atomically(target / REJECTS, found.rejects.as_text())
    return Conversion(
        come_from,
        photos=len(found.entries),
        faces=sum(len(entry.sample) for entry in found.entries),
        no_face=sum(entry.sample.reviewed and not len(entry.sample) for entry in found.entries),
        unlabelled=waiting,
        classes=found.classes,
        rejects=found.rejects,
        notes=found.notes,
    )


def _drop_shared_names(found: Collection, across_parts: bool) -> None:
    """Reject photos whose stem another one in the same folder has: they would share a label file."""
    owners: dict[tuple[str, str], Path] = {}
    kept = []
    for entry in sorted(found.entries, key=lambda entry: not entry.sample.reviewed):
        key = ("" if across_parts else entry.part, entry.sample.stem)
        owner = owners.setdefault(key, entry.sample.photo)
        if owner == entry.sample.photo:
            kept.append(entry)
        else:
            found.rejects.add(entry.sample.photo, f"has the name of {owner}")
    found.entries = kept


def _format_of(source: Path) -> str:
    for name, (is_it, _) in READERS.items():
        if (source.is_dir() or name == "coco") and is_it(source):
            return name
    raise FaceTrackerError(
        "holds no labels in a known format", path=source, fix=f"Say which: --from {'|'.join(sorted(READERS))}."
    )
