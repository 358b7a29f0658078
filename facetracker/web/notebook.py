"""The page in the output cell of a notebook: Jupyter on this machine, or Colab."""

from __future__ import annotations

import sys
import threading
from pathlib import Path
from typing import TYPE_CHECKING, Any

from facetracker.core.errors import FaceTrackerError
from facetracker.web.server import address_of, listening, make_rules, make_server

if TYPE_CHECKING:
    import uvicorn

START_WITHIN = 60.0  # seconds
HOST = "localhost"  # as Jupyter calls itself: browsers keep cookies apart by name


class Embedded:
    """A page that runs beside the notebook; `close` ends it."""

    def __init__(self, server: uvicorn.Server, thread: threading.Thread, address: str):
        self.address = address
        self._server, self._thread = server, thread

    def close(self) -> None:
        """End the server; a training that runs is stopped and saved."""
        self._server.should_exit = True
        self._thread.join(90)


def embed(
    model: str | Path | None = None,
    data: str | Path = "data",
    *,
    width: str | int = "100%",
    height: int = 720,
    runs: str | Path = "runs",
    aug_data: str | Path = "aug_data",
) -> Embedded:
    """Show the page in the output cell; keep what it returns, and `close()` it at the end.

    The server runs in a thread of the notebook's kernel, on a free port of this machine. In Colab the page comes
    through Colab's proxy.
    """
    started = start(model, data, runs, aug_data)
    show(started.address, width, height)
    return started


def start(model: str | Path | None, data: str | Path, runs: str | Path, aug_data: str | Path) -> Embedded:
    """Run the server in a thread; returns when it answers."""
    rules = make_rules("127.0.0.1", notebook=True)
    listener = listening("127.0.0.1", 0)
    ready = threading.Event()
    server = make_server(rules, model, data, runs, aug_data, on_start=ready.set)
    thread = threading.Thread(target=server.run, args=([listener],), name="facetracker web", daemon=True)
    thread.start()
    if not ready.wait(START_WITHIN):
        raise FaceTrackerError("the page's server did not start", fix="Run `facetracker web` in a terminal.")
    return Embedded(server, thread, address_of(listener, HOST, rules.token))


def show(address: str, width: str | int, height: int) -> Any:
    """Put the page into the output cell."""
    if "google.colab" in sys.modules:
        from urllib.parse import urlsplit

        from google.colab import output

        parts = urlsplit(address)
        return output.serve_kernel_port_as_iframe(
            parts.port, path=f"/?{parts.query}", width=str(width), height=str(height)
        )
    try:
        from IPython.display import IFrame, display
    except ImportError:
        raise FaceTrackerError("this is no notebook", fix="Run `facetracker web` in a terminal.") from None
    frame = IFrame(address, width, height, extras=['allow="camera; fullscreen"'])
    display(frame)
    return frame
