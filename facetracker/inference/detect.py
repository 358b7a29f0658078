"""`detect`: a source in, faces followed, shown, recorded and written. The stage behind `facetracker detect`."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path

from facetracker.capture.source import Source, open_source
from facetracker.core import console
from facetracker.core.errors import FaceTrackerError, Rejects
from facetracker.core.files import refuse_to_overwrite
from facetracker.inference.classifier import Classifier, ClassVotes
from facetracker.inference.detector import Detector
from facetracker.inference.live.controls import Controls
from facetracker.inference.live.live import LiveLoop
from facetracker.inference.live.loop import Loop, Report
from facetracker.inference.live.recorded import RecordedLoop
from facetracker.inference.live.view import View
from facetracker.inference.live.views import OTHER_WAYS, ViewKind, open_view
from facetracker.inference.recording.hard_frames import HardFrames
from facetracker.inference.recording.outputs import Outputs
from facetracker.inference.recording.privacy import CropFolder, hidden_by
from facetracker.inference.recording.record import JsonLines, VideoRecorder
from facetracker.inference.stages import Stages
from facetracker.inference.tracking.watch import Watcher

TO_LABEL = "data/images"  # where the key `s` saves frames


@dataclass
class Detected:
    """What `detect` did: counts, where the time went, what was written, photos that could not be read."""

    report: Report
    stages: Stages
    written: list[str]
    live: bool
    rejects: Rejects = field(default_factory=Rejects)

    def summary(self) -> str:
        """A line about the run and one for each file that was written."""
        report = self.report
        rate = report.frames / report.seconds if report.seconds else 0.0
        line = f"{report.frames} frames in {console.duration(report.seconds)} ({rate:.1f}/s)"
        line += f", at most {report.most} faces in one" if report.most != 1 else ", at most 1 face in one"
        if report.faces:
            line += f", {report.faces} followed"
        if self.live and report.shown:
            line += f"; age at most {report.ages.percentile(95) * 1000:.0f} ms (95 %)"
        return "\n".join([line, *self.written])


def detect(
    model: str | Path | None = None,
    source: str | int | Path = 0,
    *,
    view: ViewKind = "auto",
    threshold: float | None = None,
    start: float = 0.0,
    stop: float | None = None,
    stride: int = 1,
    every: int = 1,
    follow: bool = True,
    steady: bool = True,
    save: str | Path | None = None,
    jsonl: str | Path | None = None,
    blur: bool = False,
    pixelate: bool = False,
    crop_to: str | Path | None = None,
    collect_uncertain: str | Path | None = None,
    mirror: bool | None = None,
    width: int | None = None,
    height: int | None = None,
    fps: float | None = None,
    image_size: int | None = None,
    threads: int | None = None,
    classifier: str | Path | None = None,
    force: bool = False,
) -> Detected:
    """Detect and follow faces in a source until it ends, `stop` seconds are over, or a person quits.

    Live sources (camera, stream) show the newest frame; films and photos are worked through frame by frame. `every`:
    detect in every so many frames and follow in between. `mirror` defaults to yes for cameras and only changes what
    is shown. `start`, `stop` (seconds) and `stride` (every so many frames) choose a part of the source.
    `classifier`: a model that says of every face which class it is (mask or no mask).
    """
    hidden = hidden_by(blur, pixelate)
    for path in (save, jsonl):
        if path is not None:
            refuse_to_overwrite(path, force)
    detector = Detector(model, threshold, threads, image_size=image_size)
    votes = ClassVotes(Classifier(classifier, threads)) if classifier is not None else None
    opened = open_source(source, start=start, stop=stop, stride=stride, width=width, height=height, fps=fps)
    outputs, shown = Outputs(), None
    stages = Stages()
    try:
        watcher = Watcher(
            detector,
            (opened.fps or 30.0) / stride,
            follow=follow and not opened.stills,
            every=every,
            steady=steady,
            stages=stages,
            votes=votes,
        )
        shown = _view_for(view, opened, save or jsonl or crop_to or collect_uncertain or stop)
        outputs = _outputs(opened, save, jsonl, crop_to, collect_uncertain, force)
        camera = opened.live and opened.name.startswith("camera")
        kind: type[Loop] = LiveLoop if opened.live else RecordedLoop
        loop = kind(
            opened,
            watcher,
            view=shown,
            outputs=outputs,
            controls=Controls(mirror=camera if mirror is None else mirror),
            hidden=hidden,
            saved=outputs.hard_frames or HardFrames(TO_LABEL),
        )
        try:
            report = loop.run()
        except KeyboardInterrupt:
            if not opened.live:  # half a film is not what was asked for; a camera has no other end
                raise
            report = loop.report
    finally:
        opened.close()
        outputs.close()
        if shown is not None:
            shown.close()
    outputs.raise_failures()
    rejects = getattr(opened, "rejects", None) or Rejects()
    return Detected(report, stages, outputs.summary(), opened.live, rejects)


def _view_for(view: ViewKind, source: Source, purpose: object) -> View | None:
    """The view; a live run that nobody could see, that writes nothing and never ends is refused."""
    if view == "auto" and source.stills:
        view = "none"  # photos would flash by
    shown = open_view(view, f"facetracker: {source.name}")
    if shown is None and source.live and not purpose:
        raise FaceTrackerError(
            "nothing would be seen of this run, and it would not end", fix=f"{OTHER_WAYS}, --stop 10 ends it."
        )
    return shown


def _outputs(
    source: Source,
    save: str | Path | None,
    jsonl: str | Path | None,
    crop_to: str | Path | None,
    collect_uncertain: str | Path | None,
    force: bool,
) -> Outputs:
    rate = (source.fps or (1.0 if source.stills else 30.0)) / source.stride
    name = Path(source.name).stem if Path(source.name).suffix else "frame"
    return Outputs(
        recorder=VideoRecorder(save, rate, force=force, live=source.live) if save else None,
        lines=JsonLines(jsonl, force=force) if jsonl else None,
        crops=CropFolder(crop_to, name, force=force) if crop_to else None,
        hard_frames=HardFrames(collect_uncertain) if collect_uncertain else None,
    )
