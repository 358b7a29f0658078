"""AP: hand-computed cases, and the same numbers as pycocotools through its own JSON files."""

import contextlib
import io
import json

import numpy as np
import pytest
from by_hand import LEFT, RIGHT, photo
from pycocotools.coco import COCO
from pycocotools.cocoeval import COCOeval

from facetracker.reports.evaluation.average_precision import COCO_IOUS, precision


def test_one_right_box_is_one():
    assert precision([photo([LEFT], [LEFT])], 1).average(*COCO_IOUS) == pytest.approx(1.0)


def test_half_found_by_hand():
    # One of two faces found: precision 1 up to recall 0.5 (51 of COCO's 101 points), 0 beyond.
    table = precision([photo([LEFT, RIGHT], [LEFT])], 1)
    assert table.average(0.5) == pytest.approx(51 / 101)
    assert table.curve(0.5)[50] == 1.0
    assert table.curve(0.5)[51] == 0.0


def test_false_alarm_before_the_hit_halves_precision():
    # The wrong box scores higher: precision 0.5 at every recall. On a photo without a face it counts the same.
    for photos in (
        [photo([LEFT], [RIGHT, LEFT], scores=[0.9, 0.8])],
        [photo([], [RIGHT], scores=[0.9]), photo([LEFT], [LEFT], scores=[0.8])],
    ):
        assert precision(photos, 1).average(0.5) == pytest.approx(0.5)


def test_loose_box_counts_at_04_only():
    loose = [0.0, 0.0, 0.4, 0.18]  # IoU 0.45
    table = precision([photo([LEFT], [loose])], 1)
    assert table.average(0.4) == 1.0
    assert table.average(0.5) == 0.0


def test_nothing_to_find_is_undefined_and_no_answer_is_zero():
    assert precision([photo([], [LEFT])], 1).average(0.5) is None
    assert precision([photo([], [LEFT])], 1).curve(0.5) is None
    assert precision([photo([LEFT])], 1).average(0.5) == 0.0
    assert precision([], 1).average(0.5) is None


def test_classes_are_averaged_over_those_that_occur():
    photos = [photo([LEFT, RIGHT], [LEFT, RIGHT], classes=[0, 0], truth_classes=[0, 1])]
    table = precision(photos, 3)
    assert table.average(0.5, cls=0) == 1.0
    assert table.average(0.5, cls=1) == 0.0
    assert table.average(0.5, cls=2) is None
    assert table.average(0.5) == pytest.approx(0.5)


def test_sizes_leave_out_the_other_faces():
    big, small = [0.0, 0.0, 0.6, 0.6], [0.8, 0.8, 0.85, 0.85]
    table = precision([photo([big, small], [big])], 1, sizes={"small": (0.0, 0.01), "big": (0.01, 1.0)})
    assert table.average(0.5, size="big") == 1.0
    assert table.average(0.5, size="small") == 0.0


def test_the_same_as_pycocotools_alone(tmp_path):
    rng = np.random.default_rng(1)
    photos = []
    for number in range(30):
        truth = _random_boxes(rng, rng.integers(0, 5))
        near = truth + rng.normal(0, 0.02, truth.shape)
        boxes = np.concatenate([near, _random_boxes(rng, 3)])
        boxes[:, 2:] = np.maximum(boxes[:, 2:], boxes[:, :2] + 0.01)
        photos.append(
            photo(
                truth,
                boxes,
                scores=rng.uniform(size=len(boxes)),
                classes=rng.integers(0, 2, len(boxes)),
                truth_classes=rng.integers(0, 2, len(truth)),
                name=f"{number}",
            )
        )
    ours = precision(photos, 2)
    theirs = _pycocotools(photos, tmp_path)
    measured = [ours.average(*COCO_IOUS), ours.average(0.5), ours.average(0.75)]
    assert measured == pytest.approx(theirs[:3], abs=1e-6)
    assert 0.05 < theirs[0] < 0.95


def _random_boxes(rng, count):
    corners = rng.uniform(0, 0.6, (count, 2))
    return np.concatenate([corners, corners + rng.uniform(0.1, 0.4, (count, 2))], axis=1)


def _pycocotools(photos, folder):
    """COCO's own way: an annotations file and a results file, in pixels."""
    annotations, results = [], []
    for image, one in enumerate(photos):
        for box, cls in zip(one.truth.astype(float) * 100, one.truth_classes, strict=True):
            size = box[2:] - box[:2]
            annotations.append(
                {
                    "id": len(annotations) + 1,
                    "image_id": image,
                    "category_id": int(cls),
                    "bbox": [*box[:2], *size],
                    "area": float(size.prod()),
                    "iscrowd": 0,
                }
            )
        for box, score, cls in zip(one.boxes.astype(float) * 100, one.scores, one.classes, strict=True):
            bbox = [*box[:2], *(box[2:] - box[:2])]
            results.append({"image_id": image, "category_id": int(cls), "bbox": bbox, "score": float(score)})
    truth = {
        "info": {},  # before 2.0.11, `loadRes` wants it
        "images": [{"id": i, "width": 100, "height": 100} for i in range(len(photos))],
        "categories": [{"id": 0, "name": "a"}, {"id": 1, "name": "b"}],
        "annotations": annotations,
    }
    (folder / "truth.json").write_text(json.dumps(truth))
    (folder / "results.json").write_text(json.dumps(results))
    with contextlib.redirect_stdout(io.StringIO()):
        coco = COCO(str(folder / "truth.json"))
        judge = COCOeval(coco, coco.loadRes(str(folder / "results.json")), "bbox")
        judge.evaluate()
        judge.accumulate()
        judge.summarize()
    return list(judge.stats)
