"""MNIST's own files, the digits that stand in for them, and the command that trains on either."""

from __future__ import annotations

import gzip
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from facetracker import from_scratch as fs
from facetracker.from_scratch.digits import FILES


def idx(array: np.ndarray) -> bytes:
    """An array of bytes as an IDX file, written by the book: 0 0 8, axes, sides, numbers."""
    return bytes([0, 0, 8, array.ndim]) + b"".join(side.to_bytes(4, "big") for side in array.shape) + array.tobytes()


def mnist_like(folder: Path, count: int = 40, packed: bool = True) -> Path:
    """MNIST's four files: a bright square whose place says the class."""
    random = np.random.default_rng(0)
    for pictures, labels in (FILES[:2], FILES[2:]):
        classes = np.arange(count, dtype=np.uint8) % 10
        drawn = random.integers(0, 60, (count, 28, 28), dtype=np.uint8)
        for picture, number in zip(drawn, classes, strict=True):
            row, column = divmod(int(number), 4)
            picture[row * 8 : row * 8 + 8, column * 7 : column * 7 + 7] = 255
        for name, array in ((pictures, drawn), (labels, classes)):
            content = idx(array)
            path = folder / (f"{name}.gz" if packed else name.replace("-idx", ".idx"))
            path.write_bytes(gzip.compress(content) if packed else content)
    return folder


@pytest.mark.parametrize("packed", [True, False])
def test_the_four_files_become_pictures_and_classes(tmp_path: Path, packed: bool) -> None:
    train, test = fs.load_digits(mnist_like(tmp_path, packed=packed))
    assert train[0].shape == test[0].shape == (40, 1, 28, 28)
    assert train[0].dtype == np.float32
    assert train[0].max() == 1
    assert train[1].tolist() == [number % 10 for number in range(40)]
    assert (train[0][5, 0, 8:16, 7:14] == 1).all()  # row by row, not turned round


def test_an_array_keeps_its_sides(tmp_path: Path) -> None:
    array = np.arange(24, dtype=np.uint8).reshape(2, 3, 4)
    (tmp_path / "a").write_bytes(idx(array))
    np.testing.assert_array_equal(fs.read_idx(tmp_path / "a"), array)


@pytest.mark.parametrize(
    ("content", "fault"),
    [
        (b"", "no IDX file"),
        (b"\x00\x00\x0d\x01\x00\x00\x00\x01\x00", "no IDX file"),  # floats
        (idx(np.zeros((2, 2), np.uint8))[:-1], "cut off: 3 numbers, not 2 x 2"),
        (b"\x00\x00\x08\x02" + b"\xff" * 8, "cut off"),
        (gzip.compress(idx(np.zeros(9, np.uint8)), mtime=0)[:-9], "damaged gzip"),
    ],
)
def test_a_file_that_is_none_is_named(tmp_path: Path, content: bytes, fault: str) -> None:
    (tmp_path / "bad").write_bytes(content)
    with pytest.raises(ValueError, match=fault) as caught:
        fs.read_idx(tmp_path / "bad")
    assert "bad" in str(caught.value)


def test_a_folder_that_lacks_a_file_says_which(tmp_path: Path) -> None:
    mnist_like(tmp_path)
    (tmp_path / f"{FILES[3]}.gz").unlink()
    with pytest.raises(FileNotFoundError, match=FILES[3]):
        fs.load_digits(tmp_path)
    (tmp_path / FILES[3]).write_bytes(idx(np.zeros(3, np.uint8)))
    with pytest.raises(ValueError, match="do not belong together"):
        fs.load_digits(tmp_path)


def test_the_command_trains_and_draws(tmp_path: Path) -> None:
    folder = tmp_path / "mnist"
    folder.mkdir()
    mnist_like(folder)
    words = [sys.executable, "-m", "facetracker.from_scratch", "--digits", folder, "--out", tmp_path / "out"]
    words += ["--epochs", "2", "--batch", "10", "--learning-rate", "0.01", "--first", "30"]
    done = subprocess.run(list(map(str, words)), capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    assert "of 6 test pictures right" in done.stdout
    made = {path.name for path in (tmp_path / "out").iterdir()}
    assert made == {"epoch_1.npz", "epoch_2.npz", "params.npz", "curves.png", "filters.png", "answers.png"}
    fs.SimpleConvNet().load(tmp_path / "out" / "params.npz")
    wrong = subprocess.run([*map(str, words[:4]), str(tmp_path)], capture_output=True, text=True)
    assert wrong.returncode == 2
    assert "does not hold train-images-idx3-ubyte" in wrong.stderr
