"""What an audit found, as a value."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path

from facetracker.core.errors import EXIT_REJECTS
from facetracker.labels.audit.checks import KINDS, Finding


@dataclass
class PartCounts:
    """Counts of one part of the split ("" for a set that is not split)."""

    photos: int = 0
    labelled: int = 0
    no_face: int = 0
    faces: int = 0


@dataclass
class Audit:
    """What the audit found; `findings` in the order of `KINDS`, then by photo."""

    folder: Path
    parts: dict[str, PartCounts] = field(default_factory=dict)
    classes: Counter[str] = field(default_factory=Counter)
    findings: list[Finding] = field(default_factory=list)
    fixed: list[str] = field(default_factory=list)
    backup: Path | None = None
    seconds: float = 0.0

    @property
    def photos(self) -> int:
        return sum(part.photos for part in self.parts.values())

    @property
    def counts(self) -> dict[str, int]:
        """How many photos have each kind of finding, worst first, only kinds that occur."""
        hit = defaultdict(set)
        for finding in self.findings:
            hit[finding.kind].add(finding.photo)
        return {kind: len(hit[kind]) for kind in KINDS if kind in hit}

    @property
    def faulty(self) -> set[str]:
        """The photos with at least one fault (not only notes)."""
        return {finding.photo for finding in self.findings if finding.level == "fault"}

    @property
    def exit_code(self) -> int:
        return EXIT_REJECTS if self.faulty else 0

    def of(self, kind: str) -> list[Finding]:
        return [finding for finding in self.findings if finding.kind == kind]


def offenders(findings: Iterable[Finding]) -> list[Finding]:
    """The findings worth a picture: not what is merely unlabelled or empty."""
    quiet = {"not labelled", "only prelabelled", "no face", "shape left out", "label without a photo"}
    return [finding for finding in findings if finding.kind not in quiet]
