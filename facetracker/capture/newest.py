"""`NewestFrame`: reads a live source as fast as it comes and hands out only the newest frame.

A reader that takes longer than a frame would otherwise fall behind by seconds: the frames wait in the buffers of
OpenCV, FFmpeg and the network, which cannot be made small.
"""

from __future__ import annotations

import threading
from collections.abc import Iterator
from types import TracebackType
from typing import Self

from facetracker.capture.frames import Frame, Source


class NewestFrame:
    """One thread reads the source; `get` waits for a frame newer than the last one it gave."""

    def __init__(self, source: Source):
        self.source = source
        self.live = source.live
        self.dropped = 0  # frames that were replaced by a newer one before anybody asked
        self._frame: Frame | None = None
        self._error: BaseException | None = None
        self._ended = False
        self._stopping = False
        self._news = threading.Condition()
        self._thread = threading.Thread(target=self._work, name=f"reads {source.name}", daemon=True)
        self._thread.start()

    def get(self, timeout: float | None = None) -> Frame | None:
        """The newest frame not given yet; None when the source has ended.

        An error of the source is raised here, after the last frame before it was given. Without a new frame within
        `timeout` seconds it is a `TimeoutError`.
        """
        with self._news:
            if not self._news.wait_for(lambda: self._frame is not None or self._ended, timeout):
                raise TimeoutError(f"no frame of {self.source.name} within {timeout:g} s")
            frame, self._frame = self._frame, None
            if frame is not None:
                return frame
            if self._error is not None:
                error, self._error = self._error, None
                raise error
            return None

    def __iter__(self) -> Iterator[Frame]:
        while (frame := self.get()) is not None:
            yield frame

    def close(self, timeout: float = 10.0) -> None:
        """Stop reading, close the source and wait for the thread (a blocked read may take its time-out)."""
        with self._news:
            self._stopping = True
        self.source.interrupt()
        self._thread.join(timeout)

    def _work(self) -> None:
        error: BaseException | None = None
        try:
            for frame in self.source:
                with self._news:
                    if self._stopping:
                        break
                    self.dropped += self._frame is not None
                    self._frame = frame
                    self._news.notify_all()
        except BaseException as raised:  # whatever it is, it belongs to the one who reads
            error = raised
        finally:
            # Here, not in `close`: releasing a capture while another thread reads from it crashes the process.
            self.source.close()
            with self._news:
                self._error, self._ended = error, True
                self._news.notify_all()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self.close()
