import json
import os
import subprocess
import sys

import pytest

from facetracker.core import disk, files
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


def test_what_is_written_is_indented_by_two_and_ends_with_a_line(tmp_path):
    path = files.write_json(tmp_path / "a.json", {"a": [1]})
    assert path.read_bytes() == b'{\n  "a": [\n    1\n  ]\n}\n'


def test_a_part_lies_beside_its_place_and_carries_the_process_in_its_name(tmp_path):
    with files.written_beside(tmp_path / "deep" / "a.json") as part:
        assert part == tmp_path / "deep" / f"{files.PART}{os.getpid()}-a.json"
        part.write_text("x")
    assert os.listdir(tmp_path / "deep") == ["a.json"]


def test_a_failed_write_names_the_place_and_not_the_part(tmp_path):
    def fails():
        with files.written_beside(tmp_path / "a.json") as part:
            part.write_bytes(bytes(2000))
            raise OSError(28, "No space left on device", str(part))

    with pytest.raises(OSError, match=r"a\.json") as caught:
        fails()
    assert caught.value.filename == str(tmp_path / "a.json")
    assert os.listdir(tmp_path) == []


def test_sweep_takes_what_this_very_process_left_before(tmp_path):
    part = tmp_path / f"{files.PART}{os.getpid()}-a.jpg"
    part.write_text("half")
    (tmp_path / f"{files.PART}nobody-b.jpg").write_text("half")
    (tmp_path / "a.jpg").write_text("whole")
    assert files.sweep(tmp_path) == 2
    assert os.listdir(tmp_path) == ["a.jpg"]
    assert files.sweep(tmp_path) == 0
    assert files.sweep(tmp_path / "nowhere") == 0
    assert files.sweep(tmp_path / "a.jpg") == 0


def test_sweep_leaves_the_parts_of_another_persons_process(tmp_path, monkeypatch):
    part = tmp_path / f"{files.PART}4711-a.jpg"
    part.write_text("half")

    def not_ours(pid, signal):
        raise PermissionError

    monkeypatch.setattr(os, "kill", not_ours)
    assert files.sweep(tmp_path) == 0
    assert part.exists()


def test_sweep_follows_no_link_out_of_the_folder(tmp_path):
    outside = tmp_path / "outside"
    (tmp_path / "data" / "deep" / "deeper").mkdir(parents=True)
    outside.mkdir()
    name = f"{files.PART}nobody-a.jpg"
    for folder in (outside, tmp_path / "data" / "deep" / "deeper"):
        (folder / name).write_text("half")
    (tmp_path / "data" / "link").symlink_to(outside, target_is_directory=True)
    assert files.sweep(tmp_path / "data") == 1
    assert (outside / name).exists()


def test_a_part_that_cannot_be_removed_does_not_count_and_stops_nothing(tmp_path, monkeypatch):
    (tmp_path / f"{files.PART}nobody-a.jpg").mkdir()
    (tmp_path / f"{files.PART}nobody-b.jpg").write_text("half")
    assert files.sweep(tmp_path) == 1


def test_a_process_is_told_from_none_and_from_a_dead_one(tmp_path):
    assert files._runs(os.getpid())
    dead = subprocess.Popen([sys.executable, "-c", ""])
    dead.wait()
    assert not files._runs(dead.pid)
    assert not files._is_zombie(os.getpid())
    assert not files._is_zombie(dead.pid)


def test_a_photo_is_linked_and_not_copied(tmp_path):
    source = tmp_path / "a.jpg"
    source.write_text("photo")
    target = files.link_or_copy(source, tmp_path / "deep" / "b.jpg")
    assert os.path.samefile(source, target)
    assert files.link_or_copy(source, target) == target
    assert os.listdir(target.parent) == ["b.jpg"]
    other = tmp_path / "c.jpg"
    other.write_text("another")
    files.link_or_copy(source, other)
    assert os.path.samefile(source, other)


def test_where_no_link_can_be_it_is_copied(tmp_path, monkeypatch):
    def no_links(source, target):
        raise OSError(95, "not supported")

    monkeypatch.setattr(os, "link", no_links)
    source = tmp_path / "a.jpg"
    source.write_text("photo")
    target = files.link_or_copy(source, tmp_path / "b.jpg")
    assert target.read_text() == "photo"
    assert not os.path.samefile(source, target)


def test_names_and_sizes_of_what_lies_in_a_folder(tmp_path):
    (tmp_path / "a").write_text("12345")
    (tmp_path / "b").symlink_to(tmp_path / "a")
    assert sorted(files.names_in(tmp_path)) == ["a", "b"]
    sizes = dict(files.sizes_in(tmp_path))
    assert sizes["a"] == 5
    assert sizes["b"] == (tmp_path / "b").lstat().st_size  # the link's own


