"""COCO, Pascal VOC and YOLO: round trips to half a pixel, and what other programs read and write."""

from __future__ import annotations

import json
import os
from pathlib import Path

import numpy as np
import pytest
import supervision as sv
import yaml
from photo_set import PhotoSet, draw, rectangle
from pycocotools.coco import COCO

from facetracker.core.boxes import to_pixels
from facetracker.core.errors import BadFile, FaceTrackerError
from facetracker.core.photo import ORIENTATION, photo_size
from facetracker.labels.formats.convert import convert, read_labelme

FORMATS = ("coco", "voc", "yolo")


@pytest.fixture
def split(photos: PhotoSet) -> PhotoSet:
    """Two sides, two classes, a photo without a face, one that nobody labelled."""
    photos.add("a", [rectangle(12.34, 20.5, 80.75, 90.25), rectangle(0, 0, 160, 120, label="mask")], part="train")
    photos.add("b", [], part="train", flags={"no_face": True})
    photos.add("c 한글", [rectangle(150, 100, 100.5, 33.3, label="mask")], part="val")
    photos.add("later", part="train")
    return photos


def faces(folder: Path) -> dict[str, list[tuple]]:
    """Every labelled photo of a labelme folder: `part/stem` to (label, pixel corners)."""
    found = {}
    for sample in read_labelme(folder):
        if not sample.reviewed:
            continue
        corners = to_pixels(sample.boxes, sample.width, sample.height)
        found[f"{sample.part}/{sample.stem}"] = [
            (label, *corner) for label, corner in zip(sample.labels, corners, strict=True)
        ]
    return found


def assert_same(one: dict, two: dict, within: float) -> None:
    assert set(one) == set(two)
    for name, mine in one.items():
        assert [face[0] for face in mine] == [face[0] for face in two[name]]
        for first, second in zip(mine, two[name], strict=True):
            assert np.abs(np.array(first[1:]) - np.array(second[1:])).max() <= within, name


@pytest.mark.parametrize(("name", "within"), [("coco", 0.001), ("yolo", 0.01), ("voc", 0.5)])
@pytest.mark.parametrize("is_split", [True, False])
def test_there_and_back_is_exact_to_half_a_pixel(split: PhotoSet, tmp_path, name, within, is_split):
    source = split.folder if is_split else split.folder / "train"
    there = convert(source, tmp_path / name, to=name)
    assert there.come_from == "labelme"
    assert not there.rejects
    assert (there.photos, there.faces, there.no_face, there.unlabelled) == ((3, 3, 1, 1) if is_split else (2, 2, 1, 1))
    assert there.classes == ["face", "mask"]
    back = convert(tmp_path / name, tmp_path / "back", to="labelme")
    assert back.come_from == name
    assert back.unlabelled == 0
    assert_same(faces(source), faces(tmp_path / "back"), within)
    assert (tmp_path / "back" / "labels.txt").read_text() == "face\nmask\n"
    # nothing moved: all photos are still where they were
    assert (split.folder / "train" / "images" / "later.jpg").exists()
    assert sorted(path.name for path in (split.folder / "train" / "images").iterdir()) == [
        "a.jpg",
        "b.jpg",
        "later.jpg",
    ]


@pytest.mark.parametrize("start", FORMATS)
@pytest.mark.parametrize("end", FORMATS)
def test_from_each_to_each(split: PhotoSet, tmp_path, start, end):
    convert(split.folder, tmp_path / "one", to=start)
    done = convert(tmp_path / "one", tmp_path / "two", to=end)
    assert not done.rejects
    convert(tmp_path / "two", tmp_path / "three", to="labelme")
    assert_same(faces(split.folder), faces(tmp_path / "three"), 1.0 if (start, end).count("voc") == 2 else 0.51)


