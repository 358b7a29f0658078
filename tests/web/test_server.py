"""The routes, asked over HTTP from the real server."""

from __future__ import annotations

import json
import os
import re
import signal
import subprocess
import sys
import time

import cv2
import httpx
import numpy as np
import pytest

from facetracker.core.example import Example
from facetracker.core.naming import session_of
from facetracker.core.photo import read_picture, write_jpeg
from facetracker.inference.detector import Detector
from facetracker.labels.labelme import read_labels, write_labels
from facetracker.web.server import has_screen


@pytest.fixture
def labelled(served, frames):
    """A server on six photos: two that a person labelled, one of them in an odd file of another program."""
    images, labels = served.data / "images", served.data / "labels"
    images.mkdir(parents=True)
    labels.mkdir()
    for number, data in enumerate(frames):
        (images / f"p{number}.jpg").write_bytes(data)
    odd = {
        "version": "5.0.1",
        "flags": {"blurry": True},
        "shapes": [
            {"label": "face", "points": [[300, 200], [100, 50]], "shape_type": "rectangle", "group_id": 7, "by": "ann"},
            {"label": "face", "points": [[400, 100], [500, 120], [450, 300]], "shape_type": "polygon", "flags": {}},
            {"label": "nose", "points": [[200, 100]], "shape_type": "point"},
        ],
        "imagePath": "..\\images\\p0.jpg",
        "imageData": None,
        "imageHeight": 480,
        "imageWidth": 640,
        "colour": "kept",
    }
    (labels / "p0.json").write_text(json.dumps(odd))
    plain = {**odd, "shapes": [], "imagePath": "../images/p1.jpg", "flags": {}}
    (labels / "p1.json").write_text(json.dumps(plain))
    return served


def test_state_says_what_is_there(labelled):
    with labelled.client() as page:
        state = page.get("/api/state").json()
    assert state["photos"] == {"total": 6, "labelled": 2, "prelabelled": 0, "unlabelled": 4}
    assert state["model"] == {"name": "starter", "classes": ["face"], "threshold": 0.5, "in_tab": True}
    assert state["runs"] == []
    assert state["training"] is None
    assert state["can_train"]


def test_collected_photos_are_called_as_by_collect_and_near_identical_ones_left_out(served, frames):
    with served.client() as page:
        session = page.post("/api/session", json={"name": "kitchen"}).json()["session"]
        assert session.endswith("-kitchen")
        assert not served.data.exists(), "nothing is written before the first photo"
        taken = [page.post(f"/api/collect?session={session}", content=frame).json() for frame in frames[:3]]
        again = page.post(f"/api/collect?session={session}", content=frames[2])
        kept = page.post(f"/api/collect?session={session}&keep_similar=1", content=frames[2]).json()
    assert [one["count"] for one in taken] == [1, 2, 3]
    assert kept["count"] == 4
    assert (again.status_code, again.json()) == (409, {"similar": True})
    photos = sorted((served.data / "images").iterdir())
    assert [photo.name for photo in photos] == [*(one["name"] for one in taken), kept["name"]]
    assert {session_of(photo.stem) for photo in photos} == {session}
    expected = cv2.imdecode(np.frombuffer(frames[0], np.uint8), cv2.IMREAD_COLOR)
    assert np.abs(read_picture(photos[0]).astype(int) - expected).mean() < 2


def test_a_session_goes_on_after_the_server_was_started_again(serve, tmp_path, frames):
    with serve(tmp_path).client() as page:
        session = page.post("/api/session").json()["session"]
        page.post(f"/api/collect?session={session}", content=frames[0])
    with serve(tmp_path).client() as page:
        assert page.post(f"/api/collect?session={session}", content=frames[0]).status_code == 409
        assert page.post(f"/api/collect?session={session}", content=frames[1]).json()["count"] == 2


@pytest.mark.parametrize("session", ["", "x", "../../x", "20261121-054122-../x", "20261121-054122-" + "a" * 99])
def test_a_session_that_is_none_writes_nothing(served, frames, session):
    with served.client() as page:
        answer = page.post("/api/collect", params={"session": session}, content=frames[0])
    assert answer.status_code == 400
    assert not served.data.exists()


