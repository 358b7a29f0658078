"""Several sources in one process: each read in a thread of its own, all looked at by a few.

Every source has its place: its newest frame (of a film the next one), its follower, its outputs. Whoever looks takes
the place whose turn it is among those with a frame, so none waits for longer than one look at each of the others. What
it takes is the newest then, so however many there are, a frame is never older than one frame's time and a look.
"""

from __future__ import annotations

import functools
import threading
from collections import deque
from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Any

from facetracker.capture.frames import now
from facetracker.capture.newest import FramesAhead, NewestFrame
from facetracker.capture.source import Source
from facetracker.core import console
from facetracker.core.errors import FaceTrackerError
from facetracker.core.lettering import shortened
from facetracker.core.photo import Picture
from facetracker.inference.framing.framing import Shot
from facetracker.inference.live.loop import Controls, Post
from facetracker.inference.live.tiles import mosaic, placed, shrunk
from facetracker.inference.live.views import View
from facetracker.inference.tracking.watch import Seen, Watcher

AHEAD = 4  # frames of a film read ahead
POLL = 0.1  # seconds between two looks at what a person wishes, where nothing is shown
SHOWN = 15.0  # pictures of all tiles a second
STALLED = 1.0  # seconds without a frame after which the person is told
LOST = 5.0  # seconds without a frame after which what was under way in the picture is over
LETTERS = 28  # of a source's name on its tile


class OneOfSeveral(Post):
    """One of several sources, called `name`. `news` is what all of them share; `over` draws over what is shown."""

    def __init__(
        self,
        name: str,
        source: Source,
        watcher: Watcher,
        news: threading.Condition,
        *,
        over: Callable[[Picture], Picture] | None = None,
        **options: Any,
    ):
        super().__init__(source, watcher, **options)
        self.name, self.over = name, over
        self.busy = self.ended = False
        self.failed: FaceTrackerError | None = None
        self._last: tuple[Seen, Shot] | None = None
        self._lost = False
        self._rate, self._looked_at = 0.0, now()
        took = functools.partial(watcher.stages.add, "read")
        self.frames = NewestFrame(source, news) if source.live else FramesAhead(source, AHEAD, took, news)

    @property
    def silent(self) -> float:
        """Seconds since the last frame of a live source; 0 for others."""
        return now() - self.frames.came if self.source.live and not self.ended else 0.0

    @property
    def is_lost(self) -> bool:
        """Whether it has just become clear that the source is away: `lose` then."""
        return self.silent > LOST and not self._lost

    def lose(self) -> None:
        """The source is away; what was under way in its picture is over."""
        self._lost = True
        self.outputs.lost()

    def step(self) -> None:
        """Take the next frame and look at it, by whoever made the place `busy`."""
        try:
            frame = self.frames.get(0)
        except FaceTrackerError as error:  # of this source: the others are not disturbed
            self.failed, self.ended = error, True
            console.warn(f"{self.name}: {error}" if self.name not in str(error) else str(error))
            return
        if frame is None:
            self.ended = True
            return
        self._lost = False
        self._last = self._looked(frame)
        age = now() - frame.taken
        self.report.ages.add(age)
        self.report.shown += 1
        passed = now() - self._looked_at
        self._looked_at += passed
        self._rate += 0.1 * (1 / max(passed, 1e-3) - self._rate)

    def save(self) -> None:
        """Save the last frame for labelling."""
        if self.saved is not None and self._last is not None:
            self.saved.save(self._last[0])

    def tile(self, width: int, height: int) -> Picture:
        """What is seen of it, in so many pixels."""
        name = shortened(self.name, LETTERS)
        if self._last is None:
            return placed(
                self._window.render(*shrunk(None, None, width, height), status=[name, self._state]), width, height
            )
        shot = self._last[1]
        small, faces = shrunk(shot.picture, shot.faces, width, height)
        found = None if shot.found is None else replace(shot.found, width=faces.width, height=faces.height)
        shown = self._window.render(
            small, faces, found, mirror=self.controls.mirror, hidden=self._hide(), status=[name, self._state]
        )
        return placed(shown if self.over is None else self.over(shown), width, height)

    @property
    def _state(self) -> str:
        if self.ended:
            return "over" if self.failed is None else "failed"
        if self.silent > STALLED:
            return f"no picture for {console.duration(self.silent)}"
        return "paused" if self.controls.paused else f"{self._rate:.0f} frames/s"