def test_pycocotools_reads_our_coco(split: PhotoSet, tmp_path, capsys):
    convert(split.folder, tmp_path / "coco", to="coco")
    coco = COCO(str(tmp_path / "coco" / "annotations" / "instances_train.json"))
    assert [category["name"] for category in coco.loadCats(coco.getCatIds())] == ["face", "mask"]
    photo = next(image for image in coco.loadImgs(coco.getImgIds()) if image["file_name"] == "a.jpg")
    annotations = coco.loadAnns(coco.getAnnIds(photo["id"]))
    assert np.allclose(annotations[0]["bbox"], [12.34, 20.5, 68.41, 69.75], atol=0.001)
    assert annotations[0]["area"] == pytest.approx(68.41 * 69.75, rel=1e-4)
    assert len(coco.getImgIds()) == 2


def supervisions(name: str, folder: Path) -> sv.DetectionDataset:
    """What supervision reads from the train side of a folder in a format."""
    if name == "coco":
        return sv.DetectionDataset.from_coco(
            str(folder / "images" / "train"), str(folder / "annotations" / "instances_train.json")
        )
    if name == "voc":
        return sv.DetectionDataset.from_pascal_voc(str(folder / "JPEGImages"), str(folder / "Annotations"))
    train = folder / "train"
    return sv.DetectionDataset.from_yolo(str(train / "images"), str(train / "labels"), str(folder / "data.yaml"))


@pytest.mark.parametrize("name", FORMATS)
def test_supervision_reads_what_we_write(split: PhotoSet, tmp_path, name):
    convert(split.folder, tmp_path / name, to=name)
    read = supervisions(name, tmp_path / name)
    path = next(path for path in read.image_paths if Path(path).name == "a.jpg")
    found = read.annotations[path]
    assert [read.classes[number] for number in found.class_id] == ["face", "mask"]
    assert np.abs(found.xyxy - [[12.34, 20.5, 80.75, 90.25], [0, 0, 160, 120]]).max() <= 0.5
    empty = next(path for path in read.image_paths if Path(path).name == "b.jpg")
    assert len(read.annotations[empty]) == 0


@pytest.mark.parametrize("name", FORMATS)
def test_we_read_what_supervision_writes(split: PhotoSet, tmp_path, name):
    convert(split.folder, tmp_path / "ours", to="yolo")
    dataset = supervisions("yolo", tmp_path / "ours")
    out = tmp_path / "theirs"
    if name == "coco":
        dataset.as_coco(str(out / "images"), str(out / "annotations.json"))
    elif name == "voc":
        dataset.as_pascal_voc(str(out / "images"), str(out / "annotations"))
    else:
        dataset.as_yolo(str(out / "images"), str(out / "labels"), str(out / "data.yaml"))
    done = convert(out, tmp_path / "back", to="labelme")
    assert done.come_from == name
    assert not done.rejects
    wanted = {name.replace("train/", "/"): value for name, value in faces(split.folder).items() if "train" in name}
    assert_same(wanted, faces(tmp_path / "back"), 0.5)


def test_roboflows_coco_folder_and_ultralytics_yolo_folder(photos: PhotoSet, tmp_path):
    """The same photo as these two places hand it out: another nesting, `valid`, class names as a list."""
    photo = photos.add("x")
    flow = tmp_path / "flow" / "valid"
    flow.mkdir(parents=True)
    os.link(photo, flow / "x.jpg")
    content = {
        "images": [{"id": 0, "file_name": "x.jpg", "width": 160, "height": 120}],
        "annotations": [
            {"id": 0, "image_id": 0, "category_id": 7, "bbox": [10, 20, 30, 40], "iscrowd": 0},
            {"id": 1, "image_id": 0, "category_id": 7, "bbox": [0, 0, 160, 120], "iscrowd": 1},
        ],
        "categories": [{"id": 7, "name": "face"}],
    }
    (flow / "_annotations.coco.json").write_text(json.dumps(content))
    done = convert(tmp_path / "flow", tmp_path / "a", to="labelme")
    assert faces(tmp_path / "a") == {"val/x": [("face", 10, 20, 40, 60)]}
    assert "crowds are not faces" in done.notes[0]

    ultra = tmp_path / "ultra"
    for folder in ("images/val", "labels/val"):
        (ultra / folder).mkdir(parents=True)
    os.link(photo, ultra / "images" / "val" / "x.jpg")
    (ultra / "labels" / "val" / "x.txt").write_text("0 0.5 0.5 0.25 0.5 0.93\n\n0 0.1 0.1 0.2 0.1 0.2 0.3\n")
    (ultra / "data.yaml").write_text(yaml.safe_dump({"val": "images/val", "names": ["face"]}))
    assert convert(ultra, tmp_path / "b", to="labelme").come_from == "yolo"
    assert_same(faces(tmp_path / "b"), {"val/x": [("face", 60, 30, 100, 90), ("face", 16, 12, 32, 36)]}, 0.01)


