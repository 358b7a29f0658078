"""Frames that the tracker is unsure of, saved for labelling: what it learns most from.

They land in `data/images` under names like those of `facetracker collect`, so that `prelabel`, `annotate` and
`split` treat them alike: frames of one run are one session.
"""

from __future__ import annotations

from pathlib import Path

from facetracker.core.naming import new_session, photo_stem
from facetracker.core.photo import write_jpeg
from facetracker.inference.tracking.watch import Seen

EVERY = 1.0  # seconds between two saved frames: neighbours teach nothing new


class HardFrames:
    """Saves frames in doubt, at most one a second; `count` says how many."""

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
