"""`notice`: a source in, events out. The stage behind `facetracker notice`."""

from __future__ import annotations

import datetime
import signal
import threading
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, TextIO

from facetracker.capture.source import Frame, Source, open_source
from facetracker.core import console
from facetracker.core.console import counted
from facetracker.core.errors import FaceTrackerError
from facetracker.core.naming import new_session, photo_stem
from facetracker.core.photo import write_jpeg
from facetracker.inference.detect import TO_LABEL, Find, Show, Take
from facetracker.inference.detector import Detector
from facetracker.inference.events.events import Event, Noticing
from facetracker.inference.events.settings import Patience
from facetracker.inference.events.sinks import Commands, Lines, Sink
from facetracker.inference.events.view import WithZones
from facetracker.inference.events.webhook import Webhook
from facetracker.inference.events.zones import Zone
from facetracker.inference.live.live import LiveLoop
from facetracker.inference.live.loop import Controls, Loop, Report
from facetracker.inference.live.recorded import RecordedLoop
from facetracker.inference.live.views import open_view
from facetracker.inference.recording.outputs import HardFrames, Outputs
from facetracker.inference.tracking.watch import Seen, Watcher


@dataclass(frozen=True)
class Tell:
    """Where events go: lines on `stream` (None: nowhere), a POST to `webhook`, `commands` as (event, command).

    `anywhere`: the webhook may be outside of this network. `pictures`: a folder that gets the frame of every `came`;
    without it no picture is stored.
    """

    stream: TextIO | None = None
    webhook: str | None = None
    anywhere: bool = False
    commands: Sequence[tuple[str, str]] = ()
    pictures: Path | None = None


@dataclass
class Noticed:
    """What `notice` did: what was looked at, how many visits there were, and events."""

    report: Report
    visits: int
    events: int

    def summary(self) -> str:
        """A line about the run."""
        seconds = console.duration(self.report.seconds)
        return f"{counted(self.report.frames, 'frame')} in {seconds}, visits: {self.visits}, events: {self.events}"


def notice(
    source: str | int | Path = 0,
    model: str | Path | None = None,
    *,
    patience: Patience = Patience(),
    zones: Sequence[Zone] = (),
    stays: Sequence[float] = (),
    tell: Tell = Tell(),
    take: Take = Take(),
    find: Find = Find(),
    show: Show = Show("none"),
) -> Noticed:
    """Tell who comes, goes, stays (`stays`: seconds), enters and leaves `zones`, until the source ends.

    Ctrl-C closes the visits that are under way; that of a film is raised after it.
    """
    check_stays(stays)
    detector = Detector.load(model, find.threshold, find.threads, image_size=find.image_size)
    run = new_session()
    with Sinks(tell, run) as sinks, open_source(source, **asdict(take)) as opened:
        refuse_stills(opened)
        noticing = Noticing(patience, zones, stays)
        telling = Telling(noticing, sinks.all, opened.live, pictures=tell.pictures, run=run)
        watcher = Watcher(detector, (opened.fps or 30.0) / take.stride, every=find.every)
        controls = Controls(mirror=_is_mirrored(show, opened))
        view = open_view(show.view, f"facetracker: {opened.name}")
        shown = None if view is None else WithZones(view, noticing, controls)
        kind: type[Loop] = LiveLoop if opened.live else RecordedLoop
        options: dict[str, Any] = {"hidden": show.hidden, "landmarks": show.landmarks, "saved": HardFrames(TO_LABEL)}
        loop = kind(opened, watcher, view=shown, outputs=telling, controls=controls, **options)
        try:
            with ended_by_signals(controls) as signals:
                loop.run()
        finally:
            telling.close()
            if view is not None:
                view.close()
    if signals and not opened.live:  # half a film is not what was asked for; a camera has no other end
        raise KeyboardInterrupt
    return Noticed(loop.report, noticing.visits, telling.events)


def check_stays(stays: Sequence[float]) -> None:
    """Refuse a `stayed` that would be told at once, or never."""
    for seconds in stays:
        if not 0 < seconds < float("inf"):
            raise FaceTrackerError(f"--stay {seconds:g}: not a time to wait for", fix="Use more than 0 seconds.")


def refuse_stills(source: Source) -> None:
    """Refuse photos."""
    if source.stills:
        fix = f"facetracker detect {source.name} finds the faces in them."
        raise FaceTrackerError(f"{source.name}: photos have no time in which somebody comes or leaves", fix=fix)


