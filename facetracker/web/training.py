"""Training from the page: learn, or split, augment and train; then export. Each a child process of the command line.

Stopped with the signal that Ctrl-C sends, so that what is trained so far is saved. One training at a time.
"""

from __future__ import annotations

import asyncio
import csv
import math
import time
from collections import deque
from collections.abc import AsyncIterator
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from pydantic import BaseModel, ConfigDict, Field

from facetracker.core.errors import BadFile, FaceTrackerError
from facetracker.core.files import read_json
from facetracker.core.install import install_command, is_installed
from facetracker.core.settings import load_settings, preset_names, read_settings
from facetracker.web.child import interrupt, kill, run_child
from facetracker.web.paths import ABOUT, CONFIG, NAME, NotThere, Place, file_of, inside, run_folder

REJECTS_ONLY = (0, 3)  # exit codes of a stage that did its work; 3: some photos were left out
# Seconds that a child has to save what it has, and how often it is asked: Python drops an interrupt that comes while an
# object is being cleared away, and the training goes on as if nobody had said anything.
STOP_WITHIN, ASKED = 60.0, 2
LOOK_EVERY = 0.3  # seconds between two looks at history.csv
MOST_LINES = 500  # of the children's output that a page which comes later is told
LEARN = "learn"  # what the page calls it where a preset's name would stand
PING, PING_EVERY = "", 15.0  # seconds; a line without content, so that no proxy takes the stream for dead
# Settings that name files or folders: from the page only the words that stand for something in the package.
WORDS = {"model.weights": ("imagenet", "starter", "none")}


class Wish(BaseModel):
    """What the page asks to be trained."""

    model_config = ConfigDict(extra="forbid")

    preset: str = "nano"
    epochs: int | None = Field(None, ge=1, le=10_000)
    variants: int = Field(20, ge=1, le=1000)
    name: str | None = None
    set: dict[str, bool | int | float | str | None] = {}


@dataclass
class Job:
    """One training that was asked for: its stages, and what its children said."""

    run: str
    events: deque[tuple[str, dict[str, Any]]] = field(default_factory=lambda: deque(maxlen=MOST_LINES))
    told: int = 0  # events so far, those that are forgotten included
    state: str = "running"
    stopping: bool = False
    child: asyncio.subprocess.Process | None = None
    task: asyncio.Task[None] | None = None
    news: asyncio.Condition = field(default_factory=asyncio.Condition)

    async def tell(self, event: str, **content: Any) -> None:
        """Note an event, and wake those who listen."""
        async with self.news:
            self.events.append((event, content))
            self.told += 1
            self.news.notify_all()


