"""The stage `augment`: from split photos to many variants of each, as files or as TFRecord shards.

Of each photo only the name is held: jobs are made when they are handed out, and of their results only sums are kept, so
that a million photos take some hundred megabytes of the process that hands out the work. What is rejected is held with
its reasons.
"""

from __future__ import annotations

import itertools
import json
from collections import Counter
from collections.abc import Iterator, Set
from dataclasses import dataclass, field
from pathlib import Path

from facetracker.cluster.cluster import On
from facetracker.cluster.workers import run_tasks
from facetracker.core import console
from facetracker.core.console import counted
from facetracker.core.errors import FaceTrackerError, Rejects
from facetracker.core.example import Example
from facetracker.core.files import sweep, write_atomically, written_beside
from facetracker.core.photo import Picture, write_png
from facetracker.core.places import as_path
from facetracker.data.augment.earlier import claim, files_in, is_complete, remove_stale
from facetracker.data.augment.plan import Chosen, Format, Plan
from facetracker.data.augment.transforms import read_pipeline
from facetracker.data.augment.variants import Recipe
from facetracker.data.augment.writing import DONE, Outcome, done_file, read_outcome, run_job
from facetracker.data.gallery import sheet_of
from facetracker.labels.classes import refuse_slips
from facetracker.labels.collection import Unlabelled, look_into, read_example
from facetracker.labels.pairing import IMAGES, LABELS, Pair, no_photos, places_in
from facetracker.labels.records import INDEX, records_in

REJECTS = "rejects.txt"
PREVIEW = "preview.png"
COUNTS = ("pictures", "faces", "without_face", "redrawn", "whole")


PHOTOS, VARIANTS = 5, 6
SIDE = 160  # pixels


@dataclass
class AugmentReport:
    """What `augment` did. `made` and `kept` count photos, `counts` the pictures made of them, by part, `labels` the
    faces by their class."""

    folder: Path
    counts: dict[str, Counter[str]] = field(default_factory=dict)
    labels: Counter[str] = field(default_factory=Counter)
    made: int = 0
    kept: int = 0
    unlabelled: int = 0
    prelabelled: int = 0
    orphans: int = 0
    stale: int = 0
    rejects: Rejects = field(default_factory=Rejects)

    def total(self, count: str, part: str | None = None) -> int:
        """One of the counts (`pictures`, `faces`, `without_face`, `redrawn`, `whole`), of a part or of all."""
        chosen = self.counts.values() if part is None else [self.counts.get(part, Counter())]
        return sum(counts[count] for counts in chosen)

    def add(self, part: str, outcome: Outcome) -> None:
        """Count what one unit of work made; how many photos that were is left to the caller."""
        self.counts[part].update({count: getattr(outcome, count) for count in COUNTS})
        for path, why in outcome.rejects:
            self.rejects.add(path, why)

    def lines(self) -> list[str]:
        """The report for a person."""
        lines = []
        for name in self.counts:
            pictures, faces, empty = (self.total(count, name) for count in ("pictures", "faces", "without_face"))
            lines.append(
                f"{name}: {counted(pictures, 'picture')}, {counted(faces, 'face')}, "
                f"{counted(empty, 'picture')} without a face"
            )
        lines.append(f"{counted(self.made, 'photo')} augmented, {self.kept} were done already")
        if redrawn := self.total("redrawn"):
            lines.append(f"{redrawn} drawn again because a face would have been cut")
        if whole := self.total("whole"):
            lines.append(f"{whole} left as the whole photo: no draw kept enough of its faces")
        if self.unlabelled:
            lines.append(f"{self.unlabelled} photos left out: not labelled (--unlabelled no-face takes them as empty)")
        if self.prelabelled:
            lines.append(
                f"{self.prelabelled} photos left out: prelabelled, and nobody has looked "
                "(`facetracker review`; --prelabelled takes them as they are)"
            )
        if self.orphans:
            lines.append(f"{self.orphans} label files have no photo")
        if self.stale:
            lines.append(f"{self.stale} photos are gone but their variants are still here (--force removes them)")
        if self.rejects:
            lines += [*self.rejects.lines(), f"all of them: {self.folder / REJECTS}"]
        return lines


