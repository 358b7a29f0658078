"""From labelme to COCO, Pascal VOC and YOLO, and back. Photos are linked or copied, never moved or changed."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from importlib.util import find_spec
from pathlib import Path

from facetracker.core import console
from facetracker.core.errors import BadFile, FaceTrackerError, Rejects
from facetracker.core.files import write_atomically
from facetracker.core.install import install_command
from facetracker.core.photo import photo_size
from facetracker.labels.classes import LABELS_FILE, listed_classes
from facetracker.labels.collection import Collection, read_example
from facetracker.labels.formats.coco import is_coco, read_coco, write_coco
from facetracker.labels.formats.exchange import (
    all_classes,
    place_photo,
    unlabelled,
)
from facetracker.labels.formats.voc import is_voc, read_voc, write_voc
from facetracker.labels.formats.yolo import is_yolo, read_yolo, write_yolo
from facetracker.labels.labelme import write_labels
from facetracker.labels.pairing import IMAGES, LABELS, places_in

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
    return source.is_dir() and any(pair.label is not None for pair in places_in(source).every_pair().pairs)


def read_labelme(source: Path, classes: Sequence[str] = ()) -> Collection:
    """Every photo of a labelme folder, split or not."""
    pairs = places_in(source).every_pair()
    found = Collection(source, classes=list(classes) or listed_classes(source))
    for path in pairs.orphans:
        found.rejects.add(path, "its photo is not there")
    for pair in console.track(pairs.pairs, "convert"):
        notes: list[str] = []
        try:
            if pair.label is None:
                example = unlabelled(pair.photo, pair.part)
            else:
                example = read_example(pair, photo_size(pair.photo), notes)
        except BadFile as error:
            found.rejects.add(error.path or pair.photo, error)
            continue
        found.notes += [f"{pair.label}: {note}" for note in notes]
        found.examples.append(example)
    return found


def write_labelme(target: Path, collection: Collection) -> None:
    """`TARGET/[train|val|test/]{images,labels}`."""
    for example in collection:
        folder = target / example.part
        photo = folder / IMAGES / example.photo.name
        place_photo(example.photo, photo)
        if example.reviewed:
            write_labels(folder / LABELS / f"{example.stem}.json", replace(example, photo=photo), force=True)
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
    if find_spec("supervision") is None:
        raise FaceTrackerError("other formats need the package supervision", fix=install_command("convert"))
    if not source.exists():
        raise FaceTrackerError("no such file or folder", path=source)
    if target.resolve() == source.resolve():
        raise FaceTrackerError("is both source and target", path=target, fix="Name another folder.")
    if target.exists() and (not target.is_dir() or any(target.iterdir())) and not force:
        raise FaceTrackerError("is there already", path=target, fix="Choose another folder or pass --force.")
    come_from = come_from or _format_of(source)
    found = READERS[come_from][1](source, classes or ())
    found.classes = all_classes(found, found.classes)
    waiting = sum(not example.reviewed for example in found)
    if to != "labelme":
        found.examples = [example for example in found if example.reviewed]
    _drop_shared_names(found, across_parts=to == "voc")
    WRITERS[to](target, found)
    if found.rejects:
        write_atomically(target / REJECTS, found.rejects.as_text())
    return Conversion(
        come_from,
        photos=len(found),
        faces=sum(len(example) for example in found),
        no_face=sum(example.reviewed and not len(example) for example in found),
        unlabelled=waiting,
        classes=found.classes,
        rejects=found.rejects,
        notes=found.notes,
    )


def _drop_shared_names(found: Collection, across_parts: bool) -> None:
    """Reject photos whose stem another one in the same folder has: they would share a label file."""
    owners: dict[tuple[str, str], Path] = {}
    kept = []
    for example in sorted(found, key=lambda one: not one.reviewed):
        owner = owners.setdefault(("" if across_parts else example.part, example.stem), example.photo)
        if owner == example.photo:
            kept.append(example)
        else:
            found.rejects.add(example.photo, f"has the name of {owner}")
    found.examples = kept


def _format_of(source: Path) -> str:
    for name, (is_it, _) in READERS.items():
        if (source.is_dir() or name == "coco") and is_it(source):
            return name
    raise FaceTrackerError(
        "holds no labels in a known format", path=source, fix=f"Say which: --from {'|'.join(sorted(READERS))}."
    )
