"""`detect` and `hide` over several sources: each is found as alone, and what is written says which one it is."""

from __future__ import annotations

import json
import socket
import threading
import time

import av
import pytest
from painted import film
from typer.testing import CliRunner

from facetracker.cli.main import app
from facetracker.core.errors import FaceTrackerError
from facetracker.core.photo import write_jpeg
from facetracker.inference.detect import Find, Keep, Show, Take, detect
from facetracker.inference.several import detect_several, names_of, place_of_film, stem_of
from facetracker.scenes import Scene

pytestmark = pytest.mark.slow

HIDDEN = Show("none")


def rows_in(path):
    return [json.loads(line) for line in path.read_text().splitlines()]


@pytest.fixture
def films(tmp_path):
    """Two films of one name, of 30 and 50 frames."""
    (tmp_path / "b").mkdir()
    return [film(tmp_path / "walk.avi", 30), film(tmp_path / "b" / "walk.avi", 50)]


def test_each_film_is_found_as_it_is_alone(models, films, tmp_path):
    model = models / "dense.onnx"
    lines = tmp_path / "all.jsonl"
    done = detect_several(model, films, find=Find(threads=3), show=HIDDEN, keep=Keep(tmp_path / "seen", lines))
    rows = rows_in(lines)
    for path, count, name in ((films[0], 30, "walk"), (films[1], 50, "walk-2")):
        alone = tmp_path / f"{name}.jsonl"
        detect(model, path, find=Find(threads=1), show=HIDDEN, keep=Keep(jsonl=alone))
        mine = [row for row in rows if row["source"] == str(path)]
        assert [{key: value for key, value in row.items() if key != "source"} for row in mine] == rows_in(alone)
        assert len(mine) == count
        with av.open(str(tmp_path / "seen" / f"{name}.mp4")) as made:
            assert sum(1 for _ in made.decode(video=0)) == count
    assert {str(one): told.report.frames for one, told in done.sources.items()} == {
        str(films[0]): 30,
        str(films[1]): 50,
    }
    assert f"{films[0]}: 30 frames in " in done.summary()
    assert "all: 80 frames, " in done.summary()
    assert done.summary().endswith(f"{lines}: 80 lines")


def test_photos_films_and_cameras_side_by_side(models, films, tmp_path):
    for number in range(3):
        write_jpeg(tmp_path / "photos" / f"p{number}.jpg", Scene(64, 48, faces=0, seed=number).frame(0).picture)
    (tmp_path / "photos" / "bad.jpg").write_bytes(b"no")
    camera = "scene:live=1,count=8,fps=20,width=64,height=48,faces=0"
    keep = Keep(tmp_path / "out.mp4", tmp_path / "all.jsonl")
    done = detect_several(
        models / "dense.onnx", [films[0], tmp_path / "photos", camera, camera], show=HIDDEN, keep=keep
    )
    rows = rows_in(tmp_path / "all.jsonl")
    counts = [sum(row["source"] == name for row in rows) for name in done.sources]
    assert counts[:2] == [30, 3]
    assert 1 <= counts[2] <= 8
    assert list(done.sources)[3] == f"{camera} (2)"
    assert [path for path, _ in done.rejects] == [str(tmp_path / "photos" / "bad.jpg")]
    assert sorted(path.name for path in (tmp_path / "out" / "photos").iterdir()) == ["p0.jpg", "p1.jpg", "p2.jpg"]
    assert (tmp_path / "out-walk.mp4").stat().st_size > 0


def test_a_film_that_breaks_off_does_not_end_the_others(models, films, tmp_path):
    (tmp_path / "broken.avi").write_bytes(films[0].read_bytes()[:6000])
    done = detect_several(models / "dense.onnx", [films[1], tmp_path / "broken.avi"], show=HIDDEN, keep=Keep())
    assert done.sources[str(films[1])].report.frames == 50


