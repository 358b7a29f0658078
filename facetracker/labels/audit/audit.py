"""The audit: one report over a folder of photos and labels, before anything is trained on it."""

from __future__ import annotations

import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from facetracker.cluster.cluster import On
from facetracker.cluster.tasks import run_on_ray
from facetracker.core import console
from facetracker.core.errors import FaceTrackerError
from facetracker.core.files import needed_folder
from facetracker.labels.audit.checks import KINDS, CheckedPhoto, Finding, look
from facetracker.labels.audit.likeness import alike
from facetracker.labels.audit.result import Audit, PartCounts
from facetracker.labels.classes import listed_classes, wrong_classes
from facetracker.labels.pairing import LABELS, pairs_in, photo_folders

POOL_FROM = 300  # photos; below this starting worker processes costs more than they save
CHUNK = 32

Task = tuple[Path, Path, Path | None]  # the folder, a photo in it, its label file


def audit(
    data: str | Path,
    classes: Sequence[str] | None = None,
    fix: bool = False,
    rename: dict[str, str] | None = None,
    out: str | Path | None = "audit",
    workers: int = 2,
    on: On = "local",
    address: str | None = None,
) -> Audit:
    """Look through every photo and label under `data`: split, not split, or pictures and JSON in one folder.

    `classes` are the right class names (default: `data/labels.txt`, else what occurs often). `fix` corrects what is
    safe and `rename` gives labels another name, both after a backup. Reports go to the folder `out` (None: nowhere).
    `on` ray, the photos are looked at on the cluster at `address` (none: a Ray started here).
    """
    data = Path(data)
    started = time.monotonic()
    if (fix or rename) and out is None:
        raise FaceTrackerError("--fix needs a folder for the backup", fix="Pass --out FOLDER.")
    if out is not None:
        _check_out(Path(out))
    folders = _folders(data)
    stock = _take_stock(data, folders)
    seen = _look_at_all(stock.tasks, workers, on, address)
    fixed: list[str] = []
    backup = None
    if fix or rename:
        from facetracker.labels.audit.fixes import fix_labels

        labelled = [(photo, label) for _, photo, label in stock.tasks if label is not None]
        fixed, backup = fix_labels(
            data, labelled, {one.photo: one.size for one in seen}, rename or {}, fix, Path(out or "")
        )
        if fixed:
            seen = _look_at_all(stock.tasks, workers, on, address)
    result = _sum_up(data, folders, seen)
    findings = stock.findings + [finding for one in seen for finding in one.findings]
    findings += wrong_classes(seen, classes or listed_classes(data), result.classes)
    findings += alike(seen)
    order = list(KINDS)
    result.findings = sorted(findings, key=lambda finding: (order.index(finding.kind), finding.photo, finding.detail))
    result.fixed, result.backup = fixed, backup
    result.seconds = time.monotonic() - started
    if out is not None:
        from facetracker.labels.audit.report import write_report

        write_report(result, Path(out))
    return result


def _folders(data: Path) -> list[tuple[str, Path]]:
    needed_folder(data)
    folders = photo_folders(data)
    if not folders:
        raise FaceTrackerError(
            "holds no photos", path=data, fix="Expected are images/, {train,val,test}/images/, or pictures in it."
        )
    return sorted(folders, key=lambda folder: not folder[0])  # the split first: what is beside it may be a copy


def _check_out(out: Path) -> None:
    """An earlier audit's folder is replaced; a folder that holds something else is not."""
    if out.exists() and not (out.is_dir() and ((out / "audit.json").exists() or not any(out.iterdir()))):
        raise FaceTrackerError("is no folder of an audit", path=out, fix="Pass --out with another folder.")


@dataclass
class Inventory:
    """The photos to look at, each with its label file or None, and what is wrong with the pairing."""

    tasks: list[Task]
    findings: list[Finding]


