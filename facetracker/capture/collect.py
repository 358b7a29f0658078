"""Taking photos: every half second one, until there are enough; near-identical ones are left out."""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Iterable
from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path

from facetracker.capture import display
from facetracker.capture.frames import Frame, Source
from facetracker.capture.newest import NewestFrame
from facetracker.capture.preview import draw_preview
from facetracker.capture.source import open_source
from facetracker.core import console, disk
from facetracker.core.errors import BadFile, FaceTrackerError, Rejects
from facetracker.core.files import photos_in, sweep, write_atomically
from facetracker.core.hashing import distance, fingerprint
from facetracker.core.naming import is_session, new_session, number_of, photo_stem, session_of
from facetracker.core.photo import encode_jpeg, read_picture

GET_READY = 3.0  # seconds before the first photo when a person looks into the preview
FLASH = 0.25  # seconds of the preview's white flash
# Of 64 bits of the fingerprint. Stricter than `fingerprint.NEAR`, which groups photos for a split: of a tutorial
# user's 90 photos, one every half second, NEAR would have left out 32 and this leaves out 8.
SAME = 1
WORD = re.compile(r"[A-Za-z0-9][A-Za-z0-9-]*")


@dataclass
class Collected:
    """What one call of `collect` did."""

    folder: Path
    session: str
    count: int
    photos: list[Path] = field(default_factory=list)  # all of the session, those of earlier calls included
    new: int = 0
    similar: int = 0  # frames left out because they looked like a photo already taken
    rejects: Rejects = field(default_factory=Rejects)
    stopped: bool = False  # by the person, before there were enough

    def __str__(self) -> str:
        new = f"{self.new} new photo{'s' * (self.new != 1)}"
        line = new if self.new == len(self.photos) else f"{len(self.photos)} photos ({self.new} new)"
        line += f" in {self.folder}, session {self.session}"
        if len(self.photos) < self.count and not self.stopped:
            line += f" ({self.count} were asked for, the source has no more)"
        if self.similar:
            frames = f"{self.similar} frame{'s' * (self.similar != 1)}"
            line += f"; {frames} left out as near-identical (--keep-similar keeps them)"
        return line


def collect(
    source: str | int | Path | Source = "0",
    folder: str | Path = "data/images",
    count: int = 30,
    every: float = 0.5,
    session: str | None = None,
    keep_similar: bool = False,
    preview: bool | None = None,
    start: float = 0.0,
    stop: float | None = None,
    on_photo: Callable[[Path, Frame], None] | None = None,
) -> Collected:
    """Take `count` photos from a source into `folder`, one every so many seconds (of photos on disk: each of them).

    A session that was interrupted is completed when its name is given again: a whole session id, or the word it
    ends in. `preview` None shows a window where the source is live and there is a display. `on_photo` is called with
    every photo of the session. A source that fails in the middle raises its error; what was taken is kept.
    """
    if count < 1 or every < 0:
        raise FaceTrackerError(
            f"{count} photos every {every:g} s cannot be taken", fix="Example: --count 30 --every 0.5"
        )
    folder = Path(folder)
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise FaceTrackerError(
            f"cannot be made ({error.strerror})", path=folder, fix="Choose another --folder."
        ) from None
    sweep(folder)
    opened = source if isinstance(source, Source) else open_source(source, start=start, stop=stop)
    with opened:
        if preview is None:
            preview = opened.live and display.has_display()
        elif preview and (reason := display.why_no_display()):
            raise FaceTrackerError(f"no preview: {reason}", fix="Leave --preview out, or see `facetracker doctor`.")
        take = Taking(folder, _session(folder, session), count, keep_similar, opened.live, on_photo)
        try:
            with console.progress("collect", count) as meter:
                meter.advance(take.found())
                _take(opened, take, every, preview, meter)
        except KeyboardInterrupt:
            take.done.stopped = True
        except FaceTrackerError as error:
            raise _kept(error, take.done) from None
    take.done.rejects.rows += getattr(opened, "rejects", Rejects()).rows
    if take.done.rejects:
        write_atomically(folder / "rejects.txt", take.done.rejects.as_text())
    return take.done


def _session(folder: Path, wish: str | None) -> str:
    """The session to take or to complete."""
    if wish is None:
        return new_session()
    if is_session(wish):
        return wish
    if WORD.fullmatch(wish) is None:
        raise FaceTrackerError(
            f"{wish!r} is no name for a session", fix="Letters, digits and `-`, for example kitchen-1"
        )
    there = {session_of(path.stem) for path in photos_in(folder)}
    return max((name for name in there if name and name[16:] == wish), default=new_session(wish))


