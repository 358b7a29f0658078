"""`benchmark`: how long a frame takes from pixels to boxes, by model file and number of threads."""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from facetracker.core import console
from facetracker.core.errors import FaceTrackerError
from facetracker.core.files import written_beside
from facetracker.core.photo import Picture
from facetracker.inference.detector import Detector, find_model
from facetracker.inference.engines.base import SUFFIXES, default_threads
from facetracker.scenes import Scene

STAGES = ("resize", "infer", "decode", "all")
PICTURES = 8
COLOURS = {"resize": "#8ecae6", "infer": "#219ebc", "decode": "#ffb703"}


@dataclass(frozen=True)
class Timing:
    """One model file with one number of threads; `median` and `slow` (95th percentile) in ms by stage."""

    model: str
    engine: str
    threads: int
    input_size: tuple[int, int]  # width, height
    median: dict[str, float]
    slow: dict[str, float]


def benchmark(
    models: Sequence[str | Path] = (),
    *,
    threads: Sequence[int] | None = None,
    width: int = 640,
    height: int = 480,
    image_size: int | None = None,
    rounds: int = 100,
    png: str | Path | None = None,
) -> list[Timing]:
    """Time every model file (a folder: every file in it; none: the starter) with every number of threads.

    All of them take turns frame by frame, so that whatever else the machine does meets them alike. Sizes in pixels
    of the frame; `image_size` is the longer side of the input. `png` draws the table.
    """
    counts = list(threads or sorted({1, default_threads()}))
    if min(counts) < 1 or rounds < 1:
        raise FaceTrackerError("threads and rounds start at 1")
    pictures = [Scene(width, height, faces=2, seed=seed).frame(0).picture for seed in range(PICTURES)]
    detectors = [
        (path, count, Detector.load(path, threads=count, image_size=image_size))
        for path in model_files(models)
        for count in counts
    ]
    for _, _, detector in detectors:
        detector.detect(pictures[0])
    taken: list[list[tuple[float, ...]]] = [[] for _ in detectors]
    for number in console.track(range(rounds), "benchmark", unit="rounds"):
        for (_, _, detector), rows in zip(detectors, taken, strict=True):
            picture = pictures[number % PICTURES]
            _stages(detector, picture)  # the turn's first frame pays for what the others left in the caches
            rows.append(_stages(detector, picture))
    timings = [
        _timing(path, count, detector, (width, height), rows)
        for (path, count, detector), rows in zip(detectors, taken, strict=True)
    ]
    if png is not None:
        draw_timings(timings, png)
    return timings


def model_files(models: Sequence[str | Path]) -> list[Path]:
    """The files meant: a folder stands for every exported model in it."""
    found: list[Path] = []
    for model in models or [find_model()]:
        if Path(model).is_dir():
            inside = sorted(p for p in Path(model).iterdir() if p.suffix in SUFFIXES and p.suffix != ".keras")
            found += inside or [find_model(model)]
        else:
            found.append(find_model(model))
    return found


def _stages(detector: Detector, picture: Picture) -> tuple[float, ...]:
    """Seconds of resize, infer, decode and all for one frame."""
    taken = _Seconds()
    began = time.perf_counter()
    detector.detect(picture, timer=taken)
    return *(taken[stage] for stage in STAGES[:-1]), time.perf_counter() - began


class _Seconds(dict[str, float]):
    """What each step of one frame took."""

    def add(self, stage: str, seconds: float) -> None:
        self[stage] = seconds


def _timing(path: Path, count: int, detector: Detector, size: tuple[int, int], rows: list[tuple[float, ...]]) -> Timing:
    taken = np.array(rows) * 1000
    median, slow = np.median(taken, axis=0), np.percentile(taken, 95, axis=0)
    return Timing(
        path.name,
        detector.engine.name,
        count,
        detector.input_size(*size),
        {stage: float(value) for stage, value in zip(STAGES, median, strict=True)},
        {stage: float(value) for stage, value in zip(STAGES, slow, strict=True)},
    )


def table(timings: Sequence[Timing]) -> str:
    """The timings as text, fastest first: milliseconds, median of each stage and the slowest twentieth of all."""
    name = max(len("model"), *(len(timing.model) for timing in timings)) + 2
    lines = [
        f"{'model':<{name}}{'engine':<13}{'threads':>7}{'input':>10}"
        + "".join(f"{stage:>9}" for stage in STAGES)
        + f"{'95 %':>9}"
    ]
    for timing in sorted(timings, key=lambda one: one.median["all"]):
        wide, high = timing.input_size
        lines.append(
            f"{timing.model:<{name}}{timing.engine:<13}{timing.threads:>7}{f'{wide}x{high}':>10}"
            + "".join(f"{timing.median[stage]:>9.2f}" for stage in STAGES)
            + f"{timing.slow['all']:>9.2f}"
        )
    return "\n".join(lines)


def draw_timings(timings: Sequence[Timing], path: str | Path) -> Path:
    """The timings as stacked bars in a PNG, fastest on top."""
    import matplotlib

    matplotlib.use("Agg")
    from matplotlib import pyplot

    ordered = sorted(timings, key=lambda one: -one.median["all"])
    labels = [f"{one.model}, {one.threads} thread{'s' if one.threads > 1 else ''}" for one in ordered]
    figure, axes = pyplot.subplots(figsize=(8, 1.2 + 0.35 * len(ordered)), layout="constrained")
    left = np.zeros(len(ordered))
    for stage, colour in COLOURS.items():
        values = np.array([one.median[stage] for one in ordered])
        axes.barh(labels, values, left=left, color=colour, label=stage)
        left += values
    for row, one in enumerate(ordered):
        axes.text(left[row], row, f" {one.median['all']:.2f}", va="center", fontsize=8)
    axes.set_xlabel("ms a frame, from pixels to boxes (median)")
    axes.legend(loc="lower right")
    axes.spines[["top", "right"]].set_visible(False)
    axes.margins(x=0.1)
    path = Path(path)
    with written_beside(path) as part:
        figure.savefig(part, dpi=120)
    pyplot.close(figure)
    return path
