"""`detect` over several sources at once, in one process: the stage behind `facetracker detect 0 1 rtsp://... film.mp4`.

Batches of frames were tried and are not used: on two cores a frame of the starter takes LiteRT 2.4 ms of processor time
alone and 2.5 to 2.75 in batches of 2 to 16, ONNX Runtime 2.7 and 2.6 to 2.8. What gains is one thread for each of
several engines in place of several threads for one (3.2 against 4.2 ms a frame, detector and all).
"""

from __future__ import annotations

import re
import threading
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from queue import SimpleQueue
from typing import Any
from urllib.parse import urlsplit

from facetracker.capture.source import Source, open_source
from facetracker.core import console
from facetracker.core.errors import FaceTrackerError, Rejects
from facetracker.core.faces import Faces
from facetracker.core.photo import Picture
from facetracker.inference.classifier import Classifier, ClassVotes
from facetracker.inference.detect import (
    TO_LABEL,
    Detected,
    Find,
    Keep,
    Show,
    Take,
    detector_of,
    outputs_of,
    watcher_of,
)
from facetracker.inference.detector import Timer
from facetracker.inference.engines.base import default_threads
from facetracker.inference.live.loop import Controls
from facetracker.inference.live.side_by_side import OneOfSeveral, SideBySide
from facetracker.inference.live.views import OTHER_WAYS, open_view
from facetracker.inference.recording.outputs import HardFrames, Outputs
from facetracker.inference.recording.record import FORMATS, JsonLines
from facetracker.inference.stages import Stages
from facetracker.inference.tracking.watch import Finder

MOST_OPENED = 64  # sources that are opened at the same time: each may take its time-out
Spec = str | int | Path


class Detectors:
    """Several detectors as one, for as many threads: whoever asks is answered by one that is free."""

    def __init__(self, make: Callable[[], Finder], count: int):
        made = [make() for _ in range(count)]
        self.threshold, self.classes = made[0].threshold, made[0].classes
        self._free: SimpleQueue[Finder] = SimpleQueue()
        for one in made:
            self._free.put(one)

    def detect(self, frame: Picture, threshold: float | None = None, timer: Timer | None = None) -> Faces:
        """As `Detector.detect`."""
        detector = self._free.get()
        try:
            return detector.detect(frame, threshold, timer)
        finally:
            self._free.put(detector)


class OneAtATime(Classifier):
    """A classifier that several threads may ask; they wait for each other."""

    def __init__(self, model: str | Path):
        super().__init__(model, 1)
        self._lock = threading.Lock()

    def classify(self, pictures: Sequence[Picture]) -> Any:
        with self._lock:
            return super().classify(pictures)


@dataclass
class DetectedSeveral:
    """What `detect_several` did, by the name of each source; `rejects` are sources that failed, and bad photos."""

    sources: dict[str, Detected]
    stages: Stages
    written: list[str]
    rejects: Rejects = field(default_factory=Rejects)

    def summary(self) -> str:
        """What was done with each source, and what was written of all."""
        lines = [f"{name}: {done.summary()}" for name, done in self.sources.items()]
        frames = sum(one.report.frames for one in self.sources.values())
        seconds = max(one.report.seconds for one in self.sources.values())
        lines.append(f"all: {console.counted(frames, 'frame')}, {frames / max(seconds, 1e-9):.1f}/s")
        return "\n".join([*lines, *self.written])


