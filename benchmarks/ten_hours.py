"""Hours of frames at full speed: memory and open files on the way. Started by `realtime.py long`.

The way is that of `facetracker detect FILM --jsonl FILE` with a window: a reading thread, looking, following, a line
of JSON a frame, drawing. Only the scene is drawn beforehand, and the network looks at a small picture, so that ten
hours of film (1,080,000 frames) are over in a fraction of an hour: what piles up, piles up by the frame.
"""

from __future__ import annotations

import os
import resource
import threading
import time
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from measured import Row

from facetracker.capture.frames import Frame, Source, now
from facetracker.core import console
from facetracker.core.photo import Picture
from facetracker.inference.detector import Detector
from facetracker.inference.live.recorded import RecordedLoop
from facetracker.inference.live.views import View
from facetracker.inference.recording.outputs import Outputs
from facetracker.inference.recording.record import JsonLines
from facetracker.inference.stages import Stages
from facetracker.inference.tracking.watch import Watcher
from facetracker.scenes import Scene

FPS = 30.0
SETTLED = 5000  # frames after which nothing new should be needed any more
EVERY = 20_000  # frames between two samples
DRAWN = 300  # frames of the scene, played there and back


@dataclass(frozen=True)
class Sample:
    """What the process holds after so many frames."""

    frames: int
    megabytes: float
    files: int
    threads: int

    def line(self) -> str:
        film = console.duration(self.frames / FPS)
        return f"{self.frames:>10}{film:>14}{self.megabytes:>11.1f}{self.files:>12}{self.threads:>9}"


class Film(Source):
    """A drawn scene over and over, as fast as it is read; notes what the process holds on the way."""

    name, fps = "film without an end", FPS

    def __init__(self, pictures: list[Picture], count: int, seconds: float):
        self.pictures, self.count = pictures, count
        self.height, self.width = pictures[0].shape[:2]
        self.samples: list[Sample] = []
        self._index, self._end = -1, time.monotonic() + seconds

    def _next(self) -> float | None:
        self._index += 1
        if self._index == SETTLED or (self._index % EVERY == 0 and self._index > SETTLED):
            self.samples.append(sample(self._index))
            print(self.samples[-1].line(), flush=True)
        if self._index >= self.count or (self._index % 1000 == 0 and time.monotonic() > self._end):
            return None
        return self._index / FPS

    def _frame(self) -> Frame:
        return Frame(self.pictures[self._index % len(self.pictures)], self._index, self._index / FPS, now())

    def close(self) -> None:
        pass


class Nowhere(View):
    """A window that is drawn for and not shown."""

    def show(self, picture: Picture) -> str | None:
        return None

    def close(self) -> None:
        pass


def long(model: str | None, frames: int | None, minutes: float, size: int) -> list[Row]:
    """So many frames (or minutes); memory and open files against those after the first 5000 frames."""
    scene = Scene(size, size * 3 // 4, faces=3, seed=1, leaving=True)
    drawn = [scene.frame(index).picture for index in range(DRAWN)]
    film = Film(drawn + drawn[-2:0:-1], frames or 10**9, 10**9 if frames else minutes * 60)
    detector = Detector.load(model, threads=1, image_size=max(96, size // 32 * 32))
    before = sample(0)
    outputs = Outputs(lines=JsonLines(Path(os.devnull), force=True))
    console.quiet = True
    print(f"{'frames':>10}{'film':>14}{'memory MB':>11}{'open files':>12}{'threads':>9}")
    loop = RecordedLoop(film, Watcher(detector, FPS, stages=Stages()), view=Nowhere(), outputs=outputs)
    report = loop.run()
    outputs.close()
    last = sample(report.frames)
    assert film.samples, f"too short: not {SETTLED} frames"
    memory = np.array([one.megabytes for one in film.samples])
    print(last.line())
    film_time, took = console.duration(report.frames / FPS), console.duration(report.seconds)
    print(
        f"{report.frames} frames = {film_time} of film in {took} ({report.frames / report.seconds:.0f}/s), "
        f"{report.faces} faces followed\n"
        f"memory since frame {SETTLED}: {last.megabytes - memory[0]:+.1f} MB, at most {memory.max() - memory[0]:+.1f}; "
        f"open files {last.files - before.files:+d}, threads {last.threads - before.threads:+d} since before the run"
    )
    return [
        Row("memory gained", "MB", [float(memory.max() - memory[0])]),
        Row("open files gained", "files", [float(last.files - before.files)]),
        Row("frames", "frames", [float(report.frames)]),
    ]


def sample(frames: int) -> Sample:
    """Resident memory, open file descriptors and threads of this process."""
    pages = int(Path("/proc/self/statm").read_text().split()[1])
    megabytes = pages * resource.getpagesize() / 2**20
    return Sample(frames, megabytes, len(os.listdir("/proc/self/fd")), threading.active_count())