def augment(
    data: str | Path,
    aug_data: str | Path = "aug_data",
    *,
    pipeline: str | Path = "standard",
    variants: int = 60,
    seed: int = 0,
    min_visibility: float = 0.5,
    format: Format = "jpeg",
    size: int | None = None,
    quality: int = 95,
    shard_photos: int | None = None,
    all_parts: bool = False,
    unlabelled: Unlabelled = "skip",
    prelabelled: bool = False,
    workers: int | None = None,
    on: On = "local",
    address: str | None = None,
    force: bool = False,
) -> AugmentReport:
    """Write `variants` pictures of every train photo, and val and test photos as they are.

    The pictures depend on (seed, photo, number of the variant) alone, not on `workers`, nor on where they are made:
    `on` this machine (local) or on the Ray cluster at `address` (none: a Ray started here). What an earlier run with
    the same settings finished is kept. `size` letterboxes to the training size; `shard_photos` go into one shard
    (default: by their number); `force` makes again what was made with other settings or from photos and labels that
    have changed. `prelabelled` also takes photos that a machine labelled and no person has looked at. `data` and
    `aug_data` may be addresses such as `s3://bucket/data`.
    """
    data, folder = as_path(data), as_path(aug_data)
    if not 0.0 < min_visibility <= 1.0:
        raise FaceTrackerError(f"--min-visibility {min_visibility} is not between 0 and 1")
    if folder.resolve() == data.resolve():
        raise FaceTrackerError("is the folder of the photos themselves", path=folder, fix="Choose another folder.")
    if data.is_dir() and not (places := places_in(data)).parts:
        if places.whole is None:
            raise no_photos(data)
        raise FaceTrackerError("is not split into train, val and test", path=data, fix=f"`facetracker split {data}`.")
    recipe = Recipe(read_pipeline(pipeline), seed, variants, min_visibility, size, quality)
    report = AugmentReport(folder)
    plan = Plan(folder, recipe, format, all_parts, shard_photos)
    fill(plan, data, report, unlabelled, prelabelled)
    refuse_slips(data, report.labels)
    settings = {"format": format, "all_parts": all_parts, "shard_photos": shard_photos}
    claim(folder, {**settings, **recipe.as_dict()}, force)
    waiting = Chosen(plan)
    choose_unfinished(waiting, report, force)
    report.stale = remove_stale(folder, plan, force)
    _finish(plan, _run(waiting, workers, report, on, address), report)
    return report


def fill(
    plan: Plan, data: Path, report: AugmentReport, unlabelled: Unlabelled = "skip", prelabelled: bool = False
) -> None:
    """Add the labelled photos of a split folder to the plan; what is left out is counted in the report."""
    for folder in places_in(data).to_learn():
        plan.add(folder.part, folder.images, _labelled(folder.pairs(), report, unlabelled, prelabelled))
        report.orphans += sum(1 for _ in folder.orphans())


def _labelled(
    pairs: Iterator[Pair], report: AugmentReport, unlabelled: Unlabelled, prelabelled: bool
) -> Iterator[Pair]:
    for found in look_into(pairs, unlabelled, prelabelled):
        if found.reject is not None:
            report.rejects.add(*found.reject)
        elif found.example is not None:
            report.labels.update(found.example.labels)
            yield found.pair
        elif found.prelabelled:
            report.prelabelled += 1
        else:
            report.unlabelled += 1


def choose_unfinished(waiting: Chosen, report: AugmentReport, force: bool) -> None:
    """The jobs that an earlier run has not finished; with `force` also those whose photo or label changed since."""
    plan, changed, first = waiting.plan, 0, ""
    for part in plan.parts:
        report.counts[part.name] = Counter()
        begun = (plan.folder / DONE / part.name).is_dir()
        there = dict(files_in(plan.folder / part.name)) if begun else {}
        for number in part.jobs:
            done = plan.done_file(number)
            outcome = read_outcome(done) if begun and done.is_file() else None
            shard = plan.name(number) if plan.shard else None
            if outcome is None or not is_complete(outcome, shard, there):
                waiting.add(number)
            elif outcome.digest != plan[number].digest():
                waiting.add(number)
                changed, first = changed + 1, first or plan.name(number)
            else:
                report.add(part.name, outcome)
                report.kept += len(outcome.photos)
    if changed and not force:
        raise FaceTrackerError(
            f"{changed} photos or label files (first: {first}) changed since they were augmented",
            path=report.folder,
            fix="Pass --force to make their variants again.",
        )


