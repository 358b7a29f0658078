"""Which photos must stay together when a set is split, and who goes where.

Frames of one session, and near-duplicates, are nearly the same picture: with one in train and one in test, the score
says how well the network remembers. They form a group, and each group goes to one part.
"""

from __future__ import annotations

import random
from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal

from facetracker.core.errors import FaceTrackerError, Rejects
from facetracker.core.hashing import fingerprint, joined, near_groups
from facetracker.core.naming import sessions
from facetracker.core.photo import read_picture
from facetracker.core.reading import read_all
from facetracker.labels.pairing import PARTS

By = Literal["session", "near-duplicate", "photo"]
TOO_LARGE = 0.5  # of all photos: a group of that size leaves little to choose


@dataclass
class Grouping:
    """The group of each stem, named by its first member; `by` is what they were really grouped by."""

    groups: dict[str, str]
    by: str
    notes: list[str] = field(default_factory=list)
    rejects: Rejects = field(default_factory=Rejects)


def group_photos(pool: Mapping[str, Path], by: By) -> Grouping:
    """Group the photos `{stem: path}` by session and near-duplicates, near-duplicates, or not at all."""
    stems = list(pool)
    if by == "photo":
        return Grouping({stem: stem for stem in stems}, by)
    found = Grouping({}, by)
    found.groups = _join(stems, _near(pool, found.rejects))
    if by == "session":
        names = sessions(stems)
        by_session = defaultdict(list)
        for stem in stems:
            if names[stem] is not None:
                by_session[names[stem]].append(stem)
        joined = _join(stems, [*by_session.values(), *_members(found.groups)])
        if len(set(joined.values())) >= len(PARTS) or len(stems) < len(PARTS):
            found.groups = joined
        else:
            found.by = "near-duplicate"
            found.notes.append(
                "warning: too few sessions to keep each whole, so only near-duplicates stay together: the scores will "
                "look too good. Collect on several days."
            )
    size = max(Counter(found.groups.values()).values(), default=0)
    if size > TOO_LARGE * len(stems) > 1:
        found.notes.append(
            f"warning: {size} of {len(stems)} photos belong together (one session, or nearly the same picture), so the "
            "ratios cannot be kept. Collect in other places, or pass --by photo and do not trust the scores."
        )
    return found


def drawn_parts(pool: Mapping[str, Path], ratios: Sequence[float], seed: int) -> dict[str, str]:
    """A part for each of the photos `{name: path}`, drawn by `seed`; those that look nearly the same stay together.

    A photo that cannot be read stays alone: whoever opens it for its pixels says so, once.
    """
    return assign(group_photos(pool, "near-duplicate").groups, ratios, seed)


def _near(pool: Mapping[str, Path], rejects: Rejects) -> list[list[str]]:
    """The near-duplicates among the photos; a photo that cannot be read is noted and stays alone."""
    readable: list[str] = []
    prints: list[int] = []
    for stem, found in read_all(lambda stem: fingerprint(read_picture(pool[stem])), list(pool), "compare"):
        if isinstance(found, FaceTrackerError):
            rejects.add(pool[stem], f"{found.fault}; put in place all the same")
        else:
            readable.append(stem)
            prints.append(found)
    return _members(dict(zip(readable, map(str, near_groups(prints)), strict=True)))


def _members(groups: dict[str, str]) -> list[list[str]]:
    members = defaultdict(list)
    for stem, name in groups.items():
        members[name].append(stem)
    return list(members.values())


def _join(stems: Sequence[str], together: Iterable[Sequence[str]]) -> dict[str, str]:
    """Groups of stems in which all of each list in `together` are one group, through chains as well."""
    return joined(stems, ((members[0], other) for members in together for other in members[1:]))


def assign(
    groups: Mapping[str, str], ratios: Sequence[float], seed: int, old: Mapping[str, str] | None = None
) -> dict[str, str]:
    """A part for each stem, so that groups stay whole and the photos come near the ratios.

    `groups` names each stem's group. A group that has a member in `old` goes where that member is. The others go,
    the large ones first and else in an order drawn by `seed`, to the part that lacks the most photos.
    """
    old = old or {}
    members = defaultdict(list)
    for stem, name in groups.items():
        members[name].append(stem)
    counts = Counter(old[stem] for stem in groups if stem in old)
    chosen: dict[str, str] = {}
    names = sorted(members)
    random.Random(seed).shuffle(names)
    for name in sorted(names, key=lambda name: -len(members[name])):
        before = Counter(old[stem] for stem in members[name] if stem in old)
        fresh = [stem for stem in members[name] if stem not in old]
        if before:
            part = before.most_common(1)[0][0]
        else:
            lacking = {
                place: len(groups) * ratio - counts[place] for place, ratio in zip(PARTS, ratios, strict=True) if ratio
            }
            part = max(lacking, key=lambda place: lacking[place])
        counts[part] += len(fresh)
        chosen.update(dict.fromkeys(fresh, part))
    return chosen
