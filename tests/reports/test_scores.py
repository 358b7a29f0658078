"""Every score against a case small enough to work out by hand."""

import json

import pytest
from by_hand import LEFT, RIGHT, photo

from facetracker.reports.evaluation.judged import pool
from facetracker.reports.evaluation.operating import (
    best_threshold,
    calibration,
    false_alarm_curve,
    false_alarms,
    rates_at,
    threshold_for_recall,
)
from facetracker.reports.evaluation.scores import confusion, face_iou, mean_iou, photo_iou, score

HALF = [0.0, 0.0, 0.4, 0.2]  # IoU 0.5 with LEFT


def test_mean_iou_asks_for_the_best_scoring_box_of_every_photo_with_a_face():
    photos = [
        photo([LEFT], [LEFT]),
        photo([LEFT], [HALF, LEFT], scores=[0.9, 0.8]),  # the surer box counts, not the better one
        photo([LEFT]),  # nothing found: 0
        photo([], [LEFT]),  # no face: left out
    ]
    assert [photo_iou(one) for one in photos[:3]] == pytest.approx([1.0, 0.5, 0.0])
    assert mean_iou(photos) == pytest.approx(0.5)
    assert mean_iou([photo()]) is None


def test_mean_iou_is_the_share_found_times_the_iou_of_the_found():
    photos = [
        photo([LEFT], [LEFT], scores=[0.9]),
        photo([LEFT], [HALF], scores=[0.8]),
        photo([LEFT], [LEFT], scores=[0.4]),  # just under the threshold
        photo([], [LEFT], scores=[0.9]),  # no face: left out
    ]
    scores = score(photos, ["face"], threshold=0.5)
    assert (scores.found, scores.found_iou) == (pytest.approx(2 / 3), pytest.approx(0.75))
    assert scores.mean_iou == pytest.approx(scores.found * scores.found_iou)
    assert {"found", "found_iou"} <= set(scores.as_dict())
    empty = score([photo()], ["face"])
    assert (empty.found, empty.found_iou) == (None, None)


def test_one_box_of_two_faces_is_full_mean_iou_but_half_face_iou():
    one = [photo([LEFT, RIGHT], [RIGHT])]
    assert mean_iou(one) == pytest.approx(1.0)
    assert face_iou(one) == pytest.approx(0.5)
    assert face_iou([photo()]) is None


def test_mean_iou_counts_only_boxes_at_the_threshold():
    assert score([photo([LEFT], [LEFT], scores=[0.3])], ["face"], threshold=0.5).mean_iou == 0.0
    assert score([photo([LEFT], [LEFT], scores=[0.5])], ["face"], threshold=0.5).mean_iou == 1.0


FOUR = [  # right 0.9, wrong 0.6, right 0.4, wrong 0.2; one face never found: 3 faces
    photo([LEFT], [LEFT, RIGHT], scores=[0.9, 0.6]),
    photo([LEFT, RIGHT], [LEFT], scores=[0.4]),
    photo([], [LEFT], scores=[0.2]),
]


def test_rates_by_hand():
    boxes = pool(FOUR)
    rates = rates_at(boxes, 0.5)
    assert (rates.precision, rates.recall) == (pytest.approx(0.5), pytest.approx(1 / 3))
    assert rates.f1 == pytest.approx(2 * 1 / (2 + 3))
    assert rates_at(boxes, 0.4).recall == pytest.approx(2 / 3)  # at the threshold counts
    assert rates_at(boxes, 0.95).precision is None
    assert rates_at(pool([photo([], [LEFT])]), 0.5).recall is None


def test_best_threshold_lies_in_the_middle_of_the_best_range():
    best = best_threshold(pool(FOUR))
    assert best.f1 == pytest.approx(2 * 2 / (3 + 3))
    assert best.threshold == pytest.approx((0.4 + 0.2) / 2)
    assert best_threshold(pool([photo([LEFT])])) is None
    assert best_threshold(pool([photo([], [LEFT])])) is None


