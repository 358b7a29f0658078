"""Numbers stay with their faces, boxes are calm and quick, short misses are bridged."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from facetracker.core.boxes import iou, to_pixels
from facetracker.core.faces import Faces
from facetracker.inference.tracking.follow import COAST, Follower
from facetracker.inference.tracking.steady import Steady, SteadySettings
from facetracker.scenes import Scene

FPS = 30.0
SIZE = 640, 480


def found(boxes, scores=None):
    boxes = np.asarray(boxes, np.float32).reshape(-1, 4)
    return Faces.from_pixels(boxes, *SIZE, scores=np.full(len(boxes), 0.9) if scores is None else scores)


def follow_scene(scene, frames, miss=0.03, tremble=0.01, seed=0):
    """Follow the scene's truth, trembling and with misses; (switches, largest number, share of faces shown)."""
    random = np.random.default_rng(seed)
    follower, last = Follower(0.5, FPS), {}
    switches = shown = faces = 0
    for index in range(frames):
        truth = scene.frame(index)
        boxes = to_pixels(truth.boxes, scene.width, scene.height)
        sizes = np.tile(boxes[:, 2:] - boxes[:, :2], 2)
        seen = (boxes + random.normal(0, tremble, boxes.shape) * sizes)[random.random(len(boxes)) >= miss]
        result = follower.update(found(seen), index / FPS)
        if index < 2:
            continue
        pairs = iou(result.pixels / 1000, boxes / 1000) if len(result) else np.zeros((0, len(boxes)))
        for column, who in enumerate(truth.ids):
            faces += 1
            if len(pairs) and pairs[:, column].max() > 0.4:
                shown += 1
                number = result.ids[pairs[:, column].argmax()]
                switches += last.get(who, number) != number
                last[who] = number
    return switches, max(last.values()), shown / faces


@pytest.mark.parametrize("seed", range(3))
def test_without_occlusion_no_number_changes(seed):
    scene = Scene(faces=5, seed=seed)
    assert min(scene.frame(i).visible.min() for i in range(0, 120, 10)) > 0.8
    switches, numbers, shown = follow_scene(scene, 120)
    assert (switches, numbers) == (0, 5)
    assert shown > 0.99


def test_a_face_that_is_missed_coasts_on_in_its_direction_and_keeps_its_number():
    follower = Follower(0.5, FPS)
    for index in range(30):
        left = 100 + 4 * index
        before = follower.update(found([[left, 100, left + 80, 180]]), index / FPS)
    assert before.ids.tolist() == [1]
    assert not before.coasting.any()
    for index in range(30, 30 + int(COAST * FPS)):
        coasting = follower.update(found([]), index / FPS)
        assert coasting.ids.tolist() == [1]
        assert coasting.coasting.all()
        assert (
            iou(coasting.pixels / 1000, [[(100 + 4 * index) / 1000, 0.1, (180 + 4 * index) / 1000, 0.18]])[0, 0] > 0.7
        )
        assert follower.broken == ([1] if index == 30 else [])
    index += 2
    assert len(follower.update(found([]), index / FPS)) == 0
    back = follower.update(found([[100 + 4 * index, 100, 180 + 4 * index, 180]]), index / FPS)
    assert back.ids.tolist() == [1]


def test_a_weak_score_carries_a_face_on_but_starts_none():
    follower = Follower(0.5, FPS)
    box = [[100, 100, 180, 180]]
    for index in range(5):
        assert len(follower.update(found(box, [0.3]), index / FPS)) == 0
    for index in range(5, 8):
        follower.update(found(box, [0.9]), index / FPS)
    weak = follower.update(found(box, [0.3]), 8 / FPS)
    assert weak.ids.tolist() == [1]
    assert weak.scores == pytest.approx([0.3])
    assert follower.low_threshold < 0.3
    for index in range(9, 9 + round(1.5 * FPS)):
        weak = follower.update(found(box, [0.3]), index / FPS)
    assert len(weak) == 0  # a face that stays weak is none
    assert follower.update(found(box, [0.9]), (index + 1) / FPS).ids.tolist() == [1]


def test_a_second_box_on_the_same_face_gets_no_number():
    follower = Follower(0.5, FPS)
    face, shifted, around = [100, 100, 180, 180], [125, 120, 205, 200], [90, 60, 230, 230]
    for index in range(10):
        faces = follower.update(found([face, shifted, around], [0.9, 0.6, 0.3]), index / FPS)
    assert faces.ids.tolist() == [1]
    for time, known in ((1.0, 1), (1.03, 1), (1.06, 2)):
        apart = follower.update(found([face, [300, 100, 380, 180]], [0.9, 0.9]), time)
        assert len(apart) == known


def test_one_flicker_is_no_face():
    follower = Follower(0.5, FPS)
    shown = [len(follower.update(found([[10, 10, 60, 60]] if i == 3 else []), i / FPS)) for i in range(10)]
    assert sum(shown) == 0