@pytest.mark.parametrize("data", [b"", b"no picture", b"\xff\xd8\xff\xe0 cut", b"\x89PNG\r\n\x1a\n"])
def test_what_is_no_picture_is_not_collected(served, data):
    with served.client() as page:
        session = page.post("/api/session").json()["session"]
        answer = page.post(f"/api/collect?session={session}", content=data)
    assert answer.status_code == 400
    assert "error" in answer.json()
    assert not served.data.exists()


def test_photos_are_listed_with_their_state(labelled):
    with labelled.client() as page:
        listed = page.get("/api/photos").json()
    assert [photo["name"] for photo in listed["photos"]] == [f"p{number}" for number in range(6)]
    assert [photo["state"] for photo in listed["photos"]] == ["reviewed", "reviewed", *["unlabelled"] * 4]
    assert [photo["faces"] for photo in listed["photos"]] == [2, 0, 0, 0, 0, 0]
    assert (listed["reviewed"], listed["total"], listed["classes"]) == (2, 6, ["face"])


def test_a_photo_turned_by_its_exif_is_shown_upright(served):
    from PIL import Image

    (served.data / "images").mkdir(parents=True)
    exif = Image.Exif()
    exif[0x0112] = 6  # turn by a quarter
    Image.new("RGB", (64, 32), "red").save(served.data / "images" / "turned.jpg", exif=exif)
    with served.client() as page:
        shown = page.get("/api/photos/turned/image")
        label = page.get("/api/photos/turned/label").json()
    picture = cv2.imdecode(np.frombuffer(shown.content, np.uint8), cv2.IMREAD_COLOR | cv2.IMREAD_IGNORE_ORIENTATION)
    assert picture.shape[:2] == (64, 32)
    assert (label["width"], label["height"]) == (32, 64)


def test_a_moved_box_keeps_its_keys_and_what_the_page_does_not_know_survives(labelled):
    path = labelled.data / "labels" / "p0.json"
    with labelled.client() as page:
        seen = page.get("/api/photos/p0/label").json()
        assert [shape["editable"] for shape in seen["shapes"]] == [True, False]
        assert seen["shapes"][0]["box"] == [100, 50, 300, 200]
        box, polygon = seen["shapes"]
        shapes = [
            {"label": "face", "box": [110, 60, 310, 210], "index": box["index"]},
            {"label": "face", "box": polygon["box"], "index": polygon["index"]},
            {"label": "friend", "box": [5.25, 6.5, 50, 60], "index": None},
        ]
        saved = page.put("/api/photos/p0/label", json={"shapes": shapes}, headers={"If-Match": seen["etag"]})
        assert saved.status_code == 200
        assert page.get("/api/photos/p0/label").json()["etag"] == saved.json()["etag"]
    content = json.loads(path.read_text())
    assert (content["colour"], content["flags"], content["version"]) == ("kept", {"blurry": True}, "5.0.1")
    moved, untouched, new, point = content["shapes"]
    assert moved["points"] == [[110, 60], [310, 210]]
    assert (moved["group_id"], moved["by"]) == (7, "ann")
    assert untouched["points"] == [[400, 100], [500, 120], [450, 300]]
    assert untouched["shape_type"] == "polygon"
    assert new["points"] == [[5.25, 6.5], [50, 60]]
    assert new["label"] == "friend"
    assert point["label"] == "nose"
    assert len(read_labels(path)) == 3


def test_a_box_that_is_left_out_is_deleted_and_an_untouched_one_keeps_its_click_order(labelled):
    with labelled.client() as page:
        seen = page.get("/api/photos/p0/label").json()
        first = {"label": "face", "box": seen["shapes"][0]["box"], "index": 0}
        page.put("/api/photos/p0/label", json={"shapes": [first]}, headers={"If-Match": seen["etag"]})
    shapes = json.loads((labelled.data / "labels" / "p0.json").read_text())["shapes"]
    assert [shape["label"] for shape in shapes] == ["face", "nose"]
    assert shapes[0]["points"] == [[300, 200], [100, 50]]


def test_a_file_written_by_another_program_meanwhile_is_not_overwritten(labelled):
    path = labelled.data / "labels" / "p1.json"
    with labelled.client() as page:
        etag = page.get("/api/photos/p1/label").json()["etag"]
        path.write_text(path.read_text().replace("5.0.1", "6.3.1"))
        before = path.read_bytes()
        wish = {"shapes": [{"label": "face", "box": [0, 0, 50, 50]}]}
        assert page.put("/api/photos/p1/label", json=wish, headers={"If-Match": etag}).status_code == 412
        assert page.put("/api/photos/p1/label", json=wish, headers={"If-None-Match": "*"}).status_code == 412
        assert page.put("/api/photos/p1/label", json=wish).status_code == 428
    assert path.read_bytes() == before


