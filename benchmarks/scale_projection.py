"""What 1e5, 1e7 and 1e9 photos need: per-photo costs measured here, and the scheduler simulated with them.

    python benchmarks/scale_projection.py [--cores 2 64 1000 10000] [--json FILE]

Measured on this machine, in processor time (so that others who use it matter little): augmenting a photo of 640x480
into 60 records of 120x120 and its bytes in and out; what the driver spends on listing and planning a photo; what it
spends on handing out a task and taking its result. The driver's memory is measured in a process of its own, without
Ray's: the most that it takes while it plans a small set, and what a set of five times as many adds to that, a photo.

The simulation plays the scheduler of facetracker/cluster/tasks.py event by event: one driver, which needs its time for
every task, never more than two tasks a processor under way, task times spread as measured, workers lost now and then
and their task run again. It is checked against the formula it should obey where nothing is scarce, and says where it
no longer does: there the driver is what breaks first.
"""

from __future__ import annotations

import argparse
import heapq
import json
import multiprocessing
import random
import sys
import tempfile
import time
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from scale import make_photos, peak

from facetracker.cluster.cluster import connected
from facetracker.cluster.tasks import AHEAD, run_on_ray
from facetracker.core import console
from facetracker.data.augment.augment import AugmentReport, choose_unfinished, fill
from facetracker.data.augment.plan import Chosen, Plan
from facetracker.data.augment.transforms import read_pipeline
from facetracker.data.augment.variants import Recipe
from facetracker.data.augment.writing import run_job

PHOTOS = (10**5, 10**7, 10**9)
VARIANTS, SIZE, SHARD = 60, 120, 20
HOURS = 24  # in which a job shall be done
LOST_PER_HOUR = 0.05  # of each worker: spot machines are taken away about so often
# Photos that are listed and planned.
SMALL, LARGE = 20_000, 100_000
PLAYED = 60  # tasks a processor that are simulated; what comes after is more of the same


@dataclass(frozen=True)
class Costs:
    """Seconds of processor time and bytes, each for one photo unless it says otherwise."""

    work: list[float]
    list_and_plan: float
    hand_out: float  # of one task
    bytes_in: float
    bytes_out: float
    memory: float  # of the driver, beside what it takes for any number
    memory_at_rest: float  # that, for all photos together

    @property
    def mean(self) -> float:
        return sum(self.work) / len(self.work)


def measure(folder: Path, handing: float | None) -> Costs:
    """The costs on this machine; `handing` is that of handing out a task, measured here if None."""
    data = make_photos(folder / "photos", 24, 640, 480)
    recipe = Recipe(read_pipeline("tutorial"), 0, VARIANTS, size=SIZE)
    jobs = planned(data, folder / "out", recipe, 1)
    run_job(jobs[0])  # imports
    work = []
    for number in range(1, len(jobs)):
        began = time.process_time()
        run_job(jobs[number])
        work.append(time.process_time() - began)
    photos = [path.stat().st_size for path in (data / "train/images").iterdir()]
    shards = [path.stat().st_size for path in (folder / "out/train").glob("*.tfrecord")]
    few, many = (make_photos(folder / f"photos-{count}", count, 96, 72) for count in (SMALL, LARGE))
    waiting = planned(few, folder / "other", recipe, SHARD)
    began = time.process_time()
    planned(many, folder / "other", recipe, SHARD)
    listing = (time.process_time() - began) / LARGE
    at_rest, memory = memory_of_the_driver(folder, few, many)
    if handing is None:
        with connected(processors=1):
            list(run_on_ray(nothing, range(50)))
            began = time.process_time()
            list(run_on_ray(nothing, waiting))
            handing = (time.process_time() - began) / len(waiting)
    sizes = (sum(some) / len(some) for some in (photos, shards))
    return Costs(work, listing, handing, *sizes, memory, at_rest)


def planned(data: Path, out: Path, recipe: Recipe, shard_photos: int) -> Chosen:
    """What `augment` does before it hands out the first task."""
    plan = Plan(out, recipe, "tfrecord", shard_photos=shard_photos)
    report, waiting = AugmentReport(out), Chosen(plan)
    fill(plan, data, report)
    choose_unfinished(waiting, report, force=False)
    return waiting


def memory_of_the_driver(folder: Path, few: Path, many: Path) -> tuple[float, float]:
    """Bytes for the small set, and what each further photo adds. In a fresh process: this one drew pictures."""
    context = multiprocessing.get_context("spawn")
    here, there = context.Pipe(duplex=False)
    child = context.Process(target=plan_both, args=(folder / "other", few, many, there))
    child.start()
    small, large = here.recv()
    child.join()
    return small, (large - small) / (LARGE - SMALL)


def plan_both(out: Path, few: Path, many: Path, pipe: Any) -> None:
    """Plan the small set, then the large one; sends the peaks."""
    recipe = Recipe(read_pipeline("tutorial"), 0, VARIANTS, size=SIZE)
    peaks = []
    for data in (few, many):
        planned(data, out, recipe, SHARD)
        peaks.append(peak())
    pipe.send(peaks)