def test_photos_are_linked_and_copied_where_links_cannot_be(split: PhotoSet, tmp_path, monkeypatch):
    photo = split.folder / "train" / "images" / "a.jpg"
    convert(split.folder, tmp_path / "linked", to="yolo")
    assert os.path.samefile(photo, tmp_path / "linked" / "train" / "images" / "a.jpg")

    def no_links(*_):
        raise OSError

    monkeypatch.setattr(os, "link", no_links)
    convert(split.folder, tmp_path / "copied", to="yolo")
    copy = tmp_path / "copied" / "train" / "images" / "a.jpg"
    assert not os.path.samefile(photo, copy)
    assert copy.read_bytes() == photo.read_bytes()


def test_a_sideways_photo_is_turned_for_tools_that_do_not_turn(photos: PhotoSet, tmp_path):
    from PIL import Image

    photo = photos.add("phone", [rectangle(10, 20, 60, 100)], imageWidth=120, imageHeight=160, suffix=".png")
    turned = Image.Exif()
    turned[ORIENTATION] = 6
    Image.fromarray(draw(5)).save(photo, exif=turned)
    assert photo_size(photo) == (120, 160)
    convert(photos.folder, tmp_path / "yolo", to="yolo")
    upright = tmp_path / "yolo" / "images" / "phone.jpg"
    with Image.open(upright) as picture:
        assert picture.size == (120, 160)
        assert not picture.getexif()
    convert(tmp_path / "yolo", tmp_path / "back", to="labelme")
    assert_same(faces(photos.folder), faces(tmp_path / "back"), 0.01)


BAD_YOLO = {
    "too few": "0 0.5 0.5 0.1",
    "text": "0 a b c d",
    "nan": "0 nan 0.5 0.1 0.1",
    "negative": "0 0.5 0.5 -0.1 0.1",
    "unknown class": "3 0.5 0.5 0.1 0.1",
    "class below zero": "-1 0.5 0.5 0.1 0.1",
    "half a class": "0.5 0.5 0.5 0.1 0.1",
    "no area": "0 0.5 0.5 0 0.1",
    "pixels for shares": "0 320 240 100 100",
    "huge": "0 1e308 1e308 1e308 1e308",
    "binary": b"\xff\xfe\x00",
}


@pytest.mark.filterwarnings("error::RuntimeWarning")
@pytest.mark.parametrize("text", BAD_YOLO.values(), ids=BAD_YOLO)
def test_bad_yolo_files_are_named_and_the_rest_goes_on(photos: PhotoSet, tmp_path, text):
    photos.add("good", [rectangle(10, 20, 60, 100)])
    convert(photos.folder, tmp_path / "yolo", to="yolo")
    photos.add("bad").rename(tmp_path / "yolo" / "images" / "bad.jpg")
    bad = tmp_path / "yolo" / "labels" / "bad.txt"
    bad.write_bytes(text if isinstance(text, bytes) else text.encode())
    done = convert(tmp_path / "yolo", tmp_path / "back", to="labelme")
    assert [path for path, _ in done.rejects] == [str(bad)]
    assert done.photos == 1
    assert str(bad) in (tmp_path / "back" / "rejects.txt").read_text()


BAD_VOC = {
    "no xml": "<annotation>",
    "other xml": "<note/>",
    "bomb": '<!DOCTYPE a [<!ENTITY b "c">]><annotation>&b;</annotation>',
    "no box": "<annotation><object><name>face</name></object></annotation>",
    "text": "<annotation><object><name>face</name><bndbox><xmin>a</xmin></bndbox></object></annotation>",
    "no name": "<annotation><object><bndbox/></object></annotation>",
    "other size": "<annotation><size><width>9</width><height>9</height></size></annotation>",
    "outside": "<annotation><object><name>face</name><bndbox><xmin>500</xmin><ymin>5</ymin><xmax>600</xmax>"
    "<ymax>50</ymax></bndbox></object></annotation>",
}


