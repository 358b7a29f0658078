"""Where photos and labels are looked for, what a collection holds, and that whatever is left out is named."""

from __future__ import annotations

import shutil

import cv2
import numpy as np
import pytest
from drawn_photos import draw_photos

from facetracker.core.errors import BadFile, FaceTrackerError
from facetracker.core.files import write_json
from facetracker.core.photo import encode_jpeg, photo_size, read_picture
from facetracker.data.summary import summarise
from facetracker.labels.collection import Collection, kind_of, parts_of
from facetracker.labels.pairing import places_in


def test_all_parts_or_one(data):
    assert parts_of(data) == ["train", "val", "test"]
    whole = Collection.open(data)
    assert len(whole) == 7
    assert whole.classes == ["face"]
    for found in (Collection.open(data, "val"), whole.part("val")):
        assert [example.stem for example in found] == ["01-000", "01-001"]
        assert [example.part for example in found] == ["val", "val"]
        assert found[0].width == 160
        assert found[0].source == data / "val/labels/01-000.json"


def test_a_missing_part_says_what_there_is(data):
    shutil.rmtree(data / "test")
    with pytest.raises(FaceTrackerError, match="only train, val"):
        Collection.open(data, "test")
    with pytest.raises(FaceTrackerError, match="no part is called tests"):
        Collection.open(data, "tests")
    with pytest.raises(FaceTrackerError, match="not split yet"):
        Collection.open(data / "train", "train")


def test_folders_not_split(data, tmp_path):
    assert len(Collection.open(data / "train")) == 4
    assert places_in(data / "train").whole.images == data / "train/images"
    flat = tmp_path / "flat"
    flat.mkdir()
    for path in (*(data / "train/images").iterdir(), *(data / "train/labels").iterdir()):
        shutil.copy(path, flat)
    assert len(Collection.open(flat)) == 4
    with pytest.raises(FaceTrackerError, match="holds 4 label files but no photo"):
        Collection.open(tmp_path / "data" / "train" / "labels")


def test_labels_that_the_tutorial_has_not_moved_yet(data):
    shutil.move(data / "train/labels", data / "labels")
    assert {example.source.parent for example in Collection.open(data, "train")} == {data / "labels"}
    (data / "labels/ghost.json").write_text("{}")
    assert places_in(data).every_pair().orphans == [data / "labels/ghost.json"]
    assert len(Collection.open(data, "train")) == 4


def test_orphans_doubles_and_damaged_files_are_named(data):
    write_json(data / "train/labels/ghost.json", {"shapes": []})
    (data / "train/labels/00-000.json").write_text("{")
    (data / "train/labels/00-001.json").unlink()
    cv2.imwrite(str(data / "train/images/00-002.png"), np.zeros((9, 9, 3), np.uint8))
    found = Collection.open(data, "train")
    assert [path.name for path in found.orphans] == ["ghost.json"]
    assert [path.name for path in found.unlabelled] == ["00-001.jpg"]
    assert len(found) == 2
    assert sorted(path.rsplit("/", 1)[1] for path, _ in found.rejects) == ["00-000.json", "00-002.png"]
    assert {(path.name, why.split(" (")[0]) for path, why in found.skipped} == {
        ("00-001.jpg", "not labelled"),
        ("ghost.json", "no photo"),
        ("00-000.json", "not readable as JSON"),
        ("00-002.png", "another photo has the same stem 00-002"),
    }
    empty_too = Collection.open(data, "train", unlabelled="no-face")
    assert len(empty_too) == 3
    assert not empty_too.unlabelled
    assert len(next(example for example in empty_too if example.stem == "00-001")) == 0


def test_labels_for_a_picture_of_another_size_are_refused(data):
    path = data / "val/labels/01-000.json"
    path.write_text(path.read_text().replace('"imageWidth": 160', '"imageWidth": 170'))
    found = Collection.open(data, "val")
    assert [example.stem for example in found] == ["01-001"]
    assert list(found.rejects) == [(str(path), "is for a picture of 170x120 pixels, the photo has 160x120")]


def test_beside_a_split_only_photos_of_no_part_count(data):
    draw_photos(data, 3, seed=0)  # the first three are in train as well
    draw_photos(data, 1, seed=9)
    pairs = places_in(data).every_pair().pairs
    assert [(pair.part, pair.stem) for pair in pairs if pair.part == ""] == [("", "09-000")]
    assert len(pairs) == 8
    assert [folder.images for folder in places_in(data).to_label()] == [data / "images"]
    assert len(Collection.open(data)) == 7


