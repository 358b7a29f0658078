"""How collected photos are called, and which photos were taken together.

A photo is `SESSION_NUMBER.jpg`, a session `YYYYMMDD-HHMMSS-WORD` (UTC, when it began), for example
`20261121-054122-k3f9_00007.jpg`. So names are unique and sort by time, and the session travels with the photo
through every folder, into the augmented variants (`STEM.N`) too. The tutorial's photos are called by
`uuid.uuid1()`, which holds the time and the machine: photos of one machine without a pause of ten minutes between
them are one session.
"""

from __future__ import annotations

import re
import secrets
from collections.abc import Iterable
from datetime import UTC, datetime, timedelta
from uuid import UUID

PAUSE = timedelta(minutes=10)

_SESSION = re.compile(r"\d{8}-\d{6}-[A-Za-z0-9-]+")
_STEM = re.compile(rf"({_SESSION.pattern})_(\d{{5,}})")
_VARIANT = re.compile(r"\.\d+$")
_UUID_EPOCH = datetime(1582, 10, 15, tzinfo=UTC)  # uuid1 counts 100 ns steps from the Gregorian calendar's first day


def new_session(word: str | None = None, now: datetime | None = None) -> str:
    """The id of a session that begins now; `word` (letters, digits, `-`) in place of four random characters."""
    word = word or "".join(secrets.choice("abcdefghijkmnpqrstuvwxyz23456789") for _ in range(4))
    return f"{now or datetime.now(UTC):%Y%m%d-%H%M%S}-{word}"


def is_session(text: str) -> bool:
    """Is this a whole session id, with its date and time?"""
    return _SESSION.fullmatch(text) is not None


def photo_stem(session: str, number: int) -> str:
    """The name, without suffix, of photo `number` (from 1) of a session."""
    return f"{session}_{number:05d}"


def session_of(stem: str) -> str | None:
    """The session in the name of a collected photo or of its variants; None where the name says nothing."""
    found = _STEM.fullmatch(_VARIANT.sub("", stem))
    return found[1] if found else None


def number_of(stem: str) -> int | None:
    """The number of a collected photo within its session; None where the name says nothing."""
    found = _STEM.fullmatch(_VARIANT.sub("", stem))
    return int(found[2]) if found else None


def sessions(stems: Iterable[str]) -> dict[str, str | None]:
    """The session of each photo, also of the tutorial's `uuid1` names; None where the name says nothing.

    Sessions of `uuid1` names need the whole list: they end where the next photo of the machine is ten minutes away.
    """
    stems = list(stems)
    found = {stem: session_of(stem) for stem in stems}
    taken: list[tuple[int, datetime, str]] = []
    for stem in stems:
        if found[stem] is None and (when := _uuid1_time(stem)) is not None:
            taken.append((*when, stem))
    last: tuple[int, datetime] | None = None
    name = ""
    for machine, time, stem in sorted(taken):
        if last is None or machine != last[0] or time - last[1] > PAUSE:
            name = f"{time:%Y%m%d-%H%M%S}-uuid{machine:012x}"
        last = (machine, time)
        found[stem] = name
    return found


def _uuid1_time(stem: str) -> tuple[int, datetime] | None:
    """Machine and time in a `uuid1` name, or None for any other name."""
    try:
        uuid = UUID(_VARIANT.sub("", stem))
    except ValueError:
        return None
    if uuid.version != 1:
        return None
    return uuid.node, _UUID_EPOCH + timedelta(microseconds=uuid.time // 10)