class Trainings:
    """The trainings of one page. Everything here runs on the event loop."""

    def __init__(self, place: Place):
        self.place = place
        self.job: Job | None = None

    @property
    def can_train(self) -> bool:
        """Are the libraries of training installed? Looked up, not loaded."""
        return all(map(is_installed, ("tensorflow", "keras", "albumentations")))

    @property
    def running(self) -> str | None:
        """The run that is being trained, or None."""
        return self.job.run if self.job is not None and self.job.state == "running" else None

    async def start(self, wish: Wish) -> str:
        """Learn, or split, augment and train; then export. Returns the run's name at once."""
        self._refuse_a_second()
        if wish.preset == LEARN:
            if wish.epochs is not None or wish.set:
                raise FaceTrackerError("learn takes no epochs and no settings", fix="A preset does: nano.")
            return self._learn(self._name(wish))
        self._refuse_without_libraries()
        if wish.preset not in preset_names():
            raise FaceTrackerError(f"no preset is called {wish.preset[:40]}", fix=f"{', '.join(preset_names())}")
        changes = [_change(key, value) for key, value in wish.set.items()]
        if wish.epochs is not None:
            changes.append(f"training.epochs={wish.epochs}")
        load_settings(wish.preset, changes)  # what cannot be is said now, not after the augmenting
        name = self._name(wish)
        photos, augmented = self._work(name) / "photos", self._work(name) / "augmented"
        options = [option for change in changes for option in ("--set", change)]
        train = ["train", str(augmented), "--preset", wish.preset, "--name", name, "--runs", str(self.place.runs)]
        stages = [
            ("split", ["split", str(self.place.data), "--out", str(photos)]),
            ("augment", ["augment", str(photos), str(augmented), "--variants", str(wish.variants)]),
            ("train", [*train, *options]),
            ("export", self._export(name)),
        ]
        self._begin(name, stages)
        return name

    def _learn(self, name: str) -> str:
        """Learn from the photos as they are; without the libraries of training only the style, which needs none."""
        learn = ["learn", str(self.place.data), "--name", name, "--runs", str(self.place.runs)]
        stages = [("learn", learn), ("export", self._export(name))]
        self._begin(name, stages if self.can_train else [("learn", [*learn, "--instant"])])
        return name

    async def resume(self, run: str) -> str:
        """Go on with a run that was stopped."""
        self._refuse_a_second()
        self._refuse_without_libraries()
        folder = run_folder(self.place, run)
        data = str(read_json(folder / "run.json")["data"])
        train = ["train", data, "--name", run, "--resume", "--runs", str(self.place.runs)]
        self._begin(run, [("train", train), ("export", self._export(run))])
        return run

    async def stop(self) -> None:
        """Stop as Ctrl-C does: what is trained so far is saved. Returns when it is."""
        job = self.job
        if job is None or job.state != "running":
            return
        job.stopping = True
        task = job.task
        for _ in range(ASKED):
            if job.child is not None:
                interrupt(job.child)
            if task is None:
                return
            done, _pending = await asyncio.wait([task], timeout=STOP_WITHIN / ASKED)
            if done:
                return
        if job.child is not None and task is not None:
            kill(job.child)
            await asyncio.wait([task])

    async def export(self, run: str) -> None:
        """Make the run's `model.onnx`, for the tab and for Live; the child process needs tensorflow, we do not."""
        folder = run_folder(self.place, run)
        if not any((folder / file).is_file() for file in ("model.keras", "model.tflite")):
            raise NotThere(f"{run} has no model yet", fix="Wait for its first epoch.")
        code, lines = await run_child(self._export(run))
        if code != 0:
            raise FaceTrackerError(f"{run} cannot be exported ({lines[-1] if lines else code})")

    def runs(self) -> list[dict[str, Any]]:
        """Every run, the latest first, as the page lists them."""
        found = []
        if self.place.runs.is_dir():
            about = [path for name in (CONFIG, ABOUT) for path in self.place.runs.glob(f"*/{name}")]
            for path in sorted(about, key=lambda path: path.stat().st_mtime, reverse=True):
                with suppress(FaceTrackerError, OSError):
                    inside(self.place.runs, path)
                    if NAME.fullmatch(path.parent.name):
                        found.append(self._trained(path.parent) if path.name == CONFIG else self._learned(path.parent))
        if self.running is not None and all(run["name"] != self.running for run in found):
            found.insert(0, _row(self.running, "running", usable=False))
        return found

    async def listen(self, run: str) -> AsyncIterator[tuple[str, dict[str, Any]]]:
        """The events of a run: `stage` and `epoch` as they come, `done` at the end; `PING` now and then."""
        job = self.job if self.job is not None and self.job.run == run else None
        if job is None:
            run_folder(self.place, run)
        told = epochs = 0
        quiet_since = time.monotonic()
        while True:
            if time.monotonic() - quiet_since > PING_EVERY:
                quiet_since = time.monotonic()
                yield PING, {}
            over = job is None or job.state != "running"
            for row in self._history(run)[epochs:]:
                epochs += 1
                yield "epoch", row
            if job is not None:
                missed, told = list(job.events)[max(0, len(job.events) - (job.told - told)) :], job.told
                for event in missed:
                    yield event
            if over:
                if job is None or not any(event == "done" for event, _ in job.events):
                    state = next((row["state"] for row in self.runs() if row["name"] == run), "stopped")
                    yield "done", {"state": state, "text": ""}
                return
            assert job is not None
            async with job.news:
                with suppress(TimeoutError):
                    async with asyncio.timeout(LOOK_EVERY):
                        await job.news.wait()

    def _refuse_a_second(self) -> None:
        if self.running is not None:
            raise FaceTrackerError(f"{self.running} is being trained", fix="Stop it first, or wait.")

    def _refuse_without_libraries(self) -> None:
        if not self.can_train:
            raise FaceTrackerError("training is not installed", fix=install_command("train"))

    def _name(self, wish: Wish) -> str:
        """The run's name: the one wished for, or the preset's (`mine` for what is learnt) with the next free number."""
        if wish.name is None:
            stem, number = "mine" if wish.preset == LEARN else wish.preset, 1
            while any(self._taken(f"{stem}-{number}")):
                number += 1
            return f"{stem}-{number}"
        if NAME.fullmatch(wish.name) is None:
            raise FaceTrackerError("that is no name for a run", fix="Letters, digits, `.`, `_` and `-`: my-tracker")
        if any(self._taken(wish.name)):
            raise FaceTrackerError(f"{wish.name} is there already", fix="Choose another name.")
        return wish.name

    def _taken(self, name: str) -> tuple[bool, bool]:
        return (self.place.runs / name).exists(), self._work(name).exists()

    def _work(self, name: str) -> Path:
        """Where a run's split and augmented photos lie: apart from every other run's, and from the photos."""
        return self.place.aug_data / name

    def _export(self, name: str) -> list[str]:
        return ["export", str(self.place.runs / name), "--to", "onnx", "--force"]

    def _begin(self, run: str, stages: list[tuple[str, list[str]]]) -> None:
        self.job = Job(run)
        self.job.task = asyncio.create_task(self._go(self.job, stages), name=f"trains {run}")

    async def _go(self, job: Job, stages: list[tuple[str, list[str]]]) -> None:
        state, last = "done", ""
        try:
            for stage, command in stages:
                if job.stopping:
                    break
                await job.tell("stage", stage=stage, text="")
                code, lines = await self._stage(job, stage, command)
                last = lines[-1] if lines else ""
                if code not in REJECTS_ONLY:
                    state = "stopped" if job.stopping else "failed"
                    break
            if job.stopping:
                state = "stopped"
        except Exception as error:  # a child that cannot be started; the page is told, the server stays
            state, last = "failed", str(error)
        job.child = None
        job.state = state
        await job.tell("done", state=state, text=last)

    async def _stage(self, job: Job, stage: str, command: list[str]) -> tuple[int, list[str]]:
        async def said(line: str) -> None:
            await job.tell("stage", stage=stage, text=line)

        def started(child: asyncio.subprocess.Process) -> None:
            job.child = child
            if job.stopping:
                interrupt(child)

        return await run_child(command, said, started)

    def _trained(self, folder: Path) -> dict[str, Any]:
        rows = self._history(folder.name)
        settings = read_settings(file_of(folder, CONFIG))
        state = "running" if folder.name == self.running else "stopped"
        if state != "running" and (folder / "metrics.json").is_file():
            state = "done"
        best = max((row["val_mean_iou"] for row in rows if row.get("val_mean_iou") is not None), default=None)
        return _row(
            folder.name,
            state,
            usable=len(rows) > 0,
            epoch=len(rows),
            epochs=settings.training.epochs,
            mean_iou=best,
            has_report=(folder / "evaluation" / "report.html").is_file(),
        )

    def _learned(self, folder: Path) -> dict[str, Any]:
        about = read_json(file_of(folder, ABOUT))
        try:
            kept, photos = str(about["kept"]), int(about["photos"])
            overlap = about["held_back"].get(kept.replace(" ", "_"))
            overlap = None if overlap is None else float(overlap)
        except (KeyError, TypeError, ValueError, AttributeError):
            raise BadFile("is not what learn writes", path=folder / ABOUT) from None
        state = "running" if folder.name == self.running else "done"
        return _row(folder.name, state, usable=True, mean_iou=overlap, kept=kept, photos=photos)

    def _history(self, run: str) -> list[dict[str, Any]]:
        """The epochs so far: a row of numbers each, None where there is none."""
        try:
            with file_of(self.place.runs / run, "history.csv").open(newline="") as file:
                return [{key: _number(value) for key, value in row.items() if key} for row in csv.DictReader(file)]
        except (OSError, NotThere):
            return []


