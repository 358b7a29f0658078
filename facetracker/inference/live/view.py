"""What every view can do."""

from __future__ import annotations

from typing import Protocol

from facetracker.core.photo import Picture


class View(Protocol):
    """Shows pictures; `closed` is True once a person has shut it."""

    closed: bool = False

    def show(self, picture: Picture) -> str | None:
        """Show a BGR picture; the key that was pressed since (`q`, `space`, `esc`, ...) or None."""

    def close(self) -> None:
        """Take it away; harmless when done twice."""
