"""What a worker of `augment` does: one photo into files, or a group of photos into one TFRecord shard.

A unit of work that is complete leaves a done-file behind, with a digest of what it was made from; a later run skips
it while the digest is the same. Everything else is made again, and comes out the same to the byte.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from facetracker.core.errors import BadFile, FaceTrackerError
from facetracker.core.example import Example
from facetracker.core.files import read_json, write_atomically
from facetracker.core.photo import decode_picture, encode_jpeg, is_bare_jpeg
from facetracker.data.augment.variants import Recipe, Variant, clean_variant, make_variants, seed_of
from facetracker.labels.augmented import augmented_json
from facetracker.labels.collection import read_example
from facetracker.labels.pairing import IMAGES, LABELS, Pair
from facetracker.labels.records import Record
from facetracker.labels.tfrecord import frame

DONE = ".done"


@dataclass
class Outcome:
    """What one unit of work made: augmented pictures and the faces on them; what it left out, and why."""

    digest: str = ""
    pictures: int = 0
    faces: int = 0
    without_face: int = 0
    redrawn: int = 0
    whole: int = 0
    rejects: list[list[str]] = field(default_factory=list)
    photos: dict[str, int] = field(default_factory=dict)
    sizes: list[int] = field(default_factory=list)  # bytes, of the shard or of each picture and its label file

    def count(self, stem: str, variant: Variant) -> None:
        """Add one picture."""
        self.pictures += 1
        self.faces += len(variant.boxes)
        self.without_face += not len(variant.boxes)
        self.redrawn += variant.draws > 1
        self.whole += variant.whole
        self.photos[stem] = self.photos.get(stem, 0) + 1

    def save(self, path: Path) -> None:
        write_atomically(path, json.dumps(asdict(self), ensure_ascii=False) + "\n", sync=False)


def read_outcome(path: Path) -> Outcome | None:
    """The outcome in a done-file; None where there is none, or none that can be read."""
    try:
        return Outcome(**read_json(path))
    except (BadFile, TypeError):
        return None


def done_file(folder: Path, part: str, name: str) -> Path:
    """Where the done-file of a unit of work lies: `name` is a photo's stem or a shard's file name."""
    return folder / DONE / part / f"{name}.json"


@dataclass(frozen=True)
class AugmentJob:
    """One unit of work. `clean`: the photo as it is, once; else the recipe's variants. `name` is the done-file's.

    The labels are read by the worker: a job is handed out as the names of its photos.
    """

    folder: Path
    part: str
    name: str
    pairs: tuple[Pair, ...]
    recipe: Recipe
    clean: bool
    shard: bool

    @property
    def done_file(self) -> Path:
        return done_file(self.folder, self.part, self.name)

    def digest(self) -> str:
        """A digest of the photos and labels this is made from; a photo that cannot be read counts as empty."""
        return digest_of([read_example(pair) for pair in self.pairs])

    def run(self) -> Outcome:
        """Make the pictures and write them, then the done-file."""
        outcome = Outcome()
        examples = list(self._examples(outcome))
        outcome.digest = digest_of(examples)
        if self.shard:
            self._write_shard(examples, outcome)
        else:
            self._write_files(examples, outcome)
        if self.shard or not outcome.rejects:
            outcome.save(self.done_file)
        return outcome

    def _examples(self, outcome: Outcome) -> Iterator[Example]:
        for pair in self.pairs:
            try:
                yield read_example(pair)
            except FaceTrackerError as error:  # it could be read when the jobs were planned, and was changed since
                outcome.rejects.append([str(error.path or pair.photo), error.fault])

    def _write_files(self, examples: list[Example], outcome: Outcome) -> None:
        images, labels = (self.folder / self.part / name for name in (IMAGES, LABELS))
        for example, variant, jpeg in self._pictures(examples, outcome):
            name = f"{example.stem}.{variant.number}"
            label = augmented_json(example.photo.name, variant.boxes, variant.labels).encode()
            write_atomically(images / f"{name}.jpg", jpeg, sync=False)
            write_atomically(labels / f"{name}.json", label, sync=False)
            outcome.sizes += [len(jpeg), len(label)]

    def _write_shard(self, examples: list[Example], outcome: Outcome) -> None:
        records = []
        for example, variant, jpeg in self._pictures(examples, outcome):
            height, width = variant.picture.shape[:2]
            name = f"{example.stem}.{variant.number}.jpg"
            record = Record(name, example.photo.name, jpeg, width, height, variant.boxes, variant.labels)
            records.append(record)
        # Shuffled, so that a reader who streams a shard does not get sixty variants of one photo in a row.
        order = np.random.default_rng(seed_of(self.recipe.seed, self.name)).permutation(len(records))
        content = b"".join(frame(records[i].encode()) for i in order)
        write_atomically(self.folder / self.part / self.name, content)
        outcome.sizes = [len(content)]

    def _pictures(self, examples: list[Example], outcome: Outcome) -> Iterator[tuple[Example, Variant, bytes]]:
        for example in examples:
            try:
                data = example.photo.read_bytes()
                picture = decode_picture(data, example.photo)
                check_size(picture, example)
            except (OSError, FaceTrackerError) as error:
                outcome.rejects.append([str(example.photo), error.fault if isinstance(error, BadFile) else str(error)])
                continue
            if self.clean:
                variant = clean_variant(picture, example, self.recipe)
                outcome.count(example.stem, variant)
                keep = variant.picture is picture and is_bare_jpeg(data)
                yield example, variant, data if keep else encode_jpeg(variant.picture, self.recipe.quality)
                continue
            for variant in make_variants(picture, example, self.recipe, range(self.recipe.variants)):
                outcome.count(example.stem, variant)
                yield example, variant, encode_jpeg(variant.picture, self.recipe.quality)


def run_job(job: AugmentJob) -> Outcome:
    """`job.run()`, as a function that worker processes can be handed."""
    return job.run()


def digest_of(examples: list[Example]) -> str:
    digest = hashlib.blake2b(digest_size=16)
    for example in examples:
        digest.update(json.dumps([example.photo.name, example.boxes.tolist(), list(example.labels)]).encode())
        try:
            digest.update(example.photo.read_bytes())
        except OSError:
            digest.update(b"unreadable")
    return digest.hexdigest()


def check_size(picture: Any, example: Example) -> None:
    """Refuse labels drawn on a picture of another size: their boxes would lie beside the faces."""
    height, width = picture.shape[:2]
    if (width, height) != (example.width, example.height):
        raise BadFile(
            f"has {width}x{height} pixels, its labels are for {example.width}x{example.height}", path=example.photo
        )