def test_no_face_is_a_file_with_empty_shapes_and_its_flag(labelled):
    with labelled.client() as page:
        saved = page.put("/api/photos/p2/label", json={"shapes": [], "no_face": True}, headers={"If-None-Match": "*"})
        assert saved.status_code == 200
        assert page.get("/api/photos/p2/label").json()["state"] == "reviewed"
        wish = {"shapes": [{"label": "face", "box": [10, 10, 90, 90]}]}
        page.put("/api/photos/p2/label", json=wish, headers={"If-Match": saved.json()["etag"]})
    content = json.loads((labelled.data / "labels" / "p2.json").read_text())
    assert content["flags"] == {"no_face": False}
    assert len(content["shapes"]) == 1
    assert content["imagePath"] == "../images/p2.jpg"


@pytest.mark.parametrize(
    "wish",
    [
        {"shapes": [{"label": "", "box": [0, 0, 9, 9]}]},
        {"shapes": [{"label": "face", "box": [0, 0, 0.5, 9]}]},
        {"shapes": [{"label": "face", "box": [5000, 0, 6000, 9]}]},
        {"shapes": [{"label": "face", "box": [1, 2, 3]}]},
        {"shapes": "none"},
        {"shapes": [{"label": "fa\x00ce", "box": [0, 0, 9, 9]}]},
        {},
    ],
)
def test_boxes_that_cannot_be_are_refused_and_nothing_is_written(labelled, wish):
    with labelled.client() as page:
        answer = page.put("/api/photos/p3/label", json=wish, headers={"If-None-Match": "*"})
    assert answer.status_code == 400
    assert answer.json()["error"]
    assert not (labelled.data / "labels" / "p3.json").exists()


def test_not_a_number_is_no_box(labelled):
    body = '{"shapes": [{"label": "face", "box": [NaN, 0, Infinity, 9]}]}'
    with labelled.client() as page:
        answer = page.put("/api/photos/p3/label", content=body, headers={"If-None-Match": "*"})
    assert answer.status_code == 400


def test_prelabelled_boxes_wait_for_a_person_those_first_that_would_teach_most(labelled):
    # True labels: who says that no face is a face is soon shown none.
    starter = Detector()
    for name in ("p0", "p1"):
        photo = labelled.data / "images" / f"{name}.jpg"
        faces = starter.detect(read_picture(photo))
        truth = Example(photo, faces.width, faces.height, faces.boxes, ("face",) * len(faces))
        write_labels(labelled.data / "labels" / f"{name}.json", truth, force=True)
    with labelled.client() as page:
        assert page.post("/api/prelabel", json={"names": ["p2", "p3"]}).json() == {"written": 2}
        assert page.post("/api/prelabel", json={"names": ["p0"]}).json() == {"written": 0}
        listed = page.get("/api/photos?order=review").json()["photos"]
        assert {photo["name"] for photo in listed[:4]} == {"p2", "p3", "p4", "p5"}
        seen = page.get("/api/photos/p2/label").json()
        assert seen["state"] == "suggested", "what the starter drew moves with the style"
        assert all(shape["unreviewed"] for shape in seen["shapes"])
        assert seen["shapes"]
        keep = [{key: shape[key] for key in ("label", "box", "index")} for shape in seen["shapes"]]
        page.put("/api/photos/p2/label", json={"shapes": keep}, headers={"If-Match": seen["etag"]})
        after = page.get("/api/photos/p2/label").json()
        assert after["state"] == "reviewed"
        assert not any(shape["unreviewed"] for shape in after["shapes"])
        assert [shape["box"] for shape in after["shapes"]] == [shape["box"] for shape in seen["shapes"]]
        assert page.get("/api/state").json()["photos"]["prelabelled"] == 1


def test_the_tab_gets_the_model_and_its_card(served):
    with served.client() as page:
        card, model = page.get("/model.json").json(), page.get("/model.onnx").content
    import onnxruntime

    session = onnxruntime.InferenceSession(model)
    inside = json.loads(session.get_modelmeta().custom_metadata_map["facetracker_card"])
    assert {key: card[key] for key in ("classes", "image_size", "head", "strides")} == {
        key: inside[key] for key in ("classes", "image_size", "head", "strides")
    }


