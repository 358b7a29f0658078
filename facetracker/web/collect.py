"""Collecting with the browser's camera: each photo is a request, and lands where `facetracker collect` puts it."""

from __future__ import annotations

import threading
import time
from pathlib import Path
from typing import Any

from facetracker.capture.collect import Taking
from facetracker.capture.frames import Frame
from facetracker.core.errors import FaceTrackerError
from facetracker.core.naming import is_session, new_session
from facetracker.web.live import decode_frame
from facetracker.web.paths import Place, inside

MOST_SESSIONS = 16  # kept in mind; an older one is read from its photos again
MOST_PHOTOS = 10_000  # of one session
WORD_LENGTH = 40


class Collecting:
    """The sessions of this page; safe to use from several threads."""

    def __init__(self, place: Place):
        self.place = place
        self._takes: dict[str, Taking] = {}
        self._lock = threading.Lock()

    def begin(self, word: str | None = None) -> str:
        """A fresh session's id; nothing is written yet."""
        if word is None:
            return new_session()
        session = new_session(word)
        if len(word) > WORD_LENGTH or not is_session(session):
            fix = "Letters, digits and `-`, for example kitchen-1"
            raise FaceTrackerError(f"{word[:WORD_LENGTH]!r} is no name for a session", fix=fix)
        return session

    def take(self, session: str, data: bytes, keep_similar: bool = False) -> dict[str, Any] | None:
        """Save one photo: its name and how many the session has; None when it looks like one already taken."""
        if not is_session(session) or len(session) > 16 + WORD_LENGTH:
            raise FaceTrackerError("that is no session", fix="Begin one first.")
        picture = decode_frame(data)
        with self._lock:
            take = self._taking(session)
            if len(take.done.photos) >= MOST_PHOTOS:
                raise FaceTrackerError(f"the session has {MOST_PHOTOS:,} photos", fix="Begin another one.")
            if not take.offer(Frame(picture, take.number, 0.0, time.monotonic()), wanted=keep_similar):
                return None
            return {"name": Path(take.done.photos[-1]).name, "count": len(take.done.photos)}

    def _taking(self, session: str) -> Taking:
        folder = self.place.images
        if folder.is_dir() or folder.is_symlink():
            inside(self.place.data, folder)
        take = self._takes.pop(session, None)
        if take is None:
            folder.mkdir(parents=True, exist_ok=True)
            take = Taking(folder, session, MOST_PHOTOS, keep_similar=False, live=True, on_photo=None)
            take.found()
        self._takes[session] = take  # the latest is last
        while len(self._takes) > MOST_SESSIONS:
            del self._takes[next(iter(self._takes))]
        return take
