"""The run folder: one training, everything it was and everything it gave.

`runs/NAME/` holds `config.yaml` (all settings, resolved), `plan.json` (what followed from the photos), `model.keras`
(best), `last.keras`, `history.csv`, `metrics.json`, `curves.png`, `val_predictions.png`, `logs/` (TensorBoard), and for
going on after a kill `state.npz` with `run.json` (which data it trains on, and a second copy of settings and plan).
"""

from __future__ import annotations

import csv
import io
import shutil
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path
from typing import Any

from facetracker.core import console
from facetracker.core.claim import CLAIM, Claim, claim
from facetracker.core.errors import FaceTrackerError, Rejects
from facetracker.core.files import PART, needed_folder, read_json, sweep, write_atomically, write_json
from facetracker.core.places import as_path
from facetracker.core.settings import Settings, load_settings, read_settings, setting_keys
from facetracker.training.plan import RunPlan
from facetracker.training.repair import begin_again_if_damaged, put_back, remembered

RUNS = Path("runs")


class RunFolder:
    """The paths of one run."""

    def __init__(self, folder: Path):
        self.folder, self.name = folder, folder.name
        self.config, self.plan = folder / "config.yaml", folder / "plan.json"
        self.best, self.last = folder / "model.keras", folder / "last.keras"
        self.history, self.metrics = folder / "history.csv", folder / "metrics.json"
        self.curves, self.val_predictions = folder / "curves.png", folder / "val_predictions.png"
        self.logs, self.rejects = folder / "logs", folder / "rejects.txt"
        self.about, self.state = folder / "run.json", folder / "state.npz"
        self.bad_batch = folder / "bad_batch.npz"
        self._claim: Claim | None = None

    def claim(self) -> None:
        """Keep every other process from training in this run, until `release` or the end of this process."""
        self._claim = claim(self.folder, "trains in this run")

    def release(self) -> None:
        """Others may train in this run again."""
        if self._claim is not None:
            self._claim.release()

    def of_epoch(self, epoch: int) -> Path:
        """The model after that epoch, where `training.keep_every` keeps it."""
        return self.folder / "epochs" / f"epoch-{epoch:03d}.keras"

    def data(self) -> str:
        """The data folder this run was started on."""
        return str(read_json(self.about)["data"])

    def keep(self, path: Path, text: str) -> None:
        """Write the settings or the plan, with a second copy in `run.json` (training/repair.py)."""
        about = remembered(self.about)
        kept = {**about.get("kept", {}), path.name: text}
        if kept != about.get("kept"):
            write_json(self.about, {**about, "kept": kept})
        write_atomically(path, text)

    def refuse_other_data(self, data: str | Path) -> None:
        """A run goes on with the photos it began with; one whose `run.json` was lost takes these for them."""
        if "data" not in remembered(self.about):
            kept = {path.name: path.read_text(encoding="utf-8") for path in (self.config, self.plan) if path.is_file()}
            write_json(self.about, {"data": str(as_path(data).resolve()), "kept": kept})
        if self.data() != str(as_path(data).resolve()):
            fix = "Pass that folder, or start a new run with another --name."
            raise FaceTrackerError(f"this run trains on {self.data()}, not on {data}", path=self.folder, fix=fix)

    def write_history(self, rows: Iterable[dict[str, float]]) -> None:
        """All epochs so far as CSV; written whole each time, so that a resumed run has no row twice."""
        rows = list(rows)
        columns = list(dict.fromkeys(name for row in rows for name in row))
        text = io.StringIO()
        writer = csv.DictWriter(text, columns, lineterminator="\n", restval="")
        writer.writeheader()
        writer.writerows(rows)
        write_atomically(self.history, text.getvalue())


def start_run(
    settings: Settings, data: str | Path, name: str | None, runs: Path = RUNS, force: bool = False
) -> RunFolder:
    """A new run folder with its `config.yaml`; without a name the preset's name with the next free number."""
    run = new_run(data, name or free_name(settings.preset, runs), runs, force)
    run.keep(run.config, settings.to_yaml())
    return run


def open_run(
    data: str | Path,
    preset: str | Path,
    changes: Sequence[str],
    name: str | None,
    resume: bool,
    force: bool,
    runs: Path,
    plan: Callable[[Settings], RunPlan] | None = None,
) -> tuple[RunFolder, Settings]:
    """The run to train in and its settings: a new one, or with `resume` the one to go on with.

    `plan` works out what follows from the settings of a new run, before its folder is made; it is saved there.
    """
    if resume:
        run = find_run(name, runs)
        settings = resumed_settings(run, changes)
        run.refuse_other_data(data)
        return run, settings
    settings = settings_of_new_run(data, preset, changes, name, force, runs)
    planned = None if plan is None else plan(settings)
    run = start_run(settings, data, name, runs, force)
    if planned is not None:
        run.keep(run.plan, planned.to_json())
    return run, settings


