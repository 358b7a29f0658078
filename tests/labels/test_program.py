"""labelme started as a program: found, given the right flags, driven for real under Xvfb."""

from __future__ import annotations

import json
import shutil
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from labeller import drawn_rectangle, own_display, shown, skip_without_labelme, x
from photo_set import PhotoSet, rectangle
from waiting import until

from facetracker.core.boxes import to_pixels
from facetracker.core.errors import FaceTrackerError
from facetracker.core.example import Example
from facetracker.labels import program
from facetracker.labels.labelme import read_labels, write_labels
from facetracker.labels.program import annotate, arguments, clean_environment, find_labelme, labelme_version


def fake_program(path: Path, body: str) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(f"#!/bin/sh\n{body}\n")
    path.chmod(0o755)
    return path


@pytest.fixture
def no_labelme_here(monkeypatch):
    """As if labelme were not installed beside us."""
    monkeypatch.delenv(program.OURS, raising=False)
    monkeypatch.setattr(program.importlib.util, "find_spec", lambda name: None)


def test_the_named_program_comes_first(tmp_path):
    mine = fake_program(tmp_path / "my labelme", "echo")
    assert find_labelme({program.OURS: str(mine)}) == [str(mine)]
    assert find_labelme({program.OURS: f"{sys.executable} -m labelme"}) == [sys.executable, "-m", "labelme"]
    with pytest.raises(FaceTrackerError, match="does not exist"):
        find_labelme({program.OURS: str(tmp_path / "gone")})


def test_beside_us_it_starts_without_cv2(monkeypatch):
    monkeypatch.setattr(program.importlib.util, "find_spec", lambda name: object())
    assert find_labelme({"PATH": ""}) == [sys.executable, "-c", program.WITHOUT_CV2]


@pytest.mark.usefixtures("no_labelme_here")
def test_on_the_path_it_is_started_by_its_own_python(tmp_path):
    own = fake_program(tmp_path / "pipx" / "bin" / "labelme", "echo")
    python = fake_program(own.with_name("python"), "echo")
    link = tmp_path / "bin" / "labelme"
    link.parent.mkdir()
    link.symlink_to(own)
    assert find_labelme({"PATH": str(link.parent)}) == [str(python), "-c", program.WITHOUT_CV2]
    python.unlink()
    assert find_labelme({"PATH": str(link.parent)}) == [str(link)]


@pytest.mark.usefixtures("no_labelme_here")
@pytest.mark.parametrize("runner", ["uvx", "pipx"])
def test_else_through_uvx_or_pipx_else_advice(tmp_path, runner):
    with pytest.raises(FaceTrackerError, match="pipx install"):
        find_labelme({"PATH": str(tmp_path)})
    found = fake_program(tmp_path / runner, "echo")
    command = find_labelme({"PATH": str(tmp_path)})
    assert command[0] == str(found)
    assert command[-2:] == [program.REQUIREMENT, "labelme"]


def test_arguments_of_new_and_old_labelme():
    given = arguments(Path("i"), Path("l"), Path("f"), "6.3.1", keep_prev=True)
    assert given[:7] == ["i", "--output", "l", "--labels", "f", "--flags", "no_face"]
    assert given[7:] == ["--validate-label", "exact", "--keep-prev"]
    assert arguments(Path("i"), Path("l"), Path("f"), "5.4.0")[7:] == [
        "--validatelabel",
        "exact",
        "--nodata",
        "--autosave",
    ]


def test_what_cv2_told_qt_is_not_handed_on():
    import cv2  # noqa: F401  (sets QT_QPA_PLATFORM_PLUGIN_PATH on Linux)

    told = {"QT_QPA_PLATFORM_PLUGIN_PATH": "/cv2/qt", "QT_QPA_FONTDIR": "/cv2/fonts", "HOME": "/home/me"}
    assert clean_environment(told) == {"HOME": "/home/me"}


def test_a_labelme_that_does_not_start(tmp_path):
    broken = fake_program(tmp_path / "labelme", "echo 'ImportError: libGL.so.1' >&2; exit 1")
    with pytest.raises(FaceTrackerError, match=r"does not start \(ImportError: libGL"):
        labelme_version([str(broken)])
    with pytest.raises(FaceTrackerError, match="does not start"):
        labelme_version([str(tmp_path / "gone")])


@pytest.fixture
def ready(photos: PhotoSet, tmp_path, monkeypatch) -> PhotoSet:
    """Two photos and a stand-in for labelme that says 6.3.1 and then does what is in the file `does`."""
    photos.add("a")
    photos.add("b", [rectangle(20, 20, 80, 90, label="smile")])
    does = tmp_path / "does"
    stand_in = f'if [ "$1" = --version ]; then echo labelme 6.3.1; exit 0; fi\necho "$@" > {tmp_path}/given\n. {does}'
    monkeypatch.setenv(program.OURS, str(fake_program(tmp_path / "stand-in", stand_in)))
    monkeypatch.setenv("DISPLAY", ":0")
    does.write_text("exit 0")
    return photos


