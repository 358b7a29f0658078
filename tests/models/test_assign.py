"""Which cells answer for which face: the arrays against the rule, face by face and cell by cell."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from facetracker.core.boxes import IGNORED
from facetracker.models.assign import CELLS_PER_FACE, IOU_POWER, LEAST_HALF, SCORE_POWER, assign

CENTRES = np.array([[8 * column + 4.0, 8 * row + 4.0] for row in range(8) for column in range(8)], np.float32)


def iou(one, other) -> float:
    width = max(0.0, min(one[2], other[2]) - max(one[0], other[0]))
    height = max(0.0, min(one[3], other[3]) - max(one[1], other[1]))
    union = (one[2] - one[0]) * (one[3] - one[1]) + (other[2] - other[0]) * (other[3] - other[1]) - width * height
    return width * height / max(union, 1e-9)


def is_near(centre, box) -> bool:
    return all(
        abs(centre[axis] - (box[axis] + box[axis + 2]) / 2) < max((box[axis + 2] - box[axis]) / 2, LEAST_HALF)
        for axis in (0, 1)
    )


def obvious(scores, boxes, truth, classes, kinds):
    """One picture by the rule: scores `(A, K)`, boxes `(A, 4)`, weights, counts, ious `(M,)`, faces `(M, A)`."""
    faces, cells = len(truth), len(CENTRES)
    overlap = np.array([[iou(face, box) for box in boxes] for face in truth]).reshape(faces, cells)
    near = np.array([[is_near(centre, face) for centre in CENTRES] for face in truth]).reshape(faces, cells)
    merit = np.where(near & (classes >= 0)[:, None], scores[None] ** SCORE_POWER * overlap**IOU_POWER + 1e-9, 0.0)
    mine = np.zeros((faces, cells), bool)
    for face in range(faces):
        best = sorted(range(cells), key=lambda cell: -merit[face, cell])[:CELLS_PER_FACE]
        mine[face] = (merit[face] >= merit[face, best[-1]]) & (merit[face] > 0)
    for cell in range(cells):
        wanting = [face for face in range(faces) if mine[face, cell]]
        if wanting:
            most = max(overlap[face, cell] for face in wanting)
            for face in wanting:
                mine[face, cell] = overlap[face, cell] + 1e-6 >= most + 1e-6
    merit = merit * mine
    target = np.zeros((faces, cells))
    ious = np.zeros(faces)
    for face in range(faces):
        if mine[face].any():
            target[face] = merit[face] / merit[face].max() * overlap[face][mine[face]].max()
            ious[face] = overlap[face][merit[face] >= merit[face].max()].max()
    answered = np.zeros((cells, kinds))
    wanted = np.zeros((cells, 4))
    counts = np.ones(cells)
    for cell in range(cells):
        owners = np.flatnonzero(mine[:, cell])
        for face in owners:
            answered[cell, classes[face]] += target[face, cell]
            wanted[cell] += truth[face] / len(owners)
        if not len(owners) and any(near[face, cell] for face in range(faces) if classes[face] == IGNORED):
            counts[cell] = 0
    return answered, wanted, target.max(axis=0, initial=0), counts, ious, mine / np.maximum(mine.sum(axis=0), 1)


def same(scores, boxes, truth, classes, kinds=1) -> None:
    """Both ways, for a batch of one."""
    found = assign(scores[None], boxes[None], CENTRES, truth[None], classes[None], kinds)
    names = ("scores", "boxes", "weights", "counts", "ious", "faces")
    for name, value in zip(names, obvious(scores, boxes, truth, classes, kinds), strict=True):
        np.testing.assert_allclose(np.array(getattr(found, name))[0], value, atol=2e-4, err_msg=name)


@settings(max_examples=15, deadline=None)
@given(st.integers(0, 2**31), st.integers(1, 4), st.integers(1, 3))
def test_every_answer_is_the_rules(seed, faces, kinds):
    random = np.random.default_rng(seed)
    corner = random.uniform(0, 40, (faces, 2))
    truth = np.concatenate([corner, corner + random.uniform(2, 30, (faces, 2))], axis=1).astype(np.float32)
    classes = random.integers(-2, kinds, faces)
    scores = random.uniform(0.05, 0.95, len(CENTRES)).astype(np.float32)
    reach = random.uniform(2, 16, (len(CENTRES), 4))
    boxes = np.concatenate([CENTRES - reach[:, :2], CENTRES + reach[:, 2:]], axis=1).astype(np.float32)
    same(scores, boxes, truth, classes, kinds)


@pytest.mark.parametrize("box", [[0, 0, 64, 64], [30, 30, 33, 33], [0, 0, 8, 8], [3.9, 0, 12.1, 8], [-9, -9, -1, -1]])
def test_large_tiny_and_outside(box):
    reach = np.full((len(CENTRES), 2), 9.0, np.float32)
    boxes = np.concatenate([CENTRES - reach, CENTRES + reach], axis=1)
    scores = np.linspace(0.1, 0.9, len(CENTRES), dtype=np.float32)
    for kind in (0, -1, IGNORED):
        same(scores, boxes, np.array([box], np.float32), np.array([kind]))


def test_a_centre_on_the_edge_is_not_inside():
    edge = np.array([[4, 4, 20, 20]], np.float32)  # centres at 4, 12 and 20
    boxes = np.concatenate([CENTRES - 8, CENTRES + 8], axis=1)
    same(np.full(len(CENTRES), 0.5, np.float32), boxes, edge, np.array([0]))


def test_two_faces_that_want_the_same_cells_equally_share_them():
    truth = np.array([[10, 10, 30, 30], [10, 10, 30, 30]], np.float32)
    boxes = np.concatenate([CENTRES - 10, CENTRES + 10], axis=1)
    found = assign(np.full((1, 64), 0.5, np.float32), boxes[None], CENTRES, truth[None], np.array([[0, 0]]))
    faces = np.array(found.faces)[0]
    assert set(np.unique(faces)) == {0.0, 0.5}
    np.testing.assert_allclose(np.array(found.boxes)[0][faces.sum(axis=0) > 0], np.tile(truth[0], (9, 1)))


def test_boxes_that_miss_every_face_are_still_answered_by_the_cells_inside():
    boxes = np.concatenate([CENTRES + 200, CENTRES + 210], axis=1)
    found = assign(
        np.full((1, 64), 0.5, np.float32),
        boxes[None],
        CENTRES,
        np.array([[[0, 0, 20, 20]]], np.float32),
        np.array([[0]]),
    )
    assert np.array(found.faces).sum() == 4
    assert np.array(found.weights).max() == 0
    assert np.array(found.ious).max() == 0


def test_several_pictures_are_answered_apart():
    truth = np.array([[[0, 0, 20, 20]], [[30, 30, 60, 60]]], np.float32)
    boxes = np.tile(np.concatenate([CENTRES - 9, CENTRES + 9], axis=1), (2, 1, 1))
    scores = np.full((2, 64), 0.5, np.float32)
    both = assign(scores, boxes, CENTRES, truth, np.array([[0], [0]]))
    for row in (0, 1):
        alone = assign(scores[row : row + 1], boxes[row : row + 1], CENTRES, truth[row : row + 1], np.array([[0]]))
        for one, other in zip(both, alone, strict=True):
            np.testing.assert_allclose(np.array(one)[row], np.array(other)[0], atol=1e-6)


def test_a_network_of_a_few_cells():
    found = assign(
        np.full((1, 4), 0.5, np.float32),
        np.array([[[0, 0, 8, 8]] * 4], np.float32),
        CENTRES[:4],
        np.array([[[0, 0, 16, 8]]], np.float32),
        np.array([[0]]),
    )
    assert np.array(found.faces)[0, 0].tolist() == [1, 1, 0, 0]
