"""`facetracker annotate | audit | convert` as typed."""

from __future__ import annotations

import pytest
from photo_set import PhotoSet, rectangle
from typer.testing import CliRunner

from facetracker.cli.main import app
from facetracker.core.errors import FaceTrackerError
from facetracker.labels import program


def run(*words: object):
    return CliRunner().invoke(app, [str(word) for word in words])


def test_audit_says_what_is_wrong_and_fixes_it(photos: PhotoSet, tmp_path):
    photos.add("a", [rectangle(80, 20, 20, 90, label="fase")])
    out = tmp_path / "out"
    first = run("audit", photos.folder, "--out", out, "--class", "face")
    assert first.exit_code == 3
    assert "wrong corner order" in first.output
    assert "fase, face?" in first.output
    assert "audit.json, contact_sheet.png" in first.output
    second = run("audit", photos.folder, "--out", out, "--class", "face", "--fix", "--rename", "fase=face")
    assert second.exit_code == 0, second.output
    assert "fixed: 1 label files" in second.output
    assert "contact_sheet" not in second.output
    assert photos.content("a")["shapes"][0]["points"] == [[20, 20], [80, 90]]


def test_a_rename_that_is_none_is_a_mistake(photos: PhotoSet):
    photos.add("a", [])
    with pytest.raises(FaceTrackerError, match="WRONG=RIGHT"):
        CliRunner().invoke(app, ["audit", str(photos.folder), "--rename", "fase"], catch_exceptions=False)


def test_convert_counts_and_names_what_was_left(photos: PhotoSet, tmp_path):
    photos.add("a", [rectangle(20, 20, 80, 90), {"label": "nose", "points": [[1, 2]], "shape_type": "point"}])
    photos.add("b", [])
    photos.add("c")
    photos.add("d", ["junk"])
    done = run("convert", photos.folder, tmp_path / "yolo", "--to", "yolo")
    assert done.exit_code == 3
    assert "labelme to yolo: 2 photos, 1 face, 1 photo without a face" in done.output
    assert "1 photos are not labelled and were left out" in done.output
    assert "shape 2 is a point" in done.output
    assert "1 could not be converted" in done.output
    photos.label("d").unlink()
    back = run("convert", tmp_path / "yolo", tmp_path / "back", "--to", "labelme", "--from", "yolo")
    assert back.exit_code == 0
    assert "classes: face" in back.output


def test_annotate_says_how_far_the_labelling_is(photos: PhotoSet, monkeypatch):
    photos.add("a", [])
    given = {}

    def closed_at_once(command, **_):
        given["command"] = command
        return type("Done", (), {"returncode": 0, "stderr": ""})

    monkeypatch.setenv("DISPLAY", ":0")
    monkeypatch.setattr(program, "find_labelme", lambda: ["labelme"])
    monkeypatch.setattr(program, "labelme_version", lambda command: "6.3.1")
    monkeypatch.setattr(program.subprocess, "run", closed_at_once)
    done = run("annotate", photos.folder, "--class", "face", "--keep-prev")
    assert done.exit_code == 0
    assert "1 of 1 photos labelled, 1 without a face, 0 to go. Next: facetracker audit" in done.output
    assert given["command"][-1] == "--keep-prev"
