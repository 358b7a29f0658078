"""Who is framed, and how seldom that changes."""

from __future__ import annotations

import numpy as np
import pytest
from paths import crops_of, faces_of, states

from facetracker.inference.framing.operator import CameraOperator
from facetracker.inference.framing.settings import FramingSettings

HOLD = FramingSettings().hold


def watched(operator: CameraOperator, way, seconds: float) -> list[tuple[float, tuple[int, ...]]]:
    """The shots of a course: when each was begun, and who is in it."""
    begun: list[tuple[float, tuple[int, ...]]] = []
    for index in range(round(seconds * 30)):
        operator.update(faces_of(way(index / 30)), index / 30)
        if not begun or operator.subjects != begun[-1][1]:
            begun.append((index / 30, operator.subjects))
    return begun


def talk(seconds):
    """Two who take turns at being the larger one, twice a second."""
    lean = 0.02 * np.sin(12 * seconds)
    return [(1, 0.35, 0.4, 0.14 + lean), (2, 0.65, 0.4, 0.14 - lean)]


def flickering(seconds):
    """As `talk`, but the detector loses one or the other all the time."""
    return [one for one in talk(seconds) if (int(seconds * 7) + one[0]) % 3]


@pytest.mark.parametrize("way", [talk, flickering])
@pytest.mark.parametrize("shape", [16 / 9, 1.0, 9 / 16])
@pytest.mark.parametrize("follow", ["all", "largest"])
def test_two_who_talk_are_never_cut_between(way, shape, follow):
    begun = watched(CameraOperator(shape, follow), way, 40)
    assert len(begun) <= 2


def test_two_are_shown_together_where_they_fit_and_else_one_of_them():
    wide, upright = CameraOperator(16 / 9), CameraOperator(9 / 16)
    assert watched(wide, talk, 8)[-1][1] == (1, 2)
    assert len(watched(upright, talk, 8)[-1][1]) == 1


def test_shots_change_at_most_once_in_five_seconds():
    random = np.random.default_rng(0)
    there = {number: random.random(1200) > 0.5 for number in (1, 2, 3)}

    def restless(seconds):
        step = int(seconds * 2)  # somebody comes or goes every half a second; one of them never leaves
        others = [number for number, rows in there.items() if rows[step]]
        return [(9, 0.5, 0.4, 0.13)] + [(number, 0.2 * number, 0.4, 0.12) for number in others]

    times = [at for at, _ in watched(CameraOperator(16 / 9), restless, 300)][1:]
    assert len(times) > 5
    assert np.diff(times).min() >= HOLD - 1e-6


def test_a_larger_face_takes_over_only_when_it_is_clearly_larger():
    def grows(seconds):
        return [(1, 0.3, 0.4, 0.15), (2, 0.7, 0.4, 0.14 if seconds < 8 else 0.2 if seconds < 16 else 0.27)]

    begun = watched(CameraOperator(16 / 9, "largest"), grows, 30)
    assert [who for _, who in begun] == [(1,), (2,)]
    assert 16 < begun[1][0] < 18


def test_a_chosen_face_is_kept_whoever_else_comes():
    def come(seconds):
        others = [(n, 0.15 * n, 0.5, 0.25) for n in (3, 4, 5) if seconds > n]
        return [(2, 0.8, 0.4, 0.1), *others]

    begun = watched(CameraOperator(16 / 9, 2), come, 20)
    assert {who for _, who in begun} == {(2,)}


def test_a_chosen_face_that_is_lost_and_numbered_anew_is_still_kept():
    def lost(seconds):
        number = 2 if seconds < 5 else 8
        return [] if 5 <= seconds < 6 else [(number, 0.7, 0.4, 0.12), (1, 0.2, 0.4, 0.2)]

    operator = CameraOperator(16 / 9, 2)
    assert watched(operator, lost, 20)[-1] == (pytest.approx(6.0), (8,))
    assert operator.changed < 1.0  # it was no new shot


def test_a_chosen_face_that_is_not_there_is_waited_for():
    begun = watched(CameraOperator(16 / 9, 7), lambda s: [(1, 0.3, 0.4, 0.1)] + [(7, 0.6, 0.4, 0.1)] * (s > 6), 10)
    assert [who for _, who in begun] == [(), (7,)]


def test_somebody_who_passes_by_is_not_framed():
    def passes(seconds):
        return [(1, 0.4, 0.4, 0.13)] + [(2, 0.8, 0.4, 0.13)] * (6 < seconds < 6.4)

    assert len(watched(CameraOperator(16 / 9), passes, 12)) == 1


def test_who_cannot_be_seen_for_a_moment_moves_nothing():
    still = crops_of(CameraOperator(16 / 9), lambda s: [(1, 0.4, 0.4, 0.13)] * (int(s * 2) % 3 > 0), 12)
    assert np.ptp(states(still[90:]), axis=0).max() < 1e-4


def test_somebody_new_outside_the_picture_shown_is_not_kept_waiting():
    def swap(seconds):
        return [(1, 0.2, 0.4, 0.12)] if seconds < 2 else [(2, 0.9, 0.4, 0.12)]

    crops = crops_of(CameraOperator(1.0), swap, 6)
    assert crops[int(5.2 * 30)][2] > 0.98
