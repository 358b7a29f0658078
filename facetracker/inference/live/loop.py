"""What runs over a live source, over a film and over several sources have in common."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

from facetracker.capture.source import Frame, Source
from facetracker.core.faces import Faces
from facetracker.core.photo import Picture
from facetracker.inference.framing.framing import Framing, Shot
from facetracker.inference.hiding.cover import Hidden
from facetracker.inference.live.render import Renderer
from facetracker.inference.live.views import View
from facetracker.inference.recording.outputs import HardFrames, Outputs
from facetracker.inference.stages import Durations
from facetracker.inference.tracking.watch import Seen, Watcher

PHOTOS_TOLD = 20  # of more photos a person does not read a line each


@dataclass
class Controls:
    """The state that keys change; `save` is a wish that the loop fulfils and clears."""

    mirror: bool = False
    blur: bool = False
    paused: bool = False
    help: bool = False
    save: bool = False
    quit: bool = False

    def press(self, key: str | None) -> None:
        """Act on a key (`q`, `esc`, `space`, `s`, `m`, `b`, `h`); others do nothing."""
        if key in ("q", "esc"):
            self.quit = True
        elif key == "space":
            self.paused = not self.paused
        elif key == "s":
            self.save = True
        elif key == "m":
            self.mirror = not self.mirror
        elif key == "b":
            self.blur = not self.blur
        elif key == "h":
            self.help = not self.help


@dataclass
class Report:
    """What a run did."""

    frames: int = 0  # that were looked at
    shown: int = 0
    faces: int = 0  # different ones that were followed
    most: int = 0  # faces in one frame
    seconds: float = 0.0
    ages: Durations = field(default_factory=Durations)  # of frames at the moment they were shown
    photos: list[tuple[Path, int]] = field(default_factory=list)  # the first ones, and their faces

    def note(self, seen: Seen) -> None:
        """Count one frame that was looked at."""
        self.frames += 1
        self.most = max(self.most, len(seen.faces))
        if seen.frame.path is not None and len(self.photos) < PHOTOS_TOLD:
            self.photos.append((seen.frame.path, len(seen.faces)))
        if seen.faces.ids is not None and len(seen.faces):
            self.faces = max(self.faces, int(seen.faces.ids.max()))  # numbers are given in order


class Post:
    """One source and who looks at it: what is seen goes to `outputs` and to the `view`, whose keys move the `controls`.

    `hidden` blurs or pixelates every face; `landmarks` marks eyes, nose and mouth; `saved` takes the frames that a
    person wants to label (key `s`). With a `framing` only its part of each frame is shown and recorded, without boxes.
    """

    def __init__(
        self,
        source: Source,
        watcher: Watcher,
        *,
        view: View | None = None,
        outputs: Outputs | None = None,
        controls: Controls | None = None,
        hidden: Hidden | None = None,
        saved: HardFrames | None = None,
        landmarks: bool = False,
        framing: Framing | None = None,
    ):
        self.source, self.watcher, self.view = source, watcher, view
        self.outputs = outputs or Outputs()
        self.controls = controls or Controls()
        self.hidden, self.saved, self.framing = hidden, saved, framing
        self.report = Report()
        boxes = framing is None
        self._window = Renderer(watcher.classes, landmarks, boxes)
        self._film = Renderer(watcher.classes, landmarks, boxes)

    def _looked(self, frame: Frame) -> tuple[Seen, Shot]:
        """Look at a frame and hand on what is seen, and the picture of it."""
        seen = self.watcher.look(frame)
        self.report.note(seen)
        self.outputs.take(seen)
        shot = self._shot(frame, seen.faces, seen.found)
        self._record(frame, shot)
        return seen, shot

    def _shot(self, frame: Frame, faces: Faces, found: Faces | None) -> Shot:
        """What of the next frame is shown and recorded."""
        if self.framing is None:
            return Shot(frame.picture, faces, found)
        with self.watcher.stages.timed("frame"):
            return self.framing.shot(frame, faces, found)

    def _drawn(self, shot: Shot, status: Sequence[str]) -> Picture:
        """A shot as it is shown just now."""
        controls = self.controls
        return self._window.render(
            shot.picture,
            shot.faces,
            shot.found,
            mirror=controls.mirror,
            hidden=self._hide(),
            status=status,
            help=controls.help,
        )

    def _record(self, frame: Frame, shot: Shot) -> None:
        """Hand a shot to whoever takes pictures."""
        if self.outputs.takes_pictures:
            with self.watcher.stages.timed("draw"):
                film = self._film.render(shot.picture, shot.faces, shot.found, hidden=self._hide())
            with self.watcher.stages.timed("record"):
                self.outputs.show(film, frame)

    def _hide(self) -> Hidden | None:
        """How faces are hidden just now."""
        return self.hidden or ("blur" if self.controls.blur else None)

    def _is_left(self) -> bool:
        """A person has quit, or shut the window, or whoever read the pictures has gone."""
        return self.controls.quit or self.outputs.left or (self.view is not None and self.view.closed)

    def _save_if_wished(self, seen: Seen | None) -> Path | None:
        """Save the frame for labelling if a person has pressed `s`; where."""
        wished, self.controls.save = self.controls.save, False
        return self.saved.save(seen) if wished and self.saved is not None and seen is not None else None


class Loop(Post, ABC):
    """One run over one source."""

    @abstractmethod
    def run(self) -> Report:
        """Work until the source ends or a person quits; what was done."""
