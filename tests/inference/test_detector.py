"""`Detector`: any frame in, pixels of that frame out; light to start; supervision's own class."""

from __future__ import annotations

import os
import resource
import shutil
import subprocess
import sys

import numpy as np
import pytest
from painted import frame_with

from facetracker import Detector
from facetracker.core.errors import FaceTrackerError
from facetracker.inference.detector import find_model

FILES = ("dense.onnx", "dense.xml", "dense.tflite")


@pytest.fixture(scope="module")
def detector(models):
    return Detector(models / "dense.onnx", threads=1)


def found(detections, x, y, side=60):
    """Is there a box whose centre lies in the square of this side around (x, y)?"""
    away = np.abs((detections.xyxy[:, :2] + detections.xyxy[:, 2:]) / 2 - [x, y]).max(axis=1)
    return bool((away < side / 2).any())


@pytest.mark.parametrize("name", FILES)
def test_a_square_is_found_where_it_is(models, name):
    detections = Detector(models / name, threads=1).detect(frame_with((80, 60), (240, 180)))
    assert found(detections, 80, 60)
    assert found(detections, 240, 180)
    assert not found(detections, 240, 60)
    assert detections.data["class_name"].tolist() == ["face"] * len(detections)
    assert (np.diff(detections.confidence) <= 0).all()


