"""More photos than one machine: `augment` on Ray against the number of photos, the workers, and the local pool.

    python benchmarks/scale.py [--counts 100 ... 20000] [--workers 1 2] [--repeats 3] [--rounds 3] [--json FILE]

Small drawn photos, replicated by hard links under other names (every name gives other variants), into TFRecord shards
of 64x64, 25 photos a shard, one variant each: the cheapest work there is, so that what the scheduler costs shows best.
Measured for each number of photos, in a fresh process: wall time from the call of `augment` to its return (listing,
handing out, the index and the preview are in it), processor time of the driver and of all workers, and the largest
memory that the driver ever took. The clock starts when Ray is up and every worker process has made a picture: starting
them takes the same seconds for any number of photos, and is printed beside the times as two figures of its own. Times
are medians of the repeats, memory is the largest of them. "linear" is the largest distance from a straight line through
all points, in percent of the line; on a machine that others use, look at the processor time. "ratio" is the speed on
Ray divided by that of the local pool, both with the same two processors, in turns, on photos of 640x480 with 20
variants as files.
"""

from __future__ import annotations

import argparse
import json
import multiprocessing
import os
import shutil
import statistics
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

import numpy as np

from facetracker.cluster.cluster import connected
from facetracker.cluster.workers import run_tasks
from facetracker.core import console
from facetracker.core.example import Example
from facetracker.core.photo import write_jpeg
from facetracker.data.augment.augment import AugmentReport, augment, fill
from facetracker.data.augment.plan import Plan
from facetracker.data.augment.transforms import read_pipeline
from facetracker.data.augment.variants import Recipe
from facetracker.data.augment.writing import AugmentJob, run_job
from facetracker.labels.labelme import write_labels
from facetracker.scenes import photo

BARS = {"linear": 10.0, "memory": 10.0, "ratio": 0.9}  # percent, percent, a share
CHEAPEST: dict[str, Any] = {"variants": 1, "size": 64, "format": "tfrecord", "shard_photos": 25, "on": "ray"}
DIFFERENT = 16  # drawn photos that are replicated


def make_photos(folder: Path, count: int, width: int, height: int) -> Path:
    """A split folder with so many photos in train."""
    images, labels = folder / "train/images", folder / "train/labels"
    images.mkdir(parents=True)
    labels.mkdir(parents=True)
    for number in range(count):
        path, label = images / f"photo-{number:06d}.jpg", labels / f"photo-{number:06d}.json"
        if number < DIFFERENT:
            drawn = photo(0, number, width=width, height=height)
            write_jpeg(path, drawn.picture)
            write_labels(label, Example(path, width, height, drawn.boxes, drawn.labels))
        else:
            os.link(images / f"photo-{number % DIFFERENT:06d}.jpg", path)
            os.link(labels / f"photo-{number % DIFFERENT:06d}.json", label)
    return folder


def processor_time(names: tuple[str, ...] = ("ray::",)) -> float:
    """Seconds of processor time of the Ray workers that this process started."""
    import psutil

    total = 0.0
    for process in psutil.Process().children(recursive=True):
        try:
            if process.name().startswith(names) or any(word.startswith(names) for word in process.cmdline()[:1]):
                times = process.cpu_times()
                total += times.user + times.system
        except psutil.Error:
            continue
    return total


def peak() -> int:
    """The most bytes of memory that this process ever took.

    Not `getrusage`: what it says begins, in a new process, with the memory of the one that started it.
    """
    (line,) = (line for line in Path("/proc/self/status").read_text().splitlines() if line.startswith("VmHWM:"))
    return int(line.split()[1]) * 1024


def warm_up(data: Path, out: Path, workers: int) -> None:
    """Leave no worker process that has not made a picture: each works on one and waits there for all others."""
    begun = out / "begun"
    begun.mkdir(parents=True)

    def make_and_meet(job: AugmentJob) -> None:
        run_job(job)
        (begun / str(os.getpid())).touch()
        while len(list(begun.iterdir())) < workers:
            time.sleep(0.01)

    plan = Plan(out, Recipe(read_pipeline("tutorial"), 0, 1, size=64), "tfrecord", shard_photos=1)
    fill(plan, data, AugmentReport(out))
    for _, result in run_tasks(make_and_meet, [plan[number] for number in range(workers)], workers, on="ray"):
        assert result is None, result


def measure(data: Path, out: Path, workers: int, pipe: Any) -> None:
    """One run on Ray in this process, which did nothing before; sends what it cost."""
    console.quiet = True
    warm, warm_out = data.parent / "warm", out.with_name("warm-out")
    began = time.perf_counter()
    with connected(processors=workers):
        up = time.perf_counter() - began
        warm_up(warm, warm_out / "workers", workers)
        augment(warm, warm_out / "driver", workers=workers, **CHEAPEST)  # what the driver imports
        warmed = time.perf_counter() - began - up
        before, own = processor_time(), time.process_time()
        began = time.perf_counter()
        report = augment(data, out, workers=workers, **CHEAPEST)
        wall = time.perf_counter() - began
        driver, work = time.process_time() - own, processor_time() - before
    memory = peak() / 2**20
    pipe.send(
        {"pictures": report.total("pictures"), "wall": wall, "driver": driver, "work": work, "memory": memory,
         "up": up, "warmed": warmed}
    )  # fmt: skip


