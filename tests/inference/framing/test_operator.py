"""The camera operator: inside the picture, of the right shape, smooth for whatever it is shown; and good to look at."""

from __future__ import annotations

import tracemalloc

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from paths import HEIGHT, WIDTH, crops_of, faces_of, states, turns

from facetracker.core.faces import Faces
from facetracker.inference.framing.operator import CameraOperator
from facetracker.inference.framing.settings import FramingSettings

SHAPES = (16 / 9, 9 / 16, 1.0, 4 / 5)
BOUNDS = FramingSettings()


def eased(seconds, begin, end):
    share = np.clip((seconds - begin) / (end - begin), 0, 1)
    return share * share * (3 - 2 * share)


def walks(seconds):
    turn = seconds % 8
    return [(1, 0.2 + 0.6 * (eased(turn, 1, 2.8) - eased(turn, 5, 6.8)), 0.4, 0.14)]


def sways(seconds):
    return [(1, 0.5 + 0.2 * np.sin(1.3 * seconds), 0.45 + 0.1 * np.sin(1.7 * seconds), 0.15)]


def stands(seconds):
    return [(1, 0.3, 0.6, 0.12)]


one_face = st.tuples(
    st.integers(1, 4), st.floats(0, 1), st.floats(0, 1), st.floats(0, 1), st.floats(0, 1), st.booleans()
)
any_frame = st.lists(one_face, max_size=4, unique_by=lambda face: face[0])


def anything(rows):
    """Whatever a detector might say, boxes inside out among it."""
    boxes = np.reshape([[x0, y0, x1, y1] for _, x0, y0, x1, y1, _ in rows], (-1, 4))
    count = len(rows)
    ids, coasting = [row[0] for row in rows], [row[5] for row in rows]
    return Faces(boxes, np.ones(count), np.zeros(count), WIDTH, HEIGHT, ids=ids, coasting=coasting)


@settings(deadline=None, max_examples=60)
@given(frames=st.lists(any_frame, min_size=2, max_size=40), shape=st.sampled_from(SHAPES), fps=st.floats(5, 120))
def test_whatever_it_is_shown_the_crop_is_inside_of_its_shape_and_smooth(frames, shape, fps):
    operator = CameraOperator(shape)
    # Each course is shown several times over, so that the camera is on its way when something new happens.
    crops = np.array([operator.update(anything(rows), i / fps) for i, rows in enumerate(frames * 3)])
    assert np.isfinite(crops).all()
    assert (crops >= 0).all()
    assert (crops <= 1).all()
    size = (crops[:, 2:] - crops[:, :2]) * [WIDTH, HEIGHT]
    np.testing.assert_allclose(size[:, 0] / size[:, 1], shape, rtol=1e-9)
    way = states(crops)
    assert np.abs(np.diff(way, 2, axis=0)).max(initial=0) * fps**2 <= BOUNDS.acceleration + 1e-6
    assert np.abs(np.diff(way, 3, axis=0)).max(initial=0) * fps**3 <= BOUNDS.jerk + 1e-3


def test_the_bounds_are_tight_enough_to_mean_something():
    """A face that appears at the other end now and then: the hardest that can happen."""
    way = states(crops_of(CameraOperator(1.0), lambda s: [(1, 0.15 + 0.7 * (int(s) % 2), 0.4, 0.1)], 20))
    jerk = np.abs(np.diff(way, 3, axis=0)).max() * 30**3
    assert BOUNDS.jerk / 4 < jerk <= BOUNDS.jerk


@pytest.mark.parametrize("way", [walks, sways])
@pytest.mark.parametrize("shape", SHAPES)
def test_the_way_is_the_same_at_15_30_and_60_frames_a_second(way, shape):
    courses = {fps: states(crops_of(CameraOperator(shape), way, 16, fps)) for fps in (15, 30, 60)}
    np.testing.assert_allclose(courses[15], courses[30][::2], atol=0.015)
    np.testing.assert_allclose(courses[30], courses[60][::2], atol=0.008)


def test_a_still_face_that_trembles_moves_nothing():
    crops = crops_of(CameraOperator(16 / 9), stands, 10, tremble=0.001)
    assert np.ptp(crops[30:], axis=0).max() == 0.0