@pytest.mark.parametrize(
    ("width", "height"), [(640, 480), (1280, 720), (97, 333), (720, 1280), (128, 96), (40, 30), (1, 1)]
)
def test_any_frame_size(detector, width, height):
    side = max(2, max(width, height) // 8 * 2)
    picture = frame_with((width // 2, height // 2), side=side, width=width, height=height)
    detections = detector.detect(picture)
    if min(width, height) >= 30:
        assert found(detections, width / 2, height / 2, side)
        assert (detections.xyxy >= 0).all()
        assert (detections.xyxy <= [width, height, width, height]).all()


def test_the_input_is_the_smallest_rectangle_of_whole_cells(detector, models):
    assert detector.input_size(640, 480) == (128, 96)
    assert detector.input_size(640, 360) == (128, 96)
    assert detector.input_size(480, 640) == (96, 128)
    assert detector.input_size(4000, 10) == (128, 32)
    assert Detector(models / "dense.onnx", image_size=320).input_size(640, 480) == (320, 256)
    assert Detector(models / "bound.onnx").input_size(999, 9) == (128, 96)
    assert Detector(models / "single.onnx").input_size(640, 480) == (64, 64)


def test_grey_bgra_and_deep_frames_are_seen_like_the_usual(detector):
    picture = frame_with((160, 120))
    usual = detector.detect(picture)
    bgra = np.dstack([picture, np.full(picture.shape[:2], 7, np.uint8)])
    deep = picture.astype(np.uint16) * 257
    for frame in (bgra, deep, np.asfortranarray(picture), picture[:, ::-1][:, ::-1]):
        np.testing.assert_allclose(detector.detect(frame).xyxy, usual.xyxy)
    for grey in (picture[..., 0], picture[..., :1], picture[..., 0].astype(np.uint16) * 257):
        assert len(detector.detect(grey)) == 0  # no green in grey


@pytest.mark.parametrize(
    ("frame", "says"),
    [
        (np.zeros((9, 9, 3), np.float32), "float32"),
        (np.zeros((9, 9, 2), np.uint8), "shape"),
        (np.zeros((0, 9, 3), np.uint8), "shape"),
        (np.zeros(9, np.uint8), "shape"),
        ("photo.jpg", "numpy array"),
        (None, "numpy array"),
    ],
)
def test_what_is_no_frame_is_refused(detector, frame, says):
    with pytest.raises(FaceTrackerError, match=says):
        detector.detect(frame)


@pytest.mark.parametrize("name", ["dense.onnx", "single.onnx", "dense.tflite", "bound.onnx"])
def test_a_batch_of_frames_equals_one_by_one(models, name):
    detector = Detector(models / name)
    frames = [frame_with((80, 60)), frame_with((100, 100), width=200, height=300), frame_with((200, 180)), frame_with()]
    for one, frame in zip(detector.detect_batch(frames), frames, strict=True):
        np.testing.assert_allclose(one.xyxy, detector.detect(frame).xyxy)
    assert detector.detect_batch([]) == []


def test_classes_have_their_names(models):
    detector = Detector(models / "two.onnx")
    picture = frame_with((80, 60))
    picture[140:204, 200:264] = (0, 0, 255)
    detections = detector.detect(picture)
    assert set(detections.data["class_name"]) == {"face", "no_mask"}
    assert detections.data["class_name"][detections.xyxy[:, 0] > 150].tolist()[0] == "no_mask"


def test_the_threshold_is_the_card_s_unless_given(models):
    picture = frame_with((160, 120), side=30)
    assert Detector(models / "dense.onnx").threshold == pytest.approx(0.6)
    few, many = (len(Detector(models / "dense.onnx", threshold=t).detect(picture)) for t in (0.9, 0.01))
    assert few < many
    with pytest.raises(FaceTrackerError, match="threshold"):
        Detector(models / "dense.onnx", threshold=2)


def test_single_gives_the_whole_picture_s_one_box(models):
    green = np.full((100, 200, 3), (0, 255, 0), np.uint8)
    detections = Detector(models / "single.onnx", threshold=0.05).detect(green)
    # The box is the middle half of the square input, of which the frame takes the middle half in height.
    np.testing.assert_allclose(detections.xyxy, [[50, 0, 150, 100]])
    assert len(Detector(models / "single.onnx").detect(255 - green)) == 0


def test_a_folder_stands_for_the_model_in_it(models, tmp_path):
    with pytest.raises(FaceTrackerError, match="holds no model"):
        find_model(tmp_path)
    shutil.copy(models / "dense.onnx", tmp_path / "model.onnx")
    assert Detector(tmp_path).card.head == "dense"


LIGHT = """
import sys
import facetracker, numpy as np
found = facetracker.Detector(sys.argv[1]).detect(np.zeros((480, 640, 3), np.uint8))
print(found)
heavy = {"tensorflow", "keras", "albumentations", "scipy", "trackers", "matplotlib", "pydantic"} & set(sys.modules)
assert not heavy, heavy
import supervision
assert type(found) is supervision.Detections, type(found)
assert supervision.detection.core.Detections is supervision.Detections
assert supervision.BoxAnnotator and supervision.draw and "BoxAnnotator" in dir(supervision)
"""


def test_from_process_start_to_boxes_in_under_0_8_seconds(models, tmp_path):
    # As installed, with byte code kept: some machines forbid it, and every import is compiled anew.
    environment = {k: v for k, v in os.environ.items() if k != "PYTHONDONTWRITEBYTECODE"}
    environment |= {"PYTHONPYCACHEPREFIX": str(tmp_path)}
    code = LIGHT.partition("heavy =")[0]

    def start(script: str) -> float:
        """Seconds of work, so that what else this machine does is left out; the work is done in one thread."""
        began = resource.getrusage(resource.RUSAGE_CHILDREN)
        subprocess.run([sys.executable, "-c", script, str(models / "dense.tflite")], env=environment, check=True)
        ended = resource.getrusage(resource.RUSAGE_CHILDREN)
        return ended.ru_utime + ended.ru_stime - began.ru_utime - began.ru_stime

    start(LIGHT)  # checks what is loaded, and leaves the byte code
    assert min(start(code) for _ in range(3)) < 0.8


@pytest.mark.parametrize(
    "code",
    [
        "import supervision as sv; from facetracker.inference.detections import import_alone as a\n"
        "assert a('supervision.detection.core').Detections is sv.Detections",
        "from facetracker.inference.detections import import_alone as a; core = a('supervision.detection.core')\n"
        "from supervision import *; assert Detections is core.Detections",
        "from facetracker.inference.detections import import_alone as a; core = a('supervision.detection.core')\n"
        "import supervision as sv, pickle\n"
        "assert pickle.loads(pickle.dumps(sv.Detections.empty())) == core.Detections.empty()\n"
        "assert not hasattr(sv, 'nonsense'); import importlib; importlib.reload(sv)",
        "from facetracker.inference.detections import import_alone as a; core = a('supervision.detection.core')\n"
        "from supervision.utils.video import VideoInfo; import trackers; assert trackers.ByteTrackTracker",
        "from facetracker.inference.detections import import_alone as a\n"
        "import threading, time; core = a('supervision.detection.core'); import supervision as sv; errors = []\n"
        "def use():\n    try: sv.RoundBoxAnnotator(); sv.Color.RED\n    except Exception as e: errors.append(e)\n"
        "threads = [threading.Thread(target=use) for _ in range(8)]\n"
        "[t.start() for t in threads]; [t.join(30) for t in threads]; assert not errors, errors",
    ],
)
def test_supervision_stays_whole_for_everybody_else(code):
    subprocess.run([sys.executable, "-c", code], check=True, timeout=60)


def test_supervision_sleeps_until_it_is_wanted_and_then_is_the_real_one():
    code = (
        "import sys, facetracker, numpy as np, facetracker.inference.tracking.follow as follow\n"
        "faces = facetracker.Detector().detect(np.zeros((240, 320, 3), np.uint8))\n"
        "assert 'scipy' not in sys.modules\n"
        "follow.Follower().update(faces, 0.0)\n"
        "assert 'supervision.annotators' not in sys.modules\n"
        "from supervision.utils.video import VideoInfo\n"  # a submodule's import wakes the package first
        "import supervision\n"
        "assert supervision.VideoInfo is VideoInfo\n"
        "from trackers import ByteTrackTracker, SORTTracker\n"
        "assert supervision.Detections is type(faces)\n"
        "assert type(follow.Follower()._tracker) is ByteTrackTracker\n"
        "assert supervision.RoundBoxAnnotator and type(supervision) is type(sys)\n"
    )
    subprocess.run([sys.executable, "-c", code], check=True)
