"""Learning beside labelme: what is saved there moves untouched files, and what a person saves is never lost."""

from __future__ import annotations

import json
import os
import shutil
import time
from pathlib import Path

import numpy as np
import pytest
from own_style import DRAWN

from facetracker.core.boxes import iou
from facetracker.core.errors import BadFile
from facetracker.labels.labelme import read_content, read_labels, write_content
from facetracker.labels.prelabel import prelabel
from facetracker.labels.provenance import accepted, how_reviewed, state_of
from facetracker.personal import beside
from facetracker.personal.beside import FolderLearnt, learning_beside, swapped
from facetracker.personal.while_labelling import WhileLabelling


@pytest.fixture
def folder(person, tmp_path) -> Path:
    """The person's photos, prelabelled by the starter; `truth` are their own labels."""
    shutil.copytree(person / "images", tmp_path / "data" / "images")
    shutil.copytree(person / "labels", tmp_path / "truth")
    prelabel(tmp_path / "data")
    return tmp_path


def labels(folder: Path) -> list[Path]:
    """The files in which the starter saw one face."""
    return [
        path for path in sorted((folder / "data" / "labels").glob("*.json")) if len(read_content(path)["shapes"]) == 1
    ]


def drawn_by_person(folder: Path, path: Path) -> None:
    """What labelme leaves when the person has put a prelabelled box right."""
    content = read_content(path)
    truth = read_content(folder / "truth" / path.name)
    content["shapes"][0]["points"] = truth["shapes"][0]["points"]
    write_content(path, content)


def overlap(folder: Path, paths: list[Path]) -> float:
    found = []
    for path in paths:
        photo = folder / "data" / "images" / f"{path.stem}.jpg"
        truth = read_labels(folder / "truth" / path.name, photo)
        found.append(iou(read_labels(path, photo).boxes, truth.boxes).max(initial=0))
    return float(np.mean(found))


def moved(folder: Path, paths: list[Path]) -> bool:
    """Do the boxes lie as the person draws? A file that is just being swapped is not there for a moment."""
    try:
        return overlap(folder, paths) > 0.85
    except BadFile:
        return False


def test_what_is_saved_in_labelme_moves_the_files_that_nobody_has_touched(folder):
    paths = labels(folder)
    before = overlap(folder, paths[3:])
    with learning_beside(folder / "data") as learner:
        for path in paths[:3]:
            drawn_by_person(folder, path)
        saved = [path.read_bytes() for path in paths[:3]]
        end = time.monotonic() + 60
        while not moved(folder, paths[3:]):
            assert time.monotonic() < end, "the others do not move"
            time.sleep(0.1)
    assert before < 0.75
    assert learner.counts() == {"drawn": 0, "corrected": 3, "accepted": 0}
    np.testing.assert_allclose(learner.style.numbers, DRAWN.numbers, atol=0.12)
    assert [path.read_bytes() for path in paths[:3]] == saved, "what a person saved stays, to the byte"
    assert all(state_of(read_content(path)) == "prelabelled" for path in paths[3:])
    # The moved boxes accepted in labelme: known as accepted, so they teach nothing.
    write_content(paths[4], accepted(read_content(paths[4])))
    assert how_reviewed(read_content(paths[4])) == "accepted"


def test_what_was_learnt_before_is_there_at_once(folder):
    paths = labels(folder)
    for path in paths[:3]:
        drawn_by_person(folder, path)
    with learning_beside(folder / "data"):
        assert overlap(folder, paths[3:]) > 0.85


def test_another_models_boxes_are_left_alone(folder):
    paths = labels(folder)
    content = json.loads(paths[5].read_text())
    content["facetracker"]["model"] = "another"
    paths[5].write_text(json.dumps(content))
    before = paths[5].read_bytes()
    drawn_by_person(folder, paths[0])
    with WhileLabelling(own_head=False) as learner:
        assert FolderLearnt(folder / "data", learner).look() > 3
    assert paths[5].read_bytes() == before


def test_a_file_is_swapped_only_while_it_is_what_was_seen(tmp_path):
    path = tmp_path / "a.json"
    path.write_bytes(b"seen")
    assert swapped(path, b"seen", b"new")
    assert path.read_bytes() == b"new"
    assert not swapped(path, b"seen", b"newer")
    assert path.read_bytes() == b"new"
    assert [one.name for one in tmp_path.iterdir()] == ["a.json"]


@pytest.mark.parametrize("moment", ["rename", "link"])
def test_whoever_saves_in_between_has_the_last_word(tmp_path, monkeypatch, moment):
    path = tmp_path / "a.json"
    path.write_bytes(b"seen")
    real = getattr(os, moment)

    def saved_first(*where):
        replacing = tmp_path / "theirs"
        replacing.write_bytes(b"a person's")
        os.replace(replacing, path)
        return real(*where)

    monkeypatch.setattr(beside.os, moment, saved_first)
    assert not swapped(path, b"seen", b"new")
    assert path.read_bytes() == b"a person's"
    assert [one.name for one in tmp_path.iterdir()] == ["a.json"]


def test_a_program_that_has_the_file_open_has_the_last_word_too(tmp_path, monkeypatch):
    path = tmp_path / "a.json"
    path.write_bytes(b"seen")
    theirs, real = path.open("r+b", buffering=0), os.link

    def written_after(*where):
        real(*where)
        theirs.write(b"a person's")

    monkeypatch.setattr(beside.os, "link", written_after)
    assert not swapped(path, b"seen", b"new")
    theirs.close()
    assert path.read_bytes() == b"a person's"
