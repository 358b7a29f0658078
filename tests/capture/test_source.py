"""Sources: every kind, and what goes wrong with each."""

from __future__ import annotations

import os
from pathlib import Path

import numpy as np
import pytest
from films import drain, number_in, numbered, write_film

from facetracker.capture.source import open_source
from facetracker.capture.video import Camera, sensible_count, sensible_fps
from facetracker.core.errors import FaceTrackerError
from facetracker.core.photo import encode_jpeg, write_jpeg


def numbers(source) -> list[int]:
    with source:
        return [number_in(frame.picture) for frame in source]


def test_a_film_is_read_whole_and_in_order(film):
    with open_source(film) as source:
        assert (source.live, source.stills, source.fps, source.count) == (False, False, 25.0, 50)
        assert (source.width, source.height) == (160, 120)
        frames = list(source)
    assert [number_in(frame.picture) for frame in frames] == list(range(50))
    assert [frame.index for frame in frames] == list(range(50))
    assert [frame.time for frame in frames] == pytest.approx([i / 25 for i in range(50)], abs=1e-3)


def test_a_part_of_a_film_by_start_stop_and_stride(film):
    assert numbers(open_source(film, start=0.4, stop=1.2, stride=5)) == [10, 15, 20, 25]
    with open_source(film, start=1.0, stride=10) as source:
        assert [frame.index for frame in source] == [25, 35, 45]


def test_a_frame_every_so_many_seconds(film):
    assert numbers(open_source(film, every=0.5)) == [0, 13, 25, 38]
    assert numbers(open_source(film, every=0.5, start=0.2)) == [5, 18, 30, 43]


def test_a_part_that_is_nothing_is_refused(film):
    for part in ({"start": 2.0, "stop": 1.0}, {"stride": 0}, {"start": -1.0}):
        with pytest.raises(FaceTrackerError, match="nothing of"):
            open_source(film, **part)


def test_a_missing_file_is_said_in_one_line(tmp_path, capfd):
    with pytest.raises(FaceTrackerError, match=r"nowhere\.mp4: no such file"):
        open_source(tmp_path / "nowhere.mp4")
    assert capfd.readouterr().err == ""


def test_a_file_that_is_no_film(tmp_path, capfd):
    (tmp_path / "notes.mp4").write_text("not a film")
    with pytest.raises(FaceTrackerError, match="not a film"):
        open_source(tmp_path / "notes.mp4")
    assert capfd.readouterr().err == ""


def test_a_film_that_ends_in_garbage_gives_what_is_there(tmp_path, capfd):
    path = write_film(tmp_path / "torn.avi", 50)
    data = path.read_bytes()
    third = data.index(b"movi") + (len(data) - data.index(b"movi")) // 3
    index = data.rindex(b"idx1")
    noise = np.random.default_rng(0).integers(0, 255, index - third, np.uint8).tobytes()
    path.write_bytes(data[:third] + noise + data[index:])
    found = numbers(open_source(path))
    assert 10 <= len(found) < 30
    assert found[:10] == list(range(10))
    assert "of 50 frames, the rest cannot be read" in capfd.readouterr().err


def test_claims_that_are_nonsense_are_not_believed():
    assert [sensible_fps(v) for v in (0.0, float("nan"), 90_000.0, 29.97)] == [None, None, None, 29.97]
    assert [sensible_count(v) for v in (-1.0, 0.0, float("nan"), -9.2e18, 1e18, 50.0)] == [None] * 5 + [50]


