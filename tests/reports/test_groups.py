"""Found and false alarms by group: intervals, what a CSV file may look like, and the way from a file to the report."""

from __future__ import annotations

import json

import numpy as np
import pytest
from typer.testing import CliRunner

from facetracker.cli.main import app
from facetracker.core.errors import FaceTrackerError
from facetracker.reports.evaluation.evaluate import evaluate
from facetracker.reports.evaluation.groups import MOST_VALUES, Proportion, read_groups
from facetracker.reports.evaluation.judged import JudgedPhoto

FACE, AWAY = [0.25, 0.25, 0.75, 0.75], [0.0, 0.0, 0.2, 0.2]


def judged(name, boxes, truth=(FACE,)):
    found, faces = np.array(boxes).reshape(-1, 4), np.array(truth)
    sure, one_class = np.full(len(found), 0.9), np.zeros(len(found))
    return JudgedPhoto(name, 100, 100, faces, np.zeros(len(faces)), found, sure, one_class)


@pytest.mark.parametrize(
    ("count", "of", "low", "high"),
    [(0, 10, 0.0, 0.2775), (10, 10, 0.7225, 1.0), (5, 10, 0.2366, 0.7634), (81, 263, 0.2553, 0.3662)],
)
def test_the_interval_is_wilsons(count, of, low, high):
    """The last one is Newcombe's own example (Statistics in Medicine 17, 1998)."""
    assert Proportion(count, of).bounds == pytest.approx((low, high), abs=2e-4)


def test_of_nothing_there_is_no_share():
    assert (Proportion(0, 0).value, Proportion(0, 0).bounds, str(Proportion(0, 0))) == (None, None, "-")


def test_rows_count_faces_found_and_photos_with_a_wrong_box(tmp_path):
    path = tmp_path / "groups.csv"
    path.write_text("photo,light,cover\na.jpg,dark,none\nb,dark,mask\nc.jpg,bright,\nelsewhere,dark,none\n")
    photos = [
        judged("/photos/a.jpg", [FACE]),
        judged("/photos/b.jpg", [AWAY], truth=(FACE, AWAY)),
        judged("/photos/c.jpg", [FACE, AWAY]),
        judged("/photos/d.jpg", []),
    ]
    groups = read_groups(path)
    rows = {(row.question, row.answer): row for row in groups.rows(photos, 0.5)}
    assert list(rows) == [("light", "bright"), ("light", "dark"), ("cover", "mask"), ("cover", "none")]
    dark = rows["light", "dark"]
    assert (dark.photos, dark.found, dark.alarms) == (2, Proportion(2, 3), Proportion(0, 2))
    assert rows["light", "bright"].alarms == Proportion(1, 1)
    assert groups.named(photos) == 3
    assert all(row.found.count == 0 for row in groups.rows(photos, 0.95))


def test_numbers_and_names_are_no_groups(tmp_path):
    path = tmp_path / "sources.csv"
    path.write_text("name,source,size\n" + "".join(f"p{i},web,{i}\n" for i in range(MOST_VALUES + 1)))
    groups = read_groups(path)
    assert (list(groups.answers), groups.left_out) == (["source"], ["size"])


@pytest.mark.parametrize(
    ("content", "fault"),
    [
        (None, "does not exist"),
        ("", "has no groups"),
        ("photo\na\n", "has no groups"),
        ("photo,light\n", "has no groups"),
        (b"\xff\xfe\x00", "is no CSV file"),
        ("photo,number\n" + "".join(f"p{i},{i}\n" for i in range(99)), "has only columns with more than"),
    ],
)
def test_a_file_without_groups_is_told_in_one_line(tmp_path, content, fault):
    path = tmp_path / "groups.csv"
    if content is not None:
        path.write_bytes(content if isinstance(content, bytes) else content.encode())
    with pytest.raises(FaceTrackerError, match=fault) as told:
        read_groups(path)
    assert "groups.csv" in str(told.value)


def test_from_the_command_to_the_report(constant, photos, tmp_path):
    table = tmp_path / "light.csv"
    table.write_text("photo,light\nphoto0.jpg,<dark>\nphoto1.jpg,<dark>\nphoto2.jpg,bright\n")
    out = tmp_path / "out"
    words = ["evaluate", constant("right"), photos, "--groups", table, "--out", out]
    result = CliRunner().invoke(app, [str(word) for word in words])
    assert result.exit_code == 0, result.output
    assert "light <dark>" in result.output
    assert "found 100.0% (34.2% to 100.0%) of 2 faces" in result.output
    assert "1 photos in no group" in result.output or "1 photo in no group" in result.output
    rows = json.loads((out / "metrics.json").read_text())["models"][0]["groups"]
    assert [(row["answer"], row["faces"], row["found"]) for row in rows] == [("<dark>", 2, 1.0), ("bright", 1, 1.0)]
    page = (out / "report.html").read_text()
    assert "&lt;dark&gt;" in page
    assert "<dark>" not in page


def test_a_file_about_other_photos(constant, photos, tmp_path):
    table = tmp_path / "light.csv"
    table.write_text("photo,light\nsomebody.jpg,dark\n")
    with pytest.raises(FaceTrackerError, match=r"names none of the 4 photos\. They are called nobody.jpg"):
        evaluate(constant("right"), photos, groups=table)
