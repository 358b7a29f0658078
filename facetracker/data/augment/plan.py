"""The plan of `augment`: which photos make which unit of work.

A plan does not hold its jobs. It keeps the names of the photos and makes a job when it is asked for its number.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from facetracker.data.augment.variants import Recipe
from facetracker.data.augment.writing import AugmentJob, done_file
from facetracker.labels.pairing import Pair
from facetracker.labels.records import shard_name

Format = Literal["jpeg", "tfrecord"]
# Many small shards keep all workers busy to the end; of a large set the shards grow, so that there are not thousands.
SMALL_SHARD, LARGE_SHARD, ENOUGH_SHARDS = 128, 1024, 64  # pictures, pictures, shards
UNLABELLED = -1  # where a photo has no label file


@dataclass(frozen=True)
class Part:
    """The jobs of train, val or test. `photos` are the numbers of its photos in the plan, `jobs` those of its jobs."""

    name: str
    images: Path
    clean: bool
    photos: range
    jobs: range

    def dealt(self, job: int) -> range:
        """The numbers of a job's photos: dealt as cards, so that neighbours, often frames of one minute, go apart."""
        return self.photos[job - self.jobs.start :: len(self.jobs)]


class Plan:
    """The jobs, by number: one a photo for files, one a shard for records. They do not depend on the workers."""

    def __init__(
        self,
        folder: Path,
        recipe: Recipe,
        format: Format = "jpeg",
        all_parts: bool = False,
        shard_photos: int | None = None,
    ):
        self.folder, self.recipe, self.shard = folder, recipe, format == "tfrecord"
        self.all_parts, self.shard_photos = all_parts, shard_photos
        self.parts: list[Part] = []
        self._photos: list[tuple[str, int]] = []  # the name, and which of the folders holds its label file
        self._label_folders: list[Path] = []

    def add(self, name: str, images: Path, pairs: Iterable[Pair]) -> None:
        """The photos of one part, sorted by name; `images` is the folder that they lie in."""
        first = len(self._photos)
        for pair in pairs:
            self._photos.append((pair.photo.name, self._label_folder(pair.label)))
        photos = range(first, len(self._photos))
        if photos:
            clean = not (name == "train" or self.all_parts)
            jobs = range(len(self), len(self) + self._jobs_for(len(photos), clean))
            self.parts.append(Part(name, images, clean, photos, jobs))

    def _label_folder(self, label: Path | None) -> int:
        if label is None:
            return UNLABELLED
        if label.parent not in self._label_folders:
            self._label_folders.append(label.parent)
        return self._label_folders.index(label.parent)

    def _jobs_for(self, photos: int, clean: bool) -> int:
        if not self.shard:
            return photos
        if self.shard_photos is not None:
            return -(-photos // self.shard_photos)
        pictures = photos * (1 if clean else self.recipe.variants)
        return min(photos, max(min(-(-pictures // SMALL_SHARD), ENOUGH_SHARDS), -(-pictures // LARGE_SHARD)))

    def __len__(self) -> int:
        return self.parts[-1].jobs.stop if self.parts else 0

    def __getitem__(self, number: int) -> AugmentJob:
        part = self.part(number)
        pairs = tuple(self._pair(part, photo) for photo in part.dealt(number))
        return AugmentJob(self.folder, part.name, self.name(number), pairs, self.recipe, part.clean, self.shard)

    def part(self, number: int) -> Part:
        """The part that a job belongs to."""
        for part in self.parts:
            if number in part.jobs:
                return part
        raise IndexError(number)

    def name(self, number: int) -> str:
        """A shard's file name, or the stem of the job's photo."""
        part = self.part(number)
        if self.shard:
            return shard_name(part.name, number - part.jobs.start, len(part.jobs))
        return self.photo(number).stem

    def photo(self, number: int) -> Path:
        """The first photo of a job."""
        part = self.part(number)
        name, _ = self._photos[part.dealt(number)[0]]
        return part.images / name

    def done_file(self, number: int) -> Path:
        """Where a job that is done says so."""
        return done_file(self.folder, self.part(number).name, self.name(number))

    def names(self, part_name: str) -> Iterator[str]:
        """The names of a part's jobs."""
        return (self.name(number) for part in self.parts if part.name == part_name for number in part.jobs)

    def _pair(self, part: Part, photo: int) -> Pair:
        name, folder = self._photos[photo]
        path = part.images / name
        label = None if folder == UNLABELLED else self._label_folders[folder] / f"{path.stem}.json"
        return Pair(path, label, part.name)


class Chosen:
    """Some of a plan's jobs."""

    def __init__(self, plan: Plan):
        self.plan = plan
        self._numbers: list[int] = []
        self.photos = 0

    def add(self, number: int) -> None:
        self._numbers.append(number)
        self.photos += len(self.plan.part(number).dealt(number))

    def number(self, index: int) -> int:
        """The number in the plan of one of the jobs chosen."""
        return self._numbers[index]

    def __len__(self) -> int:
        return len(self._numbers)

    def __getitem__(self, index: int) -> AugmentJob:
        return self.plan[self.number(index)]
