"""The tasks of a stage on Ray: the same pure function that the local pool calls, on every processor of a cluster.

The contract is that of the local pool (workers.py): every task gives its result or its error once, in the
order in which they finish. A task whose worker or machine dies runs again; one that always kills its worker is given
up alone. No more tasks are handed out than the processors can begin soon, so that the driver's memory does not grow
with the number of photos.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol, TypeVar

from facetracker.cluster.cluster import check_nodes, connected, processors_of

T = TypeVar("T")
T_co = TypeVar("T_co", covariant=True)
R = TypeVar("R")

AHEAD = 2  # tasks handed out for each processor before one of them is done
RETRIES = 3  # after so many deaths of its worker a task is given up
COUNT_EVERY = 256  # finished tasks; so often the processors are counted again, since machines come and go


class Tasks(Protocol[T_co]):
    """Tasks by number: a list, or what makes each of them when it is asked for."""

    def __len__(self) -> int: ...

    def __getitem__(self, number: int, /) -> T_co: ...


class WorkerDied(Exception):
    """The worker was killed each time it worked on this task."""


def run_on_ray(
    function: Callable[[T], R],
    tasks: Tasks[T],
    workers: int | None = None,
    address: str | None = None,
    begin: Callable[[], None] | None = None,
    files: Sequence[str | Path] = (),
) -> Iterator[tuple[int, R | Exception]]:
    """Run `function` on each task; yields (number of the task, its result or the exception) as they finish.

    `workers` are the processors: those of a Ray started here, or the most that are used of a cluster's. `begin` runs
    once in every worker before its first task. `files` must be visible on every machine.
    """
    with connected(address, workers) as ray:
        check_nodes(ray, files)
        remote = ray.remote(num_cpus=1, max_retries=RETRIES)(_attempt)
        # Sent once to each machine, not with every task.
        work = ray.put((function, begin))
        numbers: dict[Any, int] = {}
        most = _in_flight(ray, workers)
        given, done = 0, 0
        try:
            while given < len(tasks) or numbers:
                while given < len(tasks) and len(numbers) < most:
                    numbers[remote.remote(work, tasks[given])] = given
                    given += 1
                finished, _ = ray.wait(list(numbers), num_returns=1)
                for reference in finished:
                    yield numbers.pop(reference), _result(ray, reference)
                    done += 1
                if done % COUNT_EVERY == 0:
                    most = _in_flight(ray, workers)
        finally:
            for reference in numbers:  # the caller went away: nobody waits for these
                ray.cancel(reference, force=True)


def _in_flight(ray: Any, workers: int | None) -> int:
    cluster = processors_of(ray)
    return AHEAD * (cluster if workers is None else min(workers, cluster))


def _result(ray: Any, reference: Any) -> Any:
    try:
        return ray.get(reference)
    except (ray.exceptions.WorkerCrashedError, ray.exceptions.NodeDiedError):
        return WorkerDied(f"its worker was killed {RETRIES + 1} times")
    except ray.exceptions.OutOfMemoryError:
        return WorkerDied("it needs more memory than a worker has")
    except ray.exceptions.RayTaskError as error:  # a result that cannot be pickled, a module that is not there
        return WorkerDied(str(error.cause or error))


_begun = False


def _attempt(work: tuple[Callable[[T], R], Callable[[], None] | None], task: T) -> R | Exception:
    global _begun
    function, begin = work
    if begin is not None and not _begun:
        begin()
        _begun = True
    try:
        return function(task)
    except Exception as error:
        return error


@dataclass(frozen=True)
class Share:
    """Which photos are worker `number`'s (from 0) of `of` workers that train together.

    Things are dealt as cards: neighbours go to different workers.
    """

    number: int = 0
    of: int = 1

    @property
    def chief(self) -> bool:
        """Whether this worker writes the run folder."""
        return self.number == 0

    def owns(self, number: int) -> bool:
        """Whether thing `number` is this worker's."""
        return number % self.of == self.number

    def take(self, things: Sequence[T]) -> list[T]:
        """This worker's part."""
        return list(things[self.number :: self.of])
