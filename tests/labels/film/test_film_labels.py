"""What a person does to the tracks of a film: each step undone exactly, each keyframe met exactly."""

from __future__ import annotations

from dataclasses import dataclass, field

import cv2
import numpy as np
import pytest
from drawn_films import FPS, moving, seen_of, two_faces
from hypothesis import given, settings
from hypothesis import strategies as st

from facetracker.core.boxes import iou
from facetracker.core.errors import FaceTrackerError
from facetracker.labels.film.labels import FilmLabels

SEEN = two_faces()
COUNT = len(SEEN)


@dataclass
class Drawn:
    """A film's pictures: a patch of noise that goes to the right by two pixels a frame, on a still ground."""

    scale: float = 1.0
    fps: float = float(FPS)
    asked: list[int] = field(default_factory=list)

    def grey(self, frame: int) -> np.ndarray:
        rng = np.random.default_rng(3)
        picture = cv2.GaussianBlur(rng.integers(0, 256, (480, 640)).astype(np.uint8), (0, 0), 4)
        patch = cv2.GaussianBlur(rng.integers(0, 256, (100, 80)).astype(np.uint8), (0, 0), 2)
        left, top, _, _ = (round(side) for side in moving(frame))
        picture[top : top + 100, left : left + 80] = patch
        self.asked.append(frame)
        return picture

    def ahead(self, first: int, last: int) -> None:
        pass


def overlap(one, other) -> float:
    return float(iou(np.array([one]), np.array([other]))[0, 0])


def test_every_face_that_was_found_is_a_track_through_its_gap():
    labels = FilmLabels.of(SEEN)
    assert [track.spans for track in labels.tracks.values()] == [((0, COUNT - 1),)] * 2
    assert overlap(labels.box(1, 44), moving(44)) > 0.95
    assert [(one.track, one.first, one.last, one.why) for one in labels.doubts] == [(1, 40, 47, "not seen")]


def test_a_keyframe_settles_a_doubt():
    labels = FilmLabels.of(SEEN).confirm(44)
    assert labels.doubts == []
    assert labels.tracks[1].keys[0][0] == 44
    assert labels.undo().doubts == FilmLabels.of(SEEN).doubts


def test_one_correction_moves_the_boxes_of_the_whole_film():
    def drawn(frame):  # this person's boxes reach a fifth of the height further up and a tenth further down
        left, top, right, bottom = moving(frame)
        return [left, top - 20, right, bottom + 10]

    before = FilmLabels.of(SEEN)
    labels = before.correct(1, 5, drawn(5))
    assert labels.box(1, 5) == tuple(drawn(5))
    for frame in (20, 44, 79):
        assert overlap(labels.box(1, frame), drawn(frame)) > 0.93 > 0.8 > overlap(before.box(1, frame), drawn(frame))
    other = labels.box(2, 60)  # the other face learns the style as well
    assert other[1] == pytest.approx(100 - 20 / 1.2, abs=1)


def test_between_two_keyframes_the_offset_goes_over_from_one_to_the_other():
    labels = FilmLabels.of(SEEN)
    there = {frame: np.array(labels.box(2, frame)) for frame in (10, 30, 50)}
    labels = labels.correct(2, 10, there[10] + [-10, 0, 10, 0]).correct(2, 50, there[50] + [10, 0, -10, 0])
    assert labels.box(2, 30) == pytest.approx(there[30], abs=0.1)
    assert labels.box(2, 20) == pytest.approx(there[30] + [-5, 0, 5, 0], abs=0.5)


def test_a_correction_in_a_gap_bends_the_way_through_it_and_nothing_else():
    labels = FilmLabels.of(SEEN)
    left, top, right, bottom = moving(44)
    box = [left, top + 40, right, bottom + 40]
    bent = labels.correct(1, 44, box)
    assert bent.box(1, 44) == pytest.approx(box, abs=0.01)
    assert bent.box(1, 42)[1] == pytest.approx((150 + 40 * 3 / 5), abs=3)
    assert overlap(bent.box(1, 30), moving(30)) > 0.95


