"""The stage `augment`: from split photos to many variants of each, as files or as TFRecord shards."""

from __future__ import annotations

import itertools
import shutil
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal

from facetracker import console
from facetracker.annotate.pairing import IMAGES, LABELS
from facetracker.dataset.augmented import read_augmented
from facetracker.dataset.gallery import Tile, captioned, sheet
from facetracker.dataset.layout import PARTITIONS, Samples, Unlabelled, partitions_of, samples_in
from facetracker.dataset.records import INDEX, records_in, shard_name
from facetracker.dataset.transforms import read_pipeline
from facetracker.dataset.variants import Recipe
from facetracker.dataset.workers import run_tasks
from facetracker.dataset.writing import DONE, Job, Outcome, group, read_outcome, run_job
from facetracker.errors import FaceTrackerError, Rejects
from facetracker.files import photos_in, read_json, sweep, write_atomically, write_json
from facetracker.pictures import decode_picture, read_picture, write_png
from facetracker.places import as_path, is_remote
from facetracker.scale.cluster import On

Format = Literal["jpeg", "tfrecord"]
SETTINGS = "augment.json"
REJECTS = "rejects.txt"
PREVIEW = "preview.png"
# Many small shards keep all workers busy to the end; of a large set the shards grow, so that there are not thousands.
SMALL_SHARD, LARGE_SHARD, ENOUGH_SHARDS = 128, 1024, 64  # pictures, pictures, shards
PREVIEW_PHOTOS, PREVIEW_VARIANTS = 5, 6
PREVIEW_SIDE = 160  # pixels


@dataclass
class Report:
    """What `augment` did. `made` and `kept` count photos; the outcomes stand by partition."""

    folder: Path
    outcomes: dict[str, list[Outcome]] = field(default_factory=dict)
    made: int = 0
    kept: int = 0
    unlabelled: int = 0
    prelabelled: int = 0
    orphans: int = 0
    stale: int = 0
    rejects: Rejects = field(default_factory=Rejects)

    def total(self, count: str, partition: str | None = None) -> int:
        """The sum of one of the outcomes' counts (`pictures`, `faces`, `without_face`, `redrawn`, `whole`)."""
        chosen = self.outcomes.values() if partition is None else [self.outcomes.get(partition, [])]
        return sum(getattr(outcome, count) for outcomes in chosen for outcome in outcomes)

    def lines(self) -> list[str]:
        """The report for a person."""
        lines = []
        for name in self.outcomes:
            pictures, faces, empty = (self.total(count, name) for count in ("pictures", "faces", "without_face"))
            lines.append(f"{name}: {pictures} pictures, {faces} faces, {empty} pictures without a face")
        lines.append(f"{self.made} photos augmented, {self.kept} were done already")
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
            lines.append(f"{len(self.rejects)} files rejected: {self.folder / REJECTS}")
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
    all_partitions: bool = False,
    unlabelled: Unlabelled = "skip",
    prelabelled: bool = False,
    workers: int | None = None,
    on: On = "local",
    address: str | None = None,
    force: bool = False,
) -> Report:
    """Write `variants` pictures of every train photo, and val and test photos as they are.

    The pictures depend on (seed, photo, number of the variant) alone, not on `workers`, nor on where they are made:
    `on` this machine (local) or on the Ray cluster at `address` (none: a Ray started here). What an earlier run with
    the same settings finished is kept. `size` letterboxes to the training size; `shard_photos` go into one shard
    (default: by their number); `force` makes anew what was made with other settings or from photos and labels that
    have changed. `prelabelled` also takes photos that a machine labelled and no person has looked at. `data` and
    `aug_data` may be addresses such as `s3://bucket/data`.
    """
    data, folder = as_path(data), as_path(aug_data)
    if not 0.0 < min_visibility <= 1.0:
        raise FaceTrackerError(f"--min-visibility {min_visibility} is not between 0 and 1")
    if folder.resolve() == data.resolve():
        raise FaceTrackerError("is the folder of the photos themselves", path=folder, fix="Choose another folder.")
    if data.is_dir() and not partitions_of(data):
        raise FaceTrackerError("is not split into train, val and test", path=data, fix=f"`facetracker split {data}`.")
    recipe = Recipe(read_pipeline(pipeline), seed, variants, min_visibility, size, quality)
    samples = samples_in(data, unlabelled=unlabelled, prelabelled=prelabelled)
    jobs = plan(samples, folder, recipe, format, all_partitions, shard_photos)
    report = Report(folder, unlabelled=len(samples.unlabelled) if unlabelled == "skip" else 0)
    report.orphans, report.rejects = len(samples.orphans), samples.rejects
    report.prelabelled = len(samples.prelabelled)
    settings = {"format": format, "all_partitions": all_partitions, "shard_photos": shard_photos}
    _claim(folder, {**settings, **recipe.as_dict()}, force)
    waiting = _unfinished(jobs, report, force)
    report.stale = _remove_stale(folder, jobs, format, force)
    _run(waiting, workers, report, on, address)
    _finish(jobs, report, format, recipe)
    return report


