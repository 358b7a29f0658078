"""Where the time goes: seconds by stage, counted in constant memory."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager

import numpy as np

BINS = 20_000  # tenths of a millisecond: two seconds; longer ones fall into the last bin


class Durations:
    """How often what lasted how long, as a histogram: ten hours take as much memory as ten frames."""

    def __init__(self) -> None:
        self._bins = np.zeros(BINS, np.int64)
        self.count = 0
        self.total = 0.0

    def add(self, seconds: float) -> None:
        """Note one duration."""
        self._bins[min(BINS - 1, max(0, int(seconds * 10_000)))] += 1
        self.count += 1
        self.total += seconds

    @property
    def mean(self) -> float:
        """Seconds on average; 0 without any."""
        return self.total / self.count if self.count else 0.0

    def percentile(self, share: float) -> float:
        """Seconds below which `share` (0..100) percent of them lie, to a tenth of a millisecond."""
        if not self.count:
            return 0.0
        return (int(np.searchsorted(np.cumsum(self._bins), share / 100 * self.count)) + 0.5) / 10_000


class Stages:
    """Durations by the name of the stage; threads may add at the same time."""

    def __init__(self) -> None:
        self.durations: dict[str, Durations] = {}
        self._lock = threading.Lock()

    def add(self, stage: str, seconds: float) -> None:
        """Note one duration of a stage."""
        with self._lock:
            self.durations.setdefault(stage, Durations()).add(seconds)

    @contextmanager
    def timed(self, stage: str) -> Iterator[None]:
        """Note how long the block takes."""
        started = time.perf_counter()
        try:
            yield
        finally:
            self.add(stage, time.perf_counter() - started)

    def table(self) -> str:
        """A line a stage: median, 95th percentile, total."""
        lines = [f"{'stage':<10}{'median ms':>11}{'95 % ms':>10}{'total s':>10}{'frames':>9}"]
        for stage, taken in self.durations.items():
            lines.append(
                f"{stage:<10}{taken.percentile(50) * 1000:>11.2f}{taken.percentile(95) * 1000:>10.2f}"
                f"{taken.total:>10.2f}{taken.count:>9}"
            )
        return "\n".join(lines)
