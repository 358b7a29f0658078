"""`train --workers N`: start the workers, follow what the chief says, begin again when one is lost.

On Ray (Ray Train places the workers, on one machine or on many) or as plain processes of this machine. Either way
the workers find each other by `TF_CONFIG`, and a run that lost a worker goes on from its last finished epoch.
"""

from __future__ import annotations

import csv
import functools
import json
import os
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager, suppress
from importlib.util import find_spec
from pathlib import Path

from facetracker.cluster.cluster import On, check_nodes, connected
from facetracker.core import console
from facetracker.core.errors import FaceTrackerError
from facetracker.core.places import as_path
from facetracker.core.settings import Settings
from facetracker.labels.collection import Collection, parts_of
from facetracker.training.plan import RunPlan, WorkersPlan, read_plan
from facetracker.training.run import RUNS, RunFolder, open_run
from facetracker.training.worker import LOG, MISTAKE, work

ATTEMPTS = 3  # losses in a row without a finished epoch; then the run is given up
LOOK_EVERY = 0.1  # seconds
PROGRAM = ("-m", "facetracker.training.worker")


def train_with_workers(
    data: str | Path,
    preset: str | Path = "vgg16",
    changes: Iterable[str] = (),
    name: str | None = None,
    resume: bool = False,
    force: bool = False,
    runs: str | Path = RUNS,
    workers: int = 2,
    on: On | None = None,
    address: str | None = None,
) -> Path:
    """As `train`, by several workers at once; the run folder.

    `on` ray (the default where Ray is installed), they run on the cluster at `address` (none: a Ray started here);
    `on` local, as processes of this machine. Data and run folder must be visible on every machine.
    """
    changes = [*changes, f"several.workers={workers}"]
    shares = functools.partial(plan_shares, data=data)
    run, settings = open_run(data, preset, changes, name, resume, force, Path(runs), shares)
    plan = read_plan(run.plan).workers
    assert plan is not None
    console.say(
        f"{workers} workers, {plan.batch_each} pictures a step each: global batch {plan.batch}, "
        f"learning rate {plan.learning_rate:g}, {plan.steps} steps an epoch"
    )
    try:
        if (on or ("ray" if find_spec("ray") else "local")) == "ray":
            with connected(address, workers) as ray:
                check_nodes(ray, [as_path(data).resolve(), run.folder.resolve()])
                supervise(run, settings, lambda: on_ray(run.folder.resolve(), workers))
        else:
            supervise(run, settings, lambda: as_processes(run.folder.resolve(), workers))
    finally:
        run.release()
    return run.folder