def _take_stock(data: Path, folders: list[tuple[str, Path]]) -> Inventory:
    """Pair photos and labels as the split and the loader will.

    Beside a split only those photos in `images/` count that are in none of its parts: the split made copies of the
    others. A label still in `data/labels` belongs to its photo in any part (the tutorial moves the photos first).
    """
    tasks: list[Task] = []
    findings: list[Finding] = []
    orphans: set[Path] = set()
    is_split = any(part for part, _ in folders)
    placed = {photo.stem for part, folder in folders if part for photo in pairs_in(folder).photos_only()}
    left_behind = {path.stem: path for path in (data / LABELS).glob("*.json")} if is_split else {}
    for part, folder in folders:
        pairs = pairs_in(folder)
        for photo, label in pairs.photos:
            if part and label is None:
                label = left_behind.get(photo.stem)
            if part or photo.stem not in placed:
                tasks.append((data, photo, label))
        orphans |= {path for path in pairs.orphans if part or path.stem not in placed}
        for photo in pairs.doubles:
            findings.append(Finding(photo.relative_to(data).as_posix(), "two photos, one label", f"name {photo.stem}"))
    known = placed | {photo.stem for _, photo, _ in tasks}
    orphans |= {path for stem, path in left_behind.items() if stem not in known}
    for path in sorted(orphans):
        findings.append(Finding(path.relative_to(data).as_posix(), "label without a photo"))
    return Inventory(tasks, findings)


def _look_at_all(tasks: list[Task], workers: int, on: On, address: str | None) -> list[CheckedPhoto]:
    """A look at every photo, in order."""
    seen: list[CheckedPhoto] = []
    with console.progress("audit", len(tasks)) as meter:
        if on == "ray":
            return _looks_on_ray(tasks, address, meter)
        for chunk in _looks(tasks, workers):
            seen += chunk
            meter.advance(len(chunk))
    return seen


def _looks_on_ray(tasks: list[Task], address: str | None, meter: console.ProgressLine) -> list[CheckedPhoto]:
    """As `_looks`, on a cluster. A group whose worker dies each time is looked at here, as the local pool does."""
    chunks = [tasks[start : start + CHUNK] for start in range(0, len(tasks), CHUNK)]
    files = sorted({photo.parent.resolve() for _, photo, _ in tasks})
    looks: dict[int, list[CheckedPhoto]] = {}
    for number, result in run_on_ray(_look_at_chunk, chunks, None, address, files=files):
        looks[number] = _look_at_chunk(chunks[number]) if isinstance(result, Exception) else result
        meter.advance(len(chunks[number]))
    return [one for number in sorted(looks) for one in looks[number]]


def _looks(tasks: list[Task], workers: int) -> Iterator[list[CheckedPhoto]]:
    chunks = [tasks[start : start + CHUNK] for start in range(0, len(tasks), CHUNK)]
    if workers > 1 and len(tasks) >= POOL_FROM:
        from concurrent.futures import ProcessPoolExecutor
        from concurrent.futures.process import BrokenProcessPool
        from multiprocessing import get_context

        done = 0
        try:
            # spawn: a forked copy of a process that has TensorFlow's threads can hang
            with ProcessPoolExecutor(workers, mp_context=get_context("spawn")) as pool:
                for chunk in pool.map(_look_at_chunk, chunks):
                    yield chunk
                    done += 1
            return
        except BrokenProcessPool:  # a worker was killed (memory): go on in this process
            chunks = chunks[done:]
    yield from map(_look_at_chunk, chunks)


def _look_at_chunk(tasks: list[Task]) -> list[CheckedPhoto]:
    return [look(*task) for task in tasks]


def _sum_up(data: Path, folders: list[tuple[str, Path]], seen: list[CheckedPhoto]) -> Audit:
    result = Audit(data)
    names = {folder.relative_to(data).as_posix(): part for part, folder in folders}
    for one in seen:
        part = names[Path(one.photo).parent.as_posix()]
        counts = result.parts.setdefault(part, PartCounts())
        counts.photos += 1
        counts.labelled += one.labelled
        counts.no_face += any(finding.kind == "no face" for finding in one.findings)
        counts.faces += len(one.labels)
        result.classes.update(one.labels)
    return result