@pytest.mark.parametrize("shape", SHAPES)
def test_the_eyes_are_on_the_upper_third_and_the_face_is_of_a_comfortable_size(shape):
    left, top, right, bottom = crops_of(CameraOperator(shape), stands, 2)[-1]
    eyes = (0.6 - 0.1 * 0.12 - top) / (bottom - top)  # a tenth of the face above its middle
    assert eyes == pytest.approx(1 / 3, abs=0.03)
    assert (0.3 - left) / (right - left) == pytest.approx(0.5, abs=0.01)
    assert 0.12 / (bottom - top) == pytest.approx(1 / BOUNDS.height, rel=0.15)


@pytest.mark.parametrize("shape", SHAPES)
@pytest.mark.parametrize("way", [walks, sways])
def test_the_crop_turns_no_more_often_than_the_face(way, shape):
    crops = crops_of(CameraOperator(shape), way, 40, tremble=0.0005)
    face = np.array([way(i / 30)[0][1] for i in range(len(crops))])
    assert turns(states(crops)[:, 0]) <= turns(face)
    assert turns(face) > 8


@pytest.mark.parametrize("shape", [16 / 9, 1.0, 9 / 16])
def test_a_walker_stays_in_the_safe_area(shape):
    crops = crops_of(CameraOperator(shape), walks, 40, tremble=0.0005)
    faces = np.array([faces_of(walks(i / 30)).boxes[0] for i in range(len(crops))])
    inset = 0.05 * (crops[:, 2:] - crops[:, :2])
    safe = (faces[:, :2] >= crops[:, :2] + inset) & (faces[:, 2:] <= crops[:, 2:] - inset)
    assert safe.all(axis=1).mean() >= 0.99


def test_nobody_there_gives_the_whole_picture_slowly():
    def leaves(seconds):
        return stands(seconds) if seconds < 5 else []

    crops = crops_of(CameraOperator(16 / 9), leaves, 25)
    widths = crops[:, 2] - crops[:, 0]
    assert widths[:180].max() < 0.6  # a moment's absence moves nothing
    np.testing.assert_allclose(crops[-1], [0, 0, 1, 1], atol=1e-3)
    assert np.diff(widths).max() * 30 <= BOUNDS.back + 1e-6


def test_a_face_at_the_rim_is_not_cut_by_the_crop_as_well():
    crop = crops_of(CameraOperator(1.0), lambda s: [(1, 0.5 + 0.47 * eased(s, 0.5, 2), 0.05, 0.12)], 5)[-1]
    assert crop[2] == pytest.approx(1.0, abs=1e-3)
    assert crop[1] == pytest.approx(0.0, abs=1e-3)


def test_a_clock_that_jumps_a_gap_and_another_size_begin_at_once():
    operator = CameraOperator(1.0)
    here, there = faces_of([(1, 0.2, 0.4, 0.12)]), faces_of([(1, 0.8, 0.4, 0.12)])
    first = operator.update(here, 10.0)
    assert operator.update(there, 10.0) == pytest.approx(first)  # no time has passed
    assert operator.update(there, 9.0)[0] > 0.6
    assert operator.update(here, 9.0 + BOUNDS.gap + 0.1)[0] < 0.4
    upright = Faces(there.boxes, there.scores, there.classes, 1080, 1920, ids=there.ids)
    assert operator.update(upright, 12.0)[0] > 0.25


def test_a_shape_or_a_picture_without_a_size_is_refused():
    for shape in (0.0, -1.0, float("nan"), float("inf")):
        with pytest.raises(ValueError, match="shape"):
            CameraOperator(shape)
    with pytest.raises(ValueError, match="without a size"):
        CameraOperator(1.0).update(Faces.none(0, 0), 0.0)


def test_hours_take_no_more_memory_than_minutes():
    operator = CameraOperator(16 / 9)

    def run(first, count):
        for index in range(first, first + count):
            seconds = index / 30
            people = [(int(seconds / 3) + k, 0.3 + 0.2 * k + 0.1 * np.sin(seconds), 0.4, 0.1) for k in range(2)]
            operator.update(faces_of(people), seconds)

    run(0, 2000)
    tracemalloc.start()
    try:
        before = tracemalloc.get_traced_memory()[0]
        run(2000, 6000)
        gained = tracemalloc.get_traced_memory()[0] - before
    finally:
        tracemalloc.stop()
    assert gained < 20_000
