"""Reading a source in a thread of its own: of a live one the newest frame (`NewestFrame`), of a film every frame, a few
of them ahead (`FramesAhead`).

A reader of a live source that takes longer than a frame would otherwise fall behind by seconds: the frames wait in the
buffers of OpenCV, FFmpeg and the network, which cannot be made small.
"""

from __future__ import annotations

import threading
import time
from collections import deque
from collections.abc import Callable, Iterator
from types import TracebackType
from typing import Self

from facetracker.capture.frames import Frame, Source


class NewestFrame:
    """One thread reads the source; `get` waits for a frame newer than the last one it gave.

    Who waits for several sources at once gives all of them the same `news`, and asks which `has_news`.
    """

    def __init__(self, source: Source, news: threading.Condition | None = None):
        self.source = source
        self.live = source.live
        self.came = time.monotonic()  # when the last frame did
        self.dropped = 0  # frames that were replaced by a newer one before anybody asked
        self._frames: deque[Frame] = deque()
        self._error: BaseException | None = None
        self._ended = False
        self._stopping = False
        self._news = news or threading.Condition()
        self._thread = threading.Thread(target=self._work, name=f"reads {source.name}", daemon=True)
        self._thread.start()

    def get(self, timeout: float | None = None) -> Frame | None:
        """The newest frame not given yet; None when the source has ended.

        An error of the source is raised here, after the last frame before it was given. Without a new frame within
        `timeout` seconds it is a `TimeoutError`.
        """
        with self._news:
            if not self._news.wait_for(lambda: self._frames or self._ended, timeout):
                raise TimeoutError(f"no frame from {self.source.name} within {timeout:g} s")
            if self._frames:
                return self._frames.popleft()
            if self._error is not None:
                error, self._error = self._error, None
                raise error
            return None

    @property
    def has_news(self) -> bool:
        """Whether `get` would answer at once: with a frame, an error, or that it is over."""
        return bool(self._frames) or self._ended

    def __iter__(self) -> Iterator[Frame]:
        while (frame := self.get()) is not None:
            yield frame

    def stop(self) -> None:
        """Stop reading soon; `close` waits for it as well."""
        with self._news:
            self._stopping = True
            self._news.notify_all()
        self.source.interrupt()

    def close(self, timeout: float = 10.0) -> None:
        """Stop reading, close the source and wait for the thread (a blocked read may take its time-out)."""
        self.stop()
        self._thread.join(timeout)

    def _read(self) -> Iterator[Frame]:
        return iter(self.source)

    def _make_room(self) -> None:
        """Before a frame is kept; within the lock."""
        self.dropped += len(self._frames)
        self._frames.clear()

    def _work(self) -> None:
        error: BaseException | None = None
        try:
            for frame in self._read():
                with self._news:
                    self._make_room()
                    if self._stopping:
                        break
                    self._frames.append(frame)
                    self.came = time.monotonic()
                    self._news.notify()  # one frame, one who looks at it
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


class FramesAhead(NewestFrame):
    """Every frame of a source, read `ahead` of who looks at them; `took` hears how many seconds each reading took."""

    def __init__(
        self, source: Source, ahead: int, took: Callable[[float], None], news: threading.Condition | None = None
    ):
        self.took = took
        # Not a wait for `news`: every frame of every film would wake the readers of all the others.
        self._room = threading.Semaphore(ahead)
        super().__init__(source, news)

    def get(self, timeout: float | None = None) -> Frame | None:
        frame = super().get(timeout)
        self._room.release()
        return frame

    def stop(self) -> None:
        super().stop()
        self._room.release()

    def _read(self) -> Iterator[Frame]:
        self._room.acquire()
        began = time.perf_counter()
        for frame in self.source:
            self.took(time.perf_counter() - began)
            yield frame
            self._room.acquire()
            if self._stopping:
                return
            began = time.perf_counter()

    def _make_room(self) -> None:
        """No frame is given up for a newer one."""
