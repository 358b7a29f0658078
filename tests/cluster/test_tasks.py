"""Tasks on Ray: every task once, whatever happens to a worker, and never more handed out than can be begun."""

from __future__ import annotations

import re
import sys
import time

import pytest
from watched import Watched

from facetracker.cluster.cluster import STARTS, check_nodes, connected, import_ray
from facetracker.cluster.tasks import AHEAD, WorkerDied, run_on_ray
from facetracker.core.errors import FaceTrackerError
from facetracker.core.install import install_command
from tests.cluster.deeds import begin, begun, die, double


@pytest.mark.cluster
def test_every_task_gives_its_result_or_its_error(ray):
    results = dict(run_on_ray(double, range(20)))
    assert isinstance(results.pop(13), ValueError)
    assert results == {number: number * 2 for number in range(20) if number != 13}
    assert list(run_on_ray(double, [])) == []


@pytest.mark.cluster
def test_a_killed_worker_costs_nothing_and_a_deadly_task_is_given_up_alone(ray, tmp_path, capfd):
    results = dict(run_on_ray(die, [(str(tmp_path / "died"), number) for number in range(8)]))
    assert isinstance(results.pop(5), WorkerDied)
    assert results == {number: number for number in range(8) if number != 5}
    assert (tmp_path / "died").exists()
    assert capfd.readouterr().out == ""


@pytest.mark.cluster
def test_each_worker_begins_once(ray):
    assert set(dict(run_on_ray(begun, range(6), begin=begin)).values()) == {"yes"}


@pytest.mark.cluster
def test_no_more_tasks_are_handed_out_than_can_be_begun(ray):
    tasks = Watched(60)
    for done, _ in enumerate(run_on_ray(double, tasks)):
        assert tasks.taken <= done + 1 + 2 * AHEAD
        time.sleep(0.001)
    assert tasks.taken == 60


@pytest.mark.cluster
def test_nodes_are_counted(ray, tmp_path):
    assert check_nodes(ray, [tmp_path]) == 1


def test_without_ray_one_line_says_how_to_get_it(monkeypatch):
    monkeypatch.setitem(sys.modules, "ray", None)
    with pytest.raises(FaceTrackerError, match=re.escape(f"Ray is not installed. {install_command('scale')}")):
        import_ray()


@pytest.mark.cluster
def test_no_cluster_at_the_address(ray, monkeypatch):
    monkeypatch.setattr(ray, "is_initialized", lambda: False)
    monkeypatch.setattr(ray, "init", Slow(1, ConnectionError("nobody answers")))
    monkeypatch.setattr(ray, "shutdown", lambda: None)
    with pytest.raises(FaceTrackerError, match=r"Ray does not answer at ten:6379 \(nobody.*ray start --head"):
        enter(connected("ten:6379"))


@pytest.mark.cluster
def test_a_start_that_takes_too_long_is_tried_again(ray, monkeypatch):
    monkeypatch.setattr(ray, "is_initialized", lambda: False)
    monkeypatch.setattr(ray, "shutdown", lambda: None)
    for failures in (STARTS - 1, STARTS):
        slow = Slow(failures, Exception("The current node timed out during startup."))
        monkeypatch.setattr(ray, "init", slow)
        if failures == STARTS:
            with pytest.raises(FaceTrackerError, match=r"Ray could not be started here .*timed out"):
                enter(connected())
        else:
            enter(connected())
            assert slow.calls == STARTS


class Slow:
    """Stands for `ray.init`, which fails so many times."""

    def __init__(self, failures: int, error: Exception):
        self.failures, self.error, self.calls = failures, error, 0

    def __call__(self, **options) -> None:
        self.calls += 1
        if self.calls <= self.failures:
            raise self.error


def enter(context) -> None:
    with context:
        pass
