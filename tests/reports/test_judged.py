"""Which box is right: by hand, and against a brute search."""

import numpy as np
import pytest
from by_hand import LEFT, RIGHT, photo

from facetracker.reports.evaluation.judged import JudgedPhoto, match, pool


def test_best_score_takes_the_face_first():
    one = photo([LEFT], [[0.0, 0.0, 0.4, 0.3], LEFT], scores=[0.9, 0.8])
    assert match(one).face.tolist() == [0, -1]
    assert match(one).iou == pytest.approx([0.75, 0.0])


def test_a_box_takes_the_face_it_overlaps_most_and_each_face_goes_once():
    two = photo([LEFT, RIGHT], [RIGHT, LEFT, LEFT], scores=[0.5, 0.6, 0.7])
    assert match(two).face.tolist() == [1, -1, 0]


def test_a_class_of_its_own_unless_told():
    wrong = photo([LEFT], [LEFT], classes=[1])
    assert match(wrong).face.tolist() == [-1]
    assert match(wrong, by_class=False).face.tolist() == [0]


def test_boxes_that_do_not_touch_take_nothing_even_at_zero():
    assert match(photo([LEFT], [RIGHT]), iou=0.0).face.tolist() == [-1]


def test_leaving_out_low_scores_changes_no_match():
    rng = np.random.default_rng(0)
    corners = rng.uniform(0, 0.6, (12, 2))
    boxes = np.concatenate([corners, corners + rng.uniform(0.1, 0.4, (12, 2))], axis=1)
    every = photo(boxes[:5], boxes + rng.normal(0, 0.02, (12, 4)), scores=rng.uniform(size=12))
    high = every.scores >= 0.5
    assert match(every, 0.3).face[high].tolist() == match(every.above(0.5), 0.3).face.tolist()


def test_pool_is_sorted_and_counts_faces():
    boxes = pool([photo([LEFT], [RIGHT, LEFT], scores=[0.2, 0.6]), photo([], [LEFT], scores=[0.4]), photo([RIGHT])])
    assert boxes.scores.tolist() == [0.6, 0.4, 0.2]
    assert boxes.right.tolist() == [True, False, False]
    assert boxes.photo.tolist() == [0, 1, 0]
    assert boxes.faces == 2
    assert pool([]).faces == 0


def test_lengths_must_agree():
    with pytest.raises(ValueError, match="faces but"):
        JudgedPhoto("a", 1, 1, [LEFT], [])
    with pytest.raises(ValueError, match="differ"):
        photo(boxes=[LEFT], scores=[])
