"""`detect`: a source in, faces followed, shown, recorded and written. The stage behind `facetracker detect`."""

from __future__ import annotations

from dataclasses import asdict, dataclass, field
from pathlib import Path

from facetracker.capture.display import why_no_display
from facetracker.capture.source import Source, open_source
from facetracker.capture.video import VideoFile
from facetracker.core import console
from facetracker.core.errors import FaceTrackerError, Rejects
from facetracker.core.files import refuse_to_overwrite
from facetracker.inference.classifier import Classifier, ClassVotes
from facetracker.inference.detector import Detector
from facetracker.inference.framing.framing import Framed, Framing
from facetracker.inference.framing.outlets import SavedPhotos, VirtualCamera, open_outlet
from facetracker.inference.framing.sound import add_sound
from facetracker.inference.haar import HAAR, HaarDetector
from facetracker.inference.hiding.cover import Hidden
from facetracker.inference.live.live import LiveLoop
from facetracker.inference.live.loop import Controls, Loop, Report
from facetracker.inference.live.recorded import RecordedLoop
from facetracker.inference.live.views import OTHER_WAYS, View, ViewKind, open_view
from facetracker.inference.recording.crops import CropFolder
from facetracker.inference.recording.outputs import HardFrames, Outputs
from facetracker.inference.recording.record import FORMATS, STDOUT, JsonLines, VideoRecorder
from facetracker.inference.stages import Stages
from facetracker.inference.tracking.watch import Finder, Watcher

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
        what = console.counted(report.frames, "photo" if report.photos else "frame")
        line = f"{what} in {console.duration(report.seconds)} ({rate:.1f}/s)"
        line += f", at most {console.counted(report.most, 'face')} in one" if report.frames > 1 else ""
        if report.faces:
            line += f", {report.faces} followed"
        if self.live and report.shown:
            line += f"; age at most {report.ages.percentile(95) * 1000:.0f} ms (95 %)"
        photos = [f"{path}: {console.counted(faces, 'face')}" for path, faces in report.photos]
        if photos and len(photos) < report.frames:
            photos.append("...")
        return "\n".join([*photos, line, *self.written])


@dataclass(frozen=True)
class Take:
    """Which part of the source: from `start` to `stop` seconds, every `stride`-th frame.

    `width`, `height` (pixels) and `fps` are wishes to a camera.
    """

    start: float = 0.0
    stop: float | None = None
    stride: int = 1
    width: int | None = None
    height: int | None = None
    fps: float | None = None


@dataclass(frozen=True)
class Find:
    """How faces are looked for. `threshold` and `image_size` (longer side, pixels) default to the model's card.

    `every`: detect in every so many frames and follow in between. `follow` gives each face a number that stays,
    `steady` takes the trembling out of its box. `classifier`: a model that says of every face which class it is
    (mask or no mask).
    """

    threshold: float | None = None
    image_size: int | None = None
    threads: int | None = None
    every: int = 1
    follow: bool = True
    steady: bool = True
    classifier: str | Path | None = None


@dataclass(frozen=True)
class Show:
    """What a person sees. `mirror` defaults to yes for cameras; `hidden` blurs or pixelates every face; `landmarks`
    marks eyes, nose and mouth."""

    view: ViewKind = "auto"
    mirror: bool | None = None
    hidden: Hidden | None = None
    landmarks: bool = False


@dataclass(frozen=True)
class Keep:
    """What is written: a recording of what is seen, a line of JSON a frame, faces as pictures, frames in doubt.

    `to` are places for the pictures besides a file: `-` (raw video on standard output), `mjpeg`, `mjpeg:8090`,
    `camera` (framing/outlets.py). Files that are there stay unless `force` is given.
    """

    save: str | Path | None = None
    jsonl: str | Path | None = None
    crop_to: str | Path | None = None
    collect_uncertain: str | Path | None = None
    force: bool = False
    to: tuple[str, ...] = ()

    def __bool__(self) -> bool:
        return any((self.save, self.jsonl, self.crop_to, self.collect_uncertain, self.to))


