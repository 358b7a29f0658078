"""The write-up's cascade as a source of boxes: how it looks, what it gives, and what is said where there is none."""

from __future__ import annotations

import cv2
import numpy as np
import pytest

from facetracker.capture.source import Frame
from facetracker.core.errors import BadFile, FaceTrackerError
from facetracker.inference import haar
from facetracker.inference.detect import Keep, Show, Take, detect
from facetracker.inference.haar import CASCADE, HaarDetector
from facetracker.inference.stages import Stages
from facetracker.inference.tracking.watch import Watcher


class Cascade:
    """OpenCV 4's, with one face wherever it looks; knows only a file with its own words in it."""

    looked: tuple[int, ...] = ()
    found: object = np.array([[10, 5, 20, 30]])

    def __init__(self, path):
        self.path = path

    def empty(self):
        return "cascade" not in open(self.path).read()

    def detectMultiScale(self, picture):
        Cascade.looked = picture.shape
        return self.found


@pytest.fixture
def opencv4(monkeypatch, tmp_path):
    (tmp_path / CASCADE).write_text("<cascade/>")
    monkeypatch.setattr(cv2, "CascadeClassifier", Cascade, raising=False)
    monkeypatch.setattr(haar, "FOLDER", tmp_path)
    return tmp_path


def test_it_looks_at_a_quarter_and_gives_boxes_of_the_whole(opencv4, monkeypatch):
    stages = Stages()
    faces = HaarDetector().detect(np.zeros((240, 320, 3), np.uint8), timer=stages)
    assert Cascade.looked == (60, 80, 3)
    np.testing.assert_allclose(faces.pixels, [[40, 20, 120, 140]], atol=1e-4)
    assert (faces.labels, faces.scores.tolist()) == (["face"], [1.0])
    assert "infer" in stages.durations
    monkeypatch.setattr(Cascade, "found", ())
    assert len(HaarDetector(shrink=1).detect(np.zeros((24, 32, 3), np.uint8))) == 0


def test_its_faces_are_followed_and_written_as_the_starters_are(opencv4, tmp_path):
    watcher = Watcher(HaarDetector(), 10.0)
    for index in range(4):
        seen = watcher.look(Frame(np.zeros((240, 320, 3), np.uint8), index, index / 10, 0.0))
    assert seen.faces.ids.tolist() == [1]
    lines = tmp_path / "a.jsonl"
    done = detect("haar", "scene:faces=1,count=4", take=Take(), show=Show("none"), keep=Keep(jsonl=lines))
    assert done.report.most == 1
    assert len(lines.read_text().splitlines()) == 4


def test_a_file_that_is_no_cascade_is_named(opencv4, tmp_path):
    (tmp_path / "mine.xml").write_text("<model/>")
    for name in ("mine.xml", "nowhere.xml"):
        with pytest.raises(BadFile, match=f"{name}: is no cascade of OpenCV"):
            HaarDetector(tmp_path / name)


@pytest.mark.skipif(hasattr(cv2, "CascadeClassifier"), reason="this OpenCV has cascades")
def test_without_cascades_the_way_out_is_told():
    with pytest.raises(FaceTrackerError, match=r"OpenCV 5\.\S+ has no Haar cascades any more\. opencv-python 4 has"):
        HaarDetector()