def test_a_face_that_was_missed_is_carried_both_ways():
    labels = FilmLabels.of(seen_of([[] for _ in range(60)]))
    labels = labels.add(20, moving(20), carrier=Drawn())
    assert labels.tracks[1].spans == ((0, 59),)
    assert min(overlap(labels.box(1, frame), moving(frame)) for frame in range(60)) > 0.85
    assert labels.box(1, 20) == tuple(moving(20))


def test_a_missed_face_becomes_one_with_the_track_that_it_meets():
    seen = seen_of([[] if 20 <= frame < 70 else [(moving(frame), 0.9)] for frame in range(90)])
    labels = FilmLabels.of(seen)
    assert len(labels.tracks) == 2
    labels = labels.add(45, moving(45), carrier=Drawn())
    assert [(number, track.spans) for number, track in labels.tracks.items()] == [(1, ((0, 89),))]
    assert min(overlap(labels.box(1, frame), moving(frame)) for frame in range(90)) > 0.85
    assert labels.undo().tracks == FilmLabels.of(seen).tracks


def test_a_face_that_leaves_is_followed_until_it_is_all_but_gone():
    def seen_at(frame):
        left, top, right, bottom = moving(frame, start=400.0, speed=6.0)
        return [] if right > 640 else [([left, top, right, bottom], 0.9)]

    labels = FilmLabels.of(seen_of([seen_at(frame) for frame in range(60)]))
    assert labels.box(1, 34) == pytest.approx((604, 150, 640, 250), abs=3)
    last = max(frame for frame in range(60) if labels.faces(frame))
    assert 37 <= last <= 39, "its left side is at 640 in frame 40"
    assert [(one.first, one.why) for one in labels.doubts] == [(27, "not seen")]


def test_what_is_only_seen_faintly_waits_for_a_person():
    shirt = [200.0, 300.0, 260.0, 380.0]
    seen = seen_of([[(moving(frame), 0.9), (shirt, 0.45)] for frame in range(40)])
    labels = FilmLabels.of(seen)
    assert list(labels.tracks) == [1 + [one.boxes[0][1] for one in seen.found].index(150)]
    added = labels.add(20, [205, 300, 265, 380])
    new = max(added.tracks)
    assert added.tracks[new].spans == ((0, 39),)
    assert overlap(added.box(new, 35), shirt) > 0.8
    assert added.undo().tracks == labels.tracks


def test_a_track_on_the_wrong_thing_is_led_back_by_one_correction():
    wrong = [300.0, 350.0, 380.0, 450.0]
    seen = seen_of([[(wrong, 0.9)] for _ in range(60)])
    labels = FilmLabels.of(seen).correct(1, 30, moving(30), Drawn())
    assert min(overlap(labels.box(1, frame), moving(frame)) for frame in range(60)) > 0.85


@pytest.mark.parametrize(("at", "kept"), [(0, None), (40, (40, COUNT - 1)), (COUNT - 1, (COUNT - 1, COUNT - 1))])
def test_a_track_begins_where_a_person_says(at, kept):
    labels = FilmLabels.of(SEEN)
    if kept is None:
        with pytest.raises(FaceTrackerError, match="cannot begin"):
            labels.begin(2, at)
    else:
        assert labels.begin(2, at).tracks[2].spans == (kept,)


def test_no_face_in_a_stretch_takes_every_box_and_leaves_the_rest():
    labels = FilmLabels.of(SEEN).correct(2, 25, [400, 90, 500, 210]).no_face(20, 29)
    assert all(labels.faces(frame) == {} for frame in range(20, 30))
    assert all(len(labels.faces(frame)) == 2 for frame in (19, 30))
    assert labels.tracks[2].keys == ()
    only = FilmLabels.of(SEEN).no_face(20, 29, 1)
    assert list(only.faces(25)) == [2]
    with pytest.raises(FaceTrackerError, match="already"):
        only.no_face(20, 29, 1)