def test_photos_of_a_folder_are_upright_and_damaged_ones_are_named(tmp_path, capfd):
    write_jpeg(tmp_path / "a.jpg", numbered(3))
    turned = np.ascontiguousarray(np.rot90(numbered(5)))  # lies on its side; the EXIF says how to turn it back
    exif = b"Exif\0\0MM\0*\0\0\0\x08\0\x01\x01\x12\0\x03\0\0\0\x01\0\x06\0\0\0\0\0\0"
    data = encode_jpeg(turned)
    (tmp_path / "b.jpg").write_bytes(data[:2] + b"\xff\xe1" + (len(exif) + 2).to_bytes(2, "big") + exif + data[2:])
    (tmp_path / "c.jpg").write_bytes(data[: len(data) // 2])
    (tmp_path / "notes.txt").write_text("no photo")
    with open_source(tmp_path) as source:
        assert source.stills
        assert not source.live
        assert source.count == 3
        frames = list(source)
        assert list(source.rejects) == [(str(tmp_path / "c.jpg"), "is truncated")]
    assert [frame.path.name for frame in frames] == ["a.jpg", "b.jpg"]
    assert [number_in(frame.picture) for frame in frames] == [3, 5]
    assert frames[1].picture.shape == (120, 160, 3)
    assert frames[1].picture[5, 5].tolist()[2] > 200  # red is in the left upper corner again
    assert capfd.readouterr().err == ""  # whoever reads the source names it, at the end


def test_a_numbered_sequence_is_a_film(tmp_path):
    for number in (1, 2, 3, 10, 11):
        write_jpeg(tmp_path / f"f_{number:03d}.jpg", numbered(number))
    write_jpeg(tmp_path / "f_1.jpg", numbered(50))
    with open_source(str(tmp_path / "f_%03d.jpg"), fps=10) as source:
        assert not source.stills
        assert source.fps == 10
        frames = list(source)
    assert [number_in(frame.picture) for frame in frames] == [1, 2, 3, 10, 11]
    assert frames[2].time == pytest.approx(0.2)


def test_one_photo_and_a_pattern(tmp_path):
    for number in (4, 5):
        write_jpeg(tmp_path / f"p{number}.jpg", numbered(number))
    assert numbers(open_source(tmp_path / "p4.jpg")) == [4]
    assert numbers(open_source(str(tmp_path / "p*.jpg"))) == [4, 5]
    assert numbers(open_source(str(tmp_path / "p*.jpg"), stride=2)) == [4]


def test_a_folder_without_photos(tmp_path):
    with pytest.raises(FaceTrackerError, match="holds no photos"):
        open_source(tmp_path)


def test_a_missing_camera_is_said_in_one_line(capfd):
    with pytest.raises(FaceTrackerError, match="there is no camera 63"):
        open_source("63")
    assert capfd.readouterr().err == ""


@pytest.mark.skipif(os.geteuid() == 0, reason="root may open everything")
def test_a_camera_without_permission(tmp_path):
    device = tmp_path / "video0"
    device.touch(mode=0o000)
    with pytest.raises(FaceTrackerError, match="may not be used"):
        Camera(str(device))


def test_a_camera_that_is_busy(tmp_path):
    device = tmp_path / "video0"
    device.write_bytes(b"")
    with pytest.raises(FaceTrackerError, match="Another program may hold it"):
        Camera(str(device))


def test_a_camera_that_goes_away(film):
    """A film through the camera's own code: after its last frame every read fails, as with a pulled plug."""
    camera = Camera(str(film))
    found: list[int] = []
    with pytest.raises(FaceTrackerError, match="went away"):
        drain(camera, found)
    camera.close()
    assert found == list(range(50))


def test_a_scene_is_a_source_with_the_truth():
    with open_source("scene:faces=2,seed=7,count=5,width=160,height=120") as source:
        assert (source.live, source.count, source.fps, source.width) == (False, 5, 30.0, 160)
        frames = list(source)
    assert len(frames) == 5
    assert frames[3].time == pytest.approx(0.1)
    assert len(frames[0].truth.boxes) == 2
    with open_source("scene:faces=2,seed=7,count=5,width=160,height=120") as again:
        assert all(np.array_equal(a.picture, b.picture) for a, b in zip(frames, again, strict=True))


@pytest.mark.parametrize(
    ("spec", "says"),
    [
        ("scene:facs=3", "Did you mean faces"),
        ("scene:faces=many", "is not understood"),
        ("scene:live=perhaps", "is not understood"),
        ("scene:fps=0", "frame rate above 0"),
        ("scene:faces=-1", "0 to 64 faces"),
        ("scene:count=0", "at least one frame"),
    ],
)
def test_a_scene_with_wrong_options(spec, says):
    with pytest.raises(FaceTrackerError, match=says):
        open_source(spec)


def test_a_live_scene_keeps_its_pace_and_frames_wait_for_a_slow_reader():
    with open_source("scene:live=1,fps=50,count=10,width=64,height=48") as source:
        assert source.live
        frames = list(source)
    steps = np.diff([frame.taken for frame in frames])
    assert steps == pytest.approx(0.02, abs=1e-6)
    assert [frame.index for frame in frames] == list(range(10))


def test_a_path_may_be_given_as_file_url(film):
    assert len(numbers(open_source(Path(film).as_uri()))) == 50