def detect(
    model: str | Path | None = None,
    source: str | int | Path = 0,
    *,
    take: Take = Take(),
    find: Find = Find(),
    show: Show = Show(),
    keep: Keep = Keep(),
    framed: Framed | None = None,
) -> Detected:
    """Detect and follow faces in a source until it ends, `take.stop` seconds are over, or a person quits.

    Live sources (camera, stream) show the newest frame; films and photos are worked through frame by frame. The model
    "haar" is OpenCV's cascade, where the OpenCV has it. `framed`: what is shown and recorded is a crop that follows
    the faces, without boxes; a film keeps its sound.
    """
    for path in (keep.save, keep.jsonl):
        if path is not None and str(path) != STDOUT and not Path(path).is_dir():
            refuse_to_overwrite(path, keep.force)
    detector = detector_of(model, find)
    votes = ClassVotes(Classifier(find.classifier, find.threads)) if find.classifier is not None else None
    opened = open_source(source, **asdict(take))
    outputs, shown = Outputs(), None
    stages = Stages()
    try:
        watcher = watcher_of(opened, detector, take, find, stages, votes)
        shown = _view_for(show.view, opened, keep or take.stop)
        framing = None
        if framed is not None:
            films = isinstance(opened, VideoFile)
            framing = Framing(framed, detector.threshold, films=films, stills=opened.stills)
        outputs = outputs_of(opened, keep, framing)
        camera = opened.live and opened.name.startswith("camera")
        kind: type[Loop] = LiveLoop if opened.live else RecordedLoop
        loop = kind(
            opened,
            watcher,
            view=shown,
            outputs=outputs,
            controls=Controls(mirror=camera if show.mirror is None else show.mirror),
            hidden=show.hidden,
            landmarks=show.landmarks,
            saved=outputs.hard_frames or HardFrames(TO_LABEL),
            framing=framing,
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
    if outputs.recorder is not None and isinstance(opened, VideoFile) and take.stride == 1:
        add_sound(outputs.recorder.path, opened.name, take.start, take.stop)
    rejects = getattr(opened, "rejects", None) or Rejects()
    return Detected(report, stages, outputs.summary(), opened.live, rejects)


def watcher_of(
    source: Source, finder: Finder, take: Take, find: Find, stages: Stages, votes: ClassVotes | None = None
) -> Watcher:
    """Who follows the faces of a source."""
    return Watcher(
        finder,
        (source.fps or 30.0) / take.stride,
        follow=find.follow and not source.stills,
        every=find.every,
        steady=find.steady,
        stages=stages,
        votes=votes,
    )


def detector_of(model: str | Path | None, find: Find) -> Detector | HaarDetector:
    """The detector that a person asked for."""
    if str(model) == HAAR:
        return HaarDetector()
    return Detector.load(model, find.threshold, find.threads, image_size=find.image_size)


def _view_for(view: ViewKind, source: Source, purpose: object) -> View | None:
    """The view; a live run that nobody could see, that writes nothing and never ends is refused."""
    if view == "auto" and source.stills and (purpose or why_no_display() is not None):
        view = "none"  # photos are looked at one by one, where that is what was asked for
    shown = open_view(view, f"facetracker: {source.name}")
    if shown is None and source.live and not purpose:
        raise FaceTrackerError("this run would show nothing and never end", fix=f"{OTHER_WAYS}, --stop 10 ends it.")
    return shown


def outputs_of(source: Source, keep: Keep, framing: Framing | None = None) -> Outputs:
    """What is to be written of a source, opened; all or none of it."""
    rate = (source.fps or (1.0 if source.stills else 30.0)) / source.stride
    name = Path(source.name).stem if Path(source.name).suffix else "frame"
    photos = source.stills and keep.save and Path(keep.save).suffix.lower() not in FORMATS
    outputs = Outputs()
    try:
        if photos:
            saved = SavedPhotos(Path(str(keep.save)), Path(source.name), force=keep.force)
            if saved.one and (source.count or 1) > 1:
                raise FaceTrackerError(
                    f"is one photo, {source.name} has {source.count}", path=saved.target, fix="Name a folder."
                )
            outputs.outlets.append(saved)
        for target in keep.to:
            outputs.outlets.append(open_outlet(target, f"facetracker: {source.name}", rate, source.live))
            size = (source.width or 0, source.height or 0)
            if isinstance(camera := outputs.outlets[-1], VirtualCamera) and all(size):
                camera.open(*(size if framing is None else framing.size_of(*size)))
        if keep.save and not photos:
            outputs.recorder = VideoRecorder(keep.save, rate, force=keep.force, live=source.live)
        outputs.lines = JsonLines(keep.jsonl, force=keep.force) if keep.jsonl else None
        outputs.crops = CropFolder(keep.crop_to, name, force=keep.force) if keep.crop_to else None
        outputs.hard_frames = HardFrames(keep.collect_uncertain) if keep.collect_uncertain else None
    except BaseException:
        outputs.close()
        raise
    return outputs
