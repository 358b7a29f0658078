"""labelme's JSON: what is read, what is refused by name, what survives a rewrite."""

from __future__ import annotations

import json
from pathlib import Path

import cv2
import numpy as np
import pytest

from facetracker.core.boxes import to_pixels
from facetracker.core.errors import BadFile, FaceTrackerError
from facetracker.core.example import Example
from facetracker.labels.labelme import read_content, read_labels, write_labels
from facetracker.labels.pairing import PhotoFolder, find_photo, label_path, pairs_in


def shape(points, kind="rectangle", label="face", **more):
    return {"label": label, "points": points, "group_id": None, "shape_type": kind, "flags": {}, **more}


def label_file(folder: Path, shapes, name="a", width=640, height=480, **more) -> Path:
    """A labelme file in `folder/labels` with its photo in `folder/images`."""
    photo = folder / "images" / f"{name}.jpg"
    photo.parent.mkdir(parents=True, exist_ok=True)
    if not photo.exists():
        cv2.imwrite(str(photo), np.full((480, 640, 3), 90, np.uint8))
    path = folder / "labels" / f"{name}.json"
    path.parent.mkdir(parents=True, exist_ok=True)
    content = {
        "version": "5.0.1",
        "flags": {},
        "shapes": shapes,
        "imagePath": f"..\\images\\{name}.jpg",
        "imageData": None,
        "imageHeight": height,
        "imageWidth": width,
        **more,
    }
    path.write_text(json.dumps(content))
    return path


def pixels(sample: Example) -> list[list[float]]:
    return np.round(to_pixels(sample.boxes, sample.width, sample.height), 2).tolist()


def test_rectangle_in_any_click_order(tmp_path):
    path = label_file(tmp_path, [shape([[300, 250], [100, 50]]), shape([[10.5, 90], [60, 20]], label="other")])
    sample = read_labels(path)
    assert pixels(sample) == [[100, 50, 300, 250], [10.5, 20, 60, 90]]
    assert sample.labels == ("face", "other")
    assert (sample.width, sample.height, sample.reviewed) == (640, 480, True)
    assert sample.photo == tmp_path / "images" / "a.jpg"


@pytest.mark.parametrize(
    ("kind", "points", "box"),
    [
        ("polygon", [[100, 50], [300, 80], [200, 250]], [100, 50, 300, 250]),
        ("circle", [[100, 100], [130, 140]], [50, 50, 150, 150]),
        ("mask", [[100, 50], [300, 250]], [100, 50, 300, 250]),
        ("oriented_rectangle", [[100, 50], [200, 60], [190, 160], [90, 150]], [90, 50, 200, 160]),
        (None, [[300, 50], [100, 250]], [100, 50, 300, 250]),
        (None, [[100, 50], [300, 80], [200, 250]], [100, 50, 300, 250]),
        ("rectangle", [[100, 50], [300, 50], [300, 250], [100, 250]], [100, 50, 300, 250]),
    ],
)
def test_other_kinds_by_their_bounding_box(tmp_path, kind, points, box):
    assert pixels(read_labels(label_file(tmp_path, [shape(points, kind)]))) == [box]


def test_lines_and_points_are_left_out_with_a_note(tmp_path):
    shapes = [shape([[5, 5]], "point"), shape([[100, 50], [300, 250]]), shape([[1, 1], [9, 9]], "line")]
    notes: list[str] = []
    assert pixels(read_labels(label_file(tmp_path, shapes), notes=notes)) == [[100, 50, 300, 250]]
    assert len(notes) == 2
    assert "shape 1 is a point" in notes[0]
    assert "shape 3 is a line" in notes[1]


def test_empty_shapes_mean_reviewed_without_a_face(tmp_path):
    sample = read_labels(label_file(tmp_path, [], flags={"no_face": True}))
    assert sample.boxes.shape == (0, 4)
    assert sample.reviewed
    assert sample.flags == {"no_face": True}


def test_a_box_over_the_edge_is_clipped(tmp_path):
    path = label_file(tmp_path, [shape([[-20.5, 100], [660, 480.7]])])
    assert pixels(read_labels(path)) == [[0, 100, 640, 480]]


