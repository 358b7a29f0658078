"""The audit: one report over a folder of photos and labels, before anything is trained on it."""

from __future__ import annotations

import time
from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from facetracker.cluster.cluster import On
from facetracker.cluster.workers import run_tasks
from facetracker.core import console
from facetracker.core.errors import FaceTrackerError
from facetracker.core.files import PART, PHOTO_SUFFIXES
from facetracker.core.hashing import NEAR, distances
from facetracker.core.other_formats import passed_over
from facetracker.labels.audit.checks import KINDS, Audit, CheckedPhoto, Finding, PartCounts, look
from facetracker.labels.classes import listed_classes, wrong_classes
from facetracker.labels.pairing import PARTS, Pair, Places, no_photos, places_in

POOL_FROM = 300  # photos; below this starting worker processes costs more than they save
CHUNK = 32
PRELOAD = ("facetracker.labels.audit.audit",)  # what every worker process finds imported

Task = tuple[Path, Pair]  # the folder, and a photo in it with its label file


ALIKE = 0.88  # correlation of the small grey pictures; fingerprints alone take any two portraits for one


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
    places = places_in(data)
    if places.whole is None and not places.parts:
        raise no_photos(data, "Expected are images/, {train,val,test}/images/, or pictures in it.")
    stock = _take_stock(places)
    seen = _look_at_all(stock.tasks, workers, on, address)
    fixed: list[str] = []
    backup = None
    if fix or rename:
        from facetracker.labels.audit.fixes import fix_labels

        labelled = [(pair.photo, pair.label) for _, pair in stock.tasks if pair.label is not None]
        fixed, backup = fix_labels(
            data, labelled, {one.photo: one.size for one in seen}, rename or {}, fix, Path(out or "")
        )
        if fixed:
            seen = _look_at_all(stock.tasks, workers, on, address)
    result = _sum_up(data, stock.tasks, seen)
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


def _check_out(out: Path) -> None:
    """An earlier audit's folder is replaced, also one that was cut off; a folder that holds something else is not."""
    if not out.exists():
        return
    ours = out.is_dir() and (
        (out / "audit.json").exists() or all(entry.name.startswith(("backup-", PART)) for entry in out.iterdir())
    )
    if not ours:
        raise FaceTrackerError("is no folder of an audit", path=out, fix="Pass --out with another folder.")


@dataclass
class Inventory:
    """The photos to look at, each with its label file or None, and what is wrong with the pairing."""

    tasks: list[Task]
    findings: list[Finding]


def _take_stock(places: Places) -> Inventory:
    """Every photo once, paired with its label as all stages do it."""
    data, pairs = places.data, places.every_pair()
    findings = [
        Finding(photo.relative_to(data).as_posix(), "two photos, one label", f"name {photo.stem}")
        for photo in pairs.doubles
    ]
    for path in sorted(pairs.orphans):
        findings.append(Finding(path.relative_to(data).as_posix(), "label without a photo"))
    for folder in (*([] if places.whole is None else [places.whole]), *places.parts.values()):
        for other, why in passed_over(folder.images, PHOTO_SUFFIXES):
            findings.append(Finding(Path(other).relative_to(data).as_posix(), "not looked at", why))
    return Inventory([(data, pair) for pair in pairs.pairs], findings)


def _look_at_all(tasks: list[Task], workers: int, on: On, address: str | None) -> list[CheckedPhoto]:
    """A look at every photo, in order. A group whose worker dies each time is looked at here."""
    chunks = [tasks[start : start + CHUNK] for start in range(0, len(tasks), CHUNK)]
    files = sorted({pair.photo.parent.resolve() for _, pair in tasks})
    local = workers if len(tasks) >= POOL_FROM else 1
    seen: dict[int, list[CheckedPhoto]] = {}
    with console.progress("audit", len(tasks)) as meter:
        looks = run_tasks(_look_at_chunk, chunks, local if on == "local" else None, PRELOAD, on, address, files)
        for number, result in looks:
            seen[number] = _look_at_chunk(chunks[number]) if isinstance(result, Exception) else result
            meter.advance(len(chunks[number]))
    return [one for number in sorted(seen) for one in seen[number]]


def _look_at_chunk(tasks: list[Task]) -> list[CheckedPhoto]:
    return [look(folder, pair.photo, pair.label) for folder, pair in tasks]


def _sum_up(data: Path, tasks: list[Task], seen: list[CheckedPhoto]) -> Audit:
    result = Audit(data)
    for (_, pair), one in zip(tasks, seen, strict=True):
        counts = result.parts.setdefault(pair.part, PartCounts())
        counts.photos += 1
        counts.labelled += one.labelled
        counts.no_face += any(finding.kind == "no face" for finding in one.findings)
        counts.faces += len(one.labels)
        result.classes.update(one.labels)
    return result


def alike(seen: list[CheckedPhoto]) -> Iterator[Finding]:
    """Copies and near-duplicates: one finding for each photo but the first of its kind, worse across the split."""
    copies: dict[bytes, list[CheckedPhoto]] = defaultdict(list)
    for one in seen:
        if one.digest:
            copies[one.digest].append(one)
    for group in copies.values():
        parts = np.array([_part(one) for one in group])
        for position in range(1, len(group)):
            other = _worst_partner(np.arange(position), parts, position)
            yield _copy_of(group[position], group[other], "duplicate", "")
    firsts = [group[0] for group in copies.values() if group[0].thumb is not None]
    if len(firsts) < 2:
        return
    prints = np.array([one.fingerprint for one in firsts], np.uint64)
    thumbs = np.stack([one.thumb for one in firsts if one.thumb is not None])
    parts = np.array([_part(one) for one in firsts])
    for position in range(1, len(firsts)):
        bits = distances(int(prints[position]), prints[:position])
        near = np.flatnonzero(bits <= NEAR)
        near = near[thumbs[near] @ thumbs[position] >= ALIKE]
        if near.size:
            other = _worst_partner(near, parts, position)
            yield _copy_of(firsts[position], firsts[other], "near-duplicate", f" ({bits[other]} of 64 bits)")


def _worst_partner(earlier: NDArray[np.int64], parts: NDArray[np.str_], position: int) -> int:
    """The first of the earlier photos that lies in another part of the split, else the first."""
    across = earlier[(parts[earlier] != parts[position]) & (parts[earlier] != "") & (parts[position] != "")]
    return int(across[0] if across.size else earlier[0])


def _copy_of(one: CheckedPhoto, other: CheckedPhoto, kind: str, detail: str) -> Finding:
    across = " across the split" if _part(one) and _part(other) and _part(one) != _part(other) else ""
    return Finding(one.photo, f"{kind}{across}", f"of {other.photo}{detail}", other.photo)


def _part(one: CheckedPhoto) -> str:
    top = one.photo.split("/", 1)[0]
    return top if top in PARTS else ""
