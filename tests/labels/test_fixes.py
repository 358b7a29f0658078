"""`audit --fix`: corrects what is certain, keeps the old file, leaves the rest to a person."""

from __future__ import annotations

import json

import cv2
import pytest
from photo_set import PhotoSet, draw, rectangle

from facetracker.core.errors import FaceTrackerError
from facetracker.labels.audit.audit import audit
from facetracker.labels.audit.fixes import fixed_content


def content(shapes, width=160, height=120, **more):
    return {"shapes": shapes, "imageData": None, "imageWidth": width, "imageHeight": height, **more}


def test_order_and_clipping():
    old = content([rectangle(80, 90, -20, 30, note="kept"), rectangle(10, 100, 60, 125)])
    new = fixed_content(old, (160, 120))
    assert [shape["points"] for shape in new["shapes"]] == [[[0, 30], [80, 90]], [[10, 100], [60, 120]]]
    assert new["shapes"][0]["note"] == "kept"
    assert old["shapes"][0]["points"] == [[80, 90], [-20, 30]]


def test_a_polygon_is_clipped_point_by_point_and_a_circle_stays():
    polygon = {"label": "face", "points": [[-5, 10], [60, 10], [30, 130]], "shape_type": "polygon"}
    circle = {"label": "face", "points": [[5, 50], [30, 50]], "shape_type": "circle"}
    new = fixed_content(content([polygon, circle]), (160, 120))
    assert new["shapes"][0]["points"] == [[0, 10], [60, 10], [30, 120]]
    assert new["shapes"][1] == circle


@pytest.mark.parametrize(
    "shapes",
    [
        [rectangle(50, 50, 50, 90)],
        [rectangle(200, 20, 260, 90)],
        [{"label": "face", "points": [], "shape_type": "rectangle"}],
        ["junk"],
        [{"label": "nose", "points": [[500, 2]], "shape_type": "point"}],
    ],
)
def test_what_is_uncertain_stays(shapes):
    assert fixed_content(content(shapes), (160, 120)) == content(shapes)


def test_sizes():
    inside, beyond = rectangle(20, 20, 80, 90), rectangle(100, 20, 600, 400)
    # no size, or one that the points do not fit: they are the picture's pixels
    assert fixed_content(content([inside], None, None), (160, 120)) == content([inside])
    assert fixed_content(content([beyond], 160, 120), (640, 480)) == content([beyond], 640, 480)
    # the same picture at another size: the points follow
    scaled = fixed_content(content([inside]) | {"imageData": "the picture as it was"}, (320, 240))
    assert scaled == content([rectangle(40, 40, 160, 180)], 320, 240)
    # without a box there is nothing to get wrong
    assert fixed_content(content([], 1, 1), (160, 120)) == content([])
    # another shape of picture, or sideways: it could mean two things
    for size in ((1280, 120), (120, 160)):
        assert fixed_content(content([inside]), size) == content([inside])
    # a box that cannot be read
    assert fixed_content(content(["junk"], 1, 1), (160, 120)) == content(["junk"], 1, 1)


def test_a_box_is_not_clipped_in_another_pictures_pixels():
    unsure = content([rectangle(-20, 20, 80, 90), rectangle(100, 20, 600, 400)], 640, 480)
    assert fixed_content(unsure, (700, 300))["shapes"] == unsure["shapes"]


def test_fix_works_with_a_backup_and_reports_the_state_after(photos: PhotoSet, tmp_path):
    photos.add("order", [rectangle(80, 90, 20, 30)], camera="left")
    photos.add("fine", [rectangle(20, 30, 80, 90)])
    photos.add("lost", [rectangle(300, 30, 380, 90)])
    before = {path.name: path.read_bytes() for path in (photos.folder / "labels").iterdir()}
    result = audit(photos.folder, fix=True, out=tmp_path / "out")
    assert result.fixed == ["labels/order.json"]
    assert result.counts == {"far outside the picture": 1}
    assert photos.content("order")["shapes"][0]["points"] == [[20, 30], [80, 90]]
    assert photos.content("order")["camera"] == "left"
    assert (result.backup / "labels" / "order.json").read_bytes() == before["order.json"]
    assert not (result.backup / "labels" / "fine.json").exists()
    for name in ("fine", "lost"):
        assert photos.label(name).read_bytes() == before[f"{name}.json"]
    again = audit(photos.folder, fix=True, out=tmp_path / "out")
    assert again.fixed == []
    assert again.backup is None


def test_fix_follows_a_resized_picture(photos: PhotoSet, tmp_path):
    photo = photos.add("a", [rectangle(20, 30, 80, 90)])
    cv2.imwrite(str(photo), draw(9, 320, 240))
    result = audit(photos.folder, fix=True, out=tmp_path / "out")
    assert result.counts == {}
    assert photos.content("a")["shapes"][0]["points"] == [[40, 60], [160, 180]]


def test_rename_alone_touches_only_the_name(photos: PhotoSet, tmp_path):
    photos.add("a", [rectangle(80, 90, 20, 30, label="fase")])
    result = audit(photos.folder, rename={"fase": "face"}, out=tmp_path / "out")
    assert photos.content("a")["shapes"] == [rectangle(80, 90, 20, 30)]
    assert result.classes == {"face": 1}
    assert json.loads((result.backup / "labels" / "a.json").read_text())["shapes"][0]["label"] == "fase"


def test_fix_leaves_unreadable_labels_alone(photos: PhotoSet, tmp_path):
    photos.add("a", [])
    photos.label("a").write_text("{")
    assert audit(photos.folder, fix=True, out=tmp_path / "out").fixed == []
    assert photos.label("a").read_text() == "{"


def test_fix_needs_a_place_for_the_backup(photos: PhotoSet):
    photos.add("a", [])
    with pytest.raises(FaceTrackerError, match="backup"):
        audit(photos.folder, fix=True, out=None)