def detect_several(
    model: str | Path | None,
    sources: Sequence[Spec],
    *,
    take: Take = Take(),
    find: Find = Find(),
    show: Show = Show(),
    keep: Keep = Keep(),
) -> DetectedSeveral:
    """Detect and follow faces in several sources until all have ended, `take.stop` seconds are over, or a person quits.

    Of cameras and streams the newest frame counts, and one that goes away is waited for; of films every frame does.
    `find.threads` are those that look, each with an engine of its own (default: as many as there are cores, at most
    four). The lines of `keep.jsonl` say which `source` they are from; `keep.save` gives a film each.
    """
    if keep.to:
        raise FaceTrackerError("--to takes one source, not several", fix="Start one at a time.")
    stages, controls, news = Stages(), Controls(), threading.Condition()
    finder, lookers = finders_of(model, find)
    classifier = OneAtATime(find.classifier) if find.classifier is not None else None
    lines = Outputs(lines=JsonLines(keep.jsonl, force=keep.force) if keep.jsonl else None)
    all_outputs: dict[str, Outputs] = {}
    with ExitStack() as stack:
        stack.callback(lines.close)
        opened = stack.enter_context(all_open(sources, take))
        for name, source in opened.items():
            own = replace(keep, jsonl=None, save=place_of_film(keep.save, name, source, opened))
            outputs = all_outputs[name] = outputs_of(source, own)
            stack.callback(outputs.close)
            outputs.source, outputs.lines = name, lines.lines
        view = open_view(show.view, f"facetracker: {len(opened)} sources")
        if view is not None:
            stack.callback(view.close)
        endless = any(source.live for source in opened.values()) and not take.stop
        if view is None and endless and not keep:
            raise FaceTrackerError("this run would show nothing and never end", fix=f"{OTHER_WAYS}.")
        places = []
        for name, source in opened.items():
            watcher = watcher_of(source, finder, take, find, stages, ClassVotes(classifier) if classifier else None)
            saved = all_outputs[name].hard_frames or HardFrames(TO_LABEL)
            drawn: dict[str, Any] = {"hidden": show.hidden, "landmarks": show.landmarks, "saved": saved}
            outputs = all_outputs[name]
            places.append(OneOfSeveral(name, source, watcher, news, controls=controls, outputs=outputs, **drawn))
        controls.mirror = bool(show.mirror)
        run = SideBySide(places, news, lookers, controls=controls, view=view, stop=take.stop)
        try:
            run.run()
        except KeyboardInterrupt:
            if not any(source.live for source in opened.values()):  # half a film is not what was asked for
                raise
    for outputs in all_outputs.values():
        outputs.lines = None  # they are of all, and told once
    for outputs in (*all_outputs.values(), lines):
        outputs.raise_failures()
    done = {place.name: Detected(place.report, stages, place.outputs.summary(), place.source.live) for place in places}
    return DetectedSeveral(done, stages, lines.summary(), rejects_of(places))


def finders_of(model: str | Path | None, find: Find) -> tuple[Detectors, int]:
    """The detectors of all sources, and how many may look at the same time."""
    lookers = find.threads or default_threads()
    single = replace(find, threads=1)
    return Detectors(lambda: detector_of(model, single), lookers), lookers


@contextmanager
def all_open(specs: Sequence[Spec], take: Take) -> Iterator[dict[str, Source]]:
    """The sources by their names, opened at the same time; a mistake closes those that are open already."""
    with ThreadPoolExecutor(min(len(specs), MOST_OPENED)) as pool:
        waiting = [pool.submit(open_source, spec, **asdict(take), patient=True) for spec in specs]
    failed = [one.exception() for one in waiting]
    opened = [one.result() for one, error in zip(waiting, failed, strict=True) if error is None]
    try:
        for error in filter(None, failed):
            raise error
        yield dict(zip(names_of([source.name for source in opened]), opened, strict=True))
    finally:
        for source in opened:
            source.close()


def names_of(names: Sequence[str]) -> list[str]:
    """The names, the second of a kind with its number: `camera 0`, `camera 0 (2)`."""
    return _told_apart(names, "{} ({})")


def place_of_film(save: str | Path | None, name: str, source: Source, names: Iterable[str]) -> Path | None:
    """Where the film of one of these sources goes: `out.mp4` means `out-NAME.mp4`, a folder `NAME.mp4` in it."""
    if save is None:
        return None
    names = list(names)
    stems = dict(zip(names, _told_apart([stem_of(one) for one in names], "{}-{}"), strict=True))
    path, stem = Path(save), stems[name]
    if source.stills:
        return path.with_suffix("") / stem
    if path.suffix.lower() in FORMATS:
        return path.with_name(f"{path.stem}-{stem}{path.suffix}")
    if path.suffix and not path.is_dir():
        raise FaceTrackerError(f"cannot be recorded to, only {', '.join(FORMATS)}", path=path)
    return path / f"{stem}.mp4"


def stem_of(name: str) -> str:
    """A source's name as a file may be called: `films/party.mp4` is `party`, `rtsp://me:***@door/1` `door-1`."""
    parts = urlsplit(name)
    if parts.netloc:
        name = f"{parts.hostname or ''}-{parts.port or ''}-{parts.path}-{parts.query}"
    elif not name.startswith("scene"):
        name = Path(name).stem
    return re.sub(r"[^\w]+", "-", name).strip("-") or "source"


def rejects_of(places: Sequence[OneOfSeveral]) -> Rejects:
    """The sources that failed, and the photos that could not be read."""
    rejects = Rejects()
    for place in places:
        if place.failed is not None:
            rejects.add(place.name, place.failed)
        for path, why in getattr(place.source, "rejects", None) or ():
            rejects.add(path, why)
    return rejects


def _told_apart(words: Sequence[str], again: str) -> list[str]:
    """The words, each once: whoever is there already gets the next number that is free, from 2 on."""
    found: list[str] = []
    for word in words:
        one, number = word, 1
        while one in found:
            number += 1
            one = again.format(word, number)
        found.append(one)
    return found
