"""A model that was trained on crops sees a frame at their scale: in parts (single head), or larger (dense)."""

from __future__ import annotations

import networks
import numpy as np
import pytest
from painted import frame_with

from facetracker import Detector
from facetracker.core.boxes import as_boxes
from facetracker.core.photo import Picture
from facetracker.inference.card import Card
from facetracker.inference.decode import Decoded, best_of_parts, nothing
from facetracker.inference.engines import Engine, Outputs


class GreenBox(Engine):
    """A single head without weights: the box around what is green, as sure as `doubt` where nothing is."""

    name, threads = "green", 1

    def __init__(self, crop: float | None, side: int = 64, doubt: float = 0.0, batch: int | None = None):
        self.card = Card(["face"], side, "single", crop=crop)
        self.fixed_size, self.fixed_batch, self.doubt, self.sizes = (side, side), batch, doubt, []

    def run(self, batch: Picture) -> Outputs:
        self.sizes.append(len(batch))
        scores, boxes = [], []
        for picture in batch:
            rows, columns = np.nonzero((picture[..., 1] > 200) & (picture[..., 0] < 80))
            found = len(rows) > 0
            side = len(picture)
            box = [columns.min(), rows.min(), columns.max() + 1, rows.max() + 1] if found else [0, 0, side, side]
            boxes.append(np.array(box) / side)
            scores.append([0.9 if found else self.doubt])
        return {"classes": np.array(scores, np.float32), "boxes": np.array(boxes, np.float32)}


@pytest.mark.parametrize(("width", "height"), [(640, 480), (1280, 720), (480, 640), (1920, 1080)])
@pytest.mark.parametrize("where", [(0.12, 0.2), (0.5, 0.5), (0.88, 0.75)])
@pytest.mark.parametrize("doubt", [0.0, 0.95])
def test_one_face_is_found_whole_wherever_it_is(width, height, where, doubt):
    side = min(width, height) // 4
    x, y = round(where[0] * width), round(where[1] * height)
    frame = frame_with((x, y), side=side, width=width, height=height)
    faces = Detector(GreenBox(crop=0.9375, side=128, doubt=doubt)).detect(frame)
    assert len(faces) == 1
    expected = np.array([x - side / 2, y - side / 2, x + side / 2, y + side / 2]) / [width, height, width, height]
    np.testing.assert_allclose(faces.boxes[0], np.clip(expected, 0, 1), atol=0.04)
    assert faces.scores[0] == pytest.approx(0.9)


def test_a_file_of_one_picture_at_a_time_is_run_for_each_part():
    frame = frame_with((300, 300), side=150, width=1280, height=720)
    one, all_together = GreenBox(450, batch=1), GreenBox(450)
    alone, together = Detector(one).detect(frame), Detector(all_together).detect(frame)
    assert (one.sizes, all_together.sizes) == ([1] * 23, [21, 1, 1])
    np.testing.assert_array_equal(alone.boxes, together.boxes)
    several = Detector(GreenBox(450)).detect_batch([frame, frame[:, ::-1], frame[:480, :640]])
    np.testing.assert_array_equal(several[0].boxes, together.boxes)
    assert [len(found) for found in several] == [1, 1, 1]


def test_without_crop_the_whole_frame_is_one_input():
    batch, places = Detector(GreenBox(None)).prepare(np.zeros((480, 640, 3), np.uint8))
    assert batch.shape == (1, 64, 64, 3)
    assert len(places) == 1


def test_a_dense_head_sees_the_frame_at_the_scale_of_its_crops(tmp_path):
    path = networks.write_dense_onnx(tmp_path / "crop.onnx", crop=0.625, image_size=192)
    detector = Detector.load(path, threads=1)
    assert detector.input_size(1280, 720) == (576, 320)  # 192 for 450 of 720 pixels
    assert detector.input_size(640, 360) == (576, 320)
    assert Detector.load(path, image_size=320).input_size(1280, 720) == (320, 192)  # as it was asked


def test_of_several_parts_those_that_agree_win():
    face, same, other = ([0.1, 0.1, 0.3, 0.3], 0.8), ([0.1, 0.1, 0.3, 0.31], 0.7), ([0.6, 0.6, 0.9, 0.9], 0.95)
    found = [
        Decoded(as_boxes([box]), np.array([score], np.float32), np.array([0])) for box, score in (face, same, other)
    ]
    boxes, scores, *_ = best_of_parts(found, [False, False, False])
    np.testing.assert_allclose(boxes[0], face[0])
    assert scores[0] == pytest.approx(0.8)
    boxes, *_ = best_of_parts([found[0], found[2]], [True, False])
    np.testing.assert_allclose(boxes[0], other[0])
    assert not len(best_of_parts([nothing(), nothing()], [False, False])[0])


def test_a_face_is_looked_at_again_with_its_box_as_near_the_middle_as_the_frame_lets_it():
    frame = frame_with((150, 200), side=120, width=1280, height=720)
    engine = GreenBox(450)
    seen = []
    usual = engine.run
    engine.run = lambda batch: (seen.append(batch), usual(batch))[1]  # type: ignore[method-assign]
    Detector(engine).detect(frame)
    rows, columns = np.nonzero(seen[-1][0][..., 1] > 200)
    assert (rows.mean(), columns.mean()) == (
        pytest.approx(28, abs=1.5),
        pytest.approx(21, abs=1.5),
    )  # at the frame's edge