def _run(waiting: Chosen, workers: int | None, report: AugmentReport, on: On, address: str | None) -> set[int]:
    """Do the jobs; returns the numbers of those that left no done-file."""
    plan, undone = waiting.plan, set()
    files = sorted({str(place.resolve()) for place in (plan.folder, *(part.images for part in plan.parts))})
    with console.progress("augment", waiting.photos) as meter:
        preload = ("facetracker.data.augment.augment",)  # a script that imports this module makes each worker do so too
        for index, result in run_tasks(run_job, waiting, workers, preload, on, address, files):
            number = waiting.number(index)
            part = plan.part(number)
            photos = len(part.dealt(number))
            meter.advance(photos)
            if isinstance(result, Outcome):
                report.add(part.name, result)
                report.made += len(result.photos)
            elif isinstance(result, OSError):  # a full disk is not the photo's fault
                raise result
            else:
                report.rejects.add(plan.photo(number) if photos == 1 else plan.name(number), result)
            failed = not isinstance(result, Outcome) or (result.rejects and not plan.shard)
            if failed and not plan.done_file(number).is_file():
                undone.add(number)
    return undone


def _finish(plan: Plan, undone: set[int], report: AugmentReport) -> None:
    """The index of the shards, the list of rejects and the preview: written when all else is there."""
    folder = report.folder
    sweep(folder)  # halves of a worker that was killed on the way; another one did its task again
    if plan.shard:
        for part in report.counts:
            _write_index(plan, part)
    if report.rejects:
        write_atomically(folder / REJECTS, report.rejects.as_text())
    else:
        (folder / REJECTS).unlink(missing_ok=True)
    preview = preview_of(plan, undone)
    if preview is not None:
        write_png(folder / PREVIEW, preview)


def _write_index(plan: Plan, part: str) -> None:
    """The index as `write_json` would write it, a shard at a time."""
    with (
        written_beside(plan.folder / part / INDEX) as path,
        path.open("w", encoding="utf-8", newline="\n") as file,
    ):
        file.write('{\n  "shards": [')
        comma = ""
        for shard in _shards(plan, part):
            file.write(comma + "\n" + _indented(shard, 4))
            comma = ","
        file.write("\n  ]" if comma else "]")
        for key, value in (("size", plan.recipe.size), ("quality", plan.recipe.quality), ("seed", plan.recipe.seed)):
            file.write(f',\n  "{key}": {json.dumps(value)}')
        file.write("\n}\n")


def _indented(value: object, blanks: int) -> str:
    text = json.dumps(value, indent=2, ensure_ascii=False)
    return " " * blanks + text.replace("\n", "\n" + " " * blanks)  # within a value JSON writes a line break as \\n


def _shards(plan: Plan, part: str) -> Iterator[dict[str, object]]:
    """The entries of the index, one for each shard that is there."""
    for name in plan.names(part):
        outcome = read_outcome(done_file(plan.folder, part, name))
        if outcome is not None:
            counts = {"pictures": outcome.pictures, "faces": outcome.faces, "without_face": outcome.without_face}
            yield {"file": name, **counts, "photos": outcome.photos}


def preview_of(plan: Plan, undone: Set[int]) -> Picture | None:
    """A few of the variants that were made, with their boxes, for a person: a sheet `(H, W, 3)` BGR.

    None where nothing was made. `undone` are the jobs that have no done-file.
    """
    made = _of_shard(plan, undone) if plan.shard else _of_files(plan, undone)
    return sheet_of(made, VARIANTS, SIDE) if made else None


def _of_files(plan: Plan, undone: Set[int]) -> list[Example]:
    """The first variants of a few photos of the first part, a photo a line."""
    made = []
    for part in plan.parts[:1]:
        place = plan.folder / part.name
        done = (number for number in part.jobs if number not in undone)
        step = max(1, (len(part.jobs) - sum(number in part.jobs for number in undone)) // PHOTOS)
        for job in itertools.islice(done, 0, PHOTOS * step, step):
            for number in range(1 if part.clean else min(plan.recipe.variants, VARIANTS)):
                name = f"{plan.name(job)}.{number}"
                made.append(read_example(Pair(place / IMAGES / f"{name}.jpg", place / LABELS / f"{name}.json")))
    return made


def _of_shard(plan: Plan, undone: Set[int]) -> list[Example]:
    """The first records of the first shard, sorted by photo and variant."""
    first = next((number for number in range(len(plan)) if number not in undone), None)
    if first is None:
        return []
    shard = plan.folder / plan.part(first).name / plan.name(first)
    records = itertools.islice(records_in(shard), PHOTOS * VARIANTS)
    return [record.as_example(plan.part(first).name, shard) for record in sorted(records, key=lambda one: one.name)]