def test_a_folder_that_is_needed_is_given_back(tmp_path):
    assert files.needed_folder(tmp_path) == tmp_path
    (tmp_path / "a.jpg").write_text("")
    assert list(files.photo_names(tmp_path)) == ["a.jpg"]
    with pytest.raises(FaceTrackerError, match="is a file; a folder of photos is expected"):
        files.needed_folder(tmp_path / "a.jpg")
    with pytest.raises(FaceTrackerError, match="no such folder"):
        files.needed_folder(tmp_path / "photos")


@pytest.fixture
def store():
    """A folder of an object store that lives in memory."""
    upath = pytest.importorskip("upath")
    folder = upath.UPath("memory://files-test")
    yield folder
    folder.fs.rm(folder.path, recursive=True)


def test_an_object_store_is_written_and_read_as_a_folder_is(store):
    files.write_atomically(store / "a.jpg", b"photo")
    with files.written_beside(store / "b.json") as part:
        assert part.name == "b.json"
        assert not str(part).startswith("memory")
        part.write_text('{"a": 1}')
    assert not part.exists()
    assert files.read_json(store / "b.json") == {"a": 1}
    assert sorted(files.names_in(store)) == ["a.jpg", "b.json"]
    assert sorted(files.sizes_in(store)) == [("a.jpg", None), ("b.json", None)]
    assert [photo.name for photo in files.photos_in(store)] == ["a.jpg"]
    assert files.sweep(store) == 0


class TestIfStill:
    """`write_if_still` never writes over what somebody else has written meanwhile."""

    def test_a_new_file(self, tmp_path):
        path = tmp_path / "deep" / "a"
        assert files.write_if_still(path, b"mine", None)
        assert path.read_bytes() == b"mine"
        assert not files.write_if_still(path, b"again", None)
        assert path.read_bytes() == b"mine"
        assert os.listdir(path.parent) == ["a"]

    def test_a_file_that_is_as_it_was(self, tmp_path):
        path = tmp_path / "a"
        path.write_bytes(b"old")
        assert files.write_if_still(path, b"new", b"old")
        assert path.read_bytes() == b"new"
        assert not files.write_if_still(path, b"newer", b"old")
        assert path.read_bytes() == b"new"
        path.unlink()
        assert not files.write_if_still(path, b"newer", b"new")
        assert os.listdir(tmp_path) == []

    @pytest.mark.parametrize("there", [False, True])
    def test_where_there_are_no_links(self, tmp_path, monkeypatch, there):
        def no_links(one, other):
            raise OSError(95, "not supported")

        monkeypatch.setattr(os, "link", no_links)
        path = tmp_path / "a"
        if there:
            path.write_bytes(b"theirs")
        assert files.write_if_still(path, b"mine", None) is not there
        assert path.read_bytes() == (b"theirs" if there else b"mine")
        assert os.listdir(tmp_path) == ["a"]

    def test_it_is_on_the_disk_before_the_last_look(self, tmp_path, monkeypatch):
        path, sync = tmp_path / "a", files._to_disk

        def quicker(part):
            path.write_bytes(b"theirs")
            sync(part)

        monkeypatch.setattr(files, "_to_disk", quicker)
        for seen in (None, b"old"):
            assert not files.write_if_still(path, b"mine", seen)
            assert path.read_bytes() == b"theirs"

    def test_a_full_disk_is_told_with_the_place_and_the_need(self, tmp_path, monkeypatch):
        def full(part):
            raise OSError(28, "No space left on device")

        monkeypatch.setattr(files, "_to_disk", full)
        with pytest.raises(OSError, match="No space left") as caught:
            files.write_if_still(tmp_path / "a", b"x" * 4096, None)
        assert f"{tmp_path / 'a'}: cannot be written, the disk is full (4.1 kB needed" in str(disk.fault(caught.value))
        assert os.listdir(tmp_path) == []


def test_folders_are_made_as_deep_as_they_are_asked_for(tmp_path):
    files.write_atomically(tmp_path / "a" / "b" / "c.txt", "x")
    files.write_atomically(tmp_path / "a" / "b" / "d.txt", "x")
    assert files.write_if_still(tmp_path / "e" / "f" / "g", b"x", None)
    assert files.write_if_still(tmp_path / "e" / "f" / "h", b"x", None)


@pytest.mark.skipif(not os.path.isdir("/proc/self/fd"), reason="only Linux tells")
def test_no_file_stays_open(tmp_path):
    before = len(os.listdir("/proc/self/fd"))
    for number in range(5):
        files.write_atomically(tmp_path / str(number), "x")
    assert len(os.listdir("/proc/self/fd")) == before


def test_what_a_failed_write_needs_is_told(tmp_path, monkeypatch):
    def full(part):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(files, "_to_disk", full)
    with pytest.raises(OSError, match="No space") as whole:
        files.write_atomically(tmp_path / "a", bytes(5000))
    assert "(5.0 kB needed" in str(disk.fault(whole.value))

    def grows():
        with files.written_beside(tmp_path / "a") as part:
            part.write_bytes(bytes(5000))

    with pytest.raises(OSError, match="No space") as grown:
        grows()
    assert "(more than 5.0 kB needed" in str(disk.fault(grown.value))