def test_annotate_counts_what_was_labelled(ready: PhotoSet, tmp_path):
    (tmp_path / "does").write_text(f'echo \'{{"shapes": []}}\' > "{ready.label("a")}"')
    labelling = annotate(ready.folder)
    assert (labelling.photos, labelling.labelled, labelling.no_face) == (2, 2, 1)
    assert "0 to go" in str(labelling)
    given = (tmp_path / "given").read_text().split()
    images, labels, listed = (str(ready.folder / name) for name in ("images", "labels", "labels.txt"))
    assert given == [images, "--output", labels, "--labels", listed, "--flags", "no_face", "--validate-label", "exact"]
    assert (ready.folder / "labels.txt").read_text() == "smile\n"


def test_classes_are_added_never_taken_away(ready: PhotoSet):
    annotate(ready.folder, classes=["face", "mask"])
    annotate(ready.folder, classes=["hat", "face"])
    assert (ready.folder / "labels.txt").read_text() == "face\nmask\nhat\n"
    assert str(annotate(ready.folder)) == "1 of 2 photos labelled, 0 without a face, 1 to go"


def test_nothing_labelled_yet_offers_face(ready: PhotoSet):
    ready.label("b").write_text("{")
    assert annotate(ready.folder).labelled == 0
    assert (ready.folder / "labels.txt").read_text() == "face\n"


@pytest.mark.parametrize(
    ("said", "advice"),
    [
        ("qt.qpa.xcb: could not connect to display :9", "Check DISPLAY"),
        ("This application failed to start because no Qt platform plugin could be initialized.", "apt install"),
        ("something else", "pipx install"),
    ],
)
def test_a_crash_comes_with_advice(ready: PhotoSet, tmp_path, said, advice):
    (tmp_path / "does").write_text(f"echo '{said}' >&2; exit 134")
    with pytest.raises(FaceTrackerError, match=f"(?s)134.*{advice}"):
        annotate(ready.folder)


def test_mistakes_are_one_line(ready: PhotoSet, tmp_path, monkeypatch):
    with pytest.raises(FaceTrackerError, match="no such folder"):
        annotate(tmp_path / "nowhere")
    (tmp_path / "empty").mkdir()
    with pytest.raises(FaceTrackerError, match="holds no photos"):
        annotate(tmp_path / "empty")
    ready.add("c", part="train")
    shutil.rmtree(ready.folder / "images")
    with pytest.raises(FaceTrackerError, match="split already"):
        annotate(ready.folder)
    monkeypatch.delenv("DISPLAY")
    monkeypatch.delenv("WAYLAND_DISPLAY", raising=False)
    with pytest.raises(FaceTrackerError, match="no display"):
        annotate(ready.folder / "train")


@pytest.fixture
def display(monkeypatch, tmp_path) -> Iterator[None]:
    """An X server of its own, as DISPLAY, and an empty HOME."""
    skip_without_labelme()
    monkeypatch.setenv("HOME", str(tmp_path / "home"))
    (tmp_path / "home").mkdir()
    with own_display() as name:
        monkeypatch.setenv("DISPLAY", name)
        yield


@pytest.mark.gui
@pytest.mark.slow
@pytest.mark.usefixtures("display")
def test_a_rectangle_drawn_in_labelme_is_read_back(photos: PhotoSet):
    photos.add("a")
    second = photos.add("b")
    ours = write_labels(photos.label("b"), Example(second, 160, 120, [[0.1, 0.25, 0.5, 0.75]], ("face",)))
    written = ours.read_text()

    results: list[object] = []
    person = threading.Thread(target=lambda: results.append(annotate(photos.folder)))
    person.start()
    try:
        window = shown("a.jpg")
        time.sleep(2)
        drawn_rectangle(window, (620, 500), (440, 380))  # from lower right to upper left
        until(photos.label("a").exists)
        time.sleep(1)
        x("windowfocus", window)
        x("key", "d")
        shown("b.jpg")
        time.sleep(1)
        drawn_rectangle(window, (440, 380), (620, 500))
        until(lambda: ours.read_text() not in ("", written))
        time.sleep(1)
    finally:
        x("windowfocus", window)
        x("key", "ctrl+q")
        person.join(60)
    assert str(results[0]) == "2 of 2 photos labelled, 0 without a face, 0 to go"

    raw = json.loads(photos.label("a").read_text())
    sample = read_labels(photos.label("a"), size=(160, 120))
    points = np.array(raw["shapes"][0]["points"])
    assert points[0, 0] > points[1, 0]  # labelme keeps the order of the clicks
    assert sample.labels == ("face",)
    assert np.allclose(to_pixels(sample.boxes, 160, 120)[0], [*points.min(axis=0), *points.max(axis=0)], atol=1e-3)
    assert sample.flags == {"no_face": False}
    assert sample.photo == photos.folder / "images" / "a.jpg"

    both = read_labels(ours)
    assert len(both) == 2  # labelme read our file, and kept our box exactly
    assert np.allclose(both.boxes[0], [0.1, 0.25, 0.5, 0.75], atol=1e-6)