BROKEN = {
    "no points": shape([]),
    "points missing": {"label": "face", "shape_type": "rectangle"},
    "one corner": shape([[1, 2]]),
    "circle of three": shape([[50, 50], [60, 60], [70, 70]], "circle"),
    "polygon of two": shape([[50, 50], [60, 60]], "polygon"),
    "unknown kind": shape([[50, 50], [160, 160]], "ellipse"),
    "kind is a list": shape([[50, 50], [160, 160]], ["rectangle"]),
    "text for a number": shape([["50", 50], [160, 160]]),
    "true for a number": shape([[True, 50], [160, 160]]),
    "not a number": shape([[float("nan"), 50], [160, 160]]),
    "infinite": shape([[50, float("inf")], [160, 160]]),
    "hundreds of digits": shape([[10**400, 50], [160, 160]]),
    "circle beyond all numbers": shape([[1e308, 1e308], [-1e308, -1e308]], "circle"),
    "three coordinates": shape([[1, 2, 3], [160, 160]]),
    "no area": shape([[50, 50], [50, 160]]),
    "outside": shape([[650, 50], [700, 160]]),
    "far outside": shape([[50, 50], [1e9, 160]]),
    "no label": shape([[50, 50], [160, 160]], label=""),
    "label is a number": shape([[50, 50], [160, 160]], label=3),
    "half a character": shape([[50, 50], [160, 160]], label="\ud800"),
    "no shape at all": "face",
}


@pytest.mark.parametrize("bad", BROKEN.values(), ids=BROKEN)
def test_a_broken_shape_refuses_the_file_by_name(tmp_path, bad):
    path = label_file(tmp_path, [shape([[100, 50], [300, 250]]), bad])
    with pytest.raises(BadFile, match="shape 2 ") as caught:
        read_labels(path)
    assert caught.value.path == path
    assert caught.value.fix


@pytest.mark.parametrize(
    "text", ["", "{", "[]", "3", '{"shapes": {}}', '{"image": "a.jpg", "bbox": [0,0,1,1]}', "[" * 9999]
)
def test_what_is_no_labelme_file_is_refused(tmp_path, text):
    path = tmp_path / "a.json"
    path.write_text(text)
    with pytest.raises(BadFile, match=r"labelme|JSON"):
        read_content(path)


def test_a_file_without_its_photo_is_refused(tmp_path):
    path = label_file(tmp_path, [])
    (tmp_path / "images" / "a.jpg").unlink()
    with pytest.raises(BadFile, match="photo is not there"):
        read_labels(path)


@pytest.mark.parametrize("side", [None, 0, -640, "640", 640.5, True, 10**400, float("nan"), 1e9])
def test_without_a_usable_size_the_picture_is_asked(tmp_path, side):
    path = label_file(tmp_path, [shape([[100, 50], [300, 250]])], width=side)
    sample = read_labels(path)
    assert (sample.width, sample.height) == (640, 480)
    assert read_labels(path, size=(1280, 960)).width == 1280


def test_the_size_is_checked_only_when_asked(tmp_path):
    path = label_file(tmp_path, [shape([[100, 50], [300, 250]])], width=800, height=600)
    assert read_labels(path).width == 800
    with pytest.raises(BadFile, match="800x600 pixels, the photo has 640x480"):
        read_labels(path, size=(640, 480))


def test_windows_path_to_a_photo_elsewhere(tmp_path):
    path = label_file(tmp_path, [], name="b", imagePath="..\\shots\\C_1.png")
    (tmp_path / "images" / "b.jpg").unlink()
    assert find_photo(path) is None
    elsewhere = tmp_path / "shots" / "C_1.png"
    elsewhere.parent.mkdir()
    elsewhere.write_bytes(b"x")
    assert find_photo(path).resolve() == elsewhere


@pytest.mark.parametrize("name", ["x" * 5000, "a\0b", "\ud800", 7, None, ""])
def test_impossible_image_paths_name_no_photo(tmp_path, name):
    path = label_file(tmp_path, [], imagePath=name)
    (tmp_path / "images" / "a.jpg").unlink()
    assert find_photo(path) is None


def test_pairs_by_stem_with_orphans_and_doubles(tmp_path):
    for name in ("a", "b", "c.d"):
        label_file(tmp_path, [], name=name)
    (tmp_path / "images" / "b.jpg").unlink()
    (tmp_path / "images" / "A.PNG").write_bytes(b"x")
    (tmp_path / "images" / "c.d.png").write_bytes(b"x")
    pairs = pairs_in(tmp_path / "images")
    owned = {pair.photo.name: pair.label and pair.label.name for pair in pairs.pairs}
    assert owned == {"A.PNG": None, "a.jpg": "a.json", "c.d.jpg": "c.d.json", "c.d.png": None}
    assert [path.name for path in pairs.orphans] == ["b.json"]
    assert [path.name for path in pairs.doubles] == ["c.d.png"]


def test_a_folder_is_listed_again_by_who_comes_again(tmp_path):
    label_file(tmp_path, [], name="a")
    folder = PhotoFolder(tmp_path / "images")
    assert len(pairs_in(folder).pairs) == 1
    label_file(tmp_path, [], name="b")
    assert [pair.stem for pair in pairs_in(folder).pairs] == ["a", "b"]