def test_equal_scores_stand_or_fall_together():
    same = [photo([LEFT], [LEFT, RIGHT], scores=[0.7, 0.7])]
    assert best_threshold(pool(same)).precision == pytest.approx(0.5)


def test_threshold_for_recall():
    boxes = pool(FOUR)
    assert threshold_for_recall(boxes, 1 / 3) == pytest.approx(0.9)
    assert threshold_for_recall(boxes, 0.5) == pytest.approx(0.4)
    assert threshold_for_recall(boxes, 0.9) is None


def test_false_alarms_look_only_at_photos_without_a_face():
    alarms = false_alarms(FOUR, 0.1)
    assert (alarms.photos, alarms.photos_with_alarm, alarms.boxes, alarms.share) == (1, 1, 1, 1.0)
    assert false_alarms(FOUR, 0.3).boxes == 0
    assert false_alarms(FOUR[:2], 0.3).share is None
    curve = false_alarm_curve(FOUR)
    assert (curve[20], curve[21]) == (1.0, 0.0)
    assert false_alarm_curve(FOUR[:2]) is None


def test_calibration_by_hand():
    boxes = pool([photo([LEFT], [LEFT, RIGHT], scores=[0.95, 0.95]), photo([LEFT], [LEFT], scores=[0.35])])
    result = calibration(boxes)
    assert result.error == pytest.approx((2 * 0.45 + 1 * 0.65) / 3)
    assert (result.bins[9].boxes, result.bins[9].right) == (2, 0.5)
    assert result.bins[0].boxes == 0
    faint = calibration(pool([photo([], [LEFT], scores=[0.05])]))
    assert faint.error is None


def test_confusion_by_hand():
    photos = [
        photo([LEFT, RIGHT], [LEFT, RIGHT], truth_classes=[0, 1], classes=[0, 0]),
        photo([LEFT], truth_classes=[1]),
        photo([], [LEFT], classes=[1]),
    ]
    table = confusion(photos, ["bare", "mask"])
    assert table.rows == ["bare", "mask", "(no face)"]
    assert table.columns == ["bare", "mask", "(missed)"]
    assert table.counts == [[1, 0, 0], [1, 0, 1], [0, 1, 0]]


def test_sizes_by_hand():
    tiny, large = [0.0, 0.0, 0.04, 0.04], [0.2, 0.2, 0.8, 0.8]
    scores = score([photo([tiny, large], [large])], ["face"])
    by_name = {row.name: row for row in scores.by_share}
    assert (by_name["tiny"].faces, by_name["tiny"].recall, by_name["tiny"].ap50) == (1, 0.0, 0.0)
    assert (by_name["large"].faces, by_name["large"].recall, by_name["large"].ap50) == (1, 1.0, 1.0)
    assert by_name["small"].recall is None
    pixels = {row.name: row.faces for row in scores.by_pixels}  # the photo is 100 x 100 pixels
    assert pixels == {"under 32 px": 1, "32 to 96 px": 1, "over 96 px": 0}


@pytest.mark.parametrize("photos", [[], [photo()], [photo([LEFT])], [photo([], [LEFT])], FOUR])
def test_every_set_gives_scores_that_json_can_hold(photos):
    values = score(photos, ["face", "mask"]).as_dict()
    assert json.loads(json.dumps(values, allow_nan=False))["photos"] == len(photos)


def test_class_ap_stands_beside_the_mean():
    photos = [photo([LEFT, RIGHT], [LEFT, RIGHT], truth_classes=[0, 1], classes=[0, 0])]
    scores = score(photos, ["bare", "mask"])
    assert scores.class_ap50 == {"bare": 1.0, "mask": 0.0}
    assert scores.ap50 == pytest.approx(0.5)
    assert scores.curves["ap_at_iou"]["0.50"] == pytest.approx(0.5)


def test_any_face_does_not_ask_for_the_class():
    photos = [photo([LEFT, RIGHT], [LEFT, RIGHT], truth_classes=[0, 1], classes=[1, 0])]
    result = score(photos, ["bare", "mask"])
    assert result.ap50 == 0.0
    assert result.any_face_ap50 == 1.0
