"""Reading many files at once, in threads: one that cannot be read stops nobody."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import TypeVar

from facetracker.core import console
from facetracker.core.errors import FaceTrackerError
from facetracker.core.machine import processors

T = TypeVar("T")
R = TypeVar("R")


def read_all(
    read: Callable[[T], R], items: Sequence[T], doing: str, what: str = "photos"
) -> Iterator[tuple[T, R | FaceTrackerError]]:
    """Every item with what `read` made of it, or why it could not, in their order; shows the progress."""

    def attempt(item: T) -> R | FaceTrackerError:
        try:
            return read(item)
        except FaceTrackerError as error:
            return error

    with ThreadPoolExecutor(processors()) as threads:
        found = console.track(threads.map(attempt, items), doing, len(items), what)
        yield from zip(items, found, strict=True)