@pytest.mark.parametrize("text", BAD_VOC.values(), ids=BAD_VOC)
def test_bad_voc_files_are_named_and_the_rest_goes_on(photos: PhotoSet, tmp_path, text):
    photos.add("good", [rectangle(10, 20, 60, 100)])
    convert(photos.folder, tmp_path / "voc", to="voc")
    photos.add("bad").rename(tmp_path / "voc" / "JPEGImages" / "bad.jpg")
    photos.add("later").rename(tmp_path / "voc" / "JPEGImages" / "later.jpg")
    bad = tmp_path / "voc" / "Annotations" / "bad.xml"
    bad.write_text(text)
    lost = tmp_path / "voc" / "Annotations" / "lost.xml"
    lost.write_text("<annotation><filename>lost.jpg</filename></annotation>")
    done = convert(tmp_path / "voc", tmp_path / "back", to="labelme")
    assert [path for path, _ in done.rejects] == [str(bad), str(lost)]
    assert (done.photos, done.unlabelled) == (2, 1)


GOOD_BOX = {"id": 1, "image_id": 1, "category_id": 1, "bbox": [10, 10, 30, 30]}
BAD_COCO = {
    "bbox of three": ({}, GOOD_BOX | {"bbox": [1, 2, 3]}),
    "bbox of text": ({}, GOOD_BOX | {"bbox": ["1", 2, 3, 4]}),
    "bbox missing": ({}, {"id": 1, "image_id": 1, "category_id": 1}),
    "negative": ({}, GOOD_BOX | {"bbox": [10, 10, -30, 30]}),
    "not a number": ({}, GOOD_BOX | {"bbox": [10, 10, float("nan"), 30]}),
    "hundreds of digits": ({}, GOOD_BOX | {"bbox": [10, 10, 10**400, 30]}),
    "outside": ({}, GOOD_BOX | {"bbox": [500, 10, 30, 30]}),
    "unknown class": ({}, GOOD_BOX | {"category_id": 9}),
    "class is a list": ({}, GOOD_BOX | {"category_id": [1]}),
    "other size": ({"width": 640}, GOOD_BOX),
    "photo gone": ({"file_name": "gone.jpg"}, GOOD_BOX),
    "photo elsewhere": ({"file_name": "../../secret.jpg"}, GOOD_BOX),
    "photo without a name": ({"file_name": 5}, GOOD_BOX),
    "annotation of no photo": ({}, GOOD_BOX | {"image_id": 77}),
    "annotation is text": ({}, "face"),
}


@pytest.mark.parametrize(("image", "annotation"), BAD_COCO.values(), ids=BAD_COCO)
def test_bad_coco_entries_are_named_and_the_rest_goes_on(photos: PhotoSet, tmp_path, image, annotation):
    photos.add("one")
    photos.add("two")
    sizes = {"width": 160, "height": 120}
    content = {
        "images": [{"id": 1, "file_name": "one.jpg"} | sizes | image, {"id": 2, "file_name": "two.jpg"} | sizes],
        "annotations": [annotation, {"id": 2, "image_id": 2, "category_id": 1, "bbox": [10, 10, 30, 30]}],
        "categories": [{"id": 1, "name": "face"}],
    }
    (photos.folder / "coco.json").write_text(json.dumps(content))
    done = convert(photos.folder, tmp_path / "back", to="labelme", come_from="coco")
    assert len(done.rejects) >= 1
    assert "coco.json" in next(iter(done.rejects))[0]
    assert faces(tmp_path / "back")["/two"] == [("face", 10, 10, 40, 40)]
    assert "one" not in {name for name, found in faces(tmp_path / "back").items() if found}


