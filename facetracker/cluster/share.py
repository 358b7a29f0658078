"""Who of several workers takes which photos."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TypeVar

T = TypeVar("T")


@dataclass(frozen=True)
class Share:
    """Worker `number` (from 0) of `of` workers. Things are dealt as cards: neighbours go to different workers."""

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
