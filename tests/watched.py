"""What is asked of everything that hands out tasks: that it takes none before it can be begun."""

from __future__ import annotations


class Watched:
    """Tasks, their own numbers, that note how many have been taken."""

    def __init__(self, count: int):
        self.count, self.taken = count, 0

    def __len__(self) -> int:
        return self.count

    def __getitem__(self, number: int) -> int:
        self.taken = max(self.taken, number + 1)
        return number
