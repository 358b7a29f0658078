"""Asks the process in which an own head is learnt (own_worker.py); starts it, and takes its answers."""

from __future__ import annotations

import json
import subprocess
import sys
import threading
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any

import numpy as np

from facetracker.core.boxes import Boxes
from facetracker.core.install import is_installed

# By name, and not imported: what it needs, the page's server must never load.
WORKER = "facetracker.personal.own_worker"
LIBRARIES = ("tensorflow", "keras")


class OwnHeadApart:
    """One process that learns own heads, one after the other; `on_answer` hears each answer, in another thread."""

    def __init__(self, on_answer: Callable[[Mapping[str, Any]], None]):
        self.on_answer = on_answer
        self.busy = False
        self._process: subprocess.Popen[str] | None = None
        self._lock = threading.Lock()

    @property
    def can_learn(self) -> bool:
        """Are the libraries of training installed? Looked up, not loaded."""
        return all(map(is_installed, LIBRARIES))

    def warm_up(self) -> None:
        """Start the process where it does not run: it takes seconds until it can learn."""
        with self._lock:
            if self._process is not None and self._process.poll() is None:
                return
            self._process = subprocess.Popen(
                [sys.executable, "-m", WORKER],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=subprocess.DEVNULL,
                text=True,
                start_new_session=True,  # Ctrl-C in the terminal is not for it; it ends with its input
            )
            threading.Thread(target=self._hear, args=(self._process,), daemon=True).start()

    def learn(self, photos: Mapping[Path, Boxes], to_answer: Sequence[Path]) -> bool:
        """Ask for an own head from these photos and boxes `(N, 4)`; False while it is learning another one."""
        if self.busy:
            return False
        self.warm_up()
        wish = {
            "photos": [{"path": str(path), "boxes": np.asarray(boxes).tolist()} for path, boxes in photos.items()],
            "answer": [str(path) for path in to_answer],
        }
        process = self._process
        assert process is not None
        assert process.stdin is not None
        self.busy = True
        try:
            process.stdin.write(json.dumps(wish) + "\n")
            process.stdin.flush()
        except OSError:  # it has just ended; the next lesson starts another one
            self.busy = False
        return self.busy

    def close(self) -> None:
        """End the process; what it is learning is given up."""
        with self._lock:
            process, self._process = self._process, None
        if process is not None:
            process.kill()
            process.wait()

    def _hear(self, process: subprocess.Popen[str]) -> None:
        assert process.stdout is not None
        for line in process.stdout:
            self.busy = False
            with suppress(ValueError):
                self.on_answer(json.loads(line))
        process.wait()
        if process is self._process:
            self.busy = False
