"""Collecting photos: how many, how named, what is left out, and what survives."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import cv2
import numpy as np
import pytest
from films import number_in, numbered

from facetracker.capture.collect import Collected, collect
from facetracker.capture.source import open_source
from facetracker.capture.video import Camera
from facetracker.core.errors import FaceTrackerError
from facetracker.core.files import PART
from facetracker.core.naming import number_of, session_of
from facetracker.core.photo import encode_jpeg, read_picture, write_jpeg

SESSION = "20261121-120000-test"
SCENE = "scene:seed=1,width=160,height=120,count=5000"


def content(folder: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in sorted(folder.iterdir())}


def test_photos_are_taken_every_half_second_and_named_by_time(film, tmp_path):
    done = collect(film, tmp_path, count=30, keep_similar=True)
    assert [number_in(read_picture(path)) for path in done.photos] == [0, 13, 25, 38]
    assert done.new == 4
    assert done.photos == sorted(tmp_path.glob("*.jpg"))
    assert {session_of(path.stem) for path in done.photos} == {done.session}
    assert [number_of(path.stem) for path in done.photos] == [1, 2, 3, 4]
    assert "4 new photos in" in str(done)


def test_it_ends_when_there_are_enough(tmp_path):
    done = collect(SCENE, tmp_path, count=7, every=0.2)
    assert len(done.photos) == len(list(tmp_path.iterdir())) == 7


def test_two_sessions_share_a_folder(film, tmp_path):
    first, second = (collect(film, tmp_path, count=3, every=0.2) for _ in range(2))
    assert first.session != second.session
    assert len(list(tmp_path.glob("*.jpg"))) == 6


def test_near_identical_frames_are_left_out_unless_wanted(tmp_path):
    for number, value in enumerate((1, 1, 2, 2, 1, 5)):
        write_jpeg(tmp_path / "in" / f"{number}.jpg", numbered(value), quality=95 - number)
    done = collect(tmp_path / "in", tmp_path / "out")
    assert [number_in(read_picture(path)) for path in done.photos] == [1, 2, 5]
    assert done.similar == 3
    assert "3 frames left out as near-identical" in str(done)
    assert len(collect(tmp_path / "in", tmp_path / "all", keep_similar=True).photos) == 6


def test_the_photos_are_upright_and_carry_no_exif(tmp_path):
    turned = np.ascontiguousarray(np.rot90(numbered(9)))
    place = b"GPS 52.5200 N 13.4050 E"
    exif = b"Exif\0\0MM\0*\0\0\0\x08\0\x01\x01\x12\0\x03\0\0\0\x01\0\x06\0\0\0\0\0\0" + place
    data = encode_jpeg(turned)
    (tmp_path / "in").mkdir()
    (tmp_path / "in" / "a.jpg").write_bytes(
        data[:2] + b"\xff\xe1" + (len(exif) + 2).to_bytes(2, "big") + exif + data[2:]
    )
    (photo,) = collect(tmp_path / "in", tmp_path / "out").photos
    assert number_in(cv2.imread(str(photo), cv2.IMREAD_COLOR | cv2.IMREAD_IGNORE_ORIENTATION)) == 9
    assert place not in photo.read_bytes()
    assert b"Exif" not in photo.read_bytes()


def test_photos_that_cannot_be_read_are_listed_and_the_rest_is_taken(tmp_path):
    write_jpeg(tmp_path / "in" / "a.jpg", numbered(1))
    (tmp_path / "in" / "b.jpg").write_bytes(b"")
    write_jpeg(tmp_path / "in" / "c.jpg", numbered(6))
    done = collect(tmp_path / "in", tmp_path / "out")
    assert len(done.photos) == 2
    assert done.rejects.exit_code == 3
    assert (tmp_path / "out" / "rejects.txt").read_text() == f"{tmp_path / 'in' / 'b.jpg'}\tis empty\n"


def test_a_session_is_completed_when_its_name_is_given_again(tmp_path):
    whole = collect(SCENE, tmp_path / "whole", count=8, every=0.2, session=SESSION)
    collect(SCENE, tmp_path / "parts", count=3, every=0.2, session=SESSION)
    (whole_photo,) = [path for path in (tmp_path / "parts").iterdir() if path.name.endswith("2.jpg")]
    whole_photo.unlink()
    again = collect(SCENE, tmp_path / "parts", count=8, every=0.2, session=SESSION)
    assert (again.new, len(again.photos)) == (6, 8)
    assert "8 photos (6 new)" in str(again)
    assert content(tmp_path / "parts") == content(tmp_path / "whole")
    assert whole.session == again.session == SESSION


def test_a_word_names_a_session_of_today_and_finds_it_again(tmp_path):
    first = collect(SCENE, tmp_path, count=2, every=0.2, session="kitchen")
    assert first.session.endswith("-kitchen")
    second = collect(SCENE, tmp_path, count=4, every=0.2, session="kitchen")
    assert second.session == first.session
    assert second.new == 2
    assert collect(SCENE, tmp_path, count=1, session="chen").session != first.session


def test_another_recording_under_a_known_session_is_refused(tmp_path):
    collect(SCENE, tmp_path, count=2, session=SESSION)
    before = content(tmp_path)
    with pytest.raises(FaceTrackerError, match=r"another photo of that name\. Choose another --session"):
        collect("scene:seed=2,width=160,height=120", tmp_path, count=2, session=SESSION)
    assert content(tmp_path) == before


@pytest.mark.parametrize("name", ["", "two words", "../up", "a_b", "-x"])
def test_names_that_cannot_name_a_session(name, tmp_path):
    with pytest.raises(FaceTrackerError, match="is no name for a session"):
        collect(SCENE, tmp_path, session=name)


def test_wishes_that_cannot_be_met(tmp_path):
    for wish in ({"count": 0}, {"every": -1.0}):
        with pytest.raises(FaceTrackerError, match="cannot be taken"):
            collect(SCENE, tmp_path, **wish)


def test_a_live_source_is_completed_too(tmp_path):
    live = "scene:seed=1,width=160,height=120,live=1,fps=60"
    first = collect(live, tmp_path, count=3, every=0.1, session=SESSION, preview=False, keep_similar=True)
    second = collect(live, tmp_path, count=5, every=0.1, session=SESSION, preview=False, keep_similar=True)
    assert (first.new, second.new, len(second.photos)) == (3, 2, 5)
    assert [number_of(path.stem) for path in second.photos] == [1, 2, 3, 4, 5]
    assert collect(live, tmp_path, count=5, every=0.1, session=SESSION, preview=False).new == 0


def test_a_camera_that_goes_away_keeps_what_was_taken(film, tmp_path):
    class Webcam(Camera):
        """A film through the camera's code, at its own pace; after its end every read fails."""

        def _next(self):
            time.sleep(0.02)
            return super()._next()

    with pytest.raises(FaceTrackerError) as error:
        collect(Webcam(str(film)), tmp_path, count=30, every=0.2, preview=False, keep_similar=True, session=SESSION)
    taken = len(list(tmp_path.glob("*.jpg")))
    assert taken >= 3
    assert str(error.value).endswith(
        f"went away. {taken} of 30 photos are kept in {tmp_path}; `--session {SESSION}` goes on."
    )