def test_what_a_folder_holds_is_told_from_its_files(data, tmp_path, monkeypatch):
    from facetracker.data.augment.augment import augment

    assert kind_of(data) == kind_of(data / "train") == "labelme"
    augment(data, tmp_path / "files", variants=1, workers=1)
    augment(data, tmp_path / "records", variants=1, workers=1, format="tfrecord")
    (
        tmp_path / "files/train/labels" / sorted(p.name for p in (tmp_path / "files/train/labels").iterdir())[0]
    ).write_text("{")
    assert kind_of(tmp_path / "files") == "augmented"
    assert kind_of(tmp_path / "records") == "records"
    for kind, count in (("files", 3), ("records", 4)):
        found = Collection.open(tmp_path / kind, "train")
        assert len(found) == count
        assert found[0].picture().shape[2] == 3
        assert found[0].made_from.endswith(".jpg")
    with pytest.raises(FaceTrackerError, match="no part"):
        Collection.open(tmp_path / "records", "tests")
    with pytest.raises(FaceTrackerError, match="no such folder"):
        Collection.open(tmp_path / "nothing")
    monkeypatch.setattr("facetracker.labels.collection.free_memory", lambda: 1000)
    with pytest.raises(FaceTrackerError, match="GB of memory are free"):
        Collection.open(tmp_path / "records", "train")
    assert len(Collection.open(tmp_path / "records", "train", pictures=False)) == 4


def test_the_size_of_a_picture_from_its_header(tmp_path):
    picture = np.zeros((50, 70, 3), np.uint8)
    path = tmp_path / "a.jpg"
    path.write_bytes(encode_jpeg(picture))
    assert photo_size(path) == (70, 50)
    for name, options in (("a.png", []), ("a.webp", []), ("p.jpg", [cv2.IMWRITE_JPEG_PROGRESSIVE, 1])):
        cv2.imwrite(str(tmp_path / name), picture, options)
        assert photo_size(tmp_path / name) == (70, 50)


@pytest.mark.parametrize(
    ("content", "why"), [(b"", "empty"), (b"\xff\xd8\xff\xe0 cut", "truncated"), (b"text", "picture")]
)
def test_damaged_pictures_are_refused(tmp_path, content, why):
    path = tmp_path / "a.jpg"
    path.write_bytes(content)
    with pytest.raises(BadFile, match=why):
        photo_size(path)
    with pytest.raises(BadFile, match="cannot be read"):
        photo_size(tmp_path / "gone.jpg")


def test_the_summary_counts(data):
    photos = Collection.open(data)
    summary = summarise(photos)
    assert summary.pictures == 7
    assert summary.faces == sum(len(sample) for sample in Collection.open(data))
    assert summary.without_face == sum(not len(sample) for sample in Collection.open(data)) > 0
    assert summary.parts == {"train": 4, "val": 2, "test": 1}
    assert summary.labels == {"face": summary.faces}
    text = "\n".join(summary.lines())
    assert f"7 pictures, {summary.faces} faces" in text
    assert "everywhere" not in text


def test_the_summary_warns_where_every_picture_has_a_face(data, tmp_path):
    draw_photos(tmp_path / "faces", 3, faces=1)
    assert any("everywhere" in line for line in summarise(Collection.open(tmp_path / "faces")).lines())


def test_classes(data, tmp_path):
    photos = Collection.open(data)
    assert photos.class_names() == ["face"]
    assert photos.class_names(["person"]) == ["person"]
    draw_photos(tmp_path / "masks", 6, masks=True, faces=2)
    masks = Collection.open(tmp_path / "masks")
    assert masks.class_names() == ["with_mask", "without_mask"]
    assert masks.class_names(["face"]) == ["face"]
    assert masks.class_names(["without_mask", "with_mask", "x"]) == ["without_mask", "with_mask", "x"]
    with pytest.raises(FaceTrackerError, match="Did you mean with_masks"):
        masks.class_names(["with_masks", "without_mask"])


def test_pictures_are_upright(tmp_path, data):
    photos = Collection.open(data, "val")
    assert (photos[0].picture() == read_picture(data / "val/images/01-000.jpg")).all()
