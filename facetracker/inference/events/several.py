"""`notice` over several sources at once: the stage behind `facetracker notice 0 rtsp://door/1`.

Each source has its own visits, zones and counts; the events of all are told in one row, numbered together, each with
the name of its `source`.
"""

from __future__ import annotations

import functools
import threading
from collections.abc import Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from facetracker.core.errors import Rejects
from facetracker.core.naming import new_session
from facetracker.core.photo import Picture
from facetracker.inference.detect import TO_LABEL, Find, Show, Take, watcher_of
from facetracker.inference.events.events import Event, Noticing
from facetracker.inference.events.notice import (
    Noticed,
    Sinks,
    Tell,
    Telling,
    check_stays,
    ended_by_signals,
    refuse_stills,
)
from facetracker.inference.events.settings import Patience
from facetracker.inference.events.view import draw_zones
from facetracker.inference.events.zones import Zone
from facetracker.inference.live.loop import Controls
from facetracker.inference.live.side_by_side import OneOfSeveral, SideBySide
from facetracker.inference.live.views import open_view
from facetracker.inference.recording.outputs import HardFrames
from facetracker.inference.several import Spec, all_open, finders_of, rejects_of
from facetracker.inference.stages import Stages


class InTurn:
    """What the sources share: one row of numbers, and the right to tell, so that events go out in their order."""

    def __init__(self) -> None:
        self.lock = threading.Lock()
        self.told = 0
        self.said = False


class TellingNamed(Telling):
    """Tells the events of one of several sources."""

    def __init__(self, name: str, turn: InTurn, *args: Any, **options: Any):
        super().__init__(*args, **options)
        self.name, self.turn = name, turn

    def _say_no_landmarks(self) -> None:
        with self.turn.lock:  # once for all of them, and each has a thread of its own
            self.said = self.turn.said
            super()._say_no_landmarks()
            self.turn.said = True

    def lost(self) -> None:
        """The source is away: nobody can be seen there, so the visits end with what was seen last."""
        self._tell(self.noticing.end())

    def _tell(self, events: Sequence[Event]) -> None:
        if events:
            with self.turn.lock:
                super()._tell(events)

    def _row(self, event: Event) -> dict[str, Any]:
        self.turn.told += 1
        return {"number": 0, "source": self.name} | event.as_json() | {"number": self.turn.told}


@dataclass
class NoticedSeveral:
    """What `notice_several` did, by the name of each source; `rejects` are sources that failed."""

    sources: dict[str, Noticed]
    rejects: Rejects

    def summary(self) -> str:
        """A line a source."""
        return "\n".join(f"{name}: {one.summary()}" for name, one in self.sources.items())


def notice_several(
    sources: Sequence[Spec],
    model: str | Path | None = None,
    *,
    patience: Patience = Patience(),
    zones: Sequence[Zone] = (),
    stays: Sequence[float] = (),
    tell: Tell = Tell(),
    take: Take = Take(),
    find: Find = Find(),
    show: Show = Show("none"),
) -> NoticedSeveral:
    """As `notice`, of several sources, until all have ended: cameras and streams that go away are waited for, and the
    visits of one that has been silent for five seconds end."""
    check_stays(stays)
    finder, lookers = finders_of(model, find)
    stages, news, turn, run = Stages(), threading.Condition(), InTurn(), new_session()
    controls = Controls(mirror=bool(show.mirror))
    tellings: dict[str, TellingNamed] = {}
    with Sinks(tell, run) as sinks, ExitStack() as stack:
        opened = stack.enter_context(all_open(sources, take))
        for source in opened.values():
            refuse_stills(source)
        places = []
        for name, source in opened.items():
            noticing = Noticing(patience, zones, stays)
            telling = TellingNamed(name, turn, noticing, sinks.all, source.live, pictures=tell.pictures, run=run)
            stack.callback(telling.close)
            tellings[name] = telling
            watcher = watcher_of(source, finder, take, find, stages)
            over = functools.partial(_with_zones, noticing=noticing, controls=controls)
            drawn: dict[str, Any] = {"hidden": show.hidden, "landmarks": show.landmarks, "saved": HardFrames(TO_LABEL)}
            places.append(
                OneOfSeveral(name, source, watcher, news, controls=controls, outputs=telling, over=over, **drawn)
            )
        view = open_view(show.view, f"facetracker: {len(places)} sources")
        if view is not None:
            stack.callback(view.close)
        with ended_by_signals(controls) as signals:
            SideBySide(places, news, lookers, controls=controls, view=view, stop=take.stop).run()
    if signals and not any(place.source.live for place in places):  # half a film is not what was asked for
        raise KeyboardInterrupt
    done = {
        place.name: Noticed(place.report, telling.noticing.visits, telling.events)
        for place, telling in zip(places, tellings.values(), strict=True)
    }
    return NoticedSeveral(done, rejects_of(places))


def _with_zones(picture: Picture, noticing: Noticing, controls: Controls) -> Picture:
    return draw_zones(picture, noticing, controls.mirror)
