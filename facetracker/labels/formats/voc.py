"""Pascal VOC: an XML file a photo, in `Annotations/` beside `JPEGImages/`; the split stands in `ImageSets/Main/`.

Its corners are whole pixels counted from one; supervision reads and writes them. Rounding costs half a pixel.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from xml.etree.ElementTree import Element, ParseError

from facetracker.core.errors import BadFile, FaceTrackerError
from facetracker.core.example import Example
from facetracker.core.files import PHOTO_SUFFIXES, write_atomically
from facetracker.core.photo import photo_size
from facetracker.labels.collection import Collection
from facetracker.labels.formats.exchange import (
    PART_NAMES,
    by_part,
    detections,
    example_from_pixels,
    photos_below,
    place_photo,
    target_name,
    unlabelled,
)
from facetracker.labels.pairing import PARTS, exists

PHOTOS, XML, SETS = "JPEGImages", "Annotations", "ImageSets/Main"


def is_voc(source: Path) -> bool:
    """Whether a folder holds Pascal VOC annotations."""
    return bool(_xml_folders(source))


def read_voc(source: Path, classes: Sequence[str] = ()) -> Collection:
    """Every XML file with its photo, and the photos without one. `classes` only sets the order."""
    found = Collection(source, classes=list(classes))
    folders = _xml_folders(source)
    if not folders:
        raise FaceTrackerError("holds no Pascal VOC annotations", path=source, fix=f"Expected {XML}/*.xml.")
    parts = _parts(source)
    for part, folder in folders:
        taken = set()
        for xml in sorted(folder.glob("*.xml")):
            try:
                example = _read_one(xml, folder, parts.get(xml.stem, part))
            except BadFile as error:
                found.rejects.add(xml, error)
                taken.add(xml.stem)
                continue
            taken |= {xml.stem, example.stem}
            found.examples.append(example)
        for photo in [photo for place in _photo_places(folder)[:1] for photo in photos_below(place)]:
            if photo.stem not in taken:
                found.examples.append(unlabelled(photo, parts.get(photo.stem, part)))
    return found


def _read_one(xml: Path, folder: Path, part: str) -> Example:
    from supervision.dataset.formats.pascal_voc import detections_from_xml_obj

    root = _parse(xml)
    photo = _photo(xml, folder, root.findtext("filename"))
    if photo is None:
        raise BadFile("its photo is not there", path=xml)
    size = photo_size(photo)
    stated = (root.findtext("size/width"), root.findtext("size/height"))
    if None not in stated and stated != ("0", "0") and stated != (str(size[0]), str(size[1])):
        raise BadFile(
            f"is for a picture of {stated[0]}x{stated[1]} pixels, the photo has {size[0]}x{size[1]}", path=xml
        )
    for thing in root.findall("object"):
        for outline in thing.findall("polygon"):  # the box is enough, and drawing masks costs time
            thing.remove(outline)
    try:
        read, names = detections_from_xml_obj(root, [], size)
    except (ValueError, OverflowError) as error:
        raise BadFile(f"is not in Pascal VOC's format ({error})", path=xml) from None
    numbers: list[int] = [] if read.class_id is None else read.class_id.tolist()
    return example_from_pixels(photo, size, read.xyxy, [names[number] for number in numbers], xml, part)


def write_voc(target: Path, collection: Collection) -> None:
    """`TARGET/{JPEGImages,Annotations,ImageSets/Main}`."""
    from supervision.dataset.formats.pascal_voc import detections_to_pascal_voc

    for part, examples in by_part(collection).items():
        for example in examples:
            name = target_name(example.photo)
            text = detections_to_pascal_voc(
                detections(example, collection.classes), collection.classes, name, (example.height, example.width, 3)
            )
            place_photo(example.photo, target / PHOTOS / name, upright=True)
            write_atomically(target / XML / f"{example.stem}.xml", text)
        if part:
            stems = "".join(f"{example.stem}\n" for example in examples)
            write_atomically(target / SETS / f"{part}.txt", stems)


def _parse(xml: Path) -> Element:
    from defusedxml import DefusedXmlException
    from defusedxml.ElementTree import fromstring

    try:
        root = fromstring(xml.read_bytes())
    except (OSError, ParseError, DefusedXmlException, ValueError, LookupError) as error:
        raise BadFile(f"is not readable as XML ({error})", path=xml) from None
    if root.tag != "annotation":
        raise BadFile("is no Pascal VOC annotation", path=xml)
    return root


def _photo(xml: Path, folder: Path, filename: str | None) -> Path | None:
    """By the name in the file, else by the stem: tools that copy sets often forget to change the name inside."""
    name = Path(filename.strip().replace("\\", "/")).name if filename and filename.isprintable() else ""
    for place in _photo_places(folder):
        if name and exists(place / name) and Path(name).suffix.lower() in PHOTO_SUFFIXES:
            return place / name
        for suffix in PHOTO_SUFFIXES:
            if exists(place / f"{xml.stem}{suffix}"):
                return place / f"{xml.stem}{suffix}"
    return None


def _photo_places(folder: Path) -> list[Path]:
    places = [folder.parent / PHOTOS, folder.parent / "images", folder, folder.parent]
    return [place for place in places if photos_below(place)]


def _xml_folders(source: Path) -> list[tuple[str, Path]]:
    found = []
    for part, here in [("", source), *((part, source / name) for name, part in PART_NAMES.items())]:
        for folder in (here / XML, here / "annotations", here):
            if folder.is_dir() and any(folder.glob("*.xml")):
                found.append((part, folder))
                break
    return found


def _parts(source: Path) -> dict[str, str]:
    """The part of each stem, from ImageSets/Main; `trainval` and the like say nothing."""
    parts = {}
    for name in PARTS:
        path = source / SETS / f"{name}.txt"
        if path.is_file():
            for line in path.read_text(encoding="utf-8", errors="replace").splitlines():
                parts[line.strip()] = name
    return parts
