"""What is told of faces on known ways: exact counts and times, whatever flickers, and whoever is renumbered."""

from __future__ import annotations

from collections import Counter, defaultdict
from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from tracks import HEIGHT, SIDE, WIDTH, Track, brief, faces_at, told

from facetracker.core.errors import FaceTrackerError
from facetracker.core.faces import Faces
from facetracker.inference.events.events import EVENTS, Event, Noticing
from facetracker.inference.events.settings import Patience, settings_of
from facetracker.inference.events.zones import parse_zone

LEFT_HALF = parse_zone("left=0,0,0.5,1")


def walk(seconds):
    """From the left to the right edge in eight seconds."""
    return 40 + 70 * seconds, 240


def test_a_visit_is_told_with_the_time_at_which_it_began_and_its_length():
    events = told(Noticing(stays=[2, 5]), [Track(7, 1.0, 5.0)], 9)
    assert brief(events) == [("came", 1, 1.0), ("stayed", 1, 3.0), ("left", 1, 5.0)]
    assert [(one.event, one.count, one.seconds) for one in events] == [
        ("came", 1, None), ("count", 1, None), ("stayed", 1, 2), ("left", 0, pytest.approx(4.0)), ("count", 0, None),
    ]  # fmt: skip
    assert [one.number for one in events] == [1, 2, 3, 4, 5]
    assert not any(one.ended for one in events)


def test_the_end_of_the_film_closes_what_is_open():
    events = told(Noticing(zones=[LEFT_HALF]), [Track(1, 0.0, 99, lambda _: (100, 240))], 4)
    assert brief(events) == [("came", 1, 0.0), ("entered", 1, 0.0), ("left_zone", 1, 4.0), ("left", 1, 4.0)]
    assert [one.ended for one in events if one.event in ("left", "left_zone", "count")] == [False, True, True, True]
    assert events[-1].count == 0


@pytest.mark.parametrize("hidden", [(2.0, 2.1), (2.0, 3.2)])
def test_a_short_miss_is_no_leaving(hidden):
    assert brief(told(Noticing(), [Track(1, 1.0, 5.0, hidden=(hidden,))], 8)) == [("came", 1, 1.0), ("left", 1, 5.0)]


def test_a_long_one_is():
    events = told(Noticing(), [Track(1, 1.0, 9.0, hidden=((3.0, 6.0),))], 12)
    assert brief(events) == [("came", 1, 1.0), ("left", 1, 3.0), ("came", 2, 6.0), ("left", 2, 9.0)]


def test_what_flickers_is_nobody():
    tracks = [Track(number, 2.0 * number, 2.0 * number + 0.3) for number in range(5)]
    assert told(Noticing(), tracks, 12) == []


def test_a_face_that_is_given_a_new_number_is_the_same_person():
    tracks = [Track(1, 0.0, 2.0, walk), Track(2, 2.2, 4.0, walk), Track(5, 4.8, 7.0, walk)]
    events = told(Noticing(stays=[6]), tracks, 10)
    assert brief(events) == [("came", 1, 0.0), ("stayed", 1, 6.0), ("left", 1, 7.0)]


def test_who_begins_elsewhere_is_somebody_else():
    tracks = [Track(1, 0.0, 4.0, lambda _: (80, 240)), Track(2, 4.2, 8.0, lambda _: (560, 240))]
    events = told(Noticing(), tracks, 11)
    assert brief(events) == [("came", 1, 0.0), ("came", 2, 4.2), ("left", 1, 4.0), ("left", 2, 8.0)]


def test_who_is_there_already_never_goes_on_as_somebody_who_is_missed():
    """The second begins beside the first before the first is lost."""
    tracks = [Track(1, 0.0, 4.0), Track(2, 3.0, 8.0, lambda _: (360, 240))]
    assert [one[0] for one in brief(told(Noticing(), tracks, 11))] == ["came", "came", "left", "left"]


def test_two_who_pass_each_other_hidden_for_a_moment_keep_their_visits():
    def back(seconds):
        return 600 - 70 * seconds, 240

    tracks = [Track(1, 0.0, 3.7, walk), Track(2, 0.0, 3.7, back), Track(3, 4.4, 8.0, walk), Track(4, 4.4, 6.0, back)]
    events = told(Noticing(), tracks, 11)
    assert brief(events, "came", "left") == [("came", 1, 0.0), ("came", 2, 0.0), ("left", 2, 6.0), ("left", 1, 8.0)]


def test_who_passes_in_front_of_a_sitter_does_not_go_off_with_the_visit():
    """The follower takes the passer-by for the sitter, whom it finds again later under a new number."""

    def off(seconds):
        return 320 + max(0.0, 150 * (seconds - 4)), 240

    tracks = [Track(1, 0.0, 6.0, off), Track(2, 4.8, 9.0)]
    events = told(Noticing(), tracks, 11)
    assert brief(events) == [("came", 1, 0.0), ("came", 2, 4.1), ("left", 2, 6.0), ("left", 1, 9.0)]


