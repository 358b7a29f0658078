"""Many cameras, measured: `python benchmarks/cameras.py [--cameras 4 16 32 64] [--seconds 20] [--rounds 3]`.

Cameras of 640x480 and 15 frames a second, drawn beforehand, so that drawing does not count (nor does decoding, which is
the same for all). One process, as `facetracker detect 0 1 2 ... --view none --jsonl FILE` runs, against a process for
each camera, as `facetracker detect N --view none --jsonl FILE` runs, as it comes and with an engine of one thread:
frames looked at a second in all, how old a frame is when its faces are known, processor time, memory (shared pages
counted once). More processes than `--most-processes` are not tried. Where all frames are looked at either way,
processor time is what differs; where they cannot be, frames are.

`--long 540000`: so many small frames of 16 sources in one process, at full speed (540,000 are ten hours of one camera):
memory, open files and threads on the way.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
from measured import Row, write_rows
from ten_hours import Sample, sample

from facetracker.capture.frames import Frame, Source, now
from facetracker.inference.detect import Find, Take
from facetracker.inference.detector import Detector
from facetracker.inference.live.live import LiveLoop
from facetracker.inference.live.loop import Controls
from facetracker.inference.live.side_by_side import OneOfSeveral, SideBySide
from facetracker.inference.recording.outputs import Outputs
from facetracker.inference.recording.record import JsonLines
from facetracker.inference.several import finders_of, watcher_of
from facetracker.inference.stages import Stages
from facetracker.inference.tracking.watch import Seen, Watcher
from facetracker.scenes import Scene

FPS, WIDTH, HEIGHT = 15.0, 640, 480
FRAMES = "frames.npy"
SCENES, DRAWN = 8, 24  # different cameras, and frames of each, played there and back
ONE, EACH, EACH_THIN = "one process", "a process each", "a process each, one thread"


class Camera(Source):
    """A camera whose frames are due at their time; who reads late gets the one that is due by then."""

    live, fps, width, height = True, FPS, WIDTH, HEIGHT

    def __init__(self, number: int, phase: float, pictures: np.ndarray, seconds: float):
        self.name, self.pictures, self.phase = f"camera {number}", pictures[number % SCENES], phase
        self.seconds, self._index, self._began = seconds, -1, 0.0

    def _next(self) -> float | None:
        if self._index < 0:
            self._began = now() + self.phase / FPS
        self._index = max(self._index + 1, int((now() - self._began) * FPS))
        if self._index >= self.seconds * FPS:
            return None
        time.sleep(max(0.0, self._began + self._index / FPS - now()))
        return self._index / FPS

    def _frame(self) -> Frame:
        at = self._index % (2 * DRAWN - 2)
        picture = np.array(self.pictures[min(at, 2 * DRAWN - 2 - at)])
        return Frame(picture, self._index, self._index / FPS, self._began + self._index / FPS)

    def close(self) -> None:
        pass


class Aged(Outputs):
    """Lines of JSON, and how old each frame is by then, in seconds."""

    def __init__(self) -> None:
        super().__init__(lines=JsonLines(os.devnull, force=True))
        self.ages: list[float] = []

    def take(self, seen: Seen) -> None:
        super().take(seen)
        self.ages.append(now() - seen.frame.taken)


def draw(path: Path) -> None:
    """The frames of all cameras `(SCENES, DRAWN, H, W, 3)` in a file that processes can share."""
    pictures = np.lib.format.open_memmap(path, "w+", np.uint8, (SCENES, DRAWN, HEIGHT, WIDTH, 3))
    for number in range(SCENES):
        scene = Scene(WIDTH, HEIGHT, faces=1 + number % 3, seed=number, fps=FPS)
        for index in range(DRAWN):
            pictures[number, index] = scene.frame(index).picture
    pictures.flush()


def work(kind: str, first: int, count: int, all_of_them: int, pictures: np.ndarray, seconds: float) -> dict[str, Any]:
    """One process: `count` of `all_of_them` cameras, from `first` on; what it did, once it was told to go."""
    cameras = [Camera(first + n, (first + n) / all_of_them, pictures, seconds) for n in range(count)]
    outputs = [Aged() for _ in cameras]
    threads = 1 if kind == EACH_THIN else None
    detector: Any
    if kind == ONE:
        detector, lookers = finders_of(None, Find())
        for _ in range(lookers):  # the first answer of each engine costs more
            detector.detect(np.array(cameras[0].pictures[0]))
    else:
        detector = Detector.load(threads=threads)
        detector.detect(np.array(cameras[0].pictures[0]))
    print("ready", flush=True)
    sys.stdin.readline()
    used, began = time.process_time(), time.monotonic()
    if kind == ONE:
        news, controls, stages = threading.Condition(), Controls(), Stages()
        places = [
            OneOfSeveral(
                one.name, one, watcher_of(one, detector, Take(), Find(), stages), news, controls=controls, outputs=out
            )
            for one, out in zip(cameras, outputs, strict=True)
        ]
        SideBySide(places, news, lookers, controls=controls).run()
    else:
        LiveLoop(cameras[0], Watcher(detector, FPS), outputs=outputs[0]).run()
    took, used = time.monotonic() - began, time.process_time() - used
    return {"ages": [one.ages for one in outputs], "seconds": took, "cpu": used, "memory": memory()}


def memory() -> float:
    """Megabytes of this process but for the drawn frames; what it shares with others is counted in part."""
    kilobytes, mapped = 0, ""
    for line in Path("/proc/self/smaps").read_text().splitlines():
        words = line.split()
        if "-" in words[0]:
            mapped = words[-1]
        elif words[0] == "Pss:" and not mapped.endswith(FRAMES):
            kilobytes += int(words[1])
    return kilobytes / 1024


def measure(kind: str, cameras: int, seconds: float, frames: Path) -> dict[str, float]:
    """All processes of one kind at the same time."""
    each = cameras if kind == ONE else 1
    words = [sys.executable, __file__, "--frames", str(frames), "--seconds", str(seconds), "--work"]
    processes = [
        subprocess.Popen(
            [*words, json.dumps([kind, first, each, cameras])], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
        )
        for first in range(0, cameras, each)
    ]
    for one in processes:
        assert one.stdout is not None
        assert one.stdout.readline() == "ready\n"
    for one in processes:
        assert one.stdin is not None
        one.stdin.write("go\n")
        one.stdin.flush()
    told = [json.loads(one.communicate()[0]) for one in processes]
    by_camera = [ages for one in told for ages in one["ages"]]
    counts = [len(ages) for ages in by_camera]
    return {
        "frames, frames/s": sum(counts) / seconds,
        "least of a camera, frames/s": min(counts) / seconds,
        "most of a camera, frames/s": max(counts) / seconds,
        "age at 95 %, ms": float(np.percentile(np.concatenate(by_camera), 95)) * 1000,
        "busy, cores": sum(one["cpu"] for one in told) / seconds,
        "processor time, ms/frame": sum(one["cpu"] for one in told) / max(1, sum(counts)) * 1000,
        "memory, MB": sum(one["memory"] for one in told),
    }


def compare(cameras: list[int], seconds: float, rounds: int, most: int) -> list[Row]:
    """A line for each number of cameras and way; medians of all rounds."""
    rows: list[Row] = []
    with tempfile.TemporaryDirectory() as place:
        frames = Path(place) / FRAMES
        draw(frames)
        print(f"{FPS:g} frames/s a camera, {WIDTH}x{HEIGHT}, {seconds:g} s, {rounds} rounds; medians")
        heads = ("frames/s", "least", "most", "age 95 %", "cores", "ms/frame", "MB", "frames to one process")
        print(f"{'cameras':>8} {'':<28}" + "".join(f"{head:>10}" for head in heads))
        for count in cameras:
            kinds = [ONE, EACH, EACH_THIN] if count <= most else [ONE]
            found: dict[str, list[dict[str, float]]] = {kind: [] for kind in kinds}
            for _ in range(rounds):  # in turn, so that what else the machine does falls on all of them
                for kind in kinds:
                    found[kind].append(measure(kind, count, seconds, frames))
            ours = float(np.median([one["frames, frames/s"] for one in found[ONE]]))
            for kind, told in found.items():
                middle = {key: float(np.median([one[key] for one in told])) for key in told[0]}
                cells = "".join(f"{value:>10.1f}" for value in middle.values())
                print(f"{count:>8} {kind:<28}{cells}{ours / middle['frames, frames/s']:>10.2f}", flush=True)
                for key in middle:
                    what, _, unit = key.rpartition(", ")
                    if "of a camera" not in key:
                        rows.append(Row(f"{count} cameras, {kind}: {what}", unit, [one[key] for one in told]))
    return rows


class Hours(Source):
    """A drawn scene over and over, as fast as it is read; `on_frame` hears of every one."""

    fps = FPS

    def __init__(self, number: int, pictures: list[np.ndarray], count: int, on_frame: Callable[[int], None]):
        self.name, self.pictures, self.count, self.on_frame = f"camera {number}", pictures, count, on_frame
        self.height, self.width = pictures[0].shape[:2]
        self._index = -1

    def _next(self) -> float | None:
        self._index += 1
        self.on_frame(self._index)
        return self._index / FPS if self._index < self.count else None

    def _frame(self) -> Frame:
        return Frame(self.pictures[self._index % len(self.pictures)], self._index, self._index / FPS, now())

    def close(self) -> None:
        pass


def long(frames: int, cameras: int = 16) -> list[Row]:
    """So many frames in all; what the process holds after a twentieth of them, and at most since."""
    scene, each = Scene(128, 96, faces=2, seed=1, leaving=True), frames // cameras
    drawn = [scene.frame(index).picture for index in range(300)]
    samples: list[Sample] = []

    def on_frame(index: int) -> None:
        if index and index % max(1, each // 20) == 0:
            samples.append(sample(index * cameras))
            held = samples[-1]
            print(f"{held.frames:>10}{held.megabytes:>11.1f}{held.files:>12}{held.threads:>9}", flush=True)

    finder, lookers = finders_of(None, Find(image_size=96))
    news, controls, stages = threading.Condition(), Controls(), Stages()
    print(f"{'frames':>10}{'memory MB':>11}{'open files':>12}{'threads':>9}")
    places = []
    for number in range(cameras):
        source = Hours(number, drawn + drawn[-2:0:-1], each, (lambda _: None) if number else on_frame)
        watcher = watcher_of(source, finder, Take(), Find(), stages)
        outputs = Outputs(lines=JsonLines(os.devnull, force=True))
        places.append(OneOfSeveral(source.name, source, watcher, news, controls=controls, outputs=outputs))
    run = SideBySide(places, news, lookers, controls=controls)
    run.run()
    memories, files = np.array([one.megabytes for one in samples]), [one.files for one in samples]
    gained = float(memories.max() - memories[0])
    frames = each * cameras
    print(
        f"{frames} frames in {run.seconds:.0f} s ({frames / run.seconds:.0f}/s); since the first sample memory at most "
        f"{gained:+.1f} MB, open files {files[-1] - files[0]:+d}"
    )
    return [Row("memory gained", "MB", [gained]), Row("open files gained", "files", [float(files[-1] - files[0])])]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--cameras", type=int, nargs="+", default=[4, 16, 32, 64])
    parser.add_argument("--seconds", type=float, default=20)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--most-processes", type=int, default=32)
    parser.add_argument("--long", type=int, default=0)
    parser.add_argument("--json", type=Path)
    parser.add_argument("--frames", type=Path, help=argparse.SUPPRESS)
    parser.add_argument("--work", type=json.loads, help=argparse.SUPPRESS)
    given = parser.parse_args()
    if given.work is not None:
        print(json.dumps(work(*given.work, np.load(given.frames, mmap_mode="r"), given.seconds)))
        return
    if given.long:
        write_rows(given.json, long(given.long))
        return
    write_rows(given.json, compare(given.cameras, given.seconds, given.rounds, given.most_processes))


if __name__ == "__main__":
    main()