def test_stems_that_begin_alike_are_told_apart(tmp_path):
    for name in ("a", "a-1", "a.b", "ä"):
        label_file(tmp_path, [], name=name)
    pairs = pairs_in(tmp_path / "images")
    assert [pair.photo.name for pair in pairs.pairs] == ["a-1.jpg", "a.b.jpg", "a.jpg", "ä.jpg"]
    assert all(pair.label is not None and pair.label.stem == pair.stem for pair in pairs.pairs)
    assert not pairs.doubles
    assert not pairs.orphans


def test_of_two_label_files_the_one_in_labels_is_taken(tmp_path):
    label_file(tmp_path, [], name="a")
    for name in ("a", "ghost"):
        (tmp_path / "images" / f"{name}.json").write_text("{}")
    pairs = pairs_in(tmp_path / "images")
    assert [(pair.photo, pair.label) for pair in pairs.pairs] == [
        (tmp_path / "images/a.jpg", tmp_path / "labels/a.json")
    ]
    assert pairs.orphans == [tmp_path / "images/ghost.json"]


def test_label_path_in_each_layout(tmp_path):
    assert label_path(tmp_path / "images" / "a.jpg") == tmp_path / "labels" / "a.json"
    assert label_path(tmp_path / "flat" / "a.jpg") == tmp_path / "flat" / "a.json"
    inside = tmp_path / "flat" / "labels" / "b.json"
    inside.parent.mkdir(parents=True)
    inside.write_text("{}")
    assert label_path(tmp_path / "flat" / "b.jpg") == inside


def test_written_file_reads_back_and_looks_like_labelmes(tmp_path):
    photo = tmp_path / "images" / "n.jpg"
    sample = Example(photo, 640, 480, [[0.1, 0.2, 0.5, 0.9], [0, 0, 1, 1]], ("face", "mask"), flags={"no_face": False})
    path = write_labels(tmp_path / "labels" / "n.json", sample)
    again = read_labels(path, photo)
    assert np.abs(again.boxes - sample.boxes).max() < 1e-6
    assert again.labels == sample.labels
    assert again.flags == sample.flags
    content = json.loads(path.read_text())
    assert list(content) == ["version", "flags", "shapes", "imagePath", "imageData", "imageHeight", "imageWidth"]
    assert content["imagePath"] == "../images/n.jpg"
    assert content["imageData"] is None
    assert content["shapes"][0]["points"] == [[64.0, 96.0], [320.0, 432.0]]
    assert '\n  "shapes": [' in path.read_text()


def test_nothing_is_overwritten_without_force(tmp_path):
    path = label_file(tmp_path, [])
    sample = read_labels(path)
    with pytest.raises(FaceTrackerError, match="already"):
        write_labels(path, sample)
    assert write_labels(path, sample, force=True) == path


def test_unknown_keys_survive_a_rewrite(tmp_path):
    polygon = shape([[100, 50], [300, 80], [200, 250]], "polygon", score=0.5)
    moved = shape([[400, 100], [500, 200]], label="old", difficult=True, mask="abc")
    gone = shape([[10, 300], [60, 400]])
    nose = shape([[200, 150]], "point", label="nose")
    path = label_file(tmp_path, [moved, polygon, gone, nose], camera="left", **{"\ud800": 1})
    sample = read_labels(path)
    boxes = to_pixels(sample.boxes, 640, 480)
    boxes[0] += [5, 5, 5, 5]
    changed = Example(
        sample.photo, 640, 480, boxes[:2] / [640, 480, 640, 480], ("new", "face"), flags={"checked": True}
    )
    content = json.loads(write_labels(path, changed, keep=path).read_text())
    assert content["camera"] == "left"
    assert content["\ud800"] == 1
    assert content["version"] == "5.0.1"
    assert content["flags"] == {"checked": True}
    first, second, third = content["shapes"]
    assert first["label"] == "new"
    assert first["difficult"] is True
    assert first["mask"] is None
    assert np.allclose(first["points"], [[405, 105], [505, 205]], atol=1e-3)
    assert second == polygon
    assert third == nose


def test_descriptions_go_with_new_boxes(tmp_path):
    sample = Example(tmp_path / "a.jpg", 100, 100, [[0.1, 0.1, 0.9, 0.9]], ("face",))
    content = json.loads(write_labels(tmp_path / "a.json", sample, descriptions=("face 0.93",)).read_text())
    assert content["shapes"][0]["description"] == "face 0.93"
    assert content["imagePath"] == "a.jpg"
