"""Training from the page: real child processes, stopped as Ctrl-C stops them, resumed, exported, judged."""

from __future__ import annotations

import json
import signal
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest
from drawn_photos import draw_photos
from waiting import until

from facetracker import scenes
from facetracker.core.photo import write_jpeg

# As little as a training can be: it is the way that is tested.
SMALL = {
    "model.image_size": 64,
    "data.batch_size": 4,
    "training.samples_per_epoch": 64,
    "training.warmup_epochs": 0,
    "training.val_pictures": 4,
}


@pytest.fixture(scope="module")
def place(serve, tmp_path_factory):
    """A server on fourteen labelled photos."""
    folder = tmp_path_factory.mktemp("training")
    draw_photos(folder / "data", 14, 1, faces=1)
    return serve(folder)


def events(page: httpx.Client, run: str) -> Iterator[tuple[str, dict[str, Any]]]:
    """The run's events as they come."""
    with page.stream("GET", f"/api/train/events?run={run}", timeout=180) as stream:
        assert stream.headers["content-type"].startswith("text/event-stream")
        name = ""
        for line in stream.iter_lines():
            if line.startswith("event: "):
                name = line.removeprefix("event: ")
            elif line.startswith("data: "):
                yield name, json.loads(line.removeprefix("data: "))


@pytest.mark.slow
@pytest.mark.timeout(900)
def test_a_training_is_watched_stopped_resumed_and_becomes_the_model_of_live(place):
    photos_before = sorted(path.name for path in (place.data / "images").iterdir())
    with place.client() as page:
        wish = {"preset": "nano", "epochs": 500, "variants": 2, "name": "mine", "set": SMALL}
        assert page.post("/api/train", json=wish).json() == {"run": "mine"}
        state = page.get("/api/state").json()
        assert (state["training"], state["runs"][0]["state"]) == ("mine", "running")
        assert "is being trained" in page.post("/api/train", json=wish).json()["error"]

        stages, done = [], {}
        for event, content in events(page, "mine"):
            if event == "stage":
                stages.append(content["stage"])
            elif event == "epoch" and content["epoch"] == 1:
                assert content["total_loss"] > 0
                assert page.post("/api/train/stop").json() == {"stopped": True}
            elif event == "done":
                done = content
        assert list(dict.fromkeys(stages)) == ["split", "augment", "train"]
        assert done["state"] == "stopped"
        run = place.runs / "mine"
        assert (run / "last.keras").is_file(), "Ctrl-C's way out was taken: the weights of that moment are kept"
        (row,) = page.get("/api/state").json()["runs"]
        assert row["state"] == "stopped"
        assert 1 <= row["epoch"] < 500

        config = run / "config.yaml"
        config.write_text(config.read_text().replace("epochs: 500", f"epochs: {row['epoch'] + 1}"))
        assert page.post("/api/train/resume", json={"run": "mine"}).json() == {"run": "mine"}
        seen = list(events(page, "mine"))
        assert [content["epoch"] for event, content in seen if event == "epoch"] == list(range(1, row["epoch"] + 2))
        assert seen[-1][0] == "done"
        assert seen[-1][1]["state"] == "done"
        assert (run / "model.onnx").is_file()

        assert page.post("/api/model", json={"run": "mine"}).json() == {"model": "mine", "in_tab": True}
        assert page.get("/model.json").json()["image_size"] == 64
        report = page.get("/api/runs/mine/report", timeout=120)
        assert report.status_code == 200
        assert "<html" in report.text
        assert page.get("/api/runs/mine/curves.png").status_code == 200
        assert page.get("/api/runs/mine/val_predictions.png").status_code == 200
        assert page.get("/api/state").json()["runs"][0]["has_report"]
    assert sorted(path.name for path in (place.data / "images").iterdir()) == photos_before
    assert sorted(path.name for path in place.data.iterdir()) == ["images", "labels"], "the photos' folder is untouched"