def test_the_first_sighting_is_found_before_the_follower_believes():
    noticing, events = Noticing(zones=[LEFT_HALF]), []
    track = Track(1, 1.0, 4.0, lambda seconds: (300 + 30 * seconds, 240))  # into the right half at 0.67 s
    for index in range(90):
        time = index / 15
        seen = faces_at([track], time)
        events += noticing.look(seen if time >= 1.4 else Faces.none(WIDTH, HEIGHT), time, seen)
    assert brief(events, "came", "left") == [("came", 1, 1.0), ("left", 1, 4.0)]


def test_zones_have_the_time_of_the_crossing():
    events = told(Noticing(zones=[LEFT_HALF]), [Track(1, 0.0, 8.0, walk)], 11)
    assert brief(events) == [("came", 1, 0.0), ("entered", 1, 0.0), ("left_zone", 1, 4.0), ("left", 1, 8.0)]
    assert [one.seconds for one in events if one.event == "left_zone"] == [pytest.approx(4.0, abs=0.05)]
    assert [one.in_zone for one in events if one.zone] == [1, 0]


def test_a_crossing_behind_somebody_lies_where_a_straight_way_would_cross():
    events = told(Noticing(zones=[LEFT_HALF]), [Track(1, 0.0, 8.0, walk, hidden=((3.6, 4.6),))], 11)
    assert brief(events, "left_zone") == [("left_zone", 1, 4.0)]


def test_who_sits_on_the_edge_of_a_zone_does_not_enter_with_every_breath():
    def breathe(seconds):
        return 320 + 0.08 * SIDE * np.sin(3 * seconds), 240

    assert brief(told(Noticing(zones=[LEFT_HALF]), [Track(1, 0.0, 20.0, breathe)], 22)) == [
        ("came", 1, 0.0), ("left", 1, 20.0),
    ]  # fmt: skip


def test_a_look_aside_is_told_where_there_are_landmarks():
    track = Track(1, 0.0, 9.0, turned=((2.0, 2.3), (4.0, 6.5)))
    events = told(Noticing(), [track], 11, landmarks=True)
    assert brief(events, "looks_away", "looks_back") == [("looks_away", 1, 4.0), ("looks_back", 1, 6.5)]
    assert [one.seconds for one in events if one.event == "looks_back"] == [pytest.approx(2.5, abs=0.05)]
    assert "looks_away" not in {one.event for one in told(Noticing(), [track], 11)}


def test_coasting_is_not_being_seen():
    noticing, events = Noticing(), []
    for index in range(200):
        faces = faces_at([Track(1, 0.0, 99.0)], index / 20)
        coasting = np.full(len(faces), index / 20 > 3)
        seen = Faces(**{**faces.__dict__, "coasting": coasting})
        events += noticing.look(seen, index / 20)
    assert brief(events) == [("came", 1, 0.0), ("left", 1, 3.0)]


@pytest.mark.parametrize(("faint", "left"), [(5.0, 8.0), (2.0, 5.0)])
def test_who_is_too_faint_for_the_follower_is_still_there_for_a_while(faint, left):
    """Followed until 3 s; from then on until 8 s there is only a box that nobody owns."""
    noticing, events, track = Noticing(Patience(faint=faint)), [], Track(1, 0.0, 8.0)
    for index in range(240):
        time = index / 20
        found = faces_at([track], time)
        events += noticing.look(found if time < 3 else Faces.none(WIDTH, HEIGHT), time, found)
    assert brief(events) == [("came", 1, 0.0), ("left", 1, pytest.approx(left, abs=0.11))]


def test_who_was_faint_and_is_followed_again_is_the_same():
    noticing, events, tracks = Noticing(), [], [Track(1, 0.0, 3.0), Track(2, 5.0, 9.0)]
    for index in range(240):
        time = index / 20
        found = faces_at([Track(1, 0.0, 9.0)], time)
        events += noticing.look(faces_at(tracks, time), time, found)
    assert brief(events) == [("came", 1, 0.0), ("left", 1, 9.0)]


def test_a_camera_that_gives_no_pictures_makes_nobody_leave():
    noticing, track = Noticing(), Track(1, 0.0, 99.0)
    times = [index / 20 for index in range(60)] + [12 + index / 20 for index in range(40)]
    events = [event for time in times for event in noticing.look(faces_at([track], time), time)]
    assert brief(events) == [("came", 1, 0.0)]


def test_a_clock_that_jumps_back_ends_the_visits_and_begins_again():
    noticing, track = Noticing(), Track(1, 0.0, 99.0)
    times = [5 + index / 20 for index in range(40)] + [index / 20 for index in range(40)]
    events = [event for time in times for event in noticing.look(faces_at([track], time), time)]
    assert brief(events) == [("came", 1, 5.0), ("left", 1, pytest.approx(7.0, abs=0.1)), ("came", 2, 0.0)]
    assert [one.number for one in events] == list(range(1, len(events) + 1))


