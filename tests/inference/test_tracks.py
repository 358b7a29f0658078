"""Numbers without the filter around them: who gets one, when it is forgotten, and where a face is expected."""

from __future__ import annotations

import numpy as np
import pytest

from facetracker.inference.tracking.tracks import (
    DRIFT,
    LEAST_OVERLAP,
    MEASURED,
    NOBODY,
    NOMINAL,
    REMEMBER,
    Tracks,
)

FPS = 25.0


def box(x: float = 100.0, size: float = 80.0) -> list[float]:
    return [x, 100.0, x + size, 100.0 + size]


def update(tracks: Tracks, boxes, time: float, scores=None) -> list[int]:
    boxes = np.array(boxes, np.float64).reshape(-1, 4)
    return tracks.update(boxes, np.full(len(boxes), 0.9) if scores is None else np.array(scores), time).tolist()


def test_a_number_comes_with_the_sighting_that_confirms_and_stays():
    for confirm in (1, 2, 3):
        tracks = Tracks(0.5, FPS, confirm)
        ids = [update(tracks, [box()], index / FPS)[0] for index in range(5)]
        assert ids == [NOBODY] * (confirm - 1) + [1] * (6 - confirm)


def test_a_face_that_misses_before_it_is_confirmed_is_gone():
    tracks = Tracks(0.5, FPS, 3)
    update(tracks, [box()], 0)
    update(tracks, [box()], 1 / FPS)
    update(tracks, [], 2 / FPS)
    assert [update(tracks, [box()], index / FPS) for index in (3, 4, 5)] == [[NOBODY], [NOBODY], [1]]


def test_numbers_count_up_in_the_order_of_the_boxes_and_begin_again_after_a_reset():
    tracks = Tracks(0.5, FPS, 1)
    assert update(tracks, [box(300), box(100)], 0) == [1, 2]
    assert update(tracks, [box(100), box(500), box(300)], 1 / FPS) == [2, 3, 1]
    tracks.reset()
    assert update(tracks, [box(100)], 0) == [1]


def test_a_box_of_exactly_the_threshold_starts_a_face_and_a_weaker_one_none():
    tracks = Tracks(0.5, FPS, 1)
    assert update(tracks, [box(), box(300)], 0, [0.5, 0.49]) == [1, NOBODY]
    assert update(tracks, [box(), box(300)], 1 / FPS, [0.01, 0.49]) == [1, NOBODY]


def test_the_surer_box_has_the_first_choice():
    tracks = Tracks(0.5, FPS, 1)
    update(tracks, [box()], 0)
    assert update(tracks, [box(), box(130)], 1 / FPS, [0.3, 0.9]) == [NOBODY, 1]


def test_a_face_is_remembered_for_a_second_and_no_longer():
    for pause, number in ((REMEMBER, 1), (REMEMBER + 0.001, 2)):
        tracks = Tracks(0.5, FPS, 1)
        update(tracks, [box()], 0.0)
        assert update(tracks, [box()], pause) == [number]


def test_a_face_must_overlap_where_it_is_expected():
    # Two boxes of 80 that are d apart overlap by (80 - d) / (80 + d).
    limit = 80 * (1 - LEAST_OVERLAP) / (1 + LEAST_OVERLAP)
    for apart, number in ((limit - 0.5, 1), (limit + 0.5, 2)):
        tracks = Tracks(0.5, FPS, 1)
        update(tracks, [box(0)], 0)
        assert update(tracks, [box(apart)], 1 / FPS) == [number]


@pytest.mark.parametrize("trembles", [0.0, NOMINAL * 0.9])
def test_what_is_expected_is_what_a_kalman_filter_of_one_side_says(trembles):
    """Worked out once more with matrices: state (side, speed), one frame a step where the clock only trembles."""
    random = np.random.default_rng(0)
    tracks = Tracks(0.5, FPS, 1)
    state, spread = np.zeros((2, 4)), np.diag([1.0, 1.0])
    last = None
    for index, time in enumerate([0, 1, 2, 3, 5, 6, 9, 10, 11]):
        at = time / FPS + (trembles if index % 2 else 0.0)
        seen = np.array(box(100.0 + 9 * time)) + random.normal(0, 1, 4)
        if last is None:
            state[0] = seen
        else:
            step = (at - last) * FPS
            motion = np.array([[1.0, step], [0.0, 1.0]])
            noise = np.array([[step**4 / 4, step**3 / 2], [step**3 / 2, step**2]])
            if abs(step - 1) <= NOMINAL * FPS:
                noise = np.eye(2)
            state, spread = motion @ state, motion @ spread @ motion.T + DRIFT * noise
            gain = spread[:, 0] / (spread[0, 0] + MEASURED)
            state = state + gain[:, None] * (seen - state[0])
            spread = spread - np.outer(gain, spread[0])
        assert update(tracks, [seen], at) == [1]
        every = tracks._all
        np.testing.assert_allclose(every.boxes[0], state[0], atol=1e-9)
        np.testing.assert_allclose(every.speeds[0], state[1], atol=1e-9)
        np.testing.assert_allclose(every.spread[0], [spread[0, 0], spread[0, 1], spread[1, 1]], atol=1e-9)
        last = at


def test_faces_that_are_not_seen_move_on_with_their_speed():
    tracks = Tracks(0.5, FPS, 1)
    for index in range(20):
        update(tracks, [box(100 + 20 * index)], index / FPS)
    for index in range(20, 30):
        update(tracks, [], index / FPS)
    assert update(tracks, [box(100 + 20 * 30)], 30 / FPS) == [1]
    assert len(tracks._all.ids) == 1


def test_no_boxes_and_a_long_pause_leave_nothing():
    tracks = Tracks(0.5, FPS, 1)
    assert update(tracks, [], 0) == []
    update(tracks, [box()], 1)
    assert update(tracks, [], 3) == []
    assert len(tracks._all.ids) == 0


def test_the_numbers_are_those_of_the_page():
    """web/static/js/vision/tracks.js follows with the same ones."""
    assert (REMEMBER, LEAST_OVERLAP, MEASURED, DRIFT, NOMINAL) == (1.0, 0.1, 0.1, 0.01, 0.004)
