"""The server learns while somebody labels: what is saved moves the boxes that nobody has touched."""

from __future__ import annotations

import json
import time

import numpy as np
import pytest

from facetracker.core.boxes import iou, to_pixels
from facetracker.core.photo import write_jpeg
from facetracker.inference.detector import Detector
from facetracker.inference.style import Style
from facetracker.labels.labelme import read_content, write_content
from facetracker.labels.prelabel import prelabel
from facetracker.labels.provenance import how_reviewed
from facetracker.scenes import Scene

DRAWN = Style(-0.2, -0.3, 0.2, 0.05)  # the whole head, hair included
NEW = {"If-None-Match": "*"}


@pytest.fixture(scope="module")
def faces(tmp_path_factory):
    """Six drawn photos in which the starter sees one face, and this person's box of each, in pixels."""
    folder, detector, boxes = tmp_path_factory.mktemp("faces"), Detector(), {}
    for seed in range(40):
        scene = Scene(width=640, height=480, faces=1, seed=seed)
        picture = scene.frame(seed % 7).picture
        found = detector.detect(picture)
        if len(found) == 1 and len(boxes) < 6:
            name = f"f{len(boxes)}"
            write_jpeg(folder / f"{name}.jpg", picture)
            boxes[name] = to_pixels(np.clip(DRAWN.apply(found.boxes), 0, 1), 640, 480)[0].round().tolist()
    assert len(boxes) == 6
    return folder, boxes


@pytest.fixture
def folder(tmp_path, faces):
    photos, boxes = faces
    images = tmp_path / "data" / "images"
    images.mkdir(parents=True)
    for name in boxes:
        (images / f"{name}.jpg").write_bytes((photos / f"{name}.jpg").read_bytes())
    return tmp_path


@pytest.fixture
def drawn(faces):
    return faces[1]


def label(page, name: str) -> dict:
    return page.get(f"/api/photos/{name}/label").json()


def draw(page, name: str, box, **more) -> dict:
    wish = {"shapes": [{"label": "face", "box": box}], **more}
    answer = page.put(f"/api/photos/{name}/label", json=wish, headers=NEW)
    assert answer.status_code == 200, answer.text
    return answer.json()


def overlap(page, name: str, box) -> float:
    boxes = [shape["box"] for shape in label(page, name)["shapes"]]
    return float(iou(np.array(boxes, np.float32).reshape(-1, 4), np.array([box], np.float32)).max(initial=0))


def test_a_photo_without_labels_comes_with_boxes_and_nothing_is_written(serve, folder):
    place = serve(folder)
    with place.client() as page:
        seen = label(page, "f0")
        listed = page.get("/api/photos").json()
    (shape,) = seen["shapes"]
    assert (seen["state"], seen["by"], seen["etag"]) == ("suggested", "starter", "")
    assert (shape["index"], shape["unreviewed"], shape["label"]) == (None, True, "face")
    assert [photo["state"] for photo in listed["photos"]] == ["unlabelled"] * 6
    assert not (place.data / "labels").exists()


def test_what_is_drawn_moves_the_other_boxes_and_undo_moves_them_back(serve, folder, drawn):
    with serve(folder).client() as page:
        before = label(page, "f5")["shapes"]
        assert overlap(page, "f5", drawn["f5"]) < 0.75
        for name in ("f0", "f1", "f2"):
            saved = draw(page, name, drawn[name])
        assert saved["learner"]["drawn"] == 3
        assert saved["learner"]["by"] == "style"
        assert overlap(page, "f5", drawn["f5"]) > 0.85
        for name in ("f0", "f1", "f2"):
            etag = label(page, name)["etag"]
            back = page.delete(f"/api/photos/{name}/label", headers={"If-Match": etag}).json()
            assert back["state"] == "suggested"
        assert label(page, "f5")["shapes"] == before
        assert page.get("/api/learner").json()["lessons"] == 0
    assert not any((folder / "data" / "labels").iterdir())


