"""All pictures of a folder with their faces, whatever the stage: one row is one picture.

Read are folders of labelme files, augmented sets (ours, and the tutorial's with three keys) and TFRecord shards. A row
is made from one label file and the picture of the same stem; what has no partner, or cannot be read, is named.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal

from facetracker.core import boxes as box_arithmetic
from facetracker.core.boxes import Boxes
from facetracker.core.errors import BadFile, FaceTrackerError, Rejects
from facetracker.core.files import read_json
from facetracker.core.machine import free_memory
from facetracker.core.photo import Picture, decode_picture, jpeg_header, read_picture
from facetracker.core.places import as_path
from facetracker.core.settings import nearest
from facetracker.data.augmented import FACE, is_augmented, read_augmented
from facetracker.data.layout import PARTS, Layout, Pair, Unlabelled, lay_out
from facetracker.data.records import records_in, shards_in
from facetracker.data.share import Share
from facetracker.labels.labelme import read_labels

Kind = Literal["labelme", "augmented", "records"]
EDGE = 4096  # bytes looked at, from the front and from the back, to see whether a picture is whole


@dataclass
class Table:
    """The rows of a folder. `boxes[i]` is `(N, 4)` normalised, `sizes[i]` the picture's width and height in pixels.

    The pictures stand in `paths`, or as bytes in `jpegs` (records). `bare[i]` says that the file is a JPEG without
    EXIF, which any decoder turns out upright. `unlabelled` are photos left out because nobody has labelled them,
    `prelabelled` those that only a machine has, `orphans` label files without a picture.
    """

    folder: Path
    kind: Kind
    names: list[str] = field(default_factory=list)
    paths: list[Path] = field(default_factory=list)
    sizes: list[tuple[int, int]] = field(default_factory=list)
    bare: list[bool] = field(default_factory=list)
    jpegs: list[bytes] = field(default_factory=list)
    boxes: list[Boxes] = field(default_factory=list)
    labels: list[tuple[str, ...]] = field(default_factory=list)
    parts: list[str | None] = field(default_factory=list)
    unlabelled: list[Path] = field(default_factory=list)
    prelabelled: list[Path] = field(default_factory=list)
    orphans: list[Path] = field(default_factory=list)
    rejects: Rejects = field(default_factory=Rejects)

    def __len__(self) -> int:
        return len(self.names)

    def picture(self, row: int) -> Picture:
        """The picture `(H, W, 3)` BGR of one row."""
        if self.kind == "records":
            return decode_picture(self.jpegs[row], self.names[row])
        return read_picture(self.paths[row])

    def label_counts(self) -> Counter[str]:
        """How many faces carry each label."""
        return Counter(label for labels in self.labels for label in labels)

    def class_names(self, wanted: Sequence[str] | None = None) -> list[str]:
        """The classes: as wanted, else every label that occurs; one class alone is `face`.

        A single class takes every label, so that a set with masks can train a plain face tracker. With several, a
        label that is not among them is a mistake.
        """
        found = sorted(self.label_counts())
        if not wanted:
            return found if len(found) > 1 else [FACE]
        unknown = [label for label in found if label not in wanted] if len(wanted) > 1 else []
        if unknown:
            guess = nearest(unknown[0], wanted)
            hint = f"Did you mean {guess}? " if guess else ""
            raise FaceTrackerError(
                f"holds faces labelled {', '.join(unknown)}, which is no class ({', '.join(wanted)})",
                path=self.folder,
                fix=f"{hint}Fix the labels, or add it to model.classes.",
            )
        return list(wanted)


def kind_of(folder: str | Path) -> Kind:
    """What a folder holds: TFRecord shards, augmented pictures, or photos with labelme files."""
    folder = as_path(folder)
    if any(shards_in(folder, name) for name in PARTS if (folder / name).is_dir()):
        return "records"
    for pattern in (*(f"{name}/labels/*.json" for name in PARTS), "labels/*.json", "*.json"):
        for path in folder.glob(pattern):
            try:
                return "augmented" if is_augmented(read_json(path)) else "labelme"
            except BadFile:
                continue
    return "labelme"


def read_table(
    folder: str | Path,
    part: str | None = None,
    unlabelled: Unlabelled = "skip",
    pictures: bool = True,
    prelabelled: bool = False,
    share: Share | None = None,
) -> Table:
    """The rows of one part, or of all; `pictures=False` leaves the pictures of records unread.

    Photos that a machine labelled and nobody has looked at are left out, unless `prelabelled`. With a `share`, only
    that worker's shards (or photos) are opened; of fewer shards than workers each takes its share of the records.
    """
    folder = as_path(folder)
    if not folder.is_dir():
        raise FaceTrackerError("no such folder", path=folder, fix="Check the path, or run `facetracker augment`.")
    table = Table(folder, kind_of(folder))
    if table.kind == "records":
        _read_records(table, part, pictures, share or Share())
        return table
    layout = lay_out(folder, part)
    table.orphans = layout.orphans
    for photo in layout.doubles:
        table.rejects.add(photo, f"another photo has the same stem {photo.stem}")
    if table.kind == "augmented" or unlabelled == "skip":
        table.unlabelled = layout.unlabelled
    for pair in (share or Share()).take(_rows(layout, table.kind, unlabelled)):
        try:
            size, bare = look_at(pair.photo)
            boxes, labels, reviewed = _faces(pair, table.kind, size)
        except FaceTrackerError as error:
            table.rejects.add(error.path or pair.photo, error)
            continue
        if not reviewed and not prelabelled:
            table.prelabelled.append(pair.photo)
            continue
        table.names.append(pair.stem)
        table.paths.append(pair.photo)
        table.sizes.append(size)
        table.bare.append(bare)
        table.boxes.append(boxes)
        table.labels.append(labels)
        table.parts.append(pair.part)
    return table


def _rows(layout: Layout, kind: Kind, unlabelled: Unlabelled) -> list[Pair]:
    empty_too = kind == "labelme" and unlabelled == "no-face"
    return [pair for pair in layout.pairs if not pair.double and (pair.label is not None or empty_too)]


def _faces(pair: Pair, kind: Kind, size: tuple[int, int]) -> tuple[Boxes, tuple[str, ...], bool]:
    """Boxes and labels of a row, and False where only a machine has labelled it."""
    if kind == "augmented" and pair.label is not None:
        augmented = read_augmented(pair.label)
        return augmented.boxes, augmented.labels, True
    if pair.label is None:
        return box_arithmetic.empty(), (), True  # asked for: no file is taken as no face
    sample = read_labels(pair.label, photo=pair.photo, size=size)
    return sample.boxes, sample.labels, sample.reviewed


def _read_records(table: Table, part: str | None, pictures: bool, share: Share) -> None:
    there = [name for name in PARTS if (table.folder / name).is_dir() and shards_in(table.folder, name)]
    if part is not None and part not in there:
        raise FaceTrackerError(f"has no part {part}, only {', '.join(there)}", path=table.folder)
    names = [part] if part is not None else there
    shards = [(name, shard) for name in names for shard in shards_in(table.folder, name)]
    by_shard = len(shards) >= share.of
    if by_shard:
        shards = share.take(shards)
    _check_memory(table.folder, [shard for _, shard in shards], pictures)
    for name, shard in shards:
        for number, record in enumerate(records_in(shard)):
            if by_shard or share.owns(number):
                table.names.append(Path(record.name).stem)
                if pictures:
                    table.jpegs.append(record.jpeg)
                table.sizes.append((record.width, record.height))
                table.boxes.append(record.boxes)
                table.labels.append(record.labels)
                table.parts.append(name)


def _check_memory(folder: Path, shards: Sequence[Path], pictures: bool) -> None:
    """Shards are read whole, so that any row can be had at any time; where that cannot be, it is said at once."""
    needed, free = sum(shard.stat().st_size for shard in shards), free_memory()
    if pictures and needed > free:
        raise FaceTrackerError(
            f"its shards hold {needed / 1e9:.1f} GB, {free / 1e9:.1f} GB of memory are free",
            path=folder,
            fix="Augment with --format jpeg (files are read as they are needed), or with a smaller --size.",
        )


def look_at(path: Path) -> tuple[tuple[int, int], bool]:
    """Width and height of a picture, and whether it is a JPEG without EXIF; refuses an empty or truncated one.

    Such a JPEG is looked at from its two ends alone; anything else is decoded, to see which way is up.
    """
    try:
        with path.open("rb") as file:
            front = file.read(EDGE)
            length = file.seek(0, 2)
            file.seek(max(0, length - EDGE))
            back = file.read(EDGE)
    except OSError as error:
        raise BadFile(f"cannot be read ({error.strerror or error})", path=path) from None
    if not length:
        raise BadFile("is empty", path=path)
    if front[:2] == b"\xff\xd8" and b"\xff\xd9" not in back:
        raise BadFile("is truncated", path=path, fix="Take or copy it again.")
    header = jpeg_header(front)
    if header is not None and header.channels in (1, 3) and b"Exif\0\0" not in front:
        return (header.width, header.height), True
    height, width = read_picture(path).shape[:2]
    return (width, height), False
