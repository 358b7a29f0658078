"""Sheets of pictures with their boxes, and the commands of the room."""

from __future__ import annotations

import shutil
from pathlib import Path

import cv2
import numpy as np
import pytest
from drawn_photos import draw_photos
from typer.testing import CliRunner

from facetracker.cli.main import app
from facetracker.core.boxes import as_boxes
from facetracker.core.errors import FaceTrackerError
from facetracker.core.example import Example
from facetracker.core.photo import encode_jpeg, read_picture
from facetracker.core.sheet import GAP, GREEN
from facetracker.data.gallery import COLOURS, SIDE, sheet_of, show

RUN = CliRunner()


def count(page: np.ndarray, colour) -> int:
    return int((page == colour).all(axis=2).sum())


def test_boxes_are_drawn_where_they_are_and_a_class_has_its_colour():
    black = encode_jpeg(np.zeros((100, 100, 3), np.uint8))
    box = as_boxes([[0.25, 0.25, 0.75, 0.75]])
    page = sheet_of([Example(Path(name), 100, 100, box, (name,), jpeg=black) for name in ("a", "b")], 2)
    middle = GAP + SIDE // 4
    assert (page[middle, GAP + SIDE // 2] == COLOURS[0]).all()
    assert (page[middle, 2 * GAP + SIDE + SIDE // 2] == COLOURS[1]).all()
    assert not count(page[:, : GAP + SIDE], COLOURS[1])


def test_show_writes_a_sheet_and_never_over_another(data, tmp_path):
    shown = show(data, save=tmp_path / "sheet.png", count=4, columns=2)
    assert shown.summary.pictures == 7
    assert (read_picture(tmp_path / "sheet.png") == shown.page).all()
    assert count(shown.page, COLOURS[0]) > 50
    with pytest.raises(FaceTrackerError, match="--force"):
        show(data, save=tmp_path / "sheet.png")
    other = show(data, save=tmp_path / "sheet.png", count=4, columns=2, seed=5, force=True)
    assert (other.page != shown.page).any()


def test_class_folders_are_shown_with_the_names_of_their_classes(faces, tmp_path):
    shown = show(faces, "test", save=tmp_path / "a.png", count=4, columns=2)
    assert count(shown.page, GREEN) > 50
    lines = shown.summary.lines()
    assert [line.split(":")[0] for line in lines] == ["train", "val", "test"]
    assert "with_mask" in lines[0]
    assert "split" not in " ".join(lines)
    with pytest.raises(FaceTrackerError, match=r"has no part vol\. There are: test, train, val"):
        show(faces, "vol", save=tmp_path / "b.png")
    flat = tmp_path / "flat"
    shutil.copytree(faces / "test", flat)
    (flat / "with_mask" / "broken.jpg").write_bytes(b"no picture")
    assert show(flat, save=tmp_path / "c.png", count=99).summary.lines()[0].startswith("not split: ")
    with pytest.raises(FaceTrackerError, match="leave the part out"):
        show(flat, "test", save=tmp_path / "d.png")
    told = RUN.invoke(app, ["show", str(faces), "--save", str(tmp_path / "e.png")])
    assert told.exit_code == 0


def test_show_without_a_display_says_so(data, monkeypatch):
    monkeypatch.delenv("DISPLAY", raising=False)
    with pytest.raises(FaceTrackerError, match="--save"):
        show(data)


def test_show_in_a_window(data, monkeypatch):
    """The window itself is capture's; here only that the sheet goes there until a key is pressed."""
    seen = []

    class Stand:
        closed = False

        def __init__(self, title):
            seen.append(title)

        def __enter__(self):
            return self

        def __exit__(self, *_):
            self.closed = True

        def show(self, page):
            seen.append(page)
            return "q" if len(seen) > 2 else None

    monkeypatch.setattr("facetracker.data.gallery.why_no_display", lambda: None)
    monkeypatch.setattr("facetracker.data.gallery.Window", Stand)
    shown = show(data, "train")
    assert seen[0] == "data"
    assert seen[1] is shown.page
    assert len(seen) == 3


def test_the_commands_one_after_the_other(data, tmp_path):
    flat = draw_photos(tmp_path / "flat", 8)
    result = RUN.invoke(app, ["split", str(flat), "--ratios", "0.5", "0.25", "0.25", "--by", "photo"])
    assert result.exit_code == 0, result.output
    assert "train 4, val 2, test 2 photos" in result.output
    out = tmp_path / "aug"
    result = RUN.invoke(app, ["augment", str(flat), str(out), "--variants", "2", "--workers", "1"])
    assert result.exit_code == 0, result.output
    assert "train: 8 pictures" in result.output
    result = RUN.invoke(app, ["show", str(out), "train", "--save", str(tmp_path / "sheet.png"), "--count", "3"])
    assert result.exit_code == 0, result.output
    assert "8 pictures" in result.output
    assert cv2.imread(str(tmp_path / "sheet.png")).shape[1] == 3 * (SIDE + GAP) + GAP


def test_rejects_end_with_code_3(data, tmp_path):
    (data / "train/labels/00-000.json").write_text("{")
    result = RUN.invoke(app, ["augment", str(data), str(tmp_path / "aug"), "--variants", "1", "--workers", "1"])
    assert result.exit_code == 3
    assert "left out: " in result.output
    assert "labels/00-000.json: " in result.output


@pytest.mark.parametrize(
    "words",
    [
        ["split", "DATA", "--by", "sesion"],
        ["augment", "DATA", "--format", "jpg"],
        ["augment", "DATA", "--unlabelled", "skp"],
        ["show", "DATA", "--unlabelled", "noface"],
    ],
)
def test_a_mistyped_value_gets_the_nearest(words, data):
    result = RUN.invoke(app, [str(data) if word == "DATA" else word for word in words])
    assert isinstance(result.exception, FaceTrackerError)
    assert "Did you mean" in str(result.exception)
