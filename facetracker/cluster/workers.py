"""A pool of worker processes that outlives the death of a worker.

`ProcessPoolExecutor` gives up (`BrokenProcessPool`) when one of its processes is killed, by the system for its memory
or by a person. Here another pool is made and the unfinished tasks run again; a task that was being worked on at
several deaths is run alone, so that only the guilty one is given up.
"""

from __future__ import annotations

import contextlib
import ctypes
import multiprocessing
import os
import sys
import threading
from collections import Counter, deque
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, ProcessPoolExecutor, wait
from concurrent.futures.process import BrokenProcessPool
from pathlib import Path
from typing import Any, TypeVar

from facetracker.cluster.cluster import On
from facetracker.cluster.tasks import Tasks, WorkerDied, run_on_ray
from facetracker.core.machine import processors

T = TypeVar("T")
R = TypeVar("R")

SUSPECT, GUILTY = 2, 4  # deaths during a task: from then on it runs alone; it is given up
AHEAD = 2  # tasks handed to each worker before it asks
M_TRIM_THRESHOLD, M_MMAP_THRESHOLD = -1, -3  # of glibc's malloc.h


def run_tasks(
    function: Callable[[T], R],
    tasks: Tasks[T],
    workers: int | None = None,
    preload: Sequence[str] = (),
    on: On = "local",
    address: str | None = None,
    files: Sequence[str | Path] = (),
) -> Iterator[tuple[int, R | Exception]]:
    """Run `function` on each task; yields (number of the task, its result or the exception) as they finish.

    `workers` defaults to the processors; with 1 (or one task) everything runs in this process. `preload` names the
    modules that each worker should find imported. A task is taken from `tasks` when it is handed out, and not held. On
    `ray` the tasks run on the cluster at `address` (none: a Ray started here), whose machines must all see the `files`.
    """
    if on == "ray":
        yield from run_on_ray(function, tasks, workers, address, _prepare, files)
        return
    workers = min(workers or processors(), max(1, len(tasks)))
    if workers == 1:
        for number in range(len(tasks)):
            yield number, _attempt(function, tasks[number])
        return
    ready, suspects = _Waiting(len(tasks)), deque[int]()
    deaths: Counter[int] = Counter()
    while ready or suspects:
        alone = not ready  # suspects wait until everything that kills no worker is done
        batch = _Waiting(0, suspects.popleft()) if alone else ready
        lost: list[int] = yield from _run_until_death(function, tasks, batch, 1 if alone else workers, preload)
        for number in lost:
            deaths[number] += 1
            if deaths[number] >= GUILTY:
                yield number, WorkerDied(f"its worker was killed {GUILTY} times")
            elif deaths[number] >= SUSPECT:
                suspects.append(number)
            else:
                ready.give_back(number)


class _Waiting:
    """The numbers of tasks not handed out: those given back, then all from the next one on. It holds no long list."""

    def __init__(self, count: int, *given_back: int):
        self._count, self._next, self._given_back = count, 0, deque(given_back)

    def __bool__(self) -> bool:
        return bool(self._given_back) or self._next < self._count

    def take(self) -> int:
        if self._given_back:
            return self._given_back.popleft()
        self._next += 1
        return self._next - 1

    def give_back(self, number: int) -> None:
        self._given_back.append(number)


def _run_until_death(function, tasks, waiting: _Waiting, workers: int, preload) -> Any:
    """Work off `waiting`; a generator of results whose return value are the tasks that were lost."""
    running: dict[Future, int] = {}
    pool = ProcessPoolExecutor(workers, mp_context=_context(preload), initializer=_begin)
    try:
        while waiting or running:
            while waiting and len(running) < workers * AHEAD:
                number = waiting.take()
                try:
                    running[pool.submit(_attempt, function, tasks[number])] = number
                except BrokenProcessPool:
                    waiting.give_back(number)
                    break
            finished, _ = wait(running, return_when=FIRST_COMPLETED)
            lost = []
            for future in finished:
                number = running.pop(future)
                try:
                    result = future.result()
                except BrokenProcessPool:
                    lost.append(number)
                    continue
                yield number, result
            if lost:
                return lost + list(running.values())
        return []
    finally:
        pool.shutdown(wait=True, cancel_futures=True)


def _attempt(function: Callable[[T], R], task: T) -> R | Exception:
    try:
        return function(task)
    except Exception as error:
        return error


def _context(preload: Sequence[str]) -> Any:
    # Never a plain fork: the parent may hold OpenCV's or TensorFlow's threads, whose locks a fork copies shut.
    if sys.platform == "win32":
        return multiprocessing.get_context("spawn")
    context = multiprocessing.get_context("forkserver")
    context.set_forkserver_preload(list(preload))
    return context


def _begin() -> None:
    """What a worker does first: one thread for OpenCV, and an eye on its parent."""
    import signal

    _prepare()
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C is the parent's to handle
    threading.Thread(target=_end_with_parent, daemon=True).start()


def _prepare() -> None:
    """What a worker of any kind needs: one thread for OpenCV (the processes are the parallelism), kept memory."""
    import cv2

    cv2.setNumThreads(1)
    _keep_memory()


def _keep_memory() -> None:
    """Ask the C library not to hand memory back between pictures: asking for it again costs a tenth of the time."""
    with contextlib.suppress(OSError, AttributeError):
        libc = ctypes.CDLL("libc.so.6")
        libc.mallopt(M_MMAP_THRESHOLD, 1 << 25)
        libc.mallopt(M_TRIM_THRESHOLD, 1 << 28)


def _end_with_parent() -> None:
    """A killed parent cannot close the pool, and its workers would wait for tasks forever."""
    parent = multiprocessing.parent_process()
    if parent is not None:
        parent.join()
        os._exit(1)
