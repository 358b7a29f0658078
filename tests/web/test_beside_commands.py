"""The page while other programs work on its folder, and on a full disk: right, or one clear line."""

from __future__ import annotations

import errno
import json
import os
from pathlib import Path

import pytest

from facetracker import scenes
from facetracker.core import files
from facetracker.core.photo import write_jpeg
from facetracker.data.split import split
from facetracker.labels import guesses
from facetracker.labels.pairing import pairs_in, places_in
from facetracker.labels.prelabel import prelabel
from facetracker.web import labels as page_labels

SHAPE = {"label": "face", "box": [10, 10, 60, 60], "index": None}
WISH = {"shapes": [SHAPE], "no_face": False}


@pytest.fixture
def photos(tmp_path) -> Path:
    data = tmp_path / "data"
    for number in range(6):
        write_jpeg(data / "images" / f"p{number}.jpg", scenes.photo(3, number, faces=1, width=160, height=120).picture)
    return data


@pytest.fixture
def page(serve, photos):
    """A client of a server on these photos."""
    with serve(photos.parent).client() as client:
        yield client


def put(page, name: str, etag: str = ""):
    given = {"If-Match": etag} if etag else {"If-None-Match": "*"}
    return page.put(f"/api/photos/{name}/label", json=WISH, headers=given)


def boxes_in(label: Path) -> list:
    return [shape["points"] for shape in json.loads(label.read_text())["shapes"]]


MINE = [[[10.0, 10.0], [60.0, 60.0]]]


def test_what_a_person_saves_while_prelabel_works_stays(page, photos, monkeypatch):
    """It is saved after prelabel has looked whether anybody has, and before it writes."""
    link = guesses.write_if_still
    saved = []

    def after_a_person(path, data, seen):
        if path.stem in ("p1", "p4"):
            saved.append(put(page, path.stem).status_code)
        return link(path, data, seen)

    monkeypatch.setattr(guesses, "write_if_still", after_a_person)
    done = prelabel(photos)
    assert saved == [200, 200]
    assert (done.reviewed, len(done.written)) == (2, 4)
    assert [boxes_in(photos / "labels" / f"p{number}.json") == MINE for number in range(6)] == [
        number in (1, 4) for number in range(6)
    ]


def test_what_prelabel_writes_while_a_person_draws_is_told_to_the_page(page, photos):
    assert page.get("/api/photos/p1/label").json()["etag"] == ""
    prelabel(photos)
    answer = put(page, "p1")
    assert answer.status_code == 412
    assert "changed by another program" in answer.json()["error"]
    assert put(page, "p1", page.get("/api/photos/p1/label").json()["etag"]).status_code == 200


@pytest.mark.parametrize("had", [False, True])
def test_what_labelme_saves_in_the_moment_in_which_the_page_saves_stays(page, photos, monkeypatch, had):
    label, etag = photos / "labels" / "p2.json", ""
    if had:
        assert put(page, "p2").status_code == 200
        etag = page.get("/api/photos/p2/label").json()["etag"]
    theirs = json.dumps({"shapes": [], "flags": {"no_face": True}, "imageWidth": 160, "imageHeight": 120})
    turn = page_labels.as_bytes

    def just_then(content):
        label.parent.mkdir(exist_ok=True)
        label.write_text(theirs)
        return turn(content)

    monkeypatch.setattr(page_labels, "as_bytes", just_then)
    assert put(page, "p2", etag).status_code == 412
    assert label.read_text() == theirs
    assert os.listdir(label.parent) == ["p2.json"]


@pytest.mark.parametrize("move", [False, True])
def test_the_page_goes_on_while_the_photos_are_split(page, photos, move):
    assert put(page, "p3").status_code == 200
    etag = page.get("/api/photos/p3/label").json()["etag"]
    split(photos, move=move, by="photo")
    assert put(page, "p3", etag).status_code == 200
    assert put(page, "p5").status_code == 200
    listed = page.get("/api/photos").json()
    assert [photo["name"] for photo in listed["photos"]] == [f"p{number}" for number in range(6)]
    assert sum(photo["state"] == "reviewed" for photo in listed["photos"]) == 2
    places = places_in(photos)
    folders = [*([places.whole] if places.whole else []), *places.parts.values()]
    assert not pairs_in(*folders).orphans
    again = split(photos, move=move, by="photo")
    assert not again.rejects


def test_a_photo_that_is_moved_while_prelabel_looks_at_it_leaves_no_label_behind(photos, monkeypatch):
    look = guesses.labelme_content

    def moved(path, example, **words):
        if path.stem == "p0":
            split(photos, move=True, by="photo")
        return look(path, example, **words)

    monkeypatch.setattr(guesses, "labelme_content", moved)
    done = prelabel(photos)
    assert len(done.rejects) + len(done.written) == 6
    assert all("moved meanwhile" in why or "no such file" in why for _, why in done.rejects)
    assert not pairs_in(*places_in(photos).parts.values()).orphans
    assert not list((photos / "labels").glob("*.json"))


def test_a_full_disk_while_photos_are_recorded_is_one_line_and_no_half(page, photos, frames, monkeypatch):
    session = page.post("/api/session", json={}).json()["session"]
    assert page.post("/api/collect", params={"session": session}, content=frames[0]).status_code == 200
    before = sorted(path.name for path in (photos / "images").iterdir())

    def full(path):
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    with monkeypatch.context() as disk:
        disk.setattr(files, "_to_disk", full)
        for frame in frames[1:4]:
            answer = page.post("/api/collect", params={"session": session}, content=frame)
            assert answer.status_code in (400, 500)
            assert "the disk is full" in answer.json()["error"]
            assert "\n" not in answer.json()["error"]
        label = put(page, "p1")
        assert label.status_code == 500
        assert "the disk is full" in label.json()["error"]
    assert sorted(path.name for path in (photos / "images").iterdir()) == before
    assert not (photos / "labels").exists() or os.listdir(photos / "labels") == []
    assert page.post("/api/collect", params={"session": session}, content=frames[1]).status_code == 200
    assert put(page, "p1").status_code == 200


@pytest.mark.parametrize("said", ["{}", "[]", '{"kept": 1, "photos": "x", "held_back": []}', "null"])
def test_a_run_that_says_nonsense_is_not_shown_and_the_page_stays(page, photos, said):
    run = photos.parent / "runs" / "mine"
    run.mkdir(parents=True)
    (run / "learn.json").write_text(said)
    answer = page.get("/api/state")
    assert answer.status_code == 200
    assert answer.json()["runs"] == []
