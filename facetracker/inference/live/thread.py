"""The one thread that looks at frames of a live source."""

from __future__ import annotations

import threading
from types import TracebackType
from typing import Self

from facetracker.capture.frames import Frame, now
from facetracker.inference.tracking.watch import Seen, Watcher


class Inference:
    """Looks at the newest frame offered; a frame that waits is replaced by a newer one."""

    def __init__(self, watcher: Watcher):
        self.watcher = watcher
        self.seconds = 0.0  # what one look takes, averaged over the last few
        self._offered: Frame | None = None
        self._finished: list[Seen] = []
        self._busy = False
        self._error: BaseException | None = None
        self._stopping = False
        self._news = threading.Condition()
        self._thread = threading.Thread(target=self._work, name="looks at frames", daemon=True)
        self._thread.start()

    def offer(self, frame: Frame) -> None:
        """The frame to look at next."""
        with self._news:
            self._offered = frame
            self._news.notify_all()

    def finished(self, timeout: float = 0.0) -> list[Seen]:
        """Everything seen since the last call; waits up to `timeout` seconds for something. Raises its errors here."""
        with self._news:
            if timeout > 0 and (self._busy or self._offered is not None):
                self._news.wait_for(lambda: self._finished or self._error, timeout)
            if self._error is not None:
                raise self._error
            found, self._finished = self._finished, []
            return found

    def close(self, timeout: float = 10.0) -> None:
        """Finish the look that is under way, and end."""
        with self._news:
            self._stopping = True
            self._news.notify_all()
        self._thread.join(timeout)

    def _work(self) -> None:
        while True:
            with self._news:
                self._news.wait_for(lambda: self._offered is not None or self._stopping)
                if self._stopping:
                    return
                frame, self._offered, self._busy = self._offered, None, True
            assert frame is not None
            started = now()
            try:
                seen = self.watcher.look(frame)
            except BaseException as error:  # it belongs to the one who waits for the answer
                with self._news:
                    self._error = error
                    self._news.notify_all()
                return
            took = now() - started
            with self._news:
                self.seconds = took if self.seconds == 0 else 0.8 * self.seconds + 0.2 * took
                self._finished.append(seen)
                self._busy = False
                self._news.notify_all()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self.close()
