"""The stage `split`: photos into train, val and test, so that a score means something.

The assignment (grouping.py) is decided first and written to `split.json`; then the files follow it. A run that was
killed is completed by the next one, and photos that come later are added without moving those that are there.
"""

from __future__ import annotations

import json
import os
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from facetracker.core import console
from facetracker.core.console import counted
from facetracker.core.errors import BadFile, FaceTrackerError, Rejects
from facetracker.core.files import is_torn, link_or_copy, sweep, write_atomically, write_json
from facetracker.data.grouping import By, assign, group_photos
from facetracker.labels.labelme import read_content
from facetracker.labels.pairing import IMAGES, LABELS, PARTS, Pair, Pairs, no_photos, pairs_in, places_in
from facetracker.labels.provenance import State, state_of

PLAN = "split.json"
RATIOS = (0.7, 0.15, 0.15)


@dataclass
class SplitReport:
    """What `split` did; `counts` are photos by part, `groups` what was kept together."""

    folder: Path
    by: str
    counts: dict[str, int] = field(default_factory=dict)
    groups: int = 0
    added: int = 0
    unlabelled: int = 0
    prelabelled: int = 0
    orphans: int = 0
    differing: int = 0
    wanted: dict[str, float] = field(default_factory=dict)
    notes: list[str] = field(default_factory=list)
    rejects: Rejects = field(default_factory=Rejects)

    def lines(self) -> list[str]:
        """The report for a person."""
        counts = ", ".join(f"{name} {self.counts.get(name, 0)}" for name in PARTS)
        lines = [f"{counts} photos, in {counted(self.groups, 'group')} kept together by {self.by}"]
        lines.append(f"{self.added} photos put in place" if self.added else "nothing to do: all photos are in place")
        if self.unlabelled:
            lines.append(f"{self.unlabelled} photos have no label file yet")
        if self.prelabelled:
            lines.append(
                f"{self.prelabelled} photos are only prelabelled and will not be trained on: `facetracker review`, "
                "then split again"
            )
        if self.orphans:
            lines.append(f"{self.orphans} label files have no photo and were left where they are")
        if self.differing:
            lines.append(f"{self.differing} labels differ from those in the parts (--force takes the new ones)")
        empty = [name for name in PARTS if self.wanted.get(name) and not self.counts.get(name)]
        if empty and self.counts:
            lines.append(
                f"{' and '.join(empty)} got no photo, there are too few. Take more in several places "
                "(facetracker collect), then split again"
            )
        return lines + self.notes + self.rejects.lines()


def split(
    data: str | Path,
    out: str | Path | None = None,
    *,
    ratios: Sequence[float] = RATIOS,
    seed: int = 0,
    by: By = "session",
    move: bool = False,
    force: bool = False,
) -> SplitReport:
    """Put each photo of `data`, with its label file, into train, val or test of `out` (default: `data` itself).

    `by` says what stays together: sessions and near-duplicates (`session`), near-duplicates, or nothing (`photo`).
    Photos are linked (copied where the file system cannot), labels copied; with `move` both are moved. `force`
    splits again what was split with other arguments, and renews labels that have changed since.
    """
    data = Path(data)
    out = data if out is None else Path(out)
    shares = _checked_ratios(ratios)
    settings = {"ratios": shares, "seed": seed, "by": by, "move": move}
    plan = _read_plan(out, settings, force)
    pairs = _source(data, out, (out / PLAN).is_file())
    report = SplitReport(out, by=by, orphans=len(pairs.orphans), unlabelled=len(pairs.unlabelled))
    report.wanted = dict(zip(PARTS, shares, strict=True))
    pairs.reject_doubles(report.rejects)
    source = _by_stem(pairs, report)
    sweep(out)
    placed = _placed(out)
    pool = {stem: pair.photo for stem, pair in sorted({**placed, **source}.items())}
    old: dict[str, str] = plan.get("photos", {}) if _same(plan, settings) else {}
    if set(pool) - set(old):
        grouping = group_photos(pool, by)
        if not plan and placed:
            old = _as_placed(placed, assign(grouping.groups, shares, seed, {}))
        report.notes = grouping.notes
        report.rejects.rows.extend(grouping.rejects.rows)
        photos = {**old, **assign(grouping.groups, shares, seed, old)}
        groups = len(set(grouping.groups.values()))
        plan = {**settings, "kept_together_by": grouping.by, "groups": groups, "photos": photos}
        write_json(out / PLAN, plan)
    report.by, report.groups = plan["kept_together_by"], plan["groups"]
    report.counts = dict(Counter(plan["photos"].values()))
    _place(source, placed, plan["photos"], out, move, force, report)
    return report


def _as_placed(placed: dict[str, Pair], drawn: dict[str, str]) -> dict[str, str]:
    """The plan of an earlier run whose file is lost, as far as it must be known: nothing, if the same draw gives it."""
    parts = {stem: str(pair.part) for stem, pair in placed.items()}
    return {} if all(drawn.get(stem) == part for stem, part in parts.items()) else parts


def _same(plan: dict[str, Any], settings: dict[str, Any]) -> bool:
    return all(plan.get(key) == value for key, value in settings.items())


def _checked_ratios(ratios: Sequence[float]) -> list[float]:
    if len(ratios) != len(PARTS) or min(ratios) < 0 or not ratios[0] > 0:
        raise FaceTrackerError(
            f"--ratios {' '.join(map(str, ratios))}: three shares for train, val and test are expected",
            fix="Example: --ratios 0.7 0.15 0.15",
        )
    return [round(float(ratio) / sum(ratios), 6) for ratio in ratios]