class SideBySide:
    """One run over several places, looked at by `lookers` threads; ends when all sources have ended, a person quits,
    or, for live ones, `stop` seconds are over."""

    def __init__(
        self,
        places: Sequence[OneOfSeveral],
        news: threading.Condition,
        lookers: int,
        *,
        controls: Controls,
        view: View | None = None,
        stop: float | None = None,
    ):
        self.places, self.lookers, self.controls, self.view, self.stop = list(places), lookers, controls, view, stop
        self.seconds = 0.0
        self._news = news
        self._turns = deque(self.places)
        self._stopping = False
        self._done = threading.Event()
        self._error: BaseException | None = None

    def run(self) -> None:
        """Work until the end; an error of the model or of what is written is raised after all threads have ended."""
        began = now()
        threads = [
            threading.Thread(target=self._work, name="looks at frames", daemon=True) for _ in range(self.lookers)
        ]
        try:
            for thread in threads:
                thread.start()
            while not self._is_over(began):
                self._mind_the_lost()
                self._done.wait(POLL if self.view is None else self._show())
        finally:
            self._close(threads)
            self.seconds = now() - began
            for place in self.places:
                place.report.seconds = self.seconds
        if self._error is not None:
            raise self._error

    def _work(self) -> None:
        """One looker: whose turn is it, look, next."""
        while (place := self._next(lambda one: one.frames.has_news, wait=True)) is not None:
            try:
                place.step()
            except BaseException as error:  # it belongs to the one who waits for the end
                self._error = error
                self._done.set()
                return
            finally:
                self._release(place)

    def _next(self, wanted: Callable[[OneOfSeveral], bool], wait: bool = False) -> OneOfSeveral | None:
        """The next place of which that is true, now busy: whoever is taken goes to the end of the row."""
        with self._news:
            while not self._stopping and self._turns:
                if not (wait and self.controls.paused):
                    for place in self._turns:
                        if not place.busy and wanted(place):
                            place.busy = True
                            self._turns.remove(place)
                            self._turns.append(place)
                            return place
                if not wait:
                    return None
                self._news.wait(POLL)
        return None

    def _release(self, place: OneOfSeveral) -> None:
        with self._news:
            place.busy = False
            if place.ended:
                self._turns.remove(place)
                if not self._turns:
                    self._done.set()
            if place.frames.has_news:
                self._news.notify_all()

    def _mind_the_lost(self) -> None:
        while (place := self._next(lambda one: one.is_lost)) is not None:
            try:
                place.lose()
            finally:
                self._release(place)

    def _show(self) -> float:
        """Show all tiles, do what the keys say; the seconds until the next time."""
        assert self.view is not None
        began = now()
        self.controls.press(self.view.show(mosaic(self.places, help=self.controls.help)))
        wished, self.controls.save = self.controls.save, False
        if wished:
            for place in self.places:
                place.save()
        return max(0.0, began + 1 / SHOWN - now())

    def _is_over(self, began: float) -> bool:
        if self._done.is_set() or self.controls.quit or (self.view is not None and self.view.closed):
            return True
        if self.stop is None or now() - began <= self.stop + STALLED:
            return False
        return all(place.ended or place.source.live for place in self.places)  # a silent one must end as well

    def _close(self, threads: Sequence[threading.Thread]) -> None:
        with self._news:
            self._stopping = True
            self._news.notify_all()
        for thread in threads:
            if thread.ident is not None:
                thread.join(10.0)
        for place in self.places:  # all of them first: each may be in a read that takes its time-out
            place.frames.stop()
        for place in self.places:
            place.frames.close()
