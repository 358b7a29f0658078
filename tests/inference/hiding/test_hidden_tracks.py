"""From what each frame showed to what is hidden in it."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from facetracker.inference.films.sightings import Sightings
from facetracker.inference.hiding.tracks import FilmTrack, HidingSettings, boxes_by_frame, tracks_of

SURE = 0.65
FPS = 25


def seen(rows, changes=None):
    """Sightings from a list of `(box, score)` pairs for each frame."""
    boxes = [np.array([box for box, _ in row], np.float32).reshape(-1, 4) for row in rows]
    scores = [np.array([score for _, score in row], np.float32) for row in rows]
    count = len(rows)
    return Sightings(
        640, 480, list(range(count)), [n / FPS for n in range(count)], boxes, scores, changes or [0.0] * count
    )


def face(x=300.0, y=200.0, size=60.0):
    return [x - size / 2, y - size / 2, x + size / 2, y + size / 2]


def hidden(rows, changes=None):
    sightings = seen(rows, changes)
    return boxes_by_frame(tracks_of(sightings, SURE), len(rows))


def covers(boxes, box):
    """Whether one of the boxes holds the other one."""
    box = np.array(box)
    return any((one[:2] <= box[:2] + 1).all() and (one[2:] >= box[2:] - 1).all() for one in boxes)


def test_a_face_is_hidden_from_its_first_hint_to_its_last_and_beyond_both():
    rows = [[] for _ in range(100)]
    for frame, score in {40: 0.12, 41: 0.15, 42: 0.3, 43: 0.9, 44: 0.8, 45: 0.14, 46: 0.11}.items():
        rows[frame] = [(face(), score)]
    boxes = hidden(rows)
    assert all(covers(boxes[frame], face()) for frame in range(40, 47))
    reach = round(HidingSettings().reaches * FPS)
    assert all(covers(boxes[frame], face()) for frame in (40 - reach, 46 + reach))
    assert not any(len(boxes[frame]) for frame in (*range(40 - reach - 1), *range(47 + reach, 100)))


def test_a_gap_is_bridged_along_the_way():
    rows = [[(face(100 + 4 * n), 0.9)] if n < 20 or n >= 40 else [] for n in range(60)]
    sightings = seen(rows)
    (track,) = tracks_of(sightings, SURE)
    boxes = boxes_by_frame([track], 60)
    assert all(covers(boxes[n], face(100 + 4 * n)) for n in range(60))
    assert "not seen from" in track.doubt
    assert track.boxes[30, 2] - track.boxes[30, 0] > 60  # wider where it is less sure


def test_two_faces_do_not_become_one_over_a_gap():
    rows = [[(face(100), 0.9)] if n < 20 else [] if n < 30 else [(face(500), 0.9)] for n in range(60)]
    assert len(tracks_of(seen(rows), SURE)) == 2
    rows = [[(face(size=40), 0.9)] if n < 20 else [] if n < 50 else [(face(size=120), 0.9)] for n in range(80)]
    assert len(tracks_of(seen(rows), SURE)) == 2


def test_a_face_does_not_reach_over_a_cut():
    changes = [0.0] * 60
    changes[30] = 60.0
    rows = [[(face(), 0.9)] if 10 <= n < 20 else [] for n in range(60)]
    boxes = hidden(rows, changes)
    assert covers(boxes[29], face())  # up to the cut, which is near
    assert not len(boxes[30])


def test_only_a_sudden_change_is_a_cut():
    shaking, flash = [25.0] * 40, [0.0] * 40
    flash[10:12] = 60.0, 60.0
    assert seen([[]] * 40, shaking).cuts == [0]
    assert seen([[]] * 40, flash).cuts == [0]
    cut = [3.0] * 40
    cut[20] = 40.0
    assert seen([[]] * 40, cut).shots == [(0, 20), (20, 40)]


def test_who_leaves_the_picture_is_hidden_until_gone_and_not_longer():
    """The box is cut off at the edge: its outer side stands still, and only the inner one tells how fast it goes."""
    rows, boxes = [], []
    for n in range(60):
        x1, x2 = 500.0 + 6 * n, 560.0 + 6 * n
        boxes.append([x1, 100, min(x2, 640), 180])
        rows.append([(boxes[-1], 0.9)] if x1 < 615 else [])
    shown = hidden(rows)
    gone = next(n for n, box in enumerate(boxes) if box[0] >= 640)
    assert all(len(shown[n]) for n in range(gone))
    assert not any(len(shown[n]) for n in range(gone + 2, 60))


def test_who_comes_back_is_not_hidden_while_away():
    rows = [[([max(0.0, 80.0 - 5 * n), 100, max(12.0, 140.0 - 5 * n), 180], 0.9)] for n in range(26)]
    rows += [[] for _ in range(30)]
    rows += [list(row) for row in reversed(rows[:26])]
    shown = hidden(rows)
    assert not any(len(shown[n]) for n in range(32, 50))


def test_what_is_faint_all_the_time_is_hidden_when_it_lasts_and_told():
    faint = [[(face(), 0.3)] if 10 <= n < 30 else [] for n in range(60)]
    (track,) = tracks_of(seen(faint), SURE)
    assert track.hidden
    assert track.doubt == "may not be a face"
    short = [[(face(), 0.3)] if 10 <= n < 14 else [] for n in range(60)]
    (track,) = tracks_of(seen(short), SURE)
    assert not track.hidden
    assert track.doubt == "may be a face"


def test_a_face_that_vanishes_in_the_middle_is_told():
    rows = [[(face(), 0.9)] if n < 20 else [] for n in range(60)]
    (track,) = tracks_of(seen(rows), SURE)
    assert track.doubt == "not seen after 0.8 s"


@settings(max_examples=60, deadline=None)
@given(st.integers(0, 10**6), st.floats(0.0, 0.6))
def test_no_sighting_of_a_good_score_stays_bare(number, missed):
    """Whatever is moved, missed and invented, what was surely seen in a frame is hidden there."""
    random = np.random.default_rng(number)
    rows = []
    centre = random.uniform(100, 400, 2)
    for _ in range(50):
        centre += random.normal(0, 8, 2)
        row = [(face(*centre, size=50), float(random.uniform(0.5, 1)))] if random.random() > missed else []
        row += [(face(*random.uniform(50, 430, 2), size=30), float(random.uniform(0.1, 0.3))) for _ in range(2)]
        rows.append(row)
    boxes = hidden(rows)
    for frame, row in enumerate(rows):
        for box, score in row:
            if score >= 0.5:
                middle = (np.array(box[:2]) + box[2:]) / 2
                assert any((one[:2] < middle).all() and (middle < one[2:]).all() for one in boxes[frame])


def test_a_film_without_a_face():
    assert tracks_of(seen([[]] * 10), SURE) == []
    assert tracks_of(seen([[]]), SURE) == []
    assert [one.shape for one in boxes_by_frame([], 2)] == [(0, 4), (0, 4)]


@pytest.mark.parametrize("frames", [1, 2])
def test_films_of_a_frame_or_two(frames):
    assert all(covers(boxes, face()) for boxes in hidden([[(face(), 0.9)]] * frames))


def one_track(rows, **changed):
    """The one track of these frames, with settings changed."""
    (track,) = tracks_of(seen(rows), SURE, HidingSettings(**changed))
    return track


def at(frames, count=100, score=0.9, x=300.0, size=60.0):
    """A face in these frames of `count`."""
    return [[(face(x, size=size), score)] if n in frames else [] for n in range(count)]


def test_what_begins_a_track_is_a_score_and_not_less():
    settings = {"begins": 0.25, "sure": 0.4}
    assert tracks_of(seen(at(range(40, 60), score=0.24)), SURE, HidingSettings(**settings)) == []
    assert one_track(at(range(40, 60), score=0.25), **settings).hidden


def test_a_face_is_one_that_was_seen_well_once():
    assert one_track(at([50], score=0.4)).hidden
    assert not one_track(at([50], score=0.39)).hidden


@pytest.mark.parametrize(("frames", "hidden"), [(8, True), (7, False)])
def test_or_one_that_lasts(frames, hidden):
    """Weak all the time: `lasting` is 0.3 s, 7.5 frames."""
    assert one_track(at(range(40, 40 + frames), score=0.3, size=90)).hidden is hidden


@pytest.mark.parametrize(("last", "hidden"), [(48, True), (47, False)])
def test_a_small_face_may_be_missed_meanwhile(last, hidden):
    """Two sightings of a face of 60 in a picture of 640, 0.32 or 0.28 s apart."""
    track = one_track(at([40, last], score=0.3))
    assert track.hidden is hidden
    large = one_track(at([40, last], score=0.3, size=90))
    assert not large.hidden


@pytest.mark.parametrize(("others", "hidden"), [(0.64, False), (0.66, True)])
def test_a_faint_face_is_one_in_a_shot_where_another_is_seen_without_doubt(others, hidden):
    """From `begins_among` on, once it has `sure_among`; beyond the cut, where nobody is, the usual scores count."""
    changes = [0.0] * 80
    changes[40] = 60.0
    faint = [[(face(100), 0.31 if n % 40 == 2 else 0.16)] for n in range(4)]
    rows = [row + ([(face(500), others)] if n < 40 else []) for n, row in enumerate((faint + [[]] * 36) * 2)]
    tracks = tracks_of(seen(rows, changes), SURE)
    assert [one.hidden for one in tracks if one.boxes[0, 0] < 200] == [hidden, False]


def test_without_doubt_is_from_the_threshold_on():
    """Half is a number that has no rounding: exactly the threshold counts, and opens the shot to the faint one."""
    faint = [(face(100), 0.31 if n == 2 else 0.16) for n in range(4)]
    for others, hidden in ((0.5, True), (0.4990234375, False)):
        rows = [[(face(500), others), *faint[n : n + 1]] for n in range(40)]
        (track,) = (one for one in tracks_of(seen(rows), 0.5) if one.boxes[0, 0] < 200)
        assert track.hidden is hidden


def test_tracks_stand_in_the_order_of_their_first_frames_and_from_the_left():
    rows = [[(face(500), 0.9), (face(100), 0.9), *([(face(300), 0.95)] if n > 30 else [])] for n in range(60)]
    assert [(one.number, round(one.boxes[-1, 0])) for one in tracks_of(seen(rows), SURE)] == [
        (1, 70),
        (2, 470),
        (3, 270),
    ]


def test_a_track_of_which_nobody_says_otherwise_is_hidden():
    assert len(boxes_by_frame([FilmTrack(1, 0, np.array([face()]), np.array([0.9]))], 1)[0]) == 1


@pytest.mark.parametrize(("apart", "count"), [(20, 1), (50, 2)])
def test_a_faint_box_beneath_what_hides_another_is_no_second_face(apart, count):
    rows = [[(face(300), 0.9), (face(300 + apart, size=50), 0.35)] for _ in range(20)]
    assert len(tracks_of(seen(rows), SURE)) == count


def test_a_faint_face_that_comes_out_from_beneath_another_stays_hidden():
    places = [310 + 8 * max(0, n - 30) for n in range(40)]
    rows = [[(face(300), 0.9), (face(x, size=50), 0.35)] for x in places]
    assert all(covers(boxes, face(x, size=50)) for boxes, x in zip(hidden(rows), places, strict=True) if x > 310)


def test_a_faint_face_that_the_other_passes_keeps_its_own_box():
    rows = [[(face(100 + 10 * n), 0.9), (face(300, size=50), 0.35)] for n in range(40)]
    assert all(covers(boxes, face(300, size=50)) for boxes in hidden(rows))


def test_the_last_frame_and_the_number_of_each_track():
    rows = at(range(10, 20), count=60)
    for n in range(30, 40):
        rows[n] = [(face(500), 0.9)]
    first, second = tracks_of(seen(rows), SURE)
    assert (first.number, second.number) == (1, 2)
    assert first.last == first.first + len(first.boxes) - 1
    assert first.first < second.first
    assert np.flatnonzero(first.scores).tolist() == [n - first.first for n in range(10, 20)]
    assert first.scores.max() == pytest.approx(0.9)


@pytest.mark.parametrize("reaches", [0.0, 0.2, 0.4])
def test_what_is_hidden_reaches_so_far_beyond_both_ends(reaches):
    track = one_track(at(range(50, 56), count=120), reaches=reaches)
    frames = round(reaches * FPS)
    assert (track.first, track.last) == (50 - frames, 55 + frames)


@pytest.mark.parametrize(("start", "reaches"), [(17, True), (18, False)])
def test_up_to_the_cut_where_that_is_near(start, reaches):
    """`to_cut` is 0.7 s: 17.5 frames."""
    track = one_track(at(range(start, 60), count=150))
    assert (track.first == 0) is reaches
    if not reaches:
        assert track.first == start - round(HidingSettings().reaches * FPS)


@pytest.mark.parametrize(("gap", "count"), [(37, 1), (39, 2)])
def test_a_gap_is_bridged_up_to_a_second_and_a_half(gap, count):
    rows = at([*range(40, 50), *range(49 + gap, 60 + gap)], count=200)
    assert len(tracks_of(seen(rows), SURE)) == count


@pytest.mark.parametrize(("size", "count"), [(100, 1), (104, 2)])
def test_a_gap_is_bridged_between_faces_of_about_one_size(size, count):
    """A ratio of 1.7: 60 to 102 pixels; after more than a second, or the follower has joined them before."""
    rows = at(range(40, 50), count=150)
    for n in range(79, 90):
        rows[n] = [(face(size=size), 0.9)]
    assert len(tracks_of(seen(rows), SURE)) == count


@pytest.mark.parametrize(("apart", "count"), [(60, 1), (90, 2)])
def test_a_gap_is_bridged_between_places_that_a_face_can_have_reached(apart, count):
    """0.8 sizes and one more for each second: 72 pixels after 0.4 s."""
    rows = at(range(40, 50), count=150)
    for n in range(59, 70):
        rows[n] = [(face(300 + apart), 0.9)]
    assert len(tracks_of(seen(rows), SURE)) == count


def test_a_box_grows_with_the_time_since_its_sighting_and_only_so_far():
    track = one_track(at([*range(40, 46), *range(70, 76)], count=120), growing=1.0, grown=0.5)
    width = lambda frame: track.boxes[frame - track.first, 2] - track.boxes[frame - track.first, 0]  # noqa: E731
    assert width(45) == pytest.approx(60)
    assert width(46) == pytest.approx(60 * (1 + 1 / FPS))
    assert width(50) == pytest.approx(60 * (1 + 5 / FPS))
    assert width(69) == pytest.approx(60 * (1 + 1 / FPS))
    assert width(57) == pytest.approx(60 * (1 + 12 / FPS))
    tight = one_track(at([*range(40, 46), *range(70, 76)], count=120), growing=1.0, grown=0.2)
    assert tight.boxes[57 - tight.first, 2] - tight.boxes[57 - tight.first, 0] == pytest.approx(72)


def test_boxes_are_as_large_as_the_largest_around_them():
    rows = at(range(40, 60))
    rows[50] = [(face(size=30), 0.9)]
    track = one_track(rows)
    assert track.boxes[50 - track.first, 2] - track.boxes[50 - track.first, 0] == pytest.approx(60)
    rows[50] = [(face(size=90), 0.9)]
    track = one_track(rows)
    widths = track.boxes[:, 2] - track.boxes[:, 0]
    assert widths[48 - track.first : 53 - track.first] == pytest.approx([90] * 5)
    assert widths[47 - track.first] == widths[53 - track.first] == pytest.approx(60)


@pytest.mark.parametrize(("gap", "told"), [(12, ""), (14, "not seen from")])
def test_a_long_gap_is_told(gap, told):
    """`unseen` is half a second: 12.5 frames."""
    rows = at([*range(40, 50), *range(49 + gap, 150)], count=150)
    doubt = one_track(rows).doubt
    assert doubt.startswith(told)
    assert bool(doubt) is bool(told)


def test_hidden_boxes_of_each_frame_are_those_of_the_tracks_that_are_hidden():
    track = one_track(at(range(5, 10), count=20))
    boxes = boxes_by_frame([track], 20)
    assert [len(one) for one in boxes] == [int(track.first <= n <= track.last) for n in range(20)]
    track.hidden = False
    assert not any(len(one) for one in boxes_by_frame([track], 20))
    track.hidden = True
    assert len(boxes_by_frame([track], 8)) == 8
