"""What lies beside a film, and what is taken out of it."""

from __future__ import annotations

import configparser
import json
import shutil
import subprocess
import sys

import numpy as np
import pytest
from drawn_films import write_film
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from facetracker.cli.main import main
from facetracker.core.boxes import iou, to_pixels
from facetracker.core.errors import BadFile, FaceTrackerError
from facetracker.core.naming import session_of
from facetracker.core.photo import read_picture
from facetracker.labels.collection import Collection
from facetracker.labels.film import storage
from facetracker.labels.film.choose import choose_frames
from facetracker.labels.film.found import read_seen
from facetracker.labels.film.label import label_film
from facetracker.labels.film.session import FilmSession
from facetracker.labels.film.taking import take_frames
from facetracker.labels.labelme import read_content
from facetracker.labels.provenance import state_of
from facetracker.labels.review import review_queue


@pytest.fixture(scope="module")
def made(tmp_path_factory):
    """A film with what was found in it, and its truth."""
    film = tmp_path_factory.mktemp("film") / "kitchen 1.mp4"
    return film, write_film(film)


@pytest.fixture
def film(made, tmp_path):
    """A copy of it that a test may change."""
    for path in made[0].parent.iterdir():
        shutil.copy2(path, tmp_path / path.name)
    return tmp_path / made[0].name


def corrected(film, frame=5):
    with FilmSession(film) as session:
        left, top, right, bottom = session.labels.box(1, frame)
        session.act({"act": "correct", "track": 1, "frame": frame, "box": [left - 5, top - 8, right + 5, bottom + 2]})
        session.act({"act": "split", "track": 1, "frame": 20})
        return session.act({"act": "undo"})


def test_labels_are_there_again_with_everything_that_can_be_undone(film):
    labels = corrected(film)
    with FilmSession(film) as session:
        assert session.labels.tracks == labels.tracks
        assert session.labels.actions == 3
        assert session.labels.box(1, 12) == labels.box(1, 12)
        assert [step.name for step in session.labels.past] == ["correct"]
        assert session.act({"act": "redo"}).tracks.keys() == {1, 2}


def test_what_was_found_is_read_and_not_looked_for_again(film, monkeypatch):
    monkeypatch.setattr("facetracker.labels.film.found.look_through", None)
    before = read_seen(film)
    assert len(before) == 30
    with FilmSession(film) as session:
        assert session.seen.digest == before.digest


