"""A window on this machine's display, if there is one that works.

OpenCV's Qt aborts the whole process when there is no display, so the display is asked before anything of Qt is
touched, by a plain library call that takes about a millisecond.
"""

from __future__ import annotations

import ctypes
import ctypes.util
import os
import sys
from types import TracebackType
from typing import Self

import cv2

from facetracker.core.photo import Picture

# Qt complains on stderr that the wheel brings no fonts; we draw our own text into the picture.
os.environ.setdefault("QT_LOGGING_RULES", "*=false")

# Milliseconds for the window's events after each picture. Qt paints 5 ms after it was asked to unless told otherwise;
# with 1 ms the window stayed black on a busy machine.
EVENTS = 10
os.environ.setdefault("QT_QPA_UPDATE_IDLE_TIME", "0")

# albumentations brings another OpenCV into the same folder; this puts the one with windows back.
GUI_BUILD = "pip install --force-reinstall --no-deps opencv-python"
KEYS = {27: "esc", 32: "space", 13: "return", 9: "tab"}


def has_display() -> bool:
    """Can a window be opened here? Safe to ask anywhere."""
    return why_no_display() is None


def why_no_display() -> str | None:
    """Why no window can be opened here, in a few words for a person; None when one can."""
    if in_notebook():
        return "a notebook has no windows (imshow would end its kernel)"
    if not cv2.currentUIFramework():
        return f"this OpenCV is the headless build (albumentations brought it; windows come back with: {GUI_BUILD})"
    if not sys.platform.startswith("linux"):
        return None
    platform = os.environ.get("QT_QPA_PLATFORM", "")
    if platform and not platform.startswith("xcb"):
        return f"QT_QPA_PLATFORM is {platform}, with which OpenCV's windows abort"
    if not os.environ.get("DISPLAY"):
        return "no display (DISPLAY is not set)"
    return None if _x_server_answers() else f"no display answers at DISPLAY={os.environ['DISPLAY']}"


def in_notebook() -> bool:
    """Does this run in a Jupyter or Colab kernel? That `ipykernel` is imported says nothing: who only starts kernels
    (nbclient, jupyter_client) has it too.
    """
    shell = getattr(sys.modules.get("IPython"), "get_ipython", lambda: None)()
    return type(shell).__name__ in ("ZMQInteractiveShell", "Shell")


def _x_server_answers() -> bool:
    try:
        xcb = ctypes.CDLL(ctypes.util.find_library("xcb") or "libxcb.so.1")
    except OSError:
        return False
    xcb.xcb_connect.restype = ctypes.c_void_p
    xcb.xcb_connection_has_error.argtypes = [ctypes.c_void_p]
    xcb.xcb_disconnect.argtypes = [ctypes.c_void_p]
    connection = xcb.xcb_connect(None, None)
    try:
        return xcb.xcb_connection_has_error(connection) == 0
    finally:
        xcb.xcb_disconnect(connection)


class Window:
    """One window; ask `has_display` first. `show` tells which key was pressed, `closed` whether it was shut."""

    def __init__(self, title: str):
        self.title = title
        self.closed = False
        self._opened = False

    def show(self, picture: Picture) -> str | None:
        """Show a picture; the key pressed since the last call (`q`, `space`, `esc`, ...) or None.

        A window that was closed stays closed (OpenCV would open a new one).
        """
        if self._was_shut():
            return None
        if not self._opened:
            cv2.namedWindow(self.title, cv2.WINDOW_NORMAL | cv2.WINDOW_KEEPRATIO | cv2.WINDOW_GUI_NORMAL)
            cv2.resizeWindow(self.title, picture.shape[1], picture.shape[0])
            self._opened = True
        cv2.imshow(self.title, picture)
        code = cv2.waitKey(EVENTS)
        self._was_shut()
        if code < 0:
            return None
        code &= 0xFF
        return KEYS.get(code, chr(code).lower())

    def _was_shut(self) -> bool:
        if self._opened and not self.closed:
            # Shut by its button, OpenCV's Qt raises here instead of answering 0.
            try:
                self.closed = cv2.getWindowProperty(self.title, cv2.WND_PROP_VISIBLE) < 1
            except cv2.error:
                self.closed = True
        return self.closed

    def close(self) -> None:
        """Take the window away; harmless when done twice."""
        if self._opened and not self._was_shut():
            cv2.destroyWindow(self.title)
            cv2.waitKey(1)
        self.closed = True

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self.close()
