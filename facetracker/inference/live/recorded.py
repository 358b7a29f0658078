"""Films and photos: every frame, as fast as possible. Reading, looking and encoding run side by side."""

from __future__ import annotations

import functools
import math
import time
from contextlib import ExitStack
from typing import Any

from facetracker.capture.newest import FramesAhead
from facetracker.capture.source import Frame, Source
from facetracker.core import console
from facetracker.inference.framing.framing import Shot
from facetracker.inference.live.loop import Loop, Report
from facetracker.inference.live.views import NotebookView
from facetracker.inference.tracking.watch import Seen, Watcher

AHEAD = 4  # frames read ahead
ACTING = ("q", "esc", "s", "m", "b", "h")  # keys that do something to the photo that is shown
SHOWN = 30.0  # pictures a second in a window: more cannot be seen and would hold the work up


class RecordedLoop(Loop):
    """One run over a source that waits for its reader."""

    def __init__(self, source: Source, watcher: Watcher, **options: Any):
        super().__init__(source, watcher, **options)
        self._shown_at = -math.inf

    def run(self) -> Report:
        """Work through the source; a person may quit before its end."""
        began = time.monotonic()
        try:
            with ExitStack() as stack:
                what = "detect" if self.framing is None else "frame"
                meter = stack.enter_context(console.progress(what, frames_in(self.source), "frames"))
                took = functools.partial(self.watcher.stages.add, "read")
                frames = stack.enter_context(FramesAhead(self.source, AHEAD, took))
                for frame in frames:
                    self._step(frame)
                    meter.advance()
                    if self._is_left() or self._is_in_vain():
                        break
        finally:
            self.report.seconds = time.monotonic() - began
        return self.report

    def _step(self, frame: Frame) -> None:
        seen, shot = self._looked(frame)
        has_keys = self.view is not None and not isinstance(self.view, NotebookView)
        if has_keys and self.source.stills:
            self._hold(seen, shot)
        elif self.view is not None and time.monotonic() - self._shown_at >= 1 / SHOWN:
            self._show(seen, shot)
            while self.controls.paused and not self._is_left():
                time.sleep(1 / SHOWN)
                self._show(seen, shot)

    def _hold(self, seen: Seen, shot: Shot) -> None:
        """Show a photo until a key is pressed: `q`, `s`, `m`, `b` and `h` do what they always do, others go on."""
        assert self.view is not None
        status = ["any key: next, q: quit" if (self.source.count or 2) > 1 else "any key: close"]
        self.report.shown += 1
        while not self._is_left():
            key = self.view.show(self._drawn(shot, status))
            if key in ACTING:
                self.controls.press(key)
                self._save_if_wished(seen)
            elif key is not None:
                return
            time.sleep(1 / SHOWN)

    def _show(self, seen: Seen, shot: Shot) -> None:
        assert self.view is not None
        self._shown_at = time.monotonic()
        status = ["paused" if self.controls.paused else f"{seen.frame.time:.1f} s"]
        self.controls.press(self.view.show(self._drawn(shot, status)))
        self.report.shown += 1
        self._save_if_wished(seen)

    def _is_in_vain(self) -> bool:
        """Nothing is shown, and nothing can be written any more (the disk is full)."""
        sinks = [sink for sink in (self.outputs.recorder, self.outputs.lines) if sink is not None]
        others = self.outputs.crops or self.outputs.hard_frames or self.outputs.outlets or self.view
        return bool(sinks) and not others and all(sink.failed for sink in sinks)


def frames_in(source: Source) -> int | None:
    """How many frames the chosen part of a source holds, where that is known."""
    if source.count is None:
        return None
    if source.fps is None:
        return math.ceil(source.count / source.stride)
    first = math.ceil(source.start * source.fps - 1e-6)
    last = source.count if source.stop is None else min(source.count, math.ceil(source.stop * source.fps - 1e-6))
    return max(0, math.ceil((last - first) / source.stride))