def plan(
    samples: Samples,
    folder: Path,
    recipe: Recipe,
    format: Format,
    all_partitions: bool,
    shard_photos: int | None = None,
) -> list[Job]:
    """The units of work: one a photo for files, one a shard for records. They do not depend on the workers."""
    jobs: list[Job] = []
    for partition in PARTITIONS:
        own = [sample for sample, name in zip(samples, samples.partitions, strict=True) if name == partition]
        clean = not (partition == "train" or all_partitions)
        if format == "jpeg":
            jobs.extend(Job(folder, partition, sample.stem, (sample,), recipe, clean, False) for sample in own)
        elif own:
            pictures = len(own) * (1 if clean else recipe.variants)
            count = min(len(own), max(min(-(-pictures // SMALL_SHARD), ENOUGH_SHARDS), -(-pictures // LARGE_SHARD)))
            count = count if shard_photos is None else -(-len(own) // shard_photos)
            for number, dealt in enumerate(group(own, count)):
                name = shard_name(partition, number, count)
                jobs.append(Job(folder, partition, name, dealt, recipe, clean, True))
    return jobs


def _claim(folder: Path, settings: dict[str, Any], force: bool) -> None:
    """Make sure that the folder holds nothing, or what these very settings made."""
    path = folder / SETTINGS
    if path.is_file():
        earlier = read_json(path)
        differing = [key for key, value in settings.items() if earlier.get(key) != value]
        if differing and not force:
            raise FaceTrackerError(
                f"was made with another {', '.join(differing)}",
                path=folder,
                fix="Choose another folder, or pass --force to make it anew.",
            )
        if differing:
            _clear(folder)
    elif any((folder / name / IMAGES).is_dir() and photos_in(folder / name / IMAGES) for name in PARTITIONS):
        raise FaceTrackerError(
            "holds pictures that this command did not make", path=folder, fix="Choose another folder."
        )
    sweep(folder)
    write_json(path, settings)


def _clear(folder: Path) -> None:
    """Remove what an earlier run made, and nothing else."""
    for done in sorted((folder / DONE).glob("*/*.json")):
        _remove(folder, done)
    if not is_remote(folder):  # a folder that holds nothing is not there in an object store
        shutil.rmtree(folder / DONE, ignore_errors=True)


def _remove(folder: Path, done: Path) -> None:
    """Remove what one done-file stands for, then the done-file."""
    outcome = read_outcome(done) or Outcome()
    place = folder / done.parent.name
    if done.stem.endswith(".tfrecord"):
        (place / done.stem).unlink(missing_ok=True)
        (place / INDEX).unlink(missing_ok=True)
    else:
        for stem, count in outcome.photos.items():
            for number in range(count):
                (place / IMAGES / f"{stem}.{number}.jpg").unlink(missing_ok=True)
                (place / LABELS / f"{stem}.{number}.json").unlink(missing_ok=True)
    done.unlink(missing_ok=True)


def _unfinished(jobs: Sequence[Job], report: Report, force: bool) -> list[Job]:
    """The jobs that an earlier run has not finished; with `force` also those whose photo or label changed since."""
    there = {name: _files_in(report.folder / name) for name in PARTITIONS}
    waiting, changed = [], []
    for job in jobs:
        report.outcomes.setdefault(job.partition, [])
        outcome = read_outcome(job.done_file) if job.done_file.is_file() else None
        if outcome is None or not _is_complete(job, outcome, there[job.partition]):
            waiting.append(job)
        elif outcome.digest != job.digest():
            changed.append(job)
        else:
            report.outcomes[job.partition].append(outcome)
            report.kept += len(outcome.photos)
            _note_rejects(outcome, report)
    if changed and not force:
        raise FaceTrackerError(
            f"{len(changed)} photos or label files (first: {changed[0].name}) changed since they were augmented",
            path=report.folder,
            fix="Pass --force to make theirs anew.",
        )
    return waiting + changed


def _files_in(place: Path) -> set[str]:
    folders = [folder for folder in (place, place / IMAGES, place / LABELS) if folder.is_dir()]
    return {path.name for folder in folders for path in folder.iterdir()}


def _is_complete(job: Job, outcome: Outcome, there: set[str]) -> bool:
    if job.shard:
        return job.name in there
    names = [f"{stem}.{number}" for stem, count in outcome.photos.items() for number in range(count)]
    return all(f"{name}.jpg" in there and f"{name}.json" in there for name in names)


def _remove_stale(folder: Path, jobs: Sequence[Job], format: Format, force: bool) -> int:
    """Variants whose photo is no longer there: removed with `force` (shards always: they would be read twice)."""
    wanted = {job.done_file for job in jobs}
    stale = [done for done in sorted((folder / DONE).glob("*/*.json")) if done not in wanted]
    if format == "tfrecord" and stale and not force:
        raise FaceTrackerError(
            "holds shards of another number of photos", path=folder, fix="Pass --force to make it anew."
        )
    if not force:
        return len(stale)
    for done in stale:
        _remove(folder, done)
    return 0


def _run(jobs: list[Job], workers: int | None, report: Report, on: On, address: str | None) -> None:
    files = sorted({str(place.resolve()) for job in jobs for place in (job.folder, job.samples[0].photo.parent)})
    photos = sum(len(job.samples) for job in jobs)
    with console.progress("augment", photos) as meter:
        preload = ("facetracker.dataset.augment",)  # a script that imports this module makes each worker do so too
        for number, result in run_tasks(run_job, jobs, workers, preload, on, address, files):
            job = jobs[number]
            meter.advance(len(job.samples))
            if isinstance(result, Outcome):
                report.outcomes[job.partition].append(result)
                report.made += len(result.photos)
                _note_rejects(result, report)
            elif isinstance(result, OSError):  # a full disk is not the photo's fault
                raise FaceTrackerError(f"cannot be written ({result.strerror or result})", path=report.folder)
            else:
                report.rejects.add(job.samples[0].photo if len(job.samples) == 1 else job.name, result)


def _note_rejects(outcome: Outcome, report: Report) -> None:
    for path, why in outcome.rejects:
        report.rejects.add(path, why)


def _finish(jobs: Sequence[Job], report: Report, format: Format, recipe: Recipe) -> None:
    """The index of the shards, the list of rejects and the preview: written when all else is there."""
    folder = report.folder
    sweep(folder)  # halves of a worker that was killed on the way; another one did its task again
    if format == "tfrecord":
        for partition in report.outcomes:
            _write_index([job for job in jobs if job.partition == partition], folder / partition / INDEX, recipe)
    if report.rejects:
        write_atomically(folder / REJECTS, report.rejects.as_text())
    else:
        (folder / REJECTS).unlink(missing_ok=True)
    tiles = preview_of_shard(jobs) if format == "tfrecord" else preview_of_files(jobs)
    if tiles:
        write_png(folder / PREVIEW, sheet(tiles, PREVIEW_VARIANTS, PREVIEW_SIDE))


def preview_of_files(jobs: Sequence[Job]) -> list[Tile]:
    """The first variants of a few photos, a photo a line."""
    tiles = []
    own = [job for job in jobs if job.partition == jobs[0].partition and job.done_file.is_file()]
    for job in own[:: max(1, len(own) // PREVIEW_PHOTOS)][:PREVIEW_PHOTOS]:
        place = job.folder / job.partition
        for number in range(1 if job.clean else min(job.recipe.variants, PREVIEW_VARIANTS)):
            name = f"{job.name}.{number}"
            labels = read_augmented(place / LABELS / f"{name}.json")
            tiles.append(captioned(read_picture(place / IMAGES / f"{name}.jpg"), labels.boxes, labels.labels, name))
    return tiles


def preview_of_shard(jobs: Sequence[Job]) -> list[Tile]:
    """The first records of the first shard, sorted by photo and variant."""
    first = next((job for job in jobs if job.done_file.is_file()), None)
    if first is None:
        return []
    records = itertools.islice(
        records_in(first.folder / first.partition / first.name), PREVIEW_PHOTOS * PREVIEW_VARIANTS
    )
    return [
        captioned(decode_picture(record.jpeg, record.name), record.boxes, record.labels, Path(record.name).stem)
        for record in sorted(records, key=lambda record: record.name)
    ]


def _write_index(jobs: Sequence[Job], path: Path, recipe: Recipe) -> None:
    shards = []
    for job in jobs:
        outcome = read_outcome(job.done_file)
        if outcome is not None:
            counts = {"pictures": outcome.pictures, "faces": outcome.faces, "without_face": outcome.without_face}
            shards.append({"file": job.name, **counts, "photos": outcome.photos})
    write_json(path, {"shards": shards, "size": recipe.size, "quality": recipe.quality, "seed": recipe.seed})
