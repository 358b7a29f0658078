"""Films over the page's routes: recorded, looked through, labelled, frames taken out; and what is refused."""

from __future__ import annotations

import errno
import os
import shutil
import time

import cv2
import numpy as np
import pytest
from anyio import CapacityLimiter
from drawn_films import write_film

from facetracker import scenes
from facetracker.cli.main import main
from facetracker.core.errors import FaceTrackerError
from facetracker.labels.film import storage
from facetracker.web.films import Films
from facetracker.web.paths import NotThere, Place

NAME = "kitchen.mp4"


@pytest.fixture(scope="module")
def made(tmp_path_factory):
    film = tmp_path_factory.mktemp("film") / NAME
    return film, write_film(film)


@pytest.fixture
def place(made, serve, tmp_path):
    """A server whose data folder holds one film that was looked through."""
    films = tmp_path / "data" / "films"
    films.mkdir(parents=True)
    for path in made[0].parent.iterdir():
        shutil.copy2(path, films / path.name)
    return serve(tmp_path)


def ready(client, name: str, patience: float = 60) -> dict:
    end = time.monotonic() + patience
    while (told := client.get(f"/api/films/{name}").json())["state"] == "looking":
        assert time.monotonic() < end
        time.sleep(0.1)
    return told


def test_a_film_is_shown_labelled_and_taken_apart(place, made):
    with place.client() as client:
        assert client.get("/api/films").json()["films"] == [
            {"name": NAME, "state": "ready", "done": 0, "total": None, "fault": ""}
        ]
        told = client.get(f"/api/films/{NAME}").json()
        assert (told["width"], told["height"], len(told["times"]), len(told["tracks"])) == (320, 240, 30, 1)
        frame = client.get(f"/api/films/{NAME}/frames/7")
        assert frame.headers["content-type"] == "image/jpeg"
        assert cv2.imdecode(np.frombuffer(frame.content, np.uint8), 1).shape == (240, 320, 3)
        wish = {"act": "correct", "track": 1, "frame": 7, "box": [100, 50, 180, 160], "etag": told["etag"]}
        after = client.post(f"/api/films/{NAME}/act", json=wish).json()
        assert after["tracks"][0]["boxes"][7] == [100, 50, 180, 160]
        assert (after["tracks"][0]["keys"], after["actions"], after["can_undo"]) == ([7], 1, "correct")
        late = client.post(f"/api/films/{NAME}/act", json={**wish, "frame": 9})
        assert (late.status_code, "etag" in late.json()) == (412, False)
        taken = client.post(f"/api/films/{NAME}/take", json={"frames": 4, "accept": True}).json()
        assert (taken["written"], taken["kept"]) == (4, 0)
        photos = client.get("/api/photos").json()
        assert (photos["total"], photos["reviewed"]) == (4, 4)


def test_a_film_is_recorded_and_looked_through(served):
    scene = scenes.Scene(320, 240, faces=1, seed=4, fps=15)
    with served.client() as client:
        name = client.post("/api/record", json={"name": "desk"}).json()["film"]
        for index in range(12):
            data = cv2.imencode(".jpg", scene.frame(index).picture)[1].tobytes()
            told = client.post(f"/api/record/{name}?t={index / 15:.3f}", content=data)
            assert told.json() == {"frames": index + 1}
        assert client.get("/api/films").json()["films"] == []
        assert client.post(f"/api/record/{name}/end").json()["frames"] == 12
        assert [film["state"] for film in client.get("/api/films").json()["films"]] == ["new"]
        assert client.get(f"/api/films/{name}").json()["state"] == "new"
        assert client.get(f"/api/films/{name}/frames/0").status_code == 409
        assert client.post(f"/api/films/{name}/look").json()["state"] in ("looking", "ready")
        told = ready(client, name)
        assert (len(told["times"]), len(told["tracks"]), told["width"]) == (12, 1, 320)
        assert told["times"][-1] == pytest.approx(11 / 15, abs=0.002)