@pytest.mark.parametrize(
    ("sources", "options", "says"),
    [
        (["none.mp4", "scene:"], {}, "no such file"),
        (["scene:live=1", "scene:"], {}, "never end"),
        (["scene:", "scene:"], {"keep": Keep("out.gif")}, r"only \.mp4"),
        (["scene:", "scene:"], {"find": Find(every=2, follow=False)}, "need following"),
        (["scene:", "scene:"], {"keep": Keep(to=("-",))}, "one at a time"),
    ],
)
def test_mistakes_are_told_before_anything_is_written(models, tmp_path, monkeypatch, sources, options, says):
    monkeypatch.chdir(tmp_path)
    with pytest.raises(FaceTrackerError, match=says):
        detect_several(models / "dense.onnx", sources, show=HIDDEN, **options)
    assert list(tmp_path.iterdir()) == []


def test_a_stream_that_is_not_there_yet_is_waited_for(models, tmp_path, capsys):
    """Two addresses of nobody: the film goes on, and the run ends at its stop."""
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        address = f"http://127.0.0.1:{taken.getsockname()[1]}/live"
    began = time.monotonic()
    done = detect_several(
        models / "dense.onnx", [address, "scene:count=20,width=64,height=48"], take=Take(stop=1.0), show=HIDDEN
    )
    assert time.monotonic() - began < 15
    assert [one.report.frames for one in done.sources.values()] == [0, 20]
    assert "Trying again until it is" in capsys.readouterr().err
    assert not [one for one in threading.enumerate() if one.name.startswith("reads")]


def test_the_words_of_a_person_are_several_sources(models, films, tmp_path):
    words = [
        "detect",
        models / "dense.onnx",
        films[0],
        "--source",
        films[1],
        "--view",
        "none",
        "--jsonl",
        tmp_path / "a",
    ]
    done = CliRunner().invoke(app, [str(word) for word in words])
    assert done.exit_code == 0, done.output
    assert "all: 80 frames" in done.output
    assert {row["source"] for row in rows_in(tmp_path / "a")} == {str(one) for one in films}


def test_names_are_told_apart_and_files_are_called_by_them(painted):
    assert names_of(["camera 0", "a.mp4", "camera 0", "camera 0"]) == [
        "camera 0", "a.mp4", "camera 0 (2)", "camera 0 (3)",
    ]  # fmt: skip
    assert stem_of("films/party.mp4") == "party"
    assert stem_of("rtsp://me:***@door.lan:554/live/1?x=2") == "door-lan-554-live-1-x-2"
    assert stem_of("camera 0") == "camera-0"
    assert stem_of("scene:faces=2,seed=1") == "scene-faces-2-seed-1"
    source, names = painted(1), ["a.mp4", "b/a.mkv", "camera 0"]
    assert [str(place_of_film("out.webm", name, source, names)) for name in names] == [
        "out-a.webm", "out-a-2.webm", "out-camera-0.webm",
    ]  # fmt: skip
    assert str(place_of_film("seen", names[2], source, names)) == "seen/camera-0.mp4"


def test_several_films_are_hidden_into_one_folder(tmp_path):
    scene = Scene(160, 120, faces=1, seed=4, fps=25)
    paths = []
    for name in ("a.jpg", "b.jpg"):
        paths.append(write_jpeg(tmp_path / name, scene.frame(0).picture))
    paths.append(tmp_path / "bad.jpg")
    paths[2].write_bytes(b"no")
    done = CliRunner().invoke(app, ["hide", *map(str, paths), "--save", str(tmp_path / "out")])
    assert done.exit_code == 3, done.output
    assert "bad.jpg" in done.output
    assert sorted(path.name for path in (tmp_path / "out").iterdir()) == ["a.jpg", "b.jpg"]
    (tmp_path / "more").mkdir()
    twin = write_jpeg(tmp_path / "more" / "a.jpg", scene.frame(1).picture)
    for words, says in (
        ([paths[0], twin, "--save", tmp_path / "out", "--force"], "name of another"),
        ([paths[0], paths[1], "--save", tmp_path / "one.jpg"], "Name a folder"),
        ([paths[0], paths[1], "--check", tmp_path / "list"], "belong to one film"),
        ([paths[0], tmp_path / "none.mp4"], "no such film"),
    ):
        refused = CliRunner().invoke(app, ["hide", *map(str, words)])
        assert isinstance(refused.exception, FaceTrackerError)
        assert says in str(refused.exception)
