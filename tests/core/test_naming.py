"""Names of photos, and the sessions that can be read from them."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from uuid import UUID

from facetracker.core.naming import is_session, new_session, number_of, photo_stem, session_of, sessions

NOON = datetime(2026, 11, 21, 12, 0, 5, tzinfo=UTC)


def uuid1_at(time: datetime, node: int = 0x58FB84383140, sequence: int = 7) -> str:
    """A `uuid1` name as the tutorial's script would have given it at that time."""
    ticks = round((time - datetime(1582, 10, 15, tzinfo=UTC)).total_seconds()) * 10_000_000
    fields = (
        ticks & 0xFFFFFFFF,
        ticks >> 32 & 0xFFFF,
        ticks >> 48 & 0x0FFF,
        sequence >> 8 & 0x3F,
        sequence & 0xFF,
        node,
    )
    return str(UUID(fields=fields, version=1))


def test_a_name_gives_back_its_session_and_number():
    session = new_session("kitchen", NOON)
    assert session == "20261121-120005-kitchen"
    assert is_session(session)
    assert not is_session("kitchen")
    assert session_of(photo_stem(session, 7)) == session
    assert number_of(photo_stem(session, 7)) == 7
    assert session_of(photo_stem(session, 123_456)) == session


def test_variants_belong_to_the_session_of_their_photo():
    stem = photo_stem(new_session("k3f9", NOON), 12)
    assert session_of(f"{stem}.59") == "20261121-120005-k3f9"
    assert number_of(f"{stem}.59") == 12
    uuid = uuid1_at(NOON)
    assert sessions([uuid, f"{uuid}.3"])[uuid] == sessions([f"{uuid}.3"])[f"{uuid}.3"]


def test_names_sort_by_time():
    stems = [photo_stem(new_session("b", NOON), n) for n in (1, 2, 10, 100)]
    stems += [photo_stem(new_session("a", NOON + timedelta(seconds=1)), 1)]
    assert stems == sorted(stems)


def test_sessions_that_begin_in_the_same_second_differ():
    assert len({new_session(now=NOON) for _ in range(20)}) > 15


def test_foreign_names_say_nothing():
    for stem in ("mask_00012", "fddb_a_00012", "IMG_20230502_101112", "face", "c0ffee00-0000-4000-8000-000000000000"):
        assert session_of(stem) is None
        assert number_of(stem) is None
        assert sessions([stem]) == {stem: None}


def test_uuid1_names_fall_into_sessions_at_pauses_of_ten_minutes():
    times = [NOON + timedelta(minutes=m) for m in (0, 1, 10, 19, 30, 31)]
    stems = [uuid1_at(time, sequence=i) for i, time in enumerate(times)]
    found = sessions(reversed(stems))
    assert [found[stem] for stem in stems[:4]] == ["20261121-120005-uuid58fb84383140"] * 4
    assert [found[stem] for stem in stems[4:]] == ["20261121-123005-uuid58fb84383140"] * 2


def test_two_machines_at_one_time_are_two_sessions():
    a, b = uuid1_at(NOON, node=0x020000000001), uuid1_at(NOON, node=0x020000000002)
    assert len(set(sessions([a, b]).values())) == 2