def settings_of_new_run(
    data: str | Path, preset: str | Path, changes: Sequence[str], name: str | None, force: bool, runs: Path
) -> Settings:
    """The settings, once all is refused that can be without reading a photo, or loading tensorflow."""
    settings = load_settings(preset, changes)
    needed_folder(as_path(data))
    if name is not None:
        _refuse_taken(Path(runs) / name, force)
    return settings


def new_run(
    data: str | Path, name: str, runs: Path = RUNS, force: bool = False, *, resumable: bool = True
) -> RunFolder:
    """An empty run folder that knows its data; one that is there is replaced only with `force`."""
    folder = runs / name
    _refuse_taken(folder, force, resumable)
    run = RunFolder(folder)
    run.claim()
    for path in folder.iterdir():
        if path.name != CLAIM:
            shutil.rmtree(path) if path.is_dir() and not path.is_symlink() else path.unlink()
    write_json(run.about, {"data": str(as_path(data).resolve())})
    return run


def _refuse_taken(folder: Path, force: bool, resumable: bool = True) -> None:
    """Stop where a run of this name is there and may not be replaced, or something else is."""
    if folder.exists() and not _is_unborn(folder):
        if not force:
            resume = "continue it with --resume, " if resumable else ""
            fix = f"Choose another --name, {resume}or replace it with --force."
            raise FaceTrackerError("is there already", path=folder, fix=fix)
        if any(folder.iterdir()) and not (folder / "run.json").is_file():
            raise FaceTrackerError("is not a run folder, so it is not replaced", path=folder, fix="Choose a --name.")


def _is_unborn(folder: Path) -> bool:
    """Whether a run was cut off before it had its settings: there is nothing to go on with, and nothing to lose."""
    names = {path.name for path in folder.iterdir() if not path.name.startswith(PART)} if folder.is_dir() else {""}
    return names <= {"run.json", CLAIM} and not remembered(folder / "run.json").get("kept")


def find_run(name: str | None, runs: Path = RUNS) -> RunFolder:
    """The run to go on with: by name, or else the one that was written to last."""
    if name is not None:
        run = RunFolder(runs / name)
        if run.folder.is_dir():
            run.claim()
        if run.about.is_file():
            put_back(run)
        if not run.config.is_file():
            raise FaceTrackerError(
                "is not a run that can be resumed", path=run.folder, fix="Start it without --resume."
            )
    else:
        begun = {path.parent for path in runs.glob("*/config.yaml")}
        begun |= {path.parent for path in runs.glob("*/run.json") if remembered(path).get("kept")}
        if not begun:
            raise FaceTrackerError("holds no run to resume", path=runs, fix="Start one without --resume.")
        run = RunFolder(max(begun, key=_last_written))
        run.claim()
        put_back(run)
    sweep(run.folder)
    begin_again_if_damaged(run)
    return run


def resumed_settings(run: RunFolder, changes: Iterable[str] = ()) -> Settings:
    """The settings a resumed run goes on with: its own, and of `changes` only another number of epochs.

    Anything else would make the curve a mixture of two runs.
    """
    settings = read_settings(run.config)
    asked = load_settings(run.config, changes)
    for key, old, new in differences(settings, asked):
        if key != "training.epochs":
            fix = "Start a new run with --name, or leave the setting as it is."
            raise FaceTrackerError(f"{key} is {old} in this run, not {new}", path=run.config, fix=fix)
    run.keep(run.config, asked.to_yaml())
    return asked


def differences(old: Settings, new: Settings) -> list[tuple[str, Any, Any]]:
    """`(section.name, old value, new value)` for every setting that differs."""
    after = setting_keys(new)
    return [(key, value, after[key]) for key, value in setting_keys(old).items() if value != after[key]]


def free_name(kind: str, runs: Path = RUNS) -> str:
    """The kind of run (its preset) with the next free number."""
    number = 1
    while (runs / f"{kind}-{number}").exists():
        number += 1
    return f"{kind}-{number}"


def _last_written(folder: Path) -> float:
    return max((path.stat().st_mtime for path in folder.iterdir() if path.is_file()), default=0.0)


def say_rejects(run: RunFolder, rejects: Rejects) -> None:
    """Note what was left out in the run folder, and say that something was."""
    if rejects:
        write_atomically(run.rejects, rejects.as_text())
        console.warn(f"{len(rejects)} pictures were left out; {run.rejects} says why")