@pytest.mark.parametrize(
    ("path", "status"),
    [
        ("/api/films/nothing.mp4", 404),
        ("/api/films/..%2F..%2Fetc%2Fpasswd", 404),
        ("/api/films/secret.mp4", 404),
        (f"/api/films/{NAME}/frames/30", 404),
        (f"/api/films/{NAME}/frames/-1", 404),
        (f"/api/films/{NAME}/frames/99999999999999999999", 404),
        (f"/api/films/{NAME}.labels.json", 404),
    ],
)
def test_what_is_no_film_is_not_there(place, tmp_path, path, status):
    secret = tmp_path / "secret.mp4"
    secret.write_bytes(b"not for the page")
    (place.data / "films" / "secret.mp4").symlink_to(secret)
    with place.client() as client:
        assert client.get(path).status_code == status


@pytest.mark.parametrize(
    ("path", "body", "status"),
    [
        (f"/api/films/{NAME}/act", {"act": "correct"}, 400),
        (f"/api/films/{NAME}/act", {"act": "add", "frame": 3, "box": [0, 0, 1e400, 5]}, 400),
        (f"/api/films/{NAME}/take", {"frames": 0}, 400),
        (f"/api/films/{NAME}/take", {"frames": 3, "folder": "/tmp"}, 400),
        ("/api/record", {"name": "../up"}, 400),
        ("/api/record", {"name": 7}, 400),
        ("/api/record/nothing.mkv/end", {}, 404),
    ],
)
def test_what_cannot_be_done_is_refused(place, path, body, status):
    with place.client() as client:
        if "1e400" in str(body) or "inf" in str(body):
            answer = client.post(path, content=b'{"act": "add", "frame": 3, "box": [0, 0, 1e400, 5]}')
        else:
            answer = client.post(path, json=body)
        assert answer.status_code == status
        assert set(answer.json()) == {"error", "fix"}
    assert not storage.labels_beside(place.data / "films" / NAME).exists()


def test_a_frame_that_is_none_is_refused(served):
    with served.client() as client:
        name = client.post("/api/record", json={}).json()["film"]
        assert client.post(f"/api/record/{name}?t=0", content=b"\xff\xd8 nothing").status_code == 400
        assert client.post(f"/api/record/{name}?t=x", content=b"").status_code == 400
        data = cv2.imencode(".png", np.zeros((48, 64, 3), np.uint8))[1].tobytes()
        assert client.post(f"/api/record/{name}?t=0", content=data).status_code == 400
        assert client.post("/api/record", json={}).status_code == 400  # one at a time
        assert client.post(f"/api/record/{name}/end").status_code == 400
    assert not (served.data / "films").exists() or not list((served.data / "films").iterdir())


def test_strangers_get_nothing(place):
    import httpx

    for path in ("/api/films", f"/api/films/{NAME}", f"/api/films/{NAME}/frames/1"):
        assert httpx.get(f"{place.base}{path}").status_code == 401
    assert httpx.post(f"{place.base}/api/films/{NAME}/act", json={"act": "undo"}).status_code == 401


def test_a_film_from_elsewhere_is_there_when_it_was_named(made, tmp_path):
    films = Films(Place(tmp_path / "data", tmp_path, tmp_path), CapacityLimiter(1), lambda: None, made[0])
    assert [film["name"] for film in films.listed()] == [NAME]
    assert films.find(NAME) == made[0]
    with pytest.raises(NotThere):
        films.find("other.mp4")


def test_the_command_opens_the_page_on_the_film(made, tmp_path, monkeypatch):
    opened = {}
    monkeypatch.setattr("facetracker.web.server.serve", lambda *_, **words: opened.update(words))
    monkeypatch.setattr("sys.argv", ["facetracker", "label", str(made[0]), "--data", str(tmp_path)])
    with pytest.raises(SystemExit) as ended:
        main()
    assert ended.value.code == 0
    assert opened["film"] == made[0]


@pytest.mark.parametrize("written", [False, True])
def test_a_disk_that_is_full_as_a_film_ends_leaves_what_plays_and_lets_the_next_begin(tmp_path, frames, written):
    films = Films(Place(tmp_path / "data", tmp_path, tmp_path), CapacityLimiter(1), lambda: None)
    name = films.begin("kitchen")
    films.record(name, 0.0, frames[0])
    recorder = films._recording.recorder

    class Full:
        """A film whose frames wait in memory until the end, and then find no room; `written`: all but its index."""

        def __init__(self, film):
            self.film = film

        def close(self):
            if written:
                self.film.close()
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC), str(recorder.path))

    recorder._container = Full(recorder._container)
    with pytest.raises(FaceTrackerError, match="the disk is full"):
        films.end(name)
    assert recorder.path.exists() == written
    assert films.begin("hall") != name
