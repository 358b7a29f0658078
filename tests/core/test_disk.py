"""What is said of a disk that is full, read-only or broken, whoever says it first."""

from __future__ import annotations

import errno
import os
import pickle
import shutil
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from facetracker.cli import main as door
from facetracker.core import disk, files
from facetracker.core.photo import write_jpeg


def error(number: int, path: str | None = None) -> OSError:
    return OSError(number, os.strerror(number), *([] if path is None else [path]))


@pytest.mark.parametrize(
    ("number", "said"),
    [
        (errno.ENOSPC, "the disk is full"),
        (errno.EDQUOT, "the disk is full"),
        (errno.EFBIG, "too large"),
        (errno.EROFS, "the disk is read-only"),
        (errno.EACCES, "permission denied"),
        (errno.EIO, "does not answer"),
        (errno.ENAMETOOLONG, "File name too long"),
    ],
)
def test_each_fault_of_a_disk_is_named_with_its_file(tmp_path, number, said):
    line = disk.fault(error(number, str(tmp_path / "a.json")))
    assert line is not None
    assert line.startswith(f"{tmp_path / 'a.json'}: ")
    assert said in line


@pytest.mark.parametrize(
    ("text", "said"),
    [
        (
            "Unable to write (file write failed: filename = '/d/.part-7-a.keras', errno = 28, error",
            "/d/a.keras: cannot",
        ),
        (
            "/runs/one/logs/events.v2; No space left on device",
            "/runs/one/logs/events.v2: cannot be written, the disk is",
        ),
        ("[Errno 2] No usable temporary directory found in ['/tmp', '/home']", "the disk is full"),
        ("/data/x; Read-only file system", "/data/x: cannot be written, the disk is read-only"),
    ],
)
def test_libraries_that_say_it_in_their_own_words_are_understood(text, said):
    line = disk.fault(OSError(text))
    assert line is not None
    assert said in line


def test_the_cause_behind_another_error_is_found_and_other_errors_are_left_alone():
    failed = RuntimeError("the converter failed")
    failed.__cause__ = error(errno.ENOSPC, "/d/weights.h5")
    assert "weights.h5" in str(disk.fault(failed))
    assert disk.fault(ValueError("28 is no number of a disk")) is None
    assert disk.fault(OSError("something else")) is None
    assert disk.fault(ConnectionRefusedError(111, "Connection refused")) is None


def test_a_failed_write_names_the_file_and_what_it_needs_also_from_a_worker(tmp_path, monkeypatch):
    def full(self, data):
        raise error(errno.ENOSPC)

    monkeypatch.setattr(Path, "write_bytes", full)
    with pytest.raises(OSError, match="No space left") as caught:
        files.write_atomically(tmp_path / "a.json", "x" * 4096)
    from_worker = pickle.loads(pickle.dumps(caught.value))
    for one in (caught.value, from_worker):
        assert f"{tmp_path / 'a.json'}: cannot be written, the disk is full (4.1 kB needed, " in str(disk.fault(one))
    assert os.listdir(tmp_path) == []


def test_of_a_file_that_grew_until_the_disk_was_full_it_says_how_far_it_came(tmp_path):
    def write_half():
        with files.written_beside(tmp_path / "a.npz") as part:
            part.write_bytes(bytes(5000))
            raise error(errno.ENOSPC, str(part))

    with pytest.raises(OSError, match="No space left") as caught:
        write_half()
    assert f"{tmp_path / 'a.npz'}: cannot be written, the disk is full (more than 5.0 kB needed, " in str(
        disk.fault(caught.value)
    )


@pytest.mark.parametrize(
    ("count", "said"),
    [(0, "0 bytes"), (999, "999 bytes"), (1000, "1.0 kB"), (12_345_678, "12 MB"), (5 * 10**9, "5.0 GB")],
)
def test_sizes_are_said_as_people_say_them(count, said):
    assert disk.size(count) == said


def test_the_door_says_one_line_and_how_a_training_goes_on(monkeypatch, capsys):
    def fails(**_):
        raise error(errno.ENOSPC, "/runs/one/state.npz")

    monkeypatch.setattr(door, "app", fails)
    monkeypatch.setattr(sys, "argv", ["facetracker", "train", "data"])
    with pytest.raises(SystemExit) as ended:
        door.main()
    said = capsys.readouterr().err
    assert ended.value.code == 2
    assert said.count("\n") == 1
    assert said.startswith("facetracker: /runs/one/state.npz: cannot be written, the disk is full")
    assert "Make room, then run the same command again, with --resume" in said
    monkeypatch.setattr(sys, "argv", ["facetracker", "train", "--debug"])
    with pytest.raises(OSError, match="No space left"):
        door.main()


def on_a_disk(script: str, *words: str) -> subprocess.CompletedProcess[str]:
    """Run a shell script where it may mount file systems that nobody else sees; skips where that is not allowed."""
    space = ["unshare", "-m" if os.geteuid() == 0 else "-rm", "sh", "-ec"]
    allowed = (
        shutil.which("unshare") is not None
        and not subprocess.run([*space, "mount -t tmpfs tmpfs /mnt"], capture_output=True).returncode
    )
    if not allowed:
        pytest.skip("no file system of one's own here")
    return subprocess.run([*space, script, "sh", sys.executable, *words], capture_output=True, text=True)


BEGIN = 'mount -t tmpfs -o size=1m tmpfs /mnt; mkdir /mnt/images; cp "$2"/* /mnt/images; mount -o remount,'
FULL = BEGIN + 'size=$(($(stat -f -c "(%b-%f)*%S" /mnt))) /mnt'
SPLIT = """
code=0; "$1" -m facetracker.cli split /mnt || code=$?
cmp "$2"/p0.jpg /mnt/images/p0.jpg; find /mnt -name '.part-*'; exit $code"""


@pytest.mark.parametrize(
    ("disk_is", "said"), [(FULL, "the disk is full ("), (BEGIN + "ro /mnt", "the disk is read-only")]
)
def test_a_command_on_a_real_disk_that_takes_nothing_more(tmp_path, disk_is, said):
    for number in range(8):
        noise = np.random.default_rng(number).integers(0, 255, (32, 32, 3)).astype(np.uint8)
        write_jpeg(tmp_path / f"p{number}.jpg", noise)
    done = on_a_disk(disk_is + SPLIT, str(tmp_path))
    assert done.returncode == 2, done.stderr
    assert said in done.stderr
    assert done.stderr.count("facetracker: ") == 1
    assert "Traceback" not in done.stderr
    assert done.stdout == ""
