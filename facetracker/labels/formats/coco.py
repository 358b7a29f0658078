"""COCO: one JSON a part with all its photos, boxes as left, top, width, height in pixels.

supervision reads and writes the annotations. A photo that the JSON lists without annotations was looked at and
holds no face.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Sequence
from pathlib import Path, PurePosixPath
from typing import Any

from facetracker.core.errors import BadFile, FaceTrackerError
from facetracker.core.example import Example
from facetracker.core.files import read_json, write_json
from facetracker.core.photo import photo_size
from facetracker.labels.collection import Collection
from facetracker.labels.formats.exchange import (
    PART_NAMES,
    by_part,
    detections,
    example_from_pixels,
    place_photo,
    target_name,
)
from facetracker.labels.pairing import exists

LISTS = ("images", "annotations", "categories")


def is_coco(source: Path) -> bool:
    """Whether a folder (or file) holds COCO JSON."""
    return next(_files(source), None) is not None


def read_coco(source: Path, classes: Sequence[str] = ()) -> Collection:
    """Every photo that the JSON files list. `classes` only sets the order."""
    found = Collection(source, classes=list(classes))
    for path, content in _files(source):
        _read_file(path, content, source, found)
    if not found.examples and not found.rejects:
        raise FaceTrackerError("holds no COCO JSON", path=source, fix="Expected annotations/*.json, or name the file.")
    return found


def _read_file(path: Path, content: dict[str, Any], source: Path, found: Collection) -> None:
    part = _part(path)
    names = {
        category.get("id"): category.get("name")
        for category in content["categories"]
        if isinstance(category, dict) and isinstance(category.get("id"), int)
    }
    of_photo: dict[Any, list[Any]] = defaultdict(list)
    for annotation in content["annotations"]:
        number = annotation.get("image_id") if isinstance(annotation, dict) else None
        if isinstance(number, int | str):
            of_photo[number].append(annotation)
        else:
            found.rejects.add(path, "holds an annotation that belongs to no photo")
    places = _photo_places(path, source)
    listed: set[Any] = set()
    for image in content["images"]:
        name = image.get("file_name") if isinstance(image, dict) else None
        if not isinstance(name, str) or not isinstance(image.get("id"), int | str):
            found.rejects.add(path, "lists a photo without a name or number")
            continue
        try:
            if image["id"] in listed:
                raise BadFile(f"lists two photos with the number {image['id']} ({name})", path=path)
            found.examples.append(_read_one(image, of_photo.get(image["id"], []), names, places, path, part, found))
        except BadFile as error:
            found.rejects.add(f"{path}#{name}", error)
        listed.add(image["id"])
    lost = sum(len(annotations) for number, annotations in of_photo.items() if number not in listed)
    if lost:
        found.rejects.add(path, f"holds {lost} annotations of photos that it does not list")


def _read_one(
    image: dict[str, Any],
    annotations: list[dict[str, Any]],
    names: dict[Any, Any],
    places: list[Path],
    path: Path,
    part: str,
    found: Collection,
) -> Example:
    from supervision.dataset.formats.coco import coco_annotations_to_detections

    photo = _photo(image["file_name"], places)
    size = photo_size(photo)
    stated = (image.get("width"), image.get("height"))
    if stated != (None, None) and stated != size:
        raise BadFile(f"says {stated[0]}x{stated[1]} pixels, the photo has {size[0]}x{size[1]}", path=path)
    faces = [annotation for annotation in annotations if not annotation.get("iscrowd")]
    if len(faces) < len(annotations):
        found.notes.append(f"{image['file_name']}: {len(annotations) - len(faces)} crowds are not faces: left out")
    labels = []
    for annotation in faces:
        label = names.get(annotation.get("category_id")) if isinstance(annotation.get("category_id"), int) else None
        if not isinstance(label, str):
            raise BadFile(f"category {annotation.get('category_id')!r} has no name", path=path)
        labels.append(label)
        box = annotation.get("bbox")
        if not isinstance(box, list) or len(box) != 4 or not all(_is_number(value) for value in box):
            raise BadFile("a bbox is not four numbers", path=path)
    try:
        read = coco_annotations_to_detections(
            [{"category_id": 0, "bbox": annotation["bbox"]} for annotation in faces], size, False, use_iscrowd=False
        )
    except (ValueError, OverflowError) as error:
        raise BadFile(f"is not in COCO's format ({error})", path=path) from None
    return example_from_pixels(photo, size, read.xyxy, labels, path, part)


def write_coco(target: Path, collection: Collection) -> None:
    """`TARGET/annotations/instances_[train|val|test].json` with the photos in `TARGET/images/[train|val|test]`."""
    from supervision.dataset.formats.coco import classes_to_coco_categories, detections_to_coco_annotations

    number = 1
    for part, examples in by_part(collection).items():
        images: list[dict[str, Any]] = []
        annotations: list[dict[str, Any]] = []
        for image_id, example in enumerate(examples, start=1):
            name = target_name(example.photo)
            place_photo(example.photo, target / "images" / part / name, upright=True)
            images.append({"id": image_id, "file_name": name, "width": example.width, "height": example.height})
            made, number = detections_to_coco_annotations(detections(example, collection.classes), image_id, number)
            annotations += [{**one, "bbox": [round(float(side), 4) for side in one["bbox"]]} for one in made]
        content = {
            "info": {"description": "converted by facetracker"},
            "images": images,
            "annotations": annotations,
            "categories": [{**one, "supercategory": "none"} for one in classes_to_coco_categories(collection.classes)],
        }
        write_json(target / "annotations" / f"instances{f'_{part}' if part else ''}.json", content)


def _files(source: Path) -> Iterator[tuple[Path, dict[str, Any]]]:
    """The COCO files of a folder: in `annotations/`, in it, or in the folder of each part."""
    if source.is_file():
        content = _content(source)
        if content is None:
            raise BadFile("is no COCO file (images, annotations and categories are expected)", path=source)
        yield source, content
        return
    for folder in (source / "annotations", source, *(source / name for name in PART_NAMES)):
        for path in sorted(folder.glob("*.json")) if folder.is_dir() else []:
            content = _content(path)
            if content is not None:
                yield path, content


def _content(path: Path) -> dict[str, Any] | None:
    try:
        content = read_json(path)
    except BadFile:
        return None
    if isinstance(content, dict) and all(isinstance(content.get(name), list) for name in LISTS):
        return content
    return None


def _part(path: Path) -> str:
    """`instances_val2017.json` and `valid/_annotations.coco.json` belong to val."""
    words = path.stem.lower().replace("-", "_").replace(".", "_").split("_")
    for word in [*words, path.parent.name.lower()]:
        if part := PART_NAMES.get(word.rstrip("0123456789")):
            return part
    return ""


def _photo_places(path: Path, source: Path) -> list[Path]:
    """Where the photos of one JSON file may lie; the most particular places first."""
    root = source if source.is_dir() else path.parent
    last = path.stem.split("_")[-1]
    tops = [path.parent, path.parent.parent, root]
    places = [top / "images" / last for top in tops] + [top / last for top in tops]
    places += [top / folder for top in tops for folder in ("images", ".")]
    return [place for place in dict.fromkeys(places) if place.is_dir()]


def _photo(name: str, places: list[Path]) -> Path:
    inner = PurePosixPath(name.replace("\\", "/"))
    if inner.is_absolute() or ".." in inner.parts or not name.isprintable():
        raise BadFile(f"{name[:80]!r} leads out of the folder")
    for wanted in (inner, PurePosixPath(inner.name)):
        for place in places:
            if exists(place / wanted):
                return place / wanted
    raise BadFile("the photo is not there")


def _is_number(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)