def test_predict_moves_faces_on_between_found():
    follower = Follower(0.5, 10.0)
    assert len(follower.predict(0.0)) == 0
    for index in range(40):
        follower.update(found([[100 + 6 * index, 100, 180 + 6 * index, 180]]), index / 10)
    now = follower.update(found([[340, 100, 420, 180]]), 4.0)
    ahead = follower.predict(4.05)
    assert ahead.ids.tolist() == [1]
    assert 1.5 < (ahead.pixels - now.pixels)[0, 0] < 4.5
    assert follower.predict(4.0).pixels == pytest.approx(now.pixels, abs=0.01)


def test_a_clock_that_stands_still_goes_on_and_one_that_jumps_back_starts_again():
    follower = Follower(0.5, FPS)
    for _ in range(5):
        faces = follower.update(found([[100, 100, 180, 180]]), 0.0)
    assert faces.ids.tolist() == [1]
    follower.update(found([[300, 100, 380, 180]]), 9.0)
    for index in range(3):
        faces = follower.update(found([[500, 100, 580, 180]]), 1.0 + index)
    assert faces.ids.tolist() == [1]


def test_boxes_are_the_detectors_own_unless_steadied():
    follower = Follower(0.5, FPS, steady=False)
    for index in range(3):
        faces = follower.update(found([[10 + index, 10, 50, 50]]), index / FPS)
    assert faces.labels == ["face"]
    assert faces.pixels == pytest.approx(np.array([[12.0, 10, 50, 50]]), abs=1e-4)


class TestSteady:
    """The One-Euro filter, with a trembling of one percent of the face."""

    def run(self, centres, settings=None, tremble=0.01, size=100.0):
        random = np.random.default_rng(1)
        steady, raw, calm = Steady(settings), [], []
        for index, centre in enumerate(centres):
            box = np.array([[centre - size / 2, 50, centre + size / 2, 50 + size]])
            box += random.normal(0, tremble * size, (1, 4))
            raw.append(box[0, [0, 2]].mean())
            calm.append(steady.update(box, [7], index / FPS)[0, [0, 2]].mean())
        return np.array(raw), np.array(calm)

    def test_a_still_face_trembles_at_most_a_fifth(self):
        raw, calm = self.run(np.full(600, 300.0))
        assert np.std(calm[60:]) <= 0.2 * np.std(raw[60:])
        assert np.std(np.diff(calm)) <= 0.2 * np.std(np.diff(raw))

    @pytest.mark.parametrize(("reach", "hertz"), [(100, 0.25), (100, 0.5), (50, 0.5), (30, 1.0)])
    def test_a_moving_face_lags_less_than_two_frames(self, reach, hertz):
        centres = 300 + reach * np.sin(2 * np.pi * hertz * np.arange(600) / FPS)
        _, calm = self.run(centres)
        speed = np.gradient(centres)
        lag = (speed * (centres - calm))[30:].sum() / (speed**2)[30:].sum()
        assert 0 < lag < 2

    def test_the_size_of_the_face_does_not_matter(self):
        centres = 300 + 50 * np.sin(np.arange(200) / 10)
        _, near = self.run(centres, tremble=0)
        _, far = self.run(centres / 10, tremble=0, size=10.0)
        assert far == pytest.approx(near / 10, rel=1e-6)

    def test_faces_are_filtered_apart_and_forgotten(self):
        steady = Steady(SteadySettings(cutoff=0.01, opening=0.0), forget=0.2)
        steady.update([[0, 0, 10, 10], [50, 0, 60, 10]], [1, 2], 0.0)
        second = steady.update([[55, 0, 65, 10], [5, 0, 15, 10]], [2, 1], 0.1)
        assert second[:, 0] == pytest.approx([50, 0], abs=0.1)
        assert steady.update([[100, 0, 110, 10]], [1], 9.0)[0, 0] == 100


def test_landmarks_move_with_the_box_that_is_steadied_or_carried_on():
    follower, share = Follower(0.5, FPS), np.array([[0.3, 0.4], [0.7, 0.4], [0.5, 0.6], [0.35, 0.8], [0.65, 0.8]])
    for index in range(6):
        box = np.array([100.0 + 6 * index, 80.0, 200.0 + 6 * index, 200.0])
        points = (box[:2] + share * (box[2:] - box[:2])) / SIZE
        seen = found([box]) if index < 5 else found([])
        seen = replace(seen, landmarks=points[None] if index < 5 else np.zeros((0, 5, 2)))
        faces = follower.update(seen, index / FPS)
    assert faces.coasting.tolist() == [True]
    corner, extent = faces.boxes[0, :2], faces.boxes[0, 2:] - faces.boxes[0, :2]
    np.testing.assert_allclose((faces.landmarks[0] - corner) / extent, share, atol=1e-4)


SLOW = 8.0  # frames a second: every time is a sum of powers of two, so that bounds are met exactly


def square(x, side=80.0):
    return [x, 100, x + side, 100 + side]


def known(follower, *places, frames=4, fps=SLOW):
    """Show faces at these places until they have their numbers; the time of the next frame."""
    for index in range(frames):
        faces = follower.update(found([square(x) for x in places]), index / fps)
    assert faces.ids.tolist() == [*range(1, len(places) + 1)]
    return frames / fps