def _is_mirrored(show: Show, source: Source) -> bool:
    return source.live and source.name.startswith("camera") if show.mirror is None else show.mirror


class Telling(Outputs):
    """What the loops hand their frames to: notices, and tells every sink. `live`: times are those of the day."""

    def __init__(
        self, noticing: Noticing, sinks: Sequence[Sink], live: bool, *, pictures: Path | None = None, run: str = ""
    ):
        super().__init__()
        self.noticing, self.sinks, self.live, self.pictures, self.run = noticing, sinks, live, pictures, run
        self.events = 0
        self._last: Frame | None = None
        self.said = False

    def __bool__(self) -> bool:
        return True

    def take(self, seen: Seen) -> None:
        """Notice what one frame shows; an error of a sink that is needed is raised here."""
        for sink in self.sinks:
            if sink.failed is not None:
                raise _readable(sink.failed)
        if not seen.measured:
            return
        self._last = seen.frame
        if len(seen.faces) and seen.faces.landmarks is None:
            self._say_no_landmarks()
        self._tell(self.noticing.look(seen.faces, seen.frame.time, seen.found))

    def close(self) -> None:
        """Close the visits that are under way."""
        super().close()
        self._tell(self.noticing.end())

    def _say_no_landmarks(self) -> None:
        if not self.said:
            self.said = True
            console.say("this model knows no landmarks: there will be no looks_away and looks_back")

    def _tell(self, events: Sequence[Event]) -> None:
        for event in events:
            row = self._row(event)
            if self.live and self._last is not None:
                row["time"] = time_of_day(event.time, self._last)
            if self.pictures is not None and event.event == "came" and self._last is not None:
                path = self.pictures / f"{photo_stem(self.run, row['number'])}.jpg"
                row["picture"] = str(write_jpeg(path, self._last.picture))
            self.events += 1
            for sink in self.sinks:
                sink.send(row)

    def _row(self, event: Event) -> dict[str, Any]:
        return event.as_json()


class Sinks:
    """All sinks of a run, opened together and closed together, each given its time to deliver what is left."""

    def __init__(self, tell: Tell, run: str):
        self.all: list[Sink] = []
        try:
            if tell.webhook is not None:
                self.all.append(Webhook(tell.webhook, anywhere=tell.anywhere, run=run))
            if tell.commands:
                self.all.append(Commands(tell.commands))
            if tell.stream is not None:
                self.all.append(Lines(tell.stream))
        except BaseException:
            self._close()
            raise

    def __enter__(self) -> Sinks:
        return self

    def __exit__(self, *_: object) -> None:
        self._close()

    def _close(self) -> None:
        threads = [threading.Thread(target=sink.close, daemon=True) for sink in self.all]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        for sink in self.all:
            if sink.lost and not isinstance(sink.failed, BrokenPipeError):  # a reader who has gone wants no more
                console.warn(f"{sink.name}: {sink.lost} events were lost, {sink.sent} arrived")


def time_of_day(seconds: float, frame: Frame) -> str:
    """A time of a live source as the day's, with its zone (ISO 8601, milliseconds); `frame` is its newest frame."""
    taken = time.time() - (time.monotonic() - frame.taken)
    moment = datetime.datetime.fromtimestamp(taken + seconds - frame.time).astimezone()
    return moment.isoformat(timespec="milliseconds")


@contextmanager
def ended_by_signals(controls: Controls) -> Iterator[list[int]]:
    """Ctrl-C, and a service that is stopped, end the loop between two frames, so that no event is cut in half.

    The list gets the signals that came; a second one ends at once.
    """
    came: list[int] = []

    def end(number: int, _: object) -> None:
        if came:
            raise KeyboardInterrupt
        came.append(number)
        controls.quit = True

    before = {}
    if threading.current_thread() is threading.main_thread():
        for number in (signal.SIGINT, signal.SIGTERM):
            if signal.getsignal(number) is not signal.SIG_IGN:  # a shell's background job is not ended by Ctrl-C
                before[number] = signal.signal(number, end)
    try:
        yield came
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


def _readable(error: BaseException) -> BaseException:
    """An error of standard output as a person reads it; a reader who has gone ends the program without a word."""
    if isinstance(error, OSError) and not isinstance(error, BrokenPipeError):
        return FaceTrackerError(f"the events cannot be written: {error.strerror}")
    return error
