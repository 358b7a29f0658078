import cv2
import keras
import numpy as np
import pytest

from facetracker.core.sheet import GAP, TITLE
from facetracker.training.curves import draw_curves
from facetracker.training.pictures import SIDE, Judged, draw_in_rgb, draw_val_predictions, judge, sheet_of

TALL = SIDE + TITLE + GAP


class Oracle:
    """Answers with the truth for some pictures, shifted for others, nothing or too much for the rest."""

    def __init__(self, pool):
        self.pool, self.asked = pool, 0

    def __call__(self, pictures, training):
        start, self.asked = self.asked, self.asked + len(pictures)
        return slice(start, self.asked)

    def decode(self, rows, threshold):
        boxes, classes = self.pool.boxes[rows].copy(), self.pool.classes[rows].copy()
        for i, row in enumerate(range(*rows.indices(len(self.pool)))):
            if row == 0:
                boxes[i, 0] += [0.1, 0, 0.1, 0]  # shifted
            if row == 1:
                classes[i] = -1  # missed
            if row == 3:
                boxes[i, 0], classes[i, 0] = [0.1, 0.1, 0.3, 0.3], 0  # a false alarm
        scores = (classes >= 0) * 0.9
        return tuple(keras.ops.convert_to_tensor(value) for value in (boxes, scores, classes))


def test_the_worst_pictures_come_first(pool):
    judged = judge(Oracle(pool), pool, batch_size=6)
    assert len(judged) == 20
    worst = {next(row for row in range(20) if np.array_equal(pool.pictures[row], one.picture)) for one in judged[:2]}
    assert worst == {1, 3}
    assert np.array_equal(judged[2].picture, pool.pictures[0])
    assert 0.2 < judged[2].quality < 0.8
    assert all(one.quality == pytest.approx(1.0) for one in judged[3:])


def test_only_so_many_pictures_are_judged(pool):
    assert len(judge(Oracle(pool), pool, most=7, batch_size=5)) == 7


def test_truth_is_drawn_left_and_prediction_right():
    picture = np.zeros((50, 50, 3), np.uint8)
    box, other = np.array([[0.2, 0.2, 0.6, 0.6]], np.float32), np.array([[0.5, 0.5, 0.9, 0.9]], np.float32)
    page = sheet_of([Judged(picture, box, other, np.array([0.8]), 0.1)], columns=1)
    left, right = page[GAP : GAP + SIDE, GAP : GAP + SIDE], page[GAP : GAP + SIDE, 2 * GAP + SIDE : 2 * (GAP + SIDE)]
    assert left[40:121, 40].any(axis=-1).all()
    assert not left[125:].any()
    assert right[100:181, 100].any(axis=-1).all()
    assert not right[:80].any()


def test_val_predictions_are_written(pool, tmp_path):
    qualities = [one.quality for one in judge(Oracle(pool), pool)]
    assert len(qualities) == 20
    assert 0.8 < np.mean(qualities) < 0.95
    draw_val_predictions(tmp_path / "val.png", Oracle(pool), pool)
    page = cv2.imread(str(tmp_path / "val.png"))
    assert page.shape == (4 * TALL + GAP, 8 * (SIDE + GAP) + GAP, 3)
    assert draw_in_rgb(Oracle(pool), pool, most=4).shape == (2 * TALL + GAP, 4 * (SIDE + GAP) + GAP, 3)


def test_curves_show_train_and_val_in_four_panels(tmp_path):
    rows = [
        {"epoch": epoch, "total_loss": 1 / epoch, "val_total_loss": 2 / epoch, "class_loss": 0.1, "mean_iou": 0.5}
        for epoch in range(1, 6)
    ]
    draw_curves(tmp_path / "curves.png", rows)
    picture = cv2.imread(str(tmp_path / "curves.png"))
    assert picture.shape[1] > 3 * picture.shape[0]
    teal, orange = (np.abs(picture.astype(int) - colour).max(axis=-1) < 30 for colour in ([128, 128, 0], [0, 165, 255]))
    quarter = picture.shape[1] // 4
    assert teal[:, :quarter].any()
    assert orange[:, :quarter].any()
    assert teal[:, quarter : 2 * quarter].any()
    assert not orange[:, quarter : 2 * quarter].any()
    assert not teal[:, 2 * quarter : 3 * quarter].any()  # no regress loss in this history
    assert teal[:, 3 * quarter :].any()
