"""Films and photos: all of it, in order, and what is written keeps the film's time."""

from __future__ import annotations

import json

import cv2
import numpy as np
import pytest
from painted import Painted, film, frame_with

from facetracker.capture.newest import FramesAhead
from facetracker.capture.source import open_source
from facetracker.core.errors import FaceTrackerError
from facetracker.core.photo import write_jpeg
from facetracker.inference.detect import Find, Keep, Show, Take, detect
from facetracker.inference.live.recorded import frames_in

UNSEEN = Show("none")


@pytest.fixture
def dense(models):
    return models / "dense.onnx"


def rows(path):
    return [json.loads(line) for line in path.read_text().splitlines()]


def test_every_frame_is_seen_and_the_recording_has_the_rate(dense, green_film, tmp_path):
    done = detect(dense, green_film, show=UNSEEN, keep=Keep(tmp_path / "out.mp4", tmp_path / "out.jsonl"))
    lines = rows(tmp_path / "out.jsonl")
    assert [line["frame"] for line in lines] == list(range(60))
    assert [line["time"] for line in lines] == pytest.approx(np.arange(60) / 30, abs=1e-3)
    assert all(line["ids"] for line in lines[2:])
    assert (lines[9]["width"], lines[9]["height"]) == (320, 240)
    x1, y1, x2, y2 = lines[9]["boxes"][0]
    assert x1 < 64 + 18 < x2
    assert y1 < 128 < y2
    capture = cv2.VideoCapture(str(tmp_path / "out.mp4"))
    assert capture.get(cv2.CAP_PROP_FPS) == pytest.approx(30, abs=0.01)
    assert capture.get(cv2.CAP_PROP_FRAME_COUNT) == 60
    assert done.report.frames == 60
    assert "60 frames in" in done.summary()
    assert {"read", "resize", "infer", "decode", "follow", "draw", "record"} <= set(done.stages.durations)


def test_start_stop_and_stride_choose_a_part(dense, green_film, tmp_path):
    path = tmp_path / "out.jsonl"
    detect(dense, green_film, take=Take(0.5, 1.5, stride=5), show=UNSEEN, keep=Keep(tmp_path / "out.mp4", path))
    assert [line["frame"] for line in rows(path)] == [15, 20, 25, 30, 35, 40]
    capture = cv2.VideoCapture(str(tmp_path / "out.mp4"))
    assert capture.get(cv2.CAP_PROP_FPS) == pytest.approx(6, abs=0.01)


def test_the_number_of_frames_to_come_is_known(green_film):
    assert frames_in(open_source(green_film)) == 60
    assert frames_in(open_source(green_film, start=0.5, stop=1.5, stride=5)) == 6
    assert frames_in(open_source(green_film, stop=99)) == 60
    unknown = open_source("scene:live=1")
    assert frames_in(unknown) is None


def test_a_film_that_ends_in_garbage_keeps_what_came_before(dense, green_film, tmp_path, capsys):
    data = green_film.read_bytes()
    broken = tmp_path / "broken.avi"
    broken.write_bytes(data[: len(data) // 2] + bytes(len(data) // 2))
    done = detect(dense, broken, show=UNSEEN, keep=Keep(tmp_path / "out.mp4", tmp_path / "out.jsonl"))
    assert 20 <= done.report.frames < 60
    assert "cannot be read" in capsys.readouterr().err
    capture = cv2.VideoCapture(str(tmp_path / "out.mp4"))
    assert capture.get(cv2.CAP_PROP_FRAME_COUNT) == done.report.frames == len(rows(tmp_path / "out.jsonl"))


def test_photos_are_judged_one_by_one_and_bad_ones_named(dense, tmp_path):
    folder = tmp_path / "photos"
    write_jpeg(folder / "a.jpg", frame_with((100, 100)))
    write_jpeg(folder / "b.jpg", frame_with((200, 100), width=400))
    (folder / "c.jpg").write_bytes(b"nothing")
    done = detect(dense, folder, show=UNSEEN, keep=Keep(jsonl=tmp_path / "out.jsonl", crop_to=tmp_path / "crops"))
    lines = rows(tmp_path / "out.jsonl")
    assert [line["photo"].endswith(name) for line, name in zip(lines, ("a.jpg", "b.jpg"), strict=True)] == [True, True]
    assert all(line["ids"] == [] and line["scores"] for line in lines)  # unrelated photos have nobody to follow
    assert [path for path, _ in done.rejects] == [str(folder / "c.jpg")]
    assert (tmp_path / "crops" / "a-face0.jpg").exists()


def test_uncertain_frames_are_collected(models, green_film, tmp_path):
    keep = Keep(collect_uncertain=tmp_path / "images")
    done = detect(models / "dense.onnx", green_film, find=Find(threshold=0.95), show=UNSEEN, keep=keep)
    saved = sorted((tmp_path / "images").iterdir())
    assert 1 <= len(saved) <= 2  # the film lasts two seconds
    assert " to label. Next: facetracker review" in done.summary()


def test_faces_are_hidden_in_the_recording(dense, green_film, tmp_path):
    for how in ("blur", "pixelate"):
        keep = Keep(tmp_path / f"{how}.avi")
        detect(dense, green_film, take=Take(stop=0.5), show=Show("none", hidden=how), keep=keep)
    detect(dense, green_film, take=Take(stop=0.5), show=UNSEEN, keep=Keep(tmp_path / "plain.avi"))
    first, last = {}, {}
    for name in ("blur", "pixelate", "plain"):
        capture = cv2.VideoCapture(str(tmp_path / f"{name}.avi"))
        while (read := capture.read())[0]:
            first.setdefault(name, read[1])
            last[name] = read[1]
    for how in ("blur", "pixelate"):
        changed = np.abs(first[how].astype(int) - first["plain"]).max(axis=2)
        assert (changed > 30).sum() > 200, "hidden in its first frame, before it has a number"
    edge = {name: np.abs(np.diff(picture[110:146].astype(int), axis=1)).max() for name, picture in last.items()}
    assert (last["blur"] != last["plain"]).any()
    assert edge["plain"] > 0


def test_nothing_is_overwritten(dense, green_film, tmp_path):
    (tmp_path / "out.jsonl").write_text("mine")
    with pytest.raises(FaceTrackerError, match="there already"):
        detect(dense, green_film, show=UNSEEN, keep=Keep(jsonl=tmp_path / "out.jsonl"))
    assert (tmp_path / "out.jsonl").read_text() == "mine"
    detect(dense, green_film, show=UNSEEN, keep=Keep(jsonl=tmp_path / "out.jsonl", force=True))
    assert len(rows(tmp_path / "out.jsonl")) == 60


def test_reading_ahead_hands_errors_on_and_stops_when_nobody_reads(green_film):
    read: list[float] = []
    with FramesAhead(open_source(green_film), 4, read.append) as frames:
        assert next(iter(frames)).index == 0
    assert 1 <= len(read) <= 7  # four that wait, one that was taken, one that finds no room, and one more
    camera = Painted(50, fps=1000, fails_after=3)
    with FramesAhead(camera, 4, read.append) as frames, pytest.raises(FaceTrackerError, match="plugged in"):
        list(frames)
    assert camera.closed


def test_a_long_film_is_quick(dense, tmp_path):
    path = film(tmp_path / "long.avi", 300)
    done = detect(dense, path, show=UNSEEN)
    assert done.report.frames == 300
    assert done.report.seconds < 15  # docs/research/realtime.md has the figure; this guards against minutes
