"""The live loop: what is on screen is never older than two frame times and one inference, whatever the model's speed.

Three threads: one reads the source and keeps the newest frame only (`capture.NewestFrame`), one looks at frames
(`Inference`), and this one draws and shows, because windows belong to the main thread. Where looking keeps up with
the source, every frame is shown with its own boxes. Where it does not, every frame is shown at once, and the faces
are moved on to where they are by then.
"""

from __future__ import annotations

import threading
from types import TracebackType
from typing import Any, Self

import numpy as np

from facetracker.capture.frames import now
from facetracker.capture.source import Frame, NewestFrame, Source
from facetracker.core.faces import Faces
from facetracker.core.photo import Picture
from facetracker.inference.framing.framing import Shot
from facetracker.inference.live.loop import Loop, Report
from facetracker.inference.tracking.watch import Seen, Watcher

POLL = 0.05  # seconds between two looks at the keyboard while no frame comes
STALLED = 1.0  # seconds without a frame after which the person is told
NOTE = 1.5  # seconds for which a message stays on the picture
KEEPS_UP = 1.5  # frame times that a look may take until frames are shown without waiting for it


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


class LiveLoop(Loop):
    """One run over a live source; `run` ends when the source does, a person quits, or `stop` seconds are over."""

    def __init__(self, source: Source, watcher: Watcher, **options: Any):
        super().__init__(source, watcher, **options)
        self._interval = 1 / (source.fps or 30.0)
        self._last: Shot | None = None
        self._last_seen: Seen | None = None
        self._note, self._note_until = "", 0.0
        self._shown_at = now()
        self._rate = self._age = 0.0

    def run(self) -> Report:
        """Work until the end; errors of the source are raised after the threads have ended."""
        began = heard = now()
        try:
            with NewestFrame(self.source) as newest, Inference(self.watcher) as inference:
                while not self._is_over(began):
                    try:
                        frame = newest.get(POLL)
                    except TimeoutError:
                        if now() - heard > STALLED:
                            self._say(f"no picture for {now() - heard:.0f} s")
                        self._show_again()
                        continue
                    if frame is None:
                        break
                    self._measure_interval(frame, heard)
                    heard = now()
                    if self.controls.paused:
                        self._show_again()
                    else:
                        self._step(frame, inference)
        finally:
            self.report.seconds = now() - began
        return self.report

    def _step(self, frame: Frame, inference: Inference) -> None:
        """One new frame: hand it over, and show what there is to show."""
        inference.offer(frame)
        keeps_up = inference.seconds <= KEEPS_UP * self._interval
        seen = inference.finished(0.7 * self._interval if keeps_up else 0.0)
        for one in seen:
            self.report.note(one)
            self.outputs.take(one)
            self._last_seen = one
        if not keeps_up and (moved := self.watcher.predict(frame.time)) is not None:
            self._present(frame, moved)
        elif seen:
            self._present(seen[-1].frame, seen[-1].faces)

    def _present(self, frame: Frame, faces: Faces) -> None:
        """Record and show a frame with its faces."""
        shot = self._last = self._shot(frame, faces, self._found)
        if self.view is not None:
            with self.watcher.stages.timed("draw"):
                shown = self._picture(shot)
            with self.watcher.stages.timed("show"):
                self._press(self.view.show(shown))
        age = now() - frame.taken
        self.report.ages.add(age)
        self.report.shown += 1
        passed = now() - self._shown_at
        self._shown_at += passed
        self._rate += 0.1 * (1 / max(passed, 1e-3) - self._rate)
        self._age += 0.1 * (age - self._age)
        self._record(frame, shot)

    @property
    def _found(self) -> Faces | None:
        """What was found the last time, believed or not."""
        return None if self._last_seen is None else self._last_seen.found

    def _picture(self, shot: Shot) -> Picture:
        note = self._note if now() < self._note_until else ""
        status = [f"{self._rate:.0f} frames/s   {self._age * 1000:.0f} ms", "paused" if self.controls.paused else note]
        return self._drawn(shot, status)

    def _show_again(self) -> None:
        """The last picture once more, so that keys and the window live on without a new frame."""
        if self.view is None:
            return
        if self._last is None:
            height, width = self.source.height or 480, self.source.width or 640
            empty = np.full((height, width, 3), 40, np.uint8)
            faces = Faces.none(width, height)
            self._press(self.view.show(self._window.render(empty, faces, status=["waiting ..."])))
        else:
            self._press(self.view.show(self._picture(self._last)))

    def _press(self, key: str | None) -> None:
        self.controls.press(key)
        if (path := self._save_if_wished(self._last_seen)) is not None:
            self._say(f"saved {path.name}")

    def _say(self, text: str) -> None:
        self._note, self._note_until = text, now() + NOTE

    def _is_over(self, began: float) -> bool:
        if self._is_left():
            return True
        # The source itself ends at `stop`; a silent one must end as well.
        return self.source.stop is not None and now() - began > self.source.stop + STALLED

    def _measure_interval(self, frame: Frame, heard: float) -> None:
        """Cameras deliver less than they promise in the dark; a stream says nothing at all."""
        if self.report.shown:
            self._interval += 0.05 * (min(max(now() - heard, 1e-3), 1.0) - self._interval)