def test_an_accepted_box_is_written_but_teaches_nothing(serve, folder):
    place = serve(folder)
    with place.client() as page:
        boxes = [shape["box"] for shape in label(page, "f0")["shapes"]]
        accepted = draw(page, "f0", boxes[0], suggested=boxes)["learner"]
        moved = [boxes[0][0] - 20, *boxes[0][1:]]
        corrected = draw(page, "f1", moved, suggested=[shape["box"] for shape in label(page, "f1")["shapes"]])[
            "learner"
        ]
    assert (accepted["accepted"], accepted["lessons"]) == (1, 0)
    assert (corrected["accepted"], corrected["corrected"], corrected["lessons"]) == (1, 1, 1)
    hows = [how_reviewed(read_content(place.data / "labels" / f"{name}.json")) for name in ("f0", "f1")]
    assert hows == ["accepted", "corrected"]


def taught(page, lessons):
    """What is said of the learner once it has so many lessons; it reads the files beside the requests."""
    until = time.monotonic() + 60
    while (told := page.get("/api/photos").json()["learner"])["lessons"] != lessons and time.monotonic() < until:
        time.sleep(0.05)
    return told


def test_a_server_that_starts_again_has_learnt_the_same(serve, folder, drawn):
    with serve(folder).client() as page:
        for name in ("f0", "f1", "f2"):
            draw(page, name, drawn[name])
        box = label(page, "f5")["shapes"][0]["box"]
    again = serve(folder)
    with again.client() as page:
        page.get("/api/photos")
        taught(page, 3)
        assert label(page, "f5")["shapes"][0]["box"] == pytest.approx(box, abs=0.01)


def test_what_labelme_draws_meanwhile_teaches_too(serve, folder, drawn):
    place = serve(folder)
    with place.client() as page:
        page.get("/api/photos")
        for name in ("f0", "f1"):
            left, top, right, bottom = drawn[name]
            shape = {"label": "mask", "shape_type": "rectangle", "points": [[left, top], [right, bottom]]}
            content = {"shapes": [shape], "imageWidth": 640, "imageHeight": 480, "imagePath": f"../images/{name}.jpg"}
            write_content(place.data / "labels" / f"{name}.json", content)
        assert taught(page, 2)["drawn"] == 2
        seen = label(page, "f5")
        assert (seen["by"], seen["shapes"][0]["label"]) == ("style", "mask")


def test_boxes_of_another_model_stay_and_the_starters_move(serve, folder, drawn):
    place = serve(folder)
    prelabel(place.data)
    theirs = place.data / "labels" / "f4.json"
    content = json.loads(theirs.read_text())
    content["facetracker"]["model"] = "another"
    theirs.write_text(json.dumps(content))
    with place.client() as page:
        for name in ("f0", "f1"):
            wish = {"shapes": [{"label": "face", "box": drawn[name]}]}
            etag = label(page, name)["etag"]
            assert page.put(f"/api/photos/{name}/label", json=wish, headers={"If-Match": etag}).status_code == 200
        seen = label(page, "f4")
        assert (seen["state"], seen["shapes"][0]["index"]) == ("prelabelled", 0)
        assert overlap(page, "f5", drawn["f5"]) > 0.85
        # Undone, a machine's file is what it was, to the byte.
        before = theirs.read_bytes()
        wish = {"shapes": [{"label": "face", "box": drawn["f4"]}]}
        saved = page.put("/api/photos/f4/label", json=wish, headers={"If-Match": seen["etag"]}).json()
        assert page.delete("/api/photos/f4/label", headers={"If-Match": '"other"'}).status_code == 412
        page.delete("/api/photos/f4/label", headers={"If-Match": saved["etag"]})
    assert theirs.read_bytes() == before


def test_several_photos_are_asked_for_at_once(serve, folder):
    with serve(folder).client() as page:
        answer = page.post("/api/suggestions", json={"names": ["f0", "nowhere", "f2"]}).json()
        assert set(answer["photos"]) == {"f0", "f2"}
        assert answer["photos"]["f0"]["shapes"] == label(page, "f0")["shapes"]
        assert page.post("/api/suggestions", json={"names": "f0"}).status_code == 400
        assert page.post("/api/suggestions", json={}).status_code == 400
