"""`Collection`: the photos of a folder with their faces, whatever stage the folder is at. The one reader of photos.

It opens folders of labelme files, augmented sets (ours, and the tutorial's with three keys) and TFRecord shards, split
or not. Whatever is left out is kept with the reason: one bad photo never stops a job.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Literal

from facetracker.cluster.tasks import Share
from facetracker.core.console import counted
from facetracker.core.errors import BadFile, FaceTrackerError, Rejects
from facetracker.core.example import Example
from facetracker.core.files import needed_folder, read_json
from facetracker.core.machine import free_memory
from facetracker.core.photo import photo_size
from facetracker.core.places import as_path
from facetracker.core.settings import nearest
from facetracker.labels.augmented import FACE, augmented_faces, is_augmented
from facetracker.labels.classes import refuse_slips
from facetracker.labels.labelme import read_labels
from facetracker.labels.pairing import PARTS, Pair, pairs_in, places_in
from facetracker.labels.records import parts_of_records, records_in, shards_in

Kind = Literal["labelme", "augmented", "records"]
Unlabelled = Literal["skip", "no-face"]


@dataclass
class Collection:
    """Photos with their faces, and what was left out.

    `unlabelled` are photos that nobody has labelled, `prelabelled` those that only a machine has, `orphans` label files
    without a photo, `rejects` files that cannot be used. `notes` say what else a person should know.
    """

    folder: Path
    examples: list[Example] = field(default_factory=list)
    kind: Kind = "labelme"
    classes: list[str] = field(default_factory=list)
    unlabelled: list[Path] = field(default_factory=list)
    prelabelled: list[Path] = field(default_factory=list)
    orphans: list[Path] = field(default_factory=list)
    rejects: Rejects = field(default_factory=Rejects)
    notes: list[str] = field(default_factory=list)

    @classmethod
    def open(
        cls,
        folder: str | Path,
        part: str | None = None,
        *,
        unlabelled: Unlabelled = "skip",
        prelabelled: bool = False,
        share: Share | None = None,
        pictures: bool = True,
    ) -> Collection:
        """The labelled photos of a folder: of one part, or of all (or of a folder that is not split).

        A photo without a label file is left out (`skip`), or taken as one that shows no face (`no-face`): the tutorial
        does the latter, but a file that is not there may as well mean that nobody has looked. What a machine labelled
        and nobody has looked at is left out too, unless `prelabelled`. With a `share`, only that worker's photos (or
        shards) are opened. `pictures=False` leaves the pictures of records unread.
        """
        folder = as_path(folder)
        found = cls(needed_folder(folder), kind=kind_of(folder))
        if found.kind == "records":
            found.examples = list(_from_records(folder, part, pictures, share or Share()))
        else:
            found._take(folder, part, unlabelled, prelabelled, share or Share())
        found.classes = found.class_names()
        return found

    def _take(self, folder: Path, part: str | None, unlabelled: Unlabelled, prelabelled: bool, share: Share) -> None:
        pairs = pairs_in(*places_in(folder).to_learn(part))
        self.orphans = pairs.orphans
        empty_too = self.kind == "labelme" and unlabelled == "no-face"
        if not empty_too:
            self.unlabelled = pairs.unlabelled
        pairs.reject_doubles(self.rejects)
        wanted = [pair for pair in pairs.owners if pair.label is not None or empty_too]
        for one in look_into(share.take(wanted), unlabelled, prelabelled, measure=True):
            if one.reject is not None:
                self.rejects.add(*one.reject)
            elif one.example is None:
                self.prelabelled.append(one.pair.photo)
            else:
                self.examples.append(one.example)

    def __len__(self) -> int:
        return len(self.examples)

    def __iter__(self) -> Iterator[Example]:
        return iter(self.examples)

    def __getitem__(self, row: int) -> Example:
        return self.examples[row]

    def part(self, name: str) -> Collection:
        """The photos of one part."""
        return self.only(example for example in self.examples if example.part == name)

    def only(self, examples: Iterable[Example]) -> Collection:
        """The same with these examples alone; what was left out is shared."""
        return replace(self, examples=list(examples))

    @property
    def skipped(self) -> list[tuple[Path, str]]:
        """Every file that was left out, and why."""
        kinds = ((self.unlabelled, "not labelled"), (self.prelabelled, "only prelabelled"), (self.orphans, "no photo"))
        found = [(path, why) for paths, why in kinds for path in paths]
        return found + [(Path(path), why) for path, why in self.rejects]

    def label_counts(self) -> Counter[str]:
        """How many faces carry each label."""
        return Counter(label for example in self.examples for label in example.labels)

    def refuse_slips(self) -> None:
        """Stop where a label looks like another one misspelt (labels/classes.py)."""
        refuse_slips(self.folder, self.label_counts(), augmented=self.kind != "labelme")

    def nothing_to_learn(self) -> FaceTrackerError:
        """What a person is told who would learn from this folder, where no photo in it counts as labelled."""
        if self.prelabelled:
            waiting = counted(len(self.prelabelled), "photo")
            fix = f"{waiting} with a model's boxes: look over them, facetracker review {self.folder}"
        elif self.rejects:
            fix = f"See facetracker audit {self.folder}"
        else:
            fix = f"Draw boxes: facetracker annotate {self.folder}"
        return FaceTrackerError("holds no labelled photo to learn from", path=self.folder, fix=fix)

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


def parts_of(folder: str | Path) -> list[str]:
    """The parts that a folder is split into, of photos or of records, in the order train, val, test."""
    folder = needed_folder(as_path(folder))
    return list(places_in(folder).parts) or parts_of_records(folder)


def kind_of(folder: str | Path) -> Kind:
    """What a folder holds: TFRecord shards, augmented pictures, or photos with labelme files."""
    folder = as_path(folder)
    if parts_of_records(folder):
        return "records"
    for pattern in (*(f"{name}/labels/*.json" for name in PARTS), "labels/*.json", "*.json"):
        for path in folder.glob(pattern):
            try:
                return "augmented" if is_augmented(read_json(path)) else "labelme"
            except BadFile:
                continue
    return "labelme"


def read_example(pair: Pair, size: tuple[int, int] | None = None, notes: list[str] | None = None) -> Example:
    """The faces of one photo from its label file, be it labelme's or that of an augmented picture.

    `size` is `(width, height)` of the upright photo; without it what a labelme file states is believed. A photo without
    a label file is one that nobody has looked at. `notes` collects what was left out of the file.
    """
    if pair.label is None:
        return Example(pair.photo, *(size or photo_size(pair.photo)), reviewed=False, part=pair.part)
    content = read_json(pair.label)
    if not is_augmented(content):
        return read_labels(pair.label, pair.photo, size, notes, part=pair.part, content=content)
    width, height = size or photo_size(pair.photo)
    made_from, boxes, labels = augmented_faces(content, pair.label)
    return Example(
        pair.photo, width, height, boxes, labels, part=pair.part, source=pair.label, made_from=made_from or pair.stem
    )


@dataclass(frozen=True)
class Looked:
    """A pair that was looked into: its example, or None where it is left out. `reject`: the file at fault, and why."""

    pair: Pair
    example: Example | None = None
    reject: tuple[Path, str | FaceTrackerError] | None = None

    @property
    def prelabelled(self) -> bool:
        """Whether the photo is left out because only a machine has labelled it."""
        return self.example is None and self.reject is None and self.pair.label is not None


def look_into(
    pairs: Iterable[Pair], unlabelled: Unlabelled, prelabelled: bool, measure: bool = False
) -> Iterator[Looked]:
    """The rules of `Collection.open`, a pair at a time: for more photos than memory holds.

    With `measure` each photo's own size is looked at; without, no photo is opened and the label files are believed.
    """
    for pair in pairs:
        if pair.double:
            yield Looked(pair, reject=(pair.photo, f"another photo has the same stem {pair.stem}"))
        elif pair.label is None and unlabelled == "skip":
            yield Looked(pair)
        else:
            try:
                example = read_example(pair, photo_size(pair.photo) if measure else None)
            except FaceTrackerError as error:
                yield Looked(pair, reject=(error.path or pair.photo, error))
                continue
            waits = pair.label is not None and not example.reviewed and not prelabelled
            yield Looked(pair, None if waits else example)


def _from_records(folder: Path, part: str | None, pictures: bool, share: Share) -> Iterator[Example]:
    there = parts_of_records(folder)
    if part is not None and part not in there:
        raise FaceTrackerError(f"has no part {part}, only {', '.join(there)}", path=folder)
    names = [part] if part is not None else there
    shards = [(name, shard) for name in names for shard in shards_in(folder, name)]
    by_shard = len(shards) >= share.of  # of fewer shards than workers each takes its share of the records
    if by_shard:
        shards = share.take(shards)
    if pictures:
        _check_memory(folder, [shard for _, shard in shards])
    for name, shard in shards:
        for number, record in enumerate(records_in(shard)):
            if by_shard or share.owns(number):
                yield record.as_example(name, shard, pictures)


def _check_memory(folder: Path, shards: Sequence[Path]) -> None:
    """Shards are read whole, so that any row can be had at any time; where that cannot be, it is said at once."""
    needed, free = sum(shard.stat().st_size for shard in shards), free_memory()
    if needed > free:
        raise FaceTrackerError(
            f"its shards hold {needed / 1e9:.1f} GB, {free / 1e9:.1f} GB of memory are free",
            path=folder,
            fix="Augment with --format jpeg (files are read as they are needed), or with a smaller --size.",
        )