def plan_shares(settings: Settings, data: str | Path) -> RunPlan:
    """Work out batches, learning rate, steps and seeds, for everybody to read."""
    several, batch = settings.several, settings.data.batch_size
    data = as_path(data)
    if batch % several.workers and not several.scale_batch:
        near = max(1, round(batch / several.workers)) * several.workers
        raise FaceTrackerError(
            f"a batch of {batch} cannot be divided among {several.workers} workers", fix=f"--set data.batch_size={near}"
        )
    if settings.training.clip_norm is not None:
        raise FaceTrackerError(
            "training.clip_norm would clip each worker's gradients on their own", fix="--set training.clip_norm=null"
        )
    part = "train" if parts_of(data) else None
    photos = Collection.open(data, part, pictures=False, prelabelled=settings.data.prelabelled)
    if len(photos) < several.workers:
        raise FaceTrackerError(f"{len(photos)} labelled photos are too few for {several.workers} workers", path=data)
    if not settings.model.classes:
        photos.refuse_slips()
    factor = several.workers if several.scale_batch else 1
    pictures = settings.training.samples_per_epoch or len(photos)
    shares = WorkersPlan(
        batch=batch * factor,
        batch_each=batch * factor // several.workers,
        learning_rate=settings.training.learning_rate * factor,
        steps=-(-pictures // (batch * factor)),
        seeds=tuple(settings.training.seed + 1009 * number for number in range(several.workers)),
    )
    return RunPlan(tuple(photos.class_names(settings.model.classes)), workers=shares)


def supervise(run: RunFolder, settings: Settings, start: Callable[[], str | None]) -> None:
    """Start the workers, and again whenever one was lost, until the run is finished.

    `start` runs them to their end; it returns None, or how they were lost.
    """
    lost_in_a_row, done = 0, epochs_done(run)
    while True:
        (run.folder / MISTAKE).unlink(missing_ok=True)
        with following(run.folder / LOG):
            lost = start()
        if (run.folder / MISTAKE).is_file():
            raise FaceTrackerError((run.folder / MISTAKE).read_text())
        if lost is None:
            return
        before, done = done, epochs_done(run)
        lost_in_a_row = 1 if done > before else lost_in_a_row + 1
        if lost_in_a_row >= ATTEMPTS:
            raise FaceTrackerError(
                f"its workers were lost {ATTEMPTS} times without finishing an epoch ({lost})",
                path=run.folder,
                fix=f"See {LOG} and the other logs there.",
            )
        console.warn(f"{lost}; begins again after epoch {done} of {settings.training.epochs}")


def epochs_done(run: RunFolder) -> int:
    """How many epochs of a run are finished and saved."""
    if not run.state.is_file() or not run.history.is_file():
        return 0
    with run.history.open(newline="") as file:
        return sum(1 for _ in csv.DictReader(file))


@contextmanager
def following(log: Path) -> Iterator[None]:
    """Say the lines that are added to a log while the context lasts."""
    ended = threading.Event()
    place = log.stat().st_size if log.is_file() else 0

    def follow() -> None:
        nonlocal place
        while True:
            last = ended.is_set()  # asked before reading: what is written until the end is still said
            with suppress(FileNotFoundError), log.open("rb") as file:
                file.seek(place)
                text = file.read()
                whole = len(text) if last else text.rfind(b"\n") + 1
                place += whole
                for line in text[:whole].decode(errors="replace").splitlines():
                    console.say(line)
            if last:
                return
            ended.wait(LOOK_EVERY)

    thread = threading.Thread(target=follow, daemon=True)
    thread.start()
    try:
        yield
    finally:
        ended.set()
        thread.join()


def as_processes(folder: Path, workers: int, program: Sequence[str] = PROGRAM) -> str | None:
    """The workers as processes of this machine, each `python PROGRAM folder`; when one ends badly all are ended."""
    addresses = [f"127.0.0.1:{port}" for port in free_ports(workers)]
    started: list[subprocess.Popen[bytes]] = []
    try:
        for number in range(workers):
            config = {"cluster": {"worker": addresses}, "task": {"type": "worker", "index": number}}
            log = (folder / (LOG if number == 0 else f"worker-{number}.log")).open("ab")
            with log, (folder / f"stderr-{number}.log").open("ab") as errors:
                command = [sys.executable, *program, str(folder)]
                environment = {**os.environ, "TF_CONFIG": json.dumps(config)}
                started.append(subprocess.Popen(command, env=environment, stdout=log, stderr=errors))
        while True:
            codes = [process.poll() for process in started]
            for number, code in enumerate(codes):
                if code:
                    how = f"killed by signal {-code}" if code < 0 else f"ended with status {code}"
                    return f"worker {number} was {how}" if code < 0 else f"worker {number} {how}"
            if all(code == 0 for code in codes):
                return None
            time.sleep(LOOK_EVERY)
    finally:
        for process in started:
            process.kill()
            process.wait()


def free_ports(count: int) -> list[int]:
    """Ports of this machine that nobody listens on."""
    sockets = [socket.socket() for _ in range(count)]
    try:
        for one in sockets:
            one.bind(("127.0.0.1", 0))
        return [one.getsockname()[1] for one in sockets]
    finally:
        for one in sockets:
            one.close()


def on_ray(folder: Path, workers: int, part: Callable[[dict[str, str]], None] | None = None) -> str | None:
    """The workers as Ray Train places them, each doing its `part`: one a GPU, or one a processor."""
    # It hands this on to the workers; else `print` there also writes a second line, through the root logger.
    os.environ.setdefault("RAY_TRAIN_ENABLE_PRINT_PATCH", "0")
    import ray

    with console.silenced():  # it imports tensorflow here too
        from ray.train import FailureConfig, RunConfig, ScalingConfig
        from ray.train.tensorflow import TensorflowTrainer

    gpus = ray.cluster_resources().get("GPU", 0) >= workers
    trainer = TensorflowTrainer(
        part or _take_part_on_ray,
        train_loop_config={"folder": str(folder)},
        scaling_config=ScalingConfig(num_workers=workers, use_gpu=gpus, resources_per_worker={"CPU": 1}),
        run_config=RunConfig(name="ray", storage_path=str(folder), failure_config=FailureConfig(max_failures=0)),
    )
    try:
        trainer.fit()
    except Exception as error:  # Ray Train wraps whatever happened to a worker in exceptions of its own
        return f"a worker was lost ({type(error).__name__})"
    return None


def _take_part_on_ray(config: dict[str, str]) -> None:
    work(config["folder"])