def test_bad_labelme_files_are_named_and_the_rest_goes_on(split: PhotoSet, tmp_path):
    split.label("a", "train").write_text("{")
    split.add("gone", [], part="val").unlink()
    split.add("cut", [rectangle(1, 1, 50, 50)], b"\xff\xd8", part="val")
    split.add("size", [rectangle(1, 1, 50, 50)], part="val", imageWidth=999)
    done = convert(split.folder, tmp_path / "out", to="coco")
    assert [Path(path).name for path, _ in done.rejects] == ["a.json", "cut.jpg", "gone.json", "size.json"]
    assert done.photos == 2
    assert done.rejects.exit_code == 3


def test_photos_that_would_share_a_label_file_are_rejected(photos: PhotoSet, tmp_path):
    photos.add("a", [rectangle(1, 1, 50, 50)], part="train")
    photos.add("a", [], part="val")
    assert not convert(photos.folder, tmp_path / "yolo", to="yolo").rejects
    assert "has the name of" in next(iter(convert(photos.folder, tmp_path / "voc", to="voc").rejects))[1]
    photos.add("a", part="train", suffix=".png")
    done = convert(photos.folder, tmp_path / "labelme", to="labelme")
    assert [Path(path).name for path, _ in done.rejects] == ["a.png"]


def test_mistakes_are_one_line(split: PhotoSet, tmp_path):
    (tmp_path / "full").mkdir()
    (tmp_path / "full" / "x").touch()
    (tmp_path / "empty").mkdir()
    for source, target, more, said in [
        (split.folder, tmp_path / "full", {"to": "coco"}, "there already"),
        (split.folder, split.folder, {"to": "coco"}, "both source and target"),
        (split.folder, tmp_path / "new", {"to": "csv"}, "no format is called csv"),
        (tmp_path / "gone", tmp_path / "new", {"to": "coco"}, "no such file"),
        (tmp_path / "empty", tmp_path / "new", {"to": "coco"}, "no labels in a known format"),
        (tmp_path / "full" / "x", tmp_path / "new", {"to": "coco", "come_from": "coco"}, "no COCO file"),
        (tmp_path / "empty", tmp_path / "new", {"to": "coco", "come_from": "coco"}, "holds no COCO"),
        (tmp_path / "empty", tmp_path / "new", {"to": "coco", "come_from": "voc"}, "holds no Pascal VOC"),
        (tmp_path / "empty", tmp_path / "new", {"to": "coco", "come_from": "yolo", "classes": ["face"]}, "no photos"),
        (split.folder, tmp_path / "new", {"to": "coco", "come_from": "yolo"}, "neither data.yaml nor"),
    ]:
        with pytest.raises(FaceTrackerError, match=said):
            convert(source, target, **more)
    assert not convert(split.folder, tmp_path / "full", to="coco", force=True).rejects
    (split.folder / "data.yaml").write_text("names: 5")
    with pytest.raises(BadFile, match="names no classes"):
        convert(split.folder, tmp_path / "new", to="coco", come_from="yolo")


def test_class_names_from_a_text_file_or_by_hand(photos: PhotoSet, tmp_path):
    photo = photos.add("x")
    photo.with_suffix(".txt").write_text("1 0.5 0.5 0.5 0.5")
    assert convert(photo.parent, tmp_path / "a", to="labelme", classes=["mask", "face"]).classes == ["mask", "face"]
    assert faces(tmp_path / "a") == {"/x": [("face", 40, 30, 120, 90)]}
    (photo.parent / "classes.txt").write_text("face\nhat\n")
    assert faces_after(photo.parent, tmp_path / "b") == ["hat"]
    (photo.parent / "data.yaml").write_text("names: {0: a, 1: b}")
    assert faces_after(photo.parent, tmp_path / "c") == ["b"]


def faces_after(source: Path, target: Path) -> list[str]:
    convert(source, target, to="labelme")
    return [face[0] for found in faces(target).values() for face in found]


def test_without_its_extra_one_line_says_how_to_get_it(monkeypatch, tmp_path):
    monkeypatch.setattr("facetracker.labels.formats.convert.find_spec", lambda name: None)
    with pytest.raises(FaceTrackerError, match=r"other formats need the package supervision\. pip install") as told:
        convert(tmp_path, tmp_path / "out", "coco")
    assert "[convert]" in str(told.value)