def measured(data: Path, out: Path, workers: int, repeats: int) -> dict[str, float]:
    """One point: the medians of its repeats, and the largest memory."""
    runs = [in_fresh_process(data, out, workers) for _ in range(repeats)]
    point = {what: statistics.median(run[what] for run in runs) for what in runs[0]}
    return {**point, "memory": max(run["memory"] for run in runs)}


def in_fresh_process(data: Path, out: Path, workers: int) -> dict[str, float]:
    """`measure` in a process of its own, so that the memory is that of this run alone."""
    context = multiprocessing.get_context("spawn")
    here, there = context.Pipe(duplex=False)
    child = context.Process(target=measure, args=(data, out, workers, there))
    child.start()
    there.close()
    result = here.recv()
    child.join()
    shutil.rmtree(out, ignore_errors=True)
    shutil.rmtree(out.with_name("warm-out"), ignore_errors=True)
    return result


def distance_from_line(counts: list[int], values: list[float]) -> tuple[float, float, float]:
    """Percent that the worst point lies off a line (each point weighing as much as any other), its slope, its start."""
    weights = 1 / np.maximum(values, 1e-9)
    slope, start = np.polyfit(counts, values, 1, w=weights)
    line = slope * np.array(counts) + start
    return float(np.max(np.abs(np.array(values) / line - 1)) * 100), float(slope), float(start)


def against_the_pool(folder: Path, rounds: int, count: int = 60) -> list[float]:
    """Speed on Ray divided by that of the local pool, in turns."""
    data = make_photos(folder / "large", count, 640, 480)
    ratios = []
    with connected(processors=2):
        for number in range(rounds + 1):
            seconds = {}
            for on in ("local", "ray") if number % 2 else ("ray", "local"):
                out = folder / "out"
                began = time.perf_counter()
                augment(data, out, variants=20, workers=2, on=on)
                seconds[on] = time.perf_counter() - began
                shutil.rmtree(out)
            if number:  # the first round imports
                ratios.append(seconds["local"] / seconds["ray"])
    return ratios


def bar(percent: float, name: str) -> str:
    """The bar that a figure is held against, and whether it is met."""
    return f"bar {BARS[name]:.0f} %: {'met' if percent <= BARS[name] else 'missed'}"


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--counts", type=int, nargs="+", default=[100, 500, 2000, 5000, 20000])
    parser.add_argument("--workers", type=int, nargs="+", default=[1, 2])
    parser.add_argument("--repeats", type=int, default=3, help="runs of each point")
    parser.add_argument("--rounds", type=int, default=3, help="of Ray against the local pool; 0: not")
    parser.add_argument("--json", type=Path, help="write the figures to this file")
    options = parser.parse_args()
    console.quiet = True
    found: dict[str, Any] = {"points": [], "processors": os.cpu_count(), "load": os.getloadavg()[0]}
    good = True
    with tempfile.TemporaryDirectory(dir=".") as place:
        folder = Path(place).resolve()
        make_photos(folder / "warm", max(8, *options.workers), 96, 72)
        for count in options.counts:
            data = make_photos(folder / f"photos-{count}", count, 96, 72)
            for workers in options.workers:
                point = {
                    "photos": count,
                    "workers": workers,
                    **measured(data, folder / "out", workers, options.repeats),
                }
                assert point["pictures"] == count
                found["points"].append(point)
                seconds = (
                    f"{point['wall']:7.2f} s wall, {point['driver']:6.2f} s driver, {point['work']:6.2f} s workers"
                )
                started = f"Ray up in {point['up']:.1f} s, its workers warm in {point['warmed']:.1f} s more"
                rest = f"{point['memory']:4.0f} MB driver ({started})"
                print(f"{count:6d} photos, {workers} workers: {seconds}, {rest}", flush=True)
            shutil.rmtree(data)
        for workers in options.workers:
            points = [point for point in found["points"] if point["workers"] == workers]
            if len(points) < 3:
                continue
            counts = [point["photos"] for point in points]
            for what in ("wall", "processor"):
                values = [p["wall"] if what == "wall" else p["driver"] + p["work"] for p in points]
                off, slope, start = distance_from_line(counts, values)
                found[f"linear, {workers} workers, {what}"] = off
                line = f"{slope * 1000:.2f} ms a photo + {start:.2f} s"
                print(f"{workers} workers, {what}: {line}; linear within {off:.1f} % ({bar(off, 'linear')})")
            memory = [point["memory"] for point in points]
            grown = (memory[-1] / memory[0] - 1) * 100
            found[f"memory, {workers} workers"] = grown
            each = (memory[-1] - memory[0]) / (counts[-1] - counts[0]) * 1024
            held = f"{memory[0]:.0f} to {memory[-1]:.0f} MB ({each:.3f} kB a photo)"
            print(f"{workers} workers, driver's memory: {held}, {grown:.1f} % more ({bar(grown, 'memory')})")
        if options.rounds:
            ratios = against_the_pool(folder, options.rounds)
            found["ratios"] = ratios
            middle = statistics.median(ratios)
            good = middle >= BARS["ratio"]
            print(f"Ray against the local pool: {middle:.2f} (from {min(ratios):.2f} to {max(ratios):.2f})")
    if options.json:
        options.json.write_text(json.dumps(found, indent=1) + "\n")
    return 0 if good else 1


if __name__ == "__main__":
    sys.exit(main())