def nothing(task: object) -> None:
    """A task that costs only its handing out."""


def simulate(times: Sequence[float], tasks: int, cores: int, hand_out: float, lost_per_hour: float, seed: int) -> float:
    """Seconds from the first task handed out to the last one done."""
    draws = random.Random(seed)
    under_way: list[float] = []  # when each task that was handed out is done
    free = [0.0] * cores  # when each processor is free
    heapq.heapify(free)
    now, end = 0.0, 0.0
    for _ in range(tasks):
        if len(under_way) >= AHEAD * cores:
            now = max(now, heapq.heappop(under_way))  # the driver waits for a result before it hands out more
        now += hand_out
        start = max(now, heapq.heappop(free))
        seconds = times[draws.randrange(len(times))]
        while draws.random() < seconds / 3600 * lost_per_hour:  # lost on the way, and run again
            start += seconds * draws.random()
        heapq.heappush(free, start + seconds)
        heapq.heappush(under_way, start + seconds)
        end = max(end, start + seconds)
    return end


def task_times(costs: Costs, seed: int = 1, count: int = 500) -> list[float]:
    """Times of tasks of SHARD photos, drawn from the times of single photos."""
    draws = random.Random(seed)
    return [sum(draws.choices(costs.work, k=SHARD)) for _ in range(count)]


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--cores", type=int, nargs="+", default=[2, 64, 1000, 10000])
    parser.add_argument("--hand-out", type=float, help="seconds a task costs the driver; default: measured on Ray")
    parser.add_argument("--costs", type=Path, help="a file of an earlier --json, instead of measuring")
    parser.add_argument("--json", type=Path, help="write the costs to this file")
    options = parser.parse_args()
    console.quiet = True
    if options.costs:
        costs = Costs(**json.loads(options.costs.read_text()))
    else:
        with tempfile.TemporaryDirectory(dir=".") as place:
            costs = measure(Path(place).resolve(), options.hand_out)
    if options.json:
        options.json.write_text(json.dumps(asdict(costs)) + "\n")
    print(
        f"a photo: {costs.mean * 1000:.1f} ms of a core for {VARIANTS} records of {SIZE}x{SIZE} "
        f"({VARIANTS / costs.mean:.0f} a second), {costs.bytes_in / 1e3:.0f} kB in, {costs.bytes_out / 1e3:.0f} kB out"
    )
    print(
        f"the driver: {costs.list_and_plan * 1000:.3f} ms a photo, {costs.hand_out * 1000:.2f} ms a task of {SHARD}; "
        f"memory {size(costs.memory_at_rest)} and {costs.memory:.0f} B a photo (from {SMALL} to {LARGE} photos)"
    )
    times = task_times(costs)
    mean, most = sum(times) / len(times), 0
    print(f"\n{'cores':>7}{'efficiency':>12}{'with losses':>13}{'photos/s':>10}   (simulated; a task is {mean:.2f} s)")
    for cores in options.cores:
        tasks = min(PLAYED * cores, 600_000)
        ideal = tasks * mean / cores
        calm, stormy = (simulate(times, tasks, cores, costs.hand_out, lost, 7) for lost in (0.0, LOST_PER_HOUR))
        print(f"{cores:>7}{ideal / calm:>12.2f}{ideal / stormy:>13.2f}{tasks * SHARD / stormy:>10.0f}")
        most = cores if ideal / calm > 0.8 else most
    limit = mean / costs.hand_out
    print(f"one driver keeps at most {limit:.0f} cores busy (a task's time / its handing out); simulated: {most} well")
    print(
        f"\n{'photos':>8}{'core hours':>12}{f'cores, {HOURS} h':>12}{'in':>9}{'out':>9}{'network':>12}"
        f"{'driver':>12}{'its memory':>12}"
    )
    for photos in PHOTOS:
        hours = photos * costs.mean / 3600
        cores = max(1, -(-hours // (HOURS * 0.9)))
        bytes_all = photos * (costs.bytes_in + costs.bytes_out)
        driving = photos * (costs.list_and_plan + costs.hand_out / SHARD) / 3600
        print(
            f"{photos:>8.0e}{hours:>12,.0f}{cores:>12,.0f}{size(photos * costs.bytes_in):>9}"
            f"{size(photos * costs.bytes_out):>9}{size(bytes_all / HOURS / 3600):>10}/s"
            f"{driving:>10.1f} h{size(costs.memory_at_rest + photos * costs.memory):>12}"
        )
    return 0


def size(count: float) -> str:
    """Bytes as a person says them."""
    for unit in ("B", "kB", "MB", "GB", "TB"):
        if count < 1000:
            return f"{count:.0f} {unit}" if count >= 10 else f"{count:.1f} {unit}"
        count /= 1000
    return f"{count:.1f} PB"


if __name__ == "__main__":
    sys.exit(main())