def test_without_the_libraries_of_training_the_style_is_learnt(place, monkeypatch):
    monkeypatch.setattr("facetracker.web.training.Trainings.can_train", False)
    with place.client() as page:
        assert page.post("/api/train", json={"preset": "learn", "name": "style-only"}).json() == {"run": "style-only"}
        assert list(events(page, "style-only"))[-1][1]["state"] == "done"
        assert page.post("/api/model", json={"run": "style-only"}).json() == {"model": "style-only", "in_tab": True}
        page.post("/api/model", json={"run": "starter"})
        assert "not installed" in page.post("/api/train", json={"preset": "nano"}).json()["error"]


def test_a_training_that_cannot_be_says_why(serve, tmp_path):
    served = serve(tmp_path)
    with served.client() as page:
        run = page.post("/api/train", json={"name": "empty"}).json()["run"]
        *_, (event, content) = events(page, run)
    assert (event, content["state"]) == ("done", "failed")
    assert "no such folder" in content["text"]


@pytest.mark.parametrize(
    ("wish", "word"),
    [
        ({"preset": "no-such"}, "preset"),
        ({"preset": "/etc/passwd.yaml"}, "preset"),
        ({"epochs": 0}, "epochs"),
        ({"variants": 10**9}, "variants"),
        ({"name": "../out"}, "name"),
        ({"name": "-x"}, "name"),
        ({"set": {"training.epoch": 3}}, "training.epoch"),
        ({"set": {"training.learning_rate": -1}}, "learning_rate"),
        ({"set": {"model.weights": "/etc/passwd"}}, "model.weights"),
        ({"set": {"training.replay": "scenes"}}, "training.replay"),
        ({"set": {"model.backbone": {"a": 1}}}, "set"),
        ({"unknown": 1}, "unknown"),
        ({"preset": "learn", "epochs": 3}, "learn"),
    ],
)
def test_wishes_that_cannot_be_are_refused_at_once(place, wish, word):
    with place.client() as page:
        answer = page.post("/api/train", json=wish)
        assert answer.status_code == 400
        assert word in answer.json()["error"]
        assert page.get("/api/state").json()["training"] is None


def test_a_run_without_a_model_is_no_model(place):
    run = place.runs / "begun"
    run.mkdir(parents=True, exist_ok=True)
    (run / "config.yaml").write_text("preset: nano\n")
    try:
        with place.client() as page:
            assert page.post("/api/model", json={"run": "begun"}).status_code == 404
            assert page.get("/api/runs/begun/report").status_code == 404
            assert page.post("/api/train/resume", json={"run": "begun"}).status_code == 400
            assert page.post("/api/train/resume", json={"run": "../begun"}).status_code == 404
    finally:
        (run / "config.yaml").unlink()
        run.rmdir()


def test_a_server_that_ends_stops_its_training_first(tmp_path):
    """Ctrl-C in the terminal: the child is not left behind."""
    import re
    import subprocess

    images = tmp_path / "data" / "images"
    for number in range(300):  # enough that `split` is still at it
        write_jpeg(images / f"p{number}.jpg", scenes.photo(2, number % 5, faces=1, width=160, height=120).picture)
    command = [sys.executable, "-m", "facetracker.cli", "web", "--no-open", "--port", "0", "--data", "data"]
    pipe = subprocess.PIPE
    with subprocess.Popen(command, cwd=tmp_path, stdout=pipe, stderr=pipe, text=True) as server:
        assert server.stdout is not None
        assert server.stderr is not None
        found = re.match(r"(http://\S+)/\?token=(\S+)", server.stdout.readline())
        assert found is not None
        with httpx.Client(base_url=found[1], headers={"Authorization": f"Bearer {found[2]}"}, timeout=60) as page:
            run = page.post("/api/train", json={}).json()["run"]
            children = Path(f"/proc/{server.pid}/task/{server.pid}/children")
            (child,) = until(lambda: children.read_text().split())
            watched = events(page, run)
            next(watched)
            server.send_signal(signal.SIGINT)
            assert list(watched)[-1][1]["state"] == "stopped"
        assert server.wait(60) in (0, 130)
        assert server.stderr.read() in ("", "facetracker: stopped by Ctrl-C\n")
    until(lambda: not Path(f"/proc/{child}").exists())  # it is not left behind