@settings(max_examples=12, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(share=st.floats(0, 1, exclude_max=True), both=st.booleans())
def test_a_file_that_breaks_off_anywhere_is_repaired_or_told(made, tmp_path_factory, share, both):
    folder = tmp_path_factory.mktemp("torn")
    for path in made[0].parent.iterdir():
        shutil.copy2(path, folder / path.name)
    film = folder / made[0].name
    corrected(film)
    path = storage.labels_beside(film)
    before = film.with_name(film.name + storage.BEFORE)
    for one in (path, before) if both else (path,):
        data = one.read_bytes()
        one.write_bytes(data[: int(share * len(data))])
    if both:
        with pytest.raises(BadFile, match="damaged"):
            FilmSession(film)
        return
    with FilmSession(film) as session:
        assert [step.name for step in session.labels.past] == ["correct", "split"]
    assert path.with_name(f"{path.name}.damaged").exists()


LABELLING = """
import sys
from facetracker.labels.film.session import FilmSession
with FilmSession(sys.argv[1]) as film:
    while True:
        film.act({"act": "undo"} if film.labels.tracks[1].keys else {"act": "confirm", "frame": 3})
        print(film.labels.actions, flush=True)
"""


@pytest.mark.slow
def test_nothing_that_was_saved_is_lost_by_a_kill(film):
    for wait in (1, 4, 9):
        child = subprocess.Popen([sys.executable, "-c", LABELLING, str(film)], stdout=subprocess.PIPE, text=True)
        told = [int(child.stdout.readline()) for _ in range(wait)]
        child.kill()
        told += [int(line) for line in child.stdout.read().split()]
        child.wait()
        with FilmSession(film) as session:
            assert told[-1] <= session.labels.actions <= told[-1] + 1
            assert len(session.labels.tracks[1].keys) == session.labels.actions % 2
        assert not list(film.parent.glob(".part-*"))


def test_two_programs_on_one_film_are_told(film):
    with FilmSession(film) as one, FilmSession(film) as other:
        one.act({"act": "confirm", "frame": 3})
        with pytest.raises(storage.FilmChanged):
            other.act({"act": "confirm", "frame": 9})
        other.again()
        assert [frame for frame, _ in other.act({"act": "confirm", "frame": 9}).tracks[1].keys] == [3, 9]
        with pytest.raises(storage.FilmChanged):
            other.act({"act": "undo"}, etag="an older one")


@pytest.mark.parametrize(
    "change",
    [
        lambda content: content.pop("tracks"),
        lambda content: content["tracks"][0].update(spans=[[0, 99]]),
        lambda content: content["tracks"][0].update(sources=[["found", 7, 0, 9]]),
        lambda content: content["tracks"][0].update(keys=[[3, [0, 0, "x", 1]]]),
        lambda content: content.update(version=99),
        lambda content: content["film"].update(bytes=1),
        lambda content: content.update(found="another"),
        lambda content: content.update(session="../../etc"),
    ],
)
def test_labels_that_do_not_fit_are_told(film, change):
    corrected(film)
    path = storage.labels_beside(film)
    content = json.loads(path.read_text())
    change(content)
    path.write_text(json.dumps(content))
    with pytest.raises(BadFile, match=r"labels\.json"):
        FilmSession(film)


@pytest.mark.parametrize(
    "wish",
    [
        {},
        {"act": "explode"},
        {"act": "correct", "track": 1},
        {"act": "correct", "track": 99, "frame": 1, "box": [1, 1, 50, 50]},
        {"act": "correct", "track": 1, "frame": 10**9, "box": [1, 1, 50, 50]},
        {"act": "add", "frame": -1, "box": [1, 1, 50, 50]},
        {"act": "no_face", "first": 5, "last": 2},
        {"act": "undo"},
        {"act": "rename", "track": 1, "label": "\n"},
    ],
)
def test_what_is_no_action_is_refused_and_changes_nothing(film, wish):
    with FilmSession(film) as session:
        with pytest.raises(FaceTrackerError):
            session.act(wish)
        assert session.labels.actions == 0
    assert not storage.labels_beside(film).exists()


def test_frames_become_photos_that_review_and_split_know(film, tmp_path):
    data = tmp_path / "data"
    lines = label_film(film, data, frames=6)
    assert lines[0].endswith("30 frames, 1 track")
    photos = sorted((data / "images").iterdir())
    assert len(photos) == 6
    assert len({session_of(photo.stem) for photo in photos}) == 1
    assert session_of(photos[0].stem).endswith("-kitchen-1")
    assert len(review_queue(data)) == 6
    contents = [read_content(path) for path in sorted((data / "labels").iterdir())]
    assert {state_of(content) for content in contents} == {"prelabelled"}


def test_labels_lie_where_the_faces_are(made, film, tmp_path):
    label_film(film, tmp_path / "data", every_frame=True, reviewed=True)
    examples = Collection.open(tmp_path / "data").examples
    assert len(examples) == 30
    for number, example in enumerate(examples):
        assert example.reviewed
        assert example.labels == ("face",)
        assert iou(to_pixels(example.boxes, 320, 240), made[1][number])[0, 0] > 0.9
    assert read_picture(examples[3].photo).shape == (240, 320, 3)


def test_what_a_person_changed_in_a_taken_frame_stays(film, tmp_path):
    data = tmp_path / "data"
    with FilmSession(film) as session:
        take_frames(session, data, [0, 10], reviewed=True)
        path = sorted((data / "labels").iterdir())[0]
        content = json.loads(path.read_text())
        content["shapes"][0]["points"][0][0] += 3
        path.write_text(json.dumps(content))
        session.act({"act": "rename", "track": 1, "label": "anna"})
        done = take_frames(session, data, [0, 10], reviewed=True)
    assert (done.kept, [one.name for one in done.written]) == (1, [sorted((data / "labels").iterdir())[1].name])
    assert json.loads(path.read_text()) == content
    assert read_content(done.written[0])["shapes"][0]["label"] == "anna"


def test_chosen_frames_hold_the_keyframes_and_differ(film):
    with FilmSession(film) as session:
        session.act({"act": "confirm", "frame": 17})
        chosen = choose_frames(session, 5)
        assert 17 in chosen
        assert len(chosen) == 5
        assert max(chosen) - min(chosen) >= 15
        session.act({"act": "no_face", "first": 0, "last": 9})
        assert sum(not session.labels.faces(frame) for frame in choose_frames(session, 10)) == 1


def test_tracks_as_mot_and_coco(film, tmp_path):
    label_film(film, tmp_path / "data", mot=tmp_path / "mot", coco_video=tmp_path / "coco")
    rows = np.loadtxt(tmp_path / "mot" / "gt" / "gt.txt", delimiter=",")
    assert rows.shape == (30, 9)
    assert rows[:, 0].tolist() == list(range(1, 31))
    assert set(rows[:, 1]) == set(rows[:, 6]) == set(rows[:, 7]) == {1}
    about = configparser.ConfigParser()
    about.read(tmp_path / "mot" / "seqinfo.ini")
    assert (about["Sequence"]["seqLength"], about["Sequence"]["frameRate"]) == ("30", "25")
    assert len(list((tmp_path / "mot" / "img1").iterdir())) == 30
    coco = json.loads((tmp_path / "coco" / "annotations.json").read_text())
    assert [len(coco[name]) for name in ("videos", "images", "annotations", "tracks")] == [1, 30, 30, 1]
    first = coco["annotations"][0]
    assert first["bbox"] == pytest.approx(rows[0, 2:6].tolist(), abs=0.02)
    assert (tmp_path / "coco" / coco["images"][first["image_id"] - 1]["file_name"]).is_file()
    with pytest.raises(FaceTrackerError, match="there already"):
        label_film(film, tmp_path / "data", mot=tmp_path / "mot")


def test_the_command_takes_frames_without_a_page(film, tmp_path, monkeypatch, capsys):
    monkeypatch.setattr("sys.argv", ["facetracker", "label", str(film), "--data", str(tmp_path / "d"), "--frames", "3"])
    with pytest.raises(SystemExit) as ended:
        main()
    assert ended.value.code == 0
    assert "3 frames in" in capsys.readouterr().out
    assert len(list((tmp_path / "d" / "labels").iterdir())) == 3


def test_a_camera_records_a_film_that_can_be_labelled(tmp_path, monkeypatch, capsys):
    source = "scene:faces=1,seed=4,width=320,height=240,count=40"
    monkeypatch.setattr(
        "sys.argv",
        ["facetracker", "collect", "--source", source, "--folder", str(tmp_path / "images"), "--film", "1"],
    )
    with pytest.raises(SystemExit) as ended:
        main()
    assert ended.value.code == 0
    (film,) = (tmp_path / "films").iterdir()
    assert f"facetracker label {film}" in capsys.readouterr().out
    with FilmSession(film) as session:
        assert session.session == film.stem
        assert 29 <= len(session.seen) <= 32
        assert len(session.labels.tracks) == 1