def _read_plan(out: Path, settings: dict[str, Any], force: bool) -> dict[str, Any]:
    """The plan of an earlier run, or an empty one; made with other arguments it needs `force`."""
    path = out / PLAN
    if not path.is_file():
        return {}
    try:
        plan = json.loads(path.read_bytes())
    except (ValueError, RecursionError):
        console.warn(f"{path}: is damaged; it is made again from where the photos lie")
        return {}
    if not _is_plan(plan):
        raise FaceTrackerError("is no plan of a split", path=path, fix="Move it away and split again.")
    if not _same(plan, settings) and not force:
        differing = [f"--{key} {plan.get(key)}" for key in settings if plan.get(key) != settings[key]]
        raise FaceTrackerError(
            f"is split already, with {', '.join(differing)}", path=out, fix="Pass --force to split it again."
        )
    return plan


def _is_plan(plan: Any) -> bool:
    """Whether everything is there that is read of a plan; photos belong to our parts and to no other folder."""
    if not isinstance(plan, dict) or not isinstance(plan.get("photos"), dict):
        return False
    told = isinstance(plan.get("kept_together_by"), str) and isinstance(plan.get("groups"), int)
    return told and all(isinstance(part, str) and part in PARTS for part in plan["photos"].values())


def _source(data: Path, out: Path, planned: bool) -> Pairs:
    """Where the photos come from: FOLDER/images; the parts of another folder; nothing, once all are moved."""
    places = places_in(data)
    if places.whole is not None or (places.parts and data.resolve() != out.resolve()):
        return pairs_in(*places.to_label())
    if planned:
        return Pairs()
    if places.parts:
        raise FaceTrackerError(
            "is split already, though not by this command", path=data, fix="Pass --out FOLDER to split it again."
        )
    raise no_photos(data, f"Expected: {data / IMAGES}.")


def _by_stem(pairs: Pairs, report: SplitReport) -> dict[str, Pair]:
    """The pairs by stem; of photos of one name in several parts only the first is taken."""
    found: dict[str, Pair] = {}
    for pair in pairs.owners:
        if pair.stem in found:
            report.rejects.add(pair.photo, f"another part has a photo of the same stem {pair.stem}")
            continue
        found[pair.stem] = pair
    return found


def _placed(out: Path) -> dict[str, Pair]:
    """The photos that lie in parts of `out`."""
    folders = places_in(out).parts.values() if out.is_dir() else ()
    return {pair.stem: pair for pair in pairs_in(*folders).pairs}


def _place(
    source: dict[str, Pair],
    placed: dict[str, Pair],
    photos: dict[str, str],
    out: Path,
    move: bool,
    force: bool,
    report: SplitReport,
) -> None:
    """Bring every photo and label file to where the plan says; what is there already is left alone."""
    for stem, part in sorted(photos.items()):
        here, there = source.get(stem), placed.get(stem)
        if there is not None and there.part != part:  # an earlier plan put it elsewhere
            there = _move_between(there, out / part)
            report.added += 1
        if here is None or (there is not None and here.photo == there.photo):
            continue
        photo = out / part / IMAGES / (there.photo.name if there is not None else here.photo.name)
        label = out / part / LABELS / f"{stem}.json"
        if here.label is not None:
            report.prelabelled += _state(here.label) == "prelabelled"
            _place_label(here, label, photo, move, force, report)
        if there is None:
            link_or_copy(here.photo, photo)
            report.added += 1
        if move:
            here.photo.unlink()


def _move_between(pair: Pair, place: Path) -> Pair:
    """Move a photo and its label file from one part to another, the label first."""
    photo, label = place / IMAGES / pair.photo.name, place / LABELS / f"{pair.stem}.json"
    for folder in (photo.parent, label.parent):
        folder.mkdir(parents=True, exist_ok=True)
    if pair.label is not None:
        os.replace(pair.label, label)
    os.replace(pair.photo, photo)
    return Pair(photo, label if pair.label is not None else None, place.name)


def _place_label(pair: Pair, target: Path, photo: Path, move: bool, force: bool, report: SplitReport) -> None:
    """Copy the label file: a copy, not a link, because labels are edited in place."""
    assert pair.label is not None
    data = _label_for(pair, photo)
    if not target.is_file():
        write_atomically(target, data)
    elif target.read_bytes() != data:
        # What a machine wrote there is nobody's work: a newer label takes its place without being asked.
        if not force and _state(target) != "prelabelled" and not (is_torn(target) and not is_torn(pair.label)):
            report.differing += 1
            return
        write_atomically(target, data)
    if move:
        pair.label.unlink()


def _state(label: Path) -> State:
    try:
        return state_of(read_content(label))
    except BadFile:  # the audit will say so
        return "reviewed"


def _label_for(pair: Pair, photo: Path) -> bytes:
    """The content of the label file in its new place: as it was, unless its `imagePath` would lead nowhere."""
    assert pair.label is not None
    data = pair.label.read_bytes()
    wanted = f"../{IMAGES}/{photo.name}"
    if os.path.relpath(pair.photo, pair.label.parent) == os.path.normpath(wanted):
        return data
    try:
        content = json.loads(data)
        return json.dumps({**content, "imagePath": wanted}, indent=2, ensure_ascii=False).encode()
    except (ValueError, TypeError, RecursionError):
        return data  # damaged: the audit will say so