def test_settings_that_make_no_sense_are_refused():
    assert settings_of(gone=20).gone == 20
    for mistake in ({"gone": 0}, {"gone": float("nan")}, {"believe": -1}):
        with pytest.raises(FaceTrackerError):
            settings_of(**mistake)


@st.composite
def random_tracks(draw):
    """People on ways of their own, present and hidden as it comes, with numbers as a follower gives them."""
    tracks, number = [], 1
    for _ in range(draw(st.integers(0, 4))):
        begins = draw(st.floats(0, 10))
        x, y = draw(st.floats(60, 580)), draw(st.floats(60, 420))
        dx, dy = draw(st.floats(-120, 120)), draw(st.floats(-60, 60))

        def way(seconds, at=(x, y, dx, dy, begins)):
            a, b, speed_a, speed_b, since = at
            return a + speed_a * np.sin(seconds - since), b + speed_b * np.sin(0.7 * (seconds - since))

        for _ in range(draw(st.integers(1, 3))):
            ends = begins + draw(st.floats(0.05, 6))
            tracks.append(Track(number, begins, ends, way))
            number, begins = number + 1, ends + draw(st.floats(0.05, 4))
    return tracks


def check_laws(events: list[Event]) -> None:
    """What is true of the events of any run that has ended."""
    came: dict[int, float] = {}
    inside: dict[tuple[int, str], float] = {}
    count, gone = 0, set()
    for one in events:
        assert one.event in EVENTS
        if one.id is not None:
            assert one.id not in gone, "told of somebody who has left"
        if one.event == "came":
            assert one.id not in came
            came[one.id] = one.time
            count += 1
        elif one.event == "left":
            assert one.seconds == pytest.approx(one.time - came[one.id])
            assert one.seconds >= Patience().believe
            gone.add(one.id)
            count -= 1
        elif one.event == "stayed":
            assert one.time == pytest.approx(came[one.id] + one.seconds)
        elif one.event == "entered":
            assert one.time >= came[one.id]
            assert (one.id, one.zone) not in inside
            inside[one.id, one.zone] = one.time
        elif one.event == "left_zone":
            assert one.seconds == pytest.approx(one.time - inside.pop((one.id, one.zone)))
            assert one.seconds >= 0
        assert one.count == count >= 0
    assert gone == set(came)
    assert not inside
    assert count == 0
    assert [one.number for one in events] == list(range(1, len(events) + 1))


@pytest.mark.no_cover
@pytest.mark.slow
@given(random_tracks(), st.sampled_from([7.0, 10.0, 15.0, 30.0]))
def test_every_run_keeps_the_laws(tracks, fps):
    check_laws(told(Noticing(zones=[LEFT_HALF], stays=[1, 3]), tracks, 25, fps))


@pytest.mark.no_cover
@pytest.mark.slow
@given(random_tracks())
def test_stays_are_told_of_exactly_those_who_stayed(tracks):
    events = told(Noticing(stays=[1, 3]), tracks, 25)
    lengths = {one.id: one.seconds for one in events if one.event == "left"}
    stayed = Counter((one.id, one.seconds) for one in events if one.event == "stayed")
    assert stayed == Counter((who, stay) for who, length in lengths.items() for stay in (1, 3) if length >= stay)


@pytest.mark.no_cover
@pytest.mark.slow
@given(st.lists(st.tuples(st.floats(0, 6), st.floats(2, 6), st.booleans()), max_size=4))
def test_ten_frames_a_second_tell_the_same_as_thirty(visits):
    """People far enough from each other, on ways that cross the zone's edge at once or never."""
    tracks = []
    for number, (begins, length, crosses) in enumerate(visits):

        def way(seconds, row=80 + 110 * number, since=begins, crosses=crosses):
            return (100 if not crosses else 180 + 110 * (seconds - since)), row

        tracks.append(Track(number + 1, begins, begins + length, way))
    # Nobody of them walks to where another was: who comes just as another has left, two sizes away, may be either, and
    # a third of a step decides.
    apart = Patience(walk=0.0)
    runs = [told(Noticing(patience=apart, zones=[LEFT_HALF], stays=[1.5]), tracks, 15, fps) for fps in (10.0, 30.0)]
    kinds: list[dict] = []
    for events in runs:
        check_laws(events)
        times = defaultdict(list)
        for one in events:
            times[one.event, one.zone].append(one.time)
        kinds.append({key: sorted(found) for key, found in times.items()})
    assert kinds[0].keys() == kinds[1].keys()
    for key in kinds[0]:
        assert kinds[0][key] == pytest.approx(kinds[1][key], abs=0.2), key


@pytest.mark.no_cover
@pytest.mark.slow
@given(random_tracks())
def test_events_of_one_person_are_in_the_order_of_their_times(tracks):
    events = told(Noticing(zones=[LEFT_HALF], stays=[1]), tracks, 25, 15.0)
    for who in {one.id for one in events} - {None}:
        mine = [one.time for one in events if one.id == who and one.event in ("came", "entered", "left_zone", "left")]
        assert all(a <= b + 1e-9 for a, b in pairwise(mine))
