"""The steps of the demo as a person reads them: a line each in the terminal, a chapter each in the report."""

from __future__ import annotations

import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

from facetracker.core import console
from facetracker.core.boxes import Boxes, empty
from facetracker.core.photo import Picture

if TYPE_CHECKING:
    from facetracker.labels.audit.checks import Finding
    from facetracker.reports.evaluation import Evaluation


@dataclass(frozen=True)
class DemoPicture:
    """One picture BGR of the report; `truth` and `found` are `(N, 4)` normalised boxes drawn over it."""

    picture: Picture
    caption: str
    truth: Boxes = field(default_factory=empty)
    found: Boxes = field(default_factory=empty)


@dataclass
class DemoStep:
    """One step: its name, the command that does the same on your own photos, what came of it, how long it took.

    The report shows its pictures, or its film.
    """

    name: str
    command: str
    result: str = ""
    seconds: float = 0.0
    pictures: list[DemoPicture] = field(default_factory=list)
    film: Path | None = None


@dataclass
class Film:
    """The film that was followed: the file, its frames, and those in which the face was found (it is in all of them).

    `own` and `starter`: how well the boxes of the person's tracker, and of the starter, agree with theirs: mean IoU on
    frames that nobody labelled.
    """

    path: Path
    frames: int
    found: int
    numbers: int  # different ones that the face was given; one, if it was never lost
    own: float
    starter: float


@dataclass
class Demo:
    """What the demo did: its folder, its steps, and what the report shows beside their pictures."""

    folder: Path
    total: int
    steps: list[DemoStep] = field(default_factory=list)
    seconds: float = 0.0
    raw_film: Path | None = None
    film: Film | None = None
    page: Path | None = None
    findings: list[Finding] = field(default_factory=list)
    counts: dict[str, int] = field(default_factory=dict)
    history: list[dict[str, float]] = field(default_factory=list)
    evaluation: Evaluation | None = None

    @property
    def report(self) -> Path:
        return self.folder / "report.html"

    @property
    def data(self) -> Path:
        """The film, and the three frames of it that are labelled."""
        return self.folder / "data"

    @property
    def rooms(self) -> Path:
        """The photos for the trained way."""
        return self.folder / "rooms"

    @property
    def aug_data(self) -> Path:
        return self.folder / "aug_data"

    @property
    def mine(self) -> Path:
        """What was learnt from three frames."""
        return self.folder / "runs" / "mine"

    @property
    def trained(self) -> Path:
        """What was trained on the photos."""
        return self.folder / "runs" / "trained"

    def timings(self) -> dict[str, float]:
        """Seconds by the name of the step."""
        return {step.name: round(step.seconds, 2) for step in self.steps}

    @contextmanager
    def step(self, name: str, doing: str, command: str) -> Iterator[DemoStep]:
        """Time the block as one step, with a line about it; what the stage itself says is left out."""
        step = DemoStep(name, command)
        head = f"{len(self.steps) + 1}/{self.total} {name:<9}"
        waiting = sys.stdout.isatty() and not console.quiet
        if waiting:
            print(f"{head}{doing} ...", end="", flush=True)
        was_quiet, console.quiet = console.quiet, True
        started = time.monotonic()
        try:
            yield step
        finally:
            console.quiet = was_quiet
            if waiting:
                print("\r\033[K", end="")
        step.seconds = time.monotonic() - started
        self.steps.append(step)
        console.say(f"{head}{step.result}, {console.duration(step.seconds)}")