def _kept(error: FaceTrackerError, done: Collected) -> FaceTrackerError:
    """The source's error, with what is kept and how to go on."""
    if not done.photos:
        return error
    kept = f"{len(done.photos)} of {done.count} photos are kept in {done.folder}; `--session {done.session}` goes on."
    return type(error)(error.fault, path=error.path, fix=kept)


class Taking:
    """The photos of one session: which there are, which a new one looks like, and how the next is called."""

    def __init__(
        self,
        folder: Path,
        session: str,
        count: int,
        keep_similar: bool,
        live: bool,
        on_photo: Callable[[Path, Frame], None] | None,
    ):
        self.done = Collected(folder, session, count)
        self.keep_similar, self.live, self.on_photo = keep_similar, live, on_photo
        self.prints: list[int] = []
        self.number = 0

    def found(self) -> int:
        """Take over what an earlier call left of a live session: how many photos that are.

        A recording is played again from its beginning instead, so that the same frames are chosen.
        """
        if not self.live:
            return 0
        for path in photos_in(self.done.folder):
            if session_of(path.stem) != self.done.session:
                continue
            self.number = max(self.number, number_of(path.stem) or 0)
            try:
                self.prints.append(fingerprint(read_picture(path)))
            except BadFile as error:
                self.done.rejects.add(path, error)
                continue
            self.done.photos.append(path)
        return len(self.done.photos)

    @property
    def enough(self) -> bool:
        return len(self.done.photos) >= self.done.count

    def offer(self, frame: Frame, wanted: bool = False) -> bool:
        """Take the frame unless it looks like a photo already taken (`wanted`: take it anyway). Was it taken?"""
        look = fingerprint(frame.picture)
        if not (wanted or self.keep_similar) and any(distance(look, other) <= SAME for other in self.prints):
            self.done.similar += 1
            return False
        self.number += 1
        path = self.done.folder / f"{photo_stem(self.done.session, self.number)}.jpg"
        data = encode_jpeg(frame.picture)
        if not path.exists():
            try:
                write_atomically(path, data)
            except OSError as error:
                self.number -= 1  # the same frame may be offered again, once there is room
                raise FaceTrackerError(f"cannot be written ({disk.reason(error, path)})", path=path) from None
            self.done.new += 1
        elif path.read_bytes() != data:
            raise FaceTrackerError("is another photo of that name", path=path, fix="Choose another --session.")
        self.prints.append(look)
        self.done.photos.append(path)
        if self.on_photo is not None:
            self.on_photo(path, frame)
        return True


def _take(source: Source, take: Taking, every: float, preview: bool, meter: console.ProgressLine) -> None:
    """Offer frames until there are enough: of a live source one every so many seconds, of all others each one.

    Before a live preview a person looks at themselves: a countdown, Space takes one now. Q or Esc stops any preview.
    """
    if take.enough:
        return
    if not (take.live or source.stills):
        source.every = every
    watched = take.live and preview
    due = pause = GET_READY if watched else 0.0
    hint = f"Get ready: {take.done.count} photos, one every {every:g} s" if watched else ""
    last_photo, key = -math.inf, None
    with ExitStack() as stack:
        frames: Iterable[Frame] = stack.enter_context(NewestFrame(source)) if take.live else source
        window = stack.enter_context(display.Window("facetracker collect")) if preview else None
        for frame in frames:
            taken = False
            if not take.live or frame.time >= due or key == "space":
                taken = take.offer(frame, wanted=watched and key == "space")
                meter.advance(int(taken))
                due, pause = frame.time + every, every
                hint = "Too similar to an earlier photo: move your head a little" if watched and not taken else ""
                last_photo = frame.time if taken else last_photo
            if window is not None:
                wait = due - frame.time if watched else 0.0
                flash = max(0.0, 1 - (frame.time - last_photo) / FLASH) if watched else 0.5 * taken
                have, wanted = len(take.done.photos), take.done.count
                shown = draw_preview(
                    frame.picture, have, wanted, wait, pause if watched else 0.0, flash, hint, mirror=watched
                )
                key = window.show(shown)
                if window.closed or key in ("q", "esc"):
                    take.done.stopped = True
                    return
            if take.enough:
                return
