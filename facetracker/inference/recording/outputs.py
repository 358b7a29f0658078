"""Everything a run writes: the recording, the lines, crops and frames in doubt."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from shlex import quote
from typing import Any

from facetracker.capture.frames import Frame
from facetracker.core import console
from facetracker.core.errors import FaceTrackerError
from facetracker.core.naming import new_session, photo_stem
from facetracker.core.photo import Picture, write_jpeg
from facetracker.inference.framing.outlets import Outlet
from facetracker.inference.recording.crops import CropFolder
from facetracker.inference.recording.record import JsonLines, VideoRecorder
from facetracker.inference.tracking.watch import Seen

EVERY = 1.0  # seconds between two saved frames: neighbours teach nothing new


class HardFrames:
    """Saves frames that the tracker is unsure of, at most one a second; `count` says how many.

    It learns most from them. They land in `data/images` under names like those of `facetracker collect`, so that
    `prelabel`, `annotate` and `split` treat them alike: frames of one run are one session.
    """

    def __init__(self, folder: str | Path, *, every: float = EVERY, session: str | None = None):
        self.folder, self.every = Path(folder), every
        self.session = session or new_session()
        self.count = 0
        self._last: float | None = None

    def take(self, seen: Seen) -> Path | None:
        """Save the frame if it is in doubt and the last one is long enough ago; where."""
        if not seen.doubt or (self._last is not None and 0 <= seen.frame.time - self._last < self.every):
            return None
        self._last = seen.frame.time
        return self.save(seen)

    def save(self, seen: Seen) -> Path:
        """Save this frame, whatever is thought of it, as the camera took it: not mirrored, nothing drawn."""
        self.count += 1
        path = self.folder / f"{photo_stem(self.session, self.count)}.jpg"
        return write_jpeg(path, seen.frame.picture)


@dataclass
class Outputs:
    """What was asked for; the rest is None. `source` is the name of one of several, for the lines that they share."""

    recorder: VideoRecorder | None = None
    lines: JsonLines | None = None
    crops: CropFolder | None = None
    hard_frames: HardFrames | None = None
    outlets: list[Outlet] = field(default_factory=list)
    source: str | None = None

    def __bool__(self) -> bool:
        return any((self.recorder, self.lines, self.crops, self.hard_frames, self.outlets))

    @property
    def takes_pictures(self) -> bool:
        """Whether anything takes the pictures as they are shown."""
        return self.recorder is not None or bool(self.outlets)

    @property
    def left(self) -> bool:
        """Whether somebody who read the pictures has gone."""
        return any(outlet.left for outlet in self.outlets)

    def show(self, picture: Picture, frame: Frame) -> None:
        """Hand on the picture of a frame, as it is to be seen."""
        if self.recorder is not None:
            self.recorder.write(picture, frame.time)
        for outlet in self.outlets:
            outlet.show(picture, frame)

    def take(self, seen: Seen) -> None:
        """Write what is to be written of one frame, but for the recording."""
        if self.lines is not None:
            row = as_row(seen)
            self.lines.write(row if self.source is None else {"source": self.source, **row})
        if self.crops is not None:
            self.crops.take(seen)
        if self.hard_frames is not None:
            self.hard_frames.take(seen)

    def lost(self) -> None:
        """The source has been silent for long: what was under way in its picture is over."""

    @property
    def failures(self) -> list[str]:
        """A line for each file that could not be written to its end."""
        return [sink.failed for sink in (self.recorder, self.lines) if sink is not None and sink.failed]

    def close(self) -> None:
        """Finish every file."""
        if self.recorder is not None:
            self.recorder.close()
        if self.lines is not None:
            self.lines.close()
        for outlet in self.outlets:
            outlet.close()

    def summary(self) -> list[str]:
        """A line for each file or folder that was written."""
        lines = []
        if self.recorder is not None:
            left = f", {self.recorder.left_out} left out (writing was too slow)" if self.recorder.left_out else ""
            lines.append(f"{self.recorder.path}: {console.counted(self.recorder.frames, 'frame')}{left}")
        if self.lines is not None and not self.lines.piped:
            lines.append(f"{self.lines.path}: {console.counted(self.lines.lines, 'line')}")
        if self.crops is not None:
            lines.append(f"{self.crops.folder}: {console.counted(self.crops.count, 'face')}")
        if self.hard_frames is not None and self.hard_frames.count:
            folder = self.hard_frames.folder
            data = folder.parent if folder.name == "images" else folder
            count = console.counted(self.hard_frames.count, "frame")
            lines.append(f"{folder}: {count} to label. Next: facetracker review {quote(str(data))}")
        return lines + [outlet.summary() for outlet in self.outlets]

    def raise_failures(self) -> None:
        """A run whose file could not be finished has failed, though it went on."""
        if self.failures:
            raise FaceTrackerError("; ".join(self.failures), fix="What was written before can be used.")


def as_row(seen: Seen) -> dict[str, Any]:
    """One frame as it stands in the lines: boxes in pixels, left, top, right, bottom."""
    frame = seen.frame
    row: dict[str, Any] = {"frame": frame.index, "time": round(frame.time, 4), **seen.faces.as_json()}
    if frame.path is not None:
        row["photo"] = str(Path(frame.path))
    return row
