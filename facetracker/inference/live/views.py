"""Where the pictures are shown: a window, a notebook, a browser's tab, or nowhere."""

from __future__ import annotations

import time
from typing import Any, Literal, Protocol

import cv2

from facetracker.capture.display import Window, in_notebook, why_no_display
from facetracker.core import console
from facetracker.core.errors import FaceTrackerError
from facetracker.core.photo import Picture


class View(Protocol):
    """Shows pictures; `closed` is True once a person has shut it."""

    closed: bool = False

    def show(self, picture: Picture) -> str | None:
        """Show a BGR picture; the key that was pressed since (`q`, `space`, `esc`, ...) or None."""

    def close(self) -> None:
        """Take it away; harmless when done twice."""


ViewKind = Literal["auto", "window", "web", "none"]
OTHER_WAYS = "--save out.mp4 records a film, --jsonl out.jsonl writes the boxes"


class NotebookView:
    """One picture below the cell that changes; `imshow` would end a notebook's kernel."""

    RATE = 12.0  # pictures a second: each travels to the browser as a JPEG through the notebook's messages
    QUALITY = 80

    def __init__(self, title: str):
        self.closed = False
        self._handle: Any = None
        self._shown = -1.0

    def show(self, picture: Picture) -> str | None:
        if time.monotonic() - self._shown < 1 / self.RATE:
            return None
        from IPython.display import Image, display

        self._shown = time.monotonic()
        image = Image(data=cv2.imencode(".jpg", picture, [cv2.IMWRITE_JPEG_QUALITY, self.QUALITY])[1].tobytes())
        if self._handle is None:
            self._handle = display(image, display_id=True)
        else:
            self._handle.update(image)
        return None

    def close(self) -> None:
        self.closed = True


def open_view(kind: ViewKind, title: str) -> View | None:
    """The view a person asked for; `auto` takes what there is, and says so when there is nothing."""
    if kind == "none":
        return None
    if kind == "web":
        from facetracker.inference.live.browser import BrowserView

        return BrowserView(title)
    if in_notebook():
        return NotebookView(title)
    why = why_no_display()
    if why is None:
        return Window(title)
    if kind == "window":
        raise FaceTrackerError(
            f"no window can be opened: {why}", fix=f"{OTHER_WAYS}, --view web shows it in a browser."
        )
    console.warn(f"no window: {why}. --view web shows it in a browser, {OTHER_WAYS}.")
    return None