def test_a_run_becomes_the_model_of_live_and_of_the_tab(served):
    from facetracker.inference.detector import ASSETS

    run = served.runs / "mine-1"
    run.mkdir(parents=True)
    (run / "model.onnx").write_bytes((ASSETS / "starter.onnx").read_bytes())
    (run / "config.yaml").write_text("preset: nano\n")
    with served.client() as page:
        assert page.post("/api/model", json={"run": "mine-1"}).json() == {"model": "mine-1", "in_tab": True}
        assert page.get("/api/state").json()["model"]["name"] == "mine-1"
        assert page.post("/api/model", json={"run": "none"}).status_code == 404
        assert page.post("/api/model", json={"run": "starter"}).json()["model"] == "starter"


def test_a_run_shows_its_state_its_pictures_and_its_report(served):
    run = served.runs / "mine-1"
    run.mkdir(parents=True)
    (run / "config.yaml").write_text("preset: nano\ntraining: {epochs: 3}\n")
    (run / "history.csv").write_text("epoch,total_loss,val_mean_iou\n1,2.5,0.5\n2,1.5,\n")
    (run / "evaluation").mkdir()
    (run / "evaluation" / "report.html").write_text("<p>scores</p>")
    write_jpeg(run / "curves.png", np.zeros((8, 8, 3), np.uint8))
    with served.client() as page:
        (row,) = page.get("/api/state").json()["runs"]
        assert row == {
            "name": "mine-1",
            "state": "stopped",
            "epoch": 2,
            "epochs": 3,
            "mean_iou": 0.5,
            "has_report": True,
            "usable": True,
            "kept": None,
            "photos": None,
        }
        report = page.get("/api/runs/mine-1/report")
        assert report.text == "<p>scores</p>"
        assert "sandbox" in report.headers["content-security-policy"]
        assert page.get("/api/runs/mine-1/curves.png").status_code == 200
        assert page.get("/api/runs/mine-1/val_predictions.png").status_code == 404
        assert page.get("/api/runs/mine-1/config.yaml").status_code == 404
        stream = page.get("/api/train/events?run=mine-1").text
        assert '"total_loss": 2.5' in stream
        assert '"val_mean_iou": null' in stream
        assert "event: done" in stream


def test_the_command_prints_its_address_opens_the_browser_and_ends_with_ctrl_c(tmp_path):
    browser, opened = tmp_path / "browser", tmp_path / "opened"
    browser.write_text(f"#!/bin/sh\necho $1 > {opened}.part && mv {opened}.part {opened}\n")
    browser.chmod(0o755)
    folder = tmp_path / "empty"
    folder.mkdir()
    command = [sys.executable, "-m", "facetracker.cli", "web", "--open", "--port", "0", "--data", "data"]
    with subprocess.Popen(
        command,
        cwd=folder,
        env={**os.environ, "BROWSER": f"{browser} %s"},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    ) as server:
        assert server.stdout is not None
        assert server.stderr is not None
        address = re.match(r"http://127\.0\.0\.1:\d+/\?token=\S{20,}", server.stdout.readline())
        assert address is not None
        assert httpx.get(address[0]).status_code == 303
        deadline = time.monotonic() + 30
        while not opened.exists() and time.monotonic() < deadline:
            time.sleep(0.02)
        assert opened.read_text().strip() == address[0]
        server.send_signal(signal.SIGINT)
        assert server.wait(30) in (0, 130)
        assert server.stderr.read() in ("", "facetracker: stopped by Ctrl-C\n")
    assert list(folder.iterdir()) == []


@pytest.mark.parametrize(
    ("found", "screen"),
    [({}, False), ({"DISPLAY": ":0"}, True), ({"DISPLAY": ":0", "SSH_CONNECTION": "1 2 3 4"}, False)],
)
@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="elsewhere there is always a screen")
def test_the_browser_is_opened_where_somebody_sits(monkeypatch, found, screen):
    for name in ("DISPLAY", "WAYLAND_DISPLAY", "SSH_CONNECTION"):
        monkeypatch.delenv(name, raising=False)
    for name, value in found.items():
        monkeypatch.setenv(name, value)
    assert has_screen() is screen
