"""A film that is being labelled: what was found in it, its labels, its frames, and every change saved at once."""

from __future__ import annotations

import threading
from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated, Any, Literal, Self

import numpy as np
from pydantic import BaseModel, ConfigDict, Field, TypeAdapter, ValidationError

from facetracker.core.errors import FaceTrackerError
from facetracker.core.files import sweep
from facetracker.core.naming import is_session, new_session
from facetracker.core.settings import first_fault
from facetracker.inference.films.film import needed_film
from facetracker.inference.films.frames import FilmFrames
from facetracker.labels.film import storage
from facetracker.labels.film.found import look_at
from facetracker.labels.film.labels import FilmLabels

Number = Annotated[int, Field(ge=0, le=1 << 31)]
Corners = tuple[float, float, float, float]


class _Act(BaseModel):
    model_config = ConfigDict(extra="forbid")


class Correct(_Act):
    act: Literal["correct"]
    track: Number
    frame: Number
    box: Corners


class Add(_Act):
    act: Literal["add"]
    frame: Number
    box: Corners
    label: str | None = Field(None, min_length=1, max_length=100)


class AtFrame(_Act):
    act: Literal["unkey", "begin", "end", "split"]
    track: Number
    frame: Number


class Confirm(_Act):
    act: Literal["confirm"]
    frame: Number


class Join(_Act):
    act: Literal["join"]
    track: Number
    other: Number


class Rename(_Act):
    act: Literal["rename"]
    track: Number
    label: str = Field(max_length=100)


class Delete(_Act):
    act: Literal["delete", "only"]
    track: Number


class NoFace(_Act):
    act: Literal["no_face"]
    first: Number
    last: Number
    track: Number | None = None


class Travel(_Act):
    act: Literal["undo", "redo"]


Act = Correct | Add | AtFrame | Confirm | Join | Rename | Delete | NoFace | Travel
_ACTS: TypeAdapter[Act] = TypeAdapter(Annotated[Act, Field(discriminator="act")])


class FilmSession:
    """One film under a person's hands. Safe to use from several threads."""

    def __init__(self, film: str | Path, model: str | Path | None = None, label: str = "face"):
        self.film = needed_film(film)
        self._lock = threading.RLock()
        sweep(self.film.parent)
        self.seen = look_at(self.film, model)
        known = storage.read(self.film, self.seen)
        self.saved = known or storage.Saved(FilmLabels.of(self.seen, label), session_for(self.film), "")
        self.frames = FilmFrames(self.film, self.seen.stamps, 1 / self.seen.step)

    @property
    def labels(self) -> FilmLabels:
        """The labels as they are now."""
        return self.saved.labels

    @property
    def session(self) -> str:
        """What the frames of this film are called, so that `split` keeps them together."""
        return self.saved.session

    def act(self, wish: Mapping[str, Any], etag: str | None = None) -> FilmLabels:
        """Do one thing (`{"act": "correct", "track": 1, "frame": 20, "box": [...]}`) and save it.

        `etag` is that of the labels which the person saw; None: whichever they are.
        """
        try:
            act = _ACTS.validate_python(dict(wish))
        except ValidationError as error:
            raise FaceTrackerError(f"that is no action ({': '.join(first_fault(error))})") from None
        with self._lock:
            if etag is not None and etag != self.saved.etag:
                raise storage.FilmChanged("was changed meanwhile", path=self.film.name, fix="Load the film again.")
            labels = self._done(act)
            self.saved = storage.save(self.film, storage.Saved(labels, self.session, self.saved.etag))
            return labels

    def again(self) -> None:
        """Read the labels from the disk: another program has changed them."""
        with self._lock:
            known = storage.read(self.film, self.seen)
            if known is not None:
                self.saved = known

    def _done(self, act: Act) -> FilmLabels:
        labels = self.labels
        match act:
            case Correct():
                return labels.correct(act.track, act.frame, act.box, self.frames)
            case Add():
                return labels.add(act.frame, act.box, act.label, self.frames)
            case AtFrame():
                change = {"unkey": labels.unkey, "begin": labels.begin, "end": labels.end, "split": labels.split}
                return change[act.act](act.track, act.frame)
            case Confirm():
                return labels.confirm(act.frame)
            case Join():
                return labels.join(act.track, act.other)
            case Rename():
                return labels.rename(act.track, act.label)
            case Delete():
                return labels.delete(act.track) if act.act == "delete" else labels.only(act.track)
            case NoFace():
                return labels.no_face(act.first, act.last, act.track)
            case Travel():
                return labels.undo() if act.act == "undo" else labels.redo()

    def as_json(self) -> dict[str, Any]:
        """All that a page shows of it."""
        with self._lock:
            labels, etag = self.labels, self.saved.etag
        return {
            "etag": etag,
            "session": self.session,
            "width": self.seen.width,
            "height": self.seen.height,
            "times": [round(time - self.seen.times[0], 4) for time in self.seen.times],
            "shots": [list(shot) for shot in self.seen.shots],
            "labels": labels.labels,
            "style": [round(number, 4) for number in labels.style.numbers],
            "actions": labels.actions,
            "can_undo": labels.past[-1].name if labels.past else None,
            "can_redo": labels.future[-1].name if labels.future else None,
            "tracks": [
                {
                    "number": number,
                    "label": track.label,
                    "spans": [list(span) for span in track.spans],
                    "keys": [frame for frame, _ in track.keys],
                    "boxes": np.round(labels.boxed[number].boxes, 1).tolist(),
                    "seen": _as_runs(labels.boxed[number].scores > 0),
                }
                for number, track in labels.tracks.items()
            ],
            "doubts": [
                {"track": one.track, "first": one.first, "last": one.last, "why": one.why} for one in labels.doubts
            ],
        }

    def close(self) -> None:
        """Close the film."""
        self.frames.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()


def session_for(film: Path) -> str:
    """The session of a film's frames: the one it is called by, or else one of when it was taken and of its name."""
    if is_session(film.stem):
        return film.stem
    word = "".join(letter if letter.isascii() and letter.isalnum() else "-" for letter in film.stem).strip("-")[:40]
    return new_session(word or None, datetime.fromtimestamp(film.stat().st_mtime, UTC))


def _as_runs(flags: np.ndarray) -> list[int]:
    """How many are alike, in turn, beginning with those that are not: short for a page."""
    edges = np.flatnonzero(np.diff(np.concatenate([[False], flags]).astype(int)))
    return np.diff(np.concatenate([[0], edges, [len(flags)]])).tolist()