def test_a_folder_that_cannot_be_made_or_written(tmp_path):
    (tmp_path / "file").write_text("in the way")
    with pytest.raises(FaceTrackerError, match="cannot be made"):
        collect(SCENE, tmp_path / "file" / "images", count=1)
    folder = tmp_path / "there"
    removed = False

    def remove(path, frame):
        nonlocal removed
        if not removed:
            path.unlink()
            folder.rmdir()
            folder.write_text("now a file")
        removed = True

    with pytest.raises(FaceTrackerError, match=r"00002\.jpg: cannot be written"):
        collect(SCENE, folder, count=5, session=SESSION, on_photo=remove)


def test_a_damaged_photo_of_the_session_is_named_and_another_is_taken(tmp_path):
    live = "scene:seed=1,width=160,height=120,live=1,fps=60"
    collect(live, tmp_path, count=2, every=0.1, session=SESSION, preview=False, keep_similar=True)
    (tmp_path / f"{SESSION}_00002.jpg").write_bytes(b"")
    done = collect(live, tmp_path, count=2, every=0.1, session=SESSION, preview=False, keep_similar=True)
    assert [number_of(path.stem) for path in done.photos] == [1, 3]
    assert [path for path, _ in done.rejects] == [str(tmp_path / f"{SESSION}_00002.jpg")]


