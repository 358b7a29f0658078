import json
import os
import subprocess
import sys

import pytest

from facetracker.core import files
from facetracker.core.errors import BadFile, FaceTrackerError


def test_a_failed_write_leaves_the_old_file_and_no_part(tmp_path):
    path = tmp_path / "a.json"
    files.write_json(path, {"old": 1})

    def fail_half_way():
        with files.written_beside(path) as part:
            part.write_text("half")
            raise RuntimeError

    with pytest.raises(RuntimeError):
        fail_half_way()
    assert files.read_json(path) == {"old": 1}
    assert os.listdir(tmp_path) == ["a.json"]


def test_json_is_written_as_utf8_and_into_new_folders(tmp_path):
    path = files.write_json(tmp_path / "new" / "a.json", {"label": "얼굴"})
    assert "얼굴" in path.read_text(encoding="utf-8")


@pytest.mark.parametrize("content", ["", "{", "\x00", "[" * 100_000])
def test_damaged_json_is_a_bad_file_that_is_named(tmp_path, content):
    path = tmp_path / "a.json"
    path.write_text(content)
    with pytest.raises(BadFile, match=r"a\.json: not readable as JSON"):
        files.read_json(path)


def test_missing_json_is_named(tmp_path):
    with pytest.raises(BadFile, match="no such file"):
        files.read_json(tmp_path / "a.json")


def test_sweep_takes_the_parts_of_dead_processes_only(tmp_path):
    dead = subprocess.run([sys.executable, "-c", "import os; print(os.getpid())"], capture_output=True, check=True)
    (tmp_path / "sub").mkdir()
    orphan = tmp_path / "sub" / f"{files.PART}{int(dead.stdout)}-a.jpg"
    alive = tmp_path / f"{files.PART}{os.getppid()}-b.jpg"
    for part in (orphan, alive):
        part.write_text("half")
    assert files.sweep(tmp_path) == 1
    assert alive.exists()
    assert not orphan.exists()


@pytest.mark.skipif(not os.path.isdir("/proc/self"), reason="only Linux tells")
def test_sweep_takes_the_parts_of_killed_processes_that_nobody_waited_for(tmp_path):
    killed = subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE)
    part = tmp_path / f"{files.PART}{killed.pid}-a.jpg"
    part.write_text("half")
    assert files.sweep(tmp_path) == 0
    killed.kill()
    os.waitid(os.P_PID, killed.pid, os.WEXITED | os.WNOWAIT)  # dead, and left a zombie
    assert files.sweep(tmp_path) == 1
    killed.wait()


def test_photos_are_sorted_pictures_only(tmp_path):
    for name in ("b.JPG", "a.png", "notes.txt", ".hidden.jpg"):
        (tmp_path / name).write_text("")
    (tmp_path / "folder.jpg").mkdir()
    assert [p.name for p in files.photos_in(tmp_path)] == ["a.png", "b.JPG"]
    with pytest.raises(FaceTrackerError, match="no such folder"):
        files.photos_in(tmp_path / "nowhere")


def test_nothing_is_overwritten_unasked(tmp_path):
    path = tmp_path / "a"
    files.refuse_to_overwrite(path, force=False)
    path.write_text(json.dumps(1))
    files.refuse_to_overwrite(path, force=True)
    with pytest.raises(FaceTrackerError, match="--force"):
        files.refuse_to_overwrite(path, force=False)


def test_content_is_on_the_disk_before_the_name_is(tmp_path, monkeypatch):
    done = []
    fsync, replace = os.fsync, os.replace
    monkeypatch.setattr(os, "fsync", lambda handle: (done.append("synced"), fsync(handle)))
    monkeypatch.setattr(os, "replace", lambda one, two: (done.append("moved"), replace(one, two)))
    files.write_atomically(tmp_path / "a", "x")
    assert done == ["synced", "moved"]
    files.write_atomically(tmp_path / "b", "x", sync=False)
    assert done == ["synced", "moved", "moved"]
    files.link_or_copy(tmp_path / "a", tmp_path / "linked")
    assert done[3:] == ["moved"]
    monkeypatch.setattr(os, "link", lambda one, two: (_ for _ in ()).throw(OSError("no links here")))
    files.link_or_copy(tmp_path / "a", tmp_path / "copied")
    assert done[4:] == ["synced", "moved"]
    assert (tmp_path / "copied").read_text() == "x"


@pytest.mark.parametrize(("content", "torn"), [("", True), ("{", True), ('{"a": 1}', False), ("[" * 10**5, True)])
def test_a_torn_file_is_told_from_a_whole_one(tmp_path, content, torn):
    (tmp_path / "a.json").write_text(content)
    assert files.is_torn(tmp_path / "a.json") is torn