def test_only_this_one_is_a_face():
    labels = FilmLabels.of(seen_of([[(moving(frame), 0.9), ([400, 300, 460, 380], 0.9)] for frame in range(40)]))
    mine = max(labels.tracks, key=lambda number: overlap(labels.box(number, 20), moving(20)))
    only = labels.only(mine)
    assert list(only.tracks) == [mine]
    assert only.actions == 1
    assert only.undo().tracks == labels.tracks
    with pytest.raises(FaceTrackerError, match="no other"):
        only.only(mine)


@given(frame=st.integers(1, COUNT - 1))
def test_splitting_and_joining_gives_the_same_boxes(frame):
    labels = FilmLabels.of(SEEN).correct(1, 10, [110, 140, 210, 260])
    split = labels.split(1, frame)
    assert split.tracks[1].last == frame - 1
    assert split.tracks[3].first == frame
    joined = split.join(1, 3)
    assert list(joined.tracks) == [1, 2]
    for at in (0, frame - 1, frame, COUNT - 1):
        assert joined.box(1, at) == labels.box(1, at)


def test_a_piece_of_a_gap_is_no_track():
    labels = FilmLabels.of(SEEN).end(1, 30).add(60, moving(60)).join(1, 3)
    assert labels.tracks[1].spans == ((0, 60),)
    with pytest.raises(FaceTrackerError, match="cannot"):
        labels.begin(1, 35).end(1, 50)
    assert np.isfinite(labels.begin(1, 35).boxed[1].boxes).all()


@pytest.mark.parametrize("box", [[0, 0, 1, 1], [1, 2, 3], [float("nan"), 0, 50, 50], [700, 10, 900, 60]])
def test_a_box_that_is_none_is_refused(box):
    with pytest.raises(FaceTrackerError, match="box"):
        FilmLabels.of(SEEN).correct(1, 5, box)


FRAME = st.integers(0, COUNT - 1)
SIDE = st.floats(5, 200)
BOX = st.builds(lambda x, y, w, h: [x, y, x + w, y + h], st.floats(0, 400), st.floats(0, 250), SIDE, SIDE)
TRACK = st.integers(1, 4)
ACTS = st.one_of(
    st.tuples(st.just("correct"), TRACK, FRAME, BOX),
    st.tuples(st.just("add"), FRAME, BOX),
    st.tuples(st.sampled_from(["begin", "end", "split", "unkey"]), TRACK, FRAME),
    st.tuples(st.just("join"), TRACK, TRACK),
    st.tuples(st.just("rename"), TRACK, st.sampled_from(["face", "mask"])),
    st.tuples(st.sampled_from(["delete", "only"]), TRACK),
    st.tuples(st.just("confirm"), FRAME),
    st.tuples(st.just("no_face"), FRAME, st.integers(0, 30).map(lambda more: more)),
    st.tuples(st.sampled_from(["undo", "redo"])),
)


def done(labels: FilmLabels, act: tuple) -> FilmLabels:
    name, *rest = act
    if name == "no_face":
        rest = [rest[0], min(COUNT - 1, rest[0] + rest[1])]
    try:
        return getattr(labels, name)(*rest)
    except FaceTrackerError:
        return labels


@settings(max_examples=60, deadline=None)
@given(acts=st.lists(ACTS, max_size=12))
def test_whatever_a_person_does_is_undone_exactly_and_holds_together(acts):
    labels = FilmLabels.of(SEEN)
    for act in acts:
        labels = done(labels, act)
        for number, track in labels.tracks.items():
            boxed = labels.boxed[number]
            flat = [frame for span in track.spans for frame in span]
            assert flat == sorted(flat)
            assert len(boxed.boxes) == sum(last - first + 1 for first, last in track.spans)
            assert np.isfinite(boxed.boxes).all()
            assert (boxed.boxes >= 0).all()
            assert (boxed.boxes <= [640, 480, 640, 480]).all()
            for frame, box in track.keys:
                assert labels.box(number, frame) == pytest.approx(box, abs=0.01)
        labels.doubts  # noqa: B018
    there = labels.tracks
    steps = len(labels.past)
    for _ in range(steps):
        labels = labels.undo()
    assert labels.tracks == FilmLabels.of(SEEN).tracks
    for _ in range(steps):
        labels = labels.redo()
    assert labels.tracks == there