def test_every_photo_is_told_about(tmp_path):
    told = []
    done = collect(SCENE, tmp_path, count=3, on_photo=lambda path, frame: told.append((path, len(frame.truth.boxes))))
    assert told == [(path, 1) for path in done.photos]


def test_a_source_that_is_open_already(tmp_path):
    with open_source(SCENE) as source:
        assert len(collect(source, tmp_path, count=2).photos) == 2


def test_the_report_says_one_photo_in_the_singular():
    done = Collected(Path("data"), SESSION, 3, [Path("a")], new=1, similar=1)
    assert str(done) == (
        f"1 new photo in data, session {SESSION} (3 were asked for, the source has no more); "
        "1 frame left out as near-identical (--keep-similar keeps them)"
    )


def command(folder: Path, *arguments: str) -> list[str]:
    return [sys.executable, "-m", "facetracker.cli", "collect", "-o", str(folder), "--session", SESSION, *arguments]


def test_the_command_line(tmp_path):
    done = subprocess.run(
        command(tmp_path, "--source", SCENE, "--count", "3", "--every", "1"),
        capture_output=True,
        text=True,
        check=True,
    )
    assert done.stdout == f"3 new photos in {tmp_path}, session {SESSION}\nNext: facetracker annotate {tmp_path}\n"
    missing = subprocess.run(command(tmp_path, "--source", "63"), capture_output=True, text=True, check=False)
    assert missing.returncode == 2
    assert missing.stderr.count("\n") == 1
    assert "there is no camera 63" in missing.stderr


def test_control_c_keeps_what_was_taken(tmp_path):
    program = subprocess.Popen(
        command(tmp_path, "--source", "scene:live=1", "--every", "0.1", "--keep-similar"),
        stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, env=os.environ | {"DISPLAY": ""},
    )  # fmt: skip
    while len(list(tmp_path.glob("*.jpg"))) < 3:
        time.sleep(0.05)
    program.send_signal(signal.SIGINT)
    out, err = program.communicate(timeout=30)
    assert program.returncode == 0
    assert "new photos in" in out
    assert "Traceback" not in err


@pytest.mark.parametrize("moment", range(int(os.environ.get("FACETRACKER_KILLS", "3"))))
def test_killed_at_any_moment_the_next_call_completes_to_the_same_bytes(moment, tmp_path):
    """FACETRACKER_KILLS=20 tries more moments."""
    rng = np.random.default_rng(moment)
    arguments = ("--source", SCENE, "--count", "40", "--every", "0.3")
    wanted = collect(SCENE, tmp_path / "whole", count=40, every=0.3, session=SESSION)
    assert len(wanted.photos) == 40
    folder = tmp_path / "killed"
    program = subprocess.Popen(command(folder, *arguments), stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    first = int(rng.integers(0, 38))
    while program.poll() is None and (not folder.is_dir() or len(os.listdir(folder)) < first):
        time.sleep(0.0005)
    time.sleep(float(rng.uniform(0, 0.01)))
    program.send_signal(signal.SIGKILL)
    assert program.wait(30) == -signal.SIGKILL
    left = content(folder) if folder.is_dir() else {}
    (folder / f"{PART}1234567890-x.jpg").parent.mkdir(exist_ok=True)
    (folder / f"{PART}1234567890-x.jpg").write_bytes(b"half")  # also if the kill did not hit in the middle of a file
    whole = content(tmp_path / "whole")
    assert all(whole[name] == data for name, data in left.items() if not name.startswith(PART))
    subprocess.run(command(folder, *arguments), check=True, capture_output=True)
    assert content(folder) == whole