def test_without_a_word_a_face_is_believed_from_a_half_and_the_third_time_on():
    follower = Follower()
    assert (follower.threshold, follower.fps, follower.coast) == (0.5, 30.0, COAST)
    assert follower.low_threshold == pytest.approx(0.2)
    shown = [len(follower.update(found([square(100)], [0.5]), index / 30)) for index in range(4)]
    assert shown == [0, 0, 1, 1]


@pytest.mark.parametrize("fps", [0.0, -5.0, float("nan"), float("inf")])
def test_a_source_that_does_not_know_its_frames_a_second_is_taken_for_30(fps):
    assert Follower(0.5, fps).fps == 30.0
    assert Follower(0.5, 1.0).fps == 1.0


def test_before_the_first_frame_and_without_faces_nothing_is_predicted():
    follower = Follower(0.5, SLOW)
    assert len(follower.predict(3.0)) == 0
    empty = follower.update(found([]), 0.0)
    assert follower.predict(0.1) is empty


def test_a_missed_face_coasts_for_so_long_and_not_longer():
    for coast, later, shown in ((0.25, 0.25, 1), (0.25, 0.375, 0), (0.5, 0.5, 1), (0.0, 0.125, 0)):
        follower = Follower(0.5, SLOW, coast=coast)
        time = known(follower, 100) - 1 / SLOW
        while time + 1 / SLOW <= follower._time + later and (time := time + 1 / SLOW):
            faces = follower.update(found([]), time)
            if time == 3 / SLOW + later:
                break
        assert len(faces) == shown, (coast, later)


def test_who_is_missed_is_not_shown_where_somebody_else_is_now():
    for place, shown in ((150, [2, 1]), (140, [2])):  # 80 pixels wide: overlaps by .23 and by .33 with the one at 100
        follower = Follower(0.5, SLOW, steady=False)
        time = known(follower, 100, 150)
        faces = follower.update(found([square(place)]), time)
        assert faces.ids.tolist() == shown
        assert faces.coasting.tolist() == [False, True][: len(shown)]
        assert follower.broken == [1]
        assert follower.update(found([square(place)]), time + 1 / SLOW).ids.tolist() == shown
        assert follower.broken == []


def test_a_second_box_is_one_from_an_overlap_of_a_third_on_and_a_weak_one_from_a_seventh():
    assert len(follow_pair(140, 0.9)) == 1  # .33 of the better one
    assert len(follow_pair(150, 0.9)) == 2  # .23
    for apart, score, coasts in ((52, 0.9, False), (52, 0.3, True), (66, 0.3, False)):  # .21, .21, .10
        follower = Follower(0.5, SLOW, steady=False)
        time = known(follower, 100, 100 + apart)
        faces = follower.update(found([square(100), square(100 + apart)], [0.9, score]), time)
        assert faces.ids.tolist() == [1, 2]
        assert faces.coasting.tolist() == [False, coasts]


def follow_pair(second, score):
    follower = Follower(0.5, SLOW)
    for index in range(4):
        faces = follower.update(found([square(100), square(second)], [0.95, score]), index / SLOW)
    return faces


def test_of_two_boxes_on_one_face_the_better_stays_wherever_it_stands_in_the_list():
    for scores, x in (([0.6, 0.9], 110), ([0.9, 0.6], 100), ([0.9, 0.9], 100)):
        follower = Follower(0.5, SLOW, steady=False)
        for index in range(4):
            faces = follower.update(found([square(100), square(110)], scores), index / SLOW)
        assert faces.pixels[:, 0] == pytest.approx([x], abs=1e-3)


def test_weak_boxes_alone_carry_a_face_for_half_a_second():
    follower = Follower(0.5, SLOW, coast=0.0)
    last = known(follower, 100) - 1 / SLOW
    shown = []
    for step in range(1, 7):
        shown.append(len(follower.update(found([square(100)], [0.3]), last + step / SLOW)))
    assert shown == [1, 1, 1, 1, 0, 0]
    assert len(follower.update(found([square(100)], [0.5]), last + 7 / SLOW)) == 1


def test_a_clock_that_stands_still_is_taken_to_go_on_by_half_a_frame():
    follower = Follower(0.5, SLOW)
    follower.update(found([]), 1.0)
    follower.update(found([]), 1.0)
    assert follower._time == 1.0 + 0.5 / SLOW
    follower.update(found([]), 1.5)
    assert follower._time == 1.5
    time = known(Follower(0.5, SLOW), 100)
    follower = Follower(0.5, SLOW)
    known(follower, 100)
    assert follower.update(found([square(100)]), time - 2 / SLOW).ids.tolist() == []  # back: it starts again


def test_steadied_boxes_are_the_filters_and_settings_reach_it():
    still = SteadySettings(cutoff=0.01, opening=0.0)
    follower = Follower(0.5, SLOW, steady=still)
    time = known(follower, 100)
    assert follower.update(found([square(110)]), time).pixels[0, 0] < 101
    plain = Follower(0.5, SLOW, steady=False)
    known(plain, 100)
    assert plain.update(found([square(110)]), time).pixels[0, 0] == pytest.approx(110, abs=1e-3)
