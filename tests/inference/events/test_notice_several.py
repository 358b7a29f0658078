"""`notice` over several sources: each notices as alone; one row of events says of whom they are."""

from __future__ import annotations

import json
import threading

import pytest
from typer.testing import CliRunner

from facetracker.cli.main import app
from facetracker.core.errors import FaceTrackerError
from facetracker.inference.detect import Show, Take
from facetracker.inference.events.notice import Tell, notice
from facetracker.inference.events.several import notice_several
from facetracker.inference.events.zones import parse_zone
from facetracker.inference.live import side_by_side
from facetracker.inference.live.browser import BrowserView

pytestmark = pytest.mark.slow

SCENE = "scene:faces=1,seed={},width=320,height=240,fps=10,count=40"


class Stream:
    """Keeps rows in the order in which they are written."""

    def __init__(self):
        self.rows = []

    def write(self, text):
        self.rows.append(json.loads(text))

    def flush(self):
        pass


def without(row, *keys):
    return {key: value for key, value in row.items() if key not in keys}


def test_each_source_is_noticed_as_alone_and_numbers_are_those_of_all():
    sources, zones = [SCENE.format(5), SCENE.format(6)], [parse_zone("all=0,0,1,1")]
    told = Stream()
    done = notice_several(sources, zones=zones, stays=[1], tell=Tell(told))
    assert [row["number"] for row in told.rows] == list(range(1, len(told.rows) + 1))
    assert list(told.rows[0])[:2] == ["number", "source"]
    for source in sources:
        alone = Stream()
        once = notice(source, zones=zones, stays=[1], tell=Tell(alone))
        mine = [without(row, "number", "source") for row in told.rows if row["source"] == source]
        assert mine == [without(row, "number") for row in alone.rows]
        assert done.sources[source].summary().partition("visits")[2] == once.summary().partition("visits")[2]
    assert len(told.rows) == 14


def test_visits_before_a_camera_that_is_away_end(painted, models, monkeypatch, capsys):
    """One camera falls silent for a second and a half; what it saw is over, and begins again when it is back."""
    monkeypatch.setattr(side_by_side, "LOST", 0.6)
    cameras = {"a": painted(10**6, stalls=(40, 2.0)), "b": painted(10**6)}
    for name, camera in cameras.items():
        camera.name, camera.stop = name, 5.0
    monkeypatch.setattr("facetracker.inference.several.open_source", lambda spec, **_: cameras[spec])
    told = Stream()
    notice_several(["a", "b"], models / "dense.onnx", tell=Tell(told), take=Take(stop=5.0))
    rows = {name: [row for row in told.rows if row["source"] == name] for name in cameras}
    ended = [[row["event"] for row in rows[name] if row.get("ended")].count("left") for name in cameras]
    came = [[row["event"] for row in rows[name]].count("came") for name in cameras]
    assert ended[0] == came[0]
    first = next(at for at, row in enumerate(rows["a"]) if row.get("ended"))
    assert "came" in [row["event"] for row in rows["a"][first:]]  # it is back
    assert rows["a"][-1]["count"] == rows["b"][-1]["count"] == 0
    assert capsys.readouterr().out.count("knows no landmarks") == 1
    assert not [one for one in threading.enumerate() if one.name.startswith(("reads", "looks"))]


def test_every_tile_shows_the_zones(monkeypatch, models, green_film):
    shown = []
    monkeypatch.setattr(BrowserView, "show", lambda self, picture: shown.append(picture))
    notice_several(
        [green_film, green_film], models / "dense.onnx", zones=[parse_zone("right=0.75,0,1,1")], show=Show("web")
    )
    last = shown[-1]
    assert last.shape == (480, 1280, 3)
    for left in (0, 640):
        assert last[440, left + 600].mean() > 65  # the film is grey, 60
        assert last[440, left + 300].mean() < 65


def test_mistakes_and_words(tmp_path):
    (tmp_path / "a.jpg").write_bytes(b"no")
    with pytest.raises(FaceTrackerError, match="photos have no time"):
        notice_several([tmp_path, SCENE.format(1)])
    with pytest.raises(FaceTrackerError, match="--stay 0"):
        notice_several([SCENE.format(1), SCENE.format(2)], stays=[0])
    done = CliRunner().invoke(app, ["notice", SCENE.format(5), "--source", SCENE.format(6), "--on", "came", "true"])
    assert done.exit_code == 0, done.output
    rows = [json.loads(line) for line in done.stdout.splitlines()]
    assert {row["source"] for row in rows} == {SCENE.format(5), SCENE.format(6)}
    assert done.stderr.count("40 frames in") == 2
