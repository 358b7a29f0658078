"""What every view can do."""

from __future__ import annotations

from abc import ABC, abstractmethod

from facetracker.core.photo import Picture


class View(ABC):
    """Shows pictures; `closed` is True once a person has shut it."""

    closed = False

    @abstractmethod
    def show(self, picture: Picture) -> str | None:
        """Show a BGR picture; the key that was pressed since (`q`, `space`, `esc`, ...) or None."""

    @abstractmethod
    def close(self) -> None:
        """Take it away; harmless when done twice."""
