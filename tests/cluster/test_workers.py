"""The pool of workers: every task once, whatever happens to a worker."""

from __future__ import annotations

import os
import signal
import time
from pathlib import Path

import pytest
from deeds import double
from watched import Watched

from facetracker.cluster.workers import AHEAD, WorkerDied, run_tasks
from facetracker.core.machine import processors


def die_once(task: tuple[str, int]) -> int:
    """Kills its own process the first time that task 3 is worked on."""
    marker, number = Path(task[0]), task[1]
    if number == 3 and not marker.exists():
        marker.touch()
        os.kill(os.getpid(), signal.SIGKILL)
    return number


def always_die(number: int) -> int:
    if number == 3:
        os.kill(os.getpid(), signal.SIGKILL)
    time.sleep(0.01)
    return number


@pytest.mark.parametrize("workers", [1, 2])
def test_every_task_gives_its_result_or_its_error(workers):
    results = dict(run_tasks(double, range(20), workers))
    assert sorted(results) == list(range(20))
    assert isinstance(results.pop(13), ValueError)
    assert all(result == number * 2 for number, result in results.items())


def test_no_tasks():
    assert list(run_tasks(double, [], 2)) == []


@pytest.mark.parametrize("workers", [1, 2])
def test_tasks_are_taken_when_they_are_handed_out(workers):
    tasks = Watched(60)
    for done, _ in enumerate(run_tasks(double, tasks, workers)):
        assert tasks.taken <= done + 2 * workers * AHEAD
    assert tasks.taken == 60


def test_a_killed_worker_costs_nothing(tmp_path):
    tasks = [(str(tmp_path / "died"), number) for number in range(12)]
    results = list(run_tasks(die_once, tasks, 2))
    assert sorted(results) == [(number, number) for number in range(12)]
    assert (tmp_path / "died").exists()


def test_a_task_that_always_kills_its_worker_is_given_up_alone():
    results = dict(run_tasks(always_die, range(10), 2))
    assert sorted(results) == list(range(10))
    assert isinstance(results.pop(3), WorkerDied)
    assert all(number == result for number, result in results.items())


def test_processors():
    assert 1 <= processors() <= (os.cpu_count() or 1)