def _backbones() -> list[str]:
    """What the presets are built on: the whole list stands in `models`, which brings Keras."""
    return sorted({load_settings(preset).model.backbone for preset in preset_names()})


def _change(key: str, value: Any) -> str:
    if key in WORDS and value not in WORDS[key]:
        words = ", ".join(str(word) for word in WORDS[key])
        raise FaceTrackerError(f"{key} from the page: one of {words}", fix="Paths work in the terminal.")
    if key == "model.backbone" and value not in _backbones():
        raise FaceTrackerError(f"{key} from the page: one of {', '.join(_backbones())}")
    if isinstance(value, float) and not math.isfinite(value):
        raise FaceTrackerError(f"{key[:40]}: {value} is no number")
    if isinstance(value, str) and (len(value) > 100 or not value.isprintable()):
        raise FaceTrackerError(f"{key[:40]}: the value is too long")
    return f"{key}={'null' if value is None else value}"


def _row(name: str, state: str, *, usable: bool, **known: Any) -> dict[str, Any]:
    """A run as the page lists it; `usable`: Live can take it. What is not known of it is None."""
    unknown = {"epoch": 0, "epochs": None, "mean_iou": None, "has_report": False, "kept": None, "photos": None}
    return {"name": name, "state": state, "usable": usable, **unknown, **known}


def _number(text: str | None) -> float | None:
    try:
        value = float(text or "")
    except ValueError:
        return None
    return value if abs(value) < float("inf") else None
