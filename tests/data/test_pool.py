"""Pictures at the network's size with the right boxes, from every stage and whatever the file is."""

from __future__ import annotations

import json
import shutil
import struct

import cv2
import numpy as np
import pytest
from drawn_photos import draw_photos

from facetracker.core import letterbox as geometry
from facetracker.core.boxes import as_boxes
from facetracker.core.example import Example
from facetracker.core.files import write_json
from facetracker.core.photo import write_jpeg
from facetracker.data.augment.augment import augment
from facetracker.data.pool import Pool, read_pool
from facetracker.labels.collection import Collection
from facetracker.labels.labelme import write_labels


@pytest.fixture(scope="module")
def stages(tmp_path_factory):
    """One drawn set at every stage; boxes of the same five photos."""
    folder = tmp_path_factory.mktemp("stages")
    draw_photos(folder / "data" / "train", 4)
    draw_photos(folder / "data" / "train", 1, seed=1, faces=0)
    augment(folder / "data", folder / "files", variants=2, workers=1)
    augment(folder / "data", folder / "records", variants=2, workers=1, format="tfrecord")
    shutil.copytree(folder / "files", folder / "tutorial")
    for path in (folder / "tutorial").rglob("labels/*.json"):
        content = json.loads(path.read_text())
        write_json(path, {key: content[key] for key in ("image", "bbox", "class")})
    return folder


def pool_of(folder, size: int = 96, classes=("face",), most: int = 8) -> Pool:
    return read_pool(Collection.open(folder), classes, size, most)


def faces_in(pool: Pool) -> list[int]:
    return (pool.classes >= 0).sum(axis=1).tolist()


def test_straight_from_labelme_folders(stages):
    photos, pool = Collection.open(stages / "data"), pool_of(stages / "data")
    assert pool.names == [example.stem for example in photos]
    for row, example in enumerate(photos):
        expected, place = geometry.letterbox(example.picture(), 96, 96)
        assert np.array_equal(pool.pictures[row][:, :, ::-1], expected)
        boxes, wanted = pool.boxes[row][pool.classes[row] >= 0], place.to_input(example.boxes)
        np.testing.assert_allclose(boxes[np.lexsort(boxes.T)], wanted[np.lexsort(wanted.T)], atol=1e-6)
        assert (pool.boxes[row][pool.classes[row] < 0] == 0).all()


def test_records_and_files_hold_the_same(stages):
    files, records = pool_of(stages / "files"), pool_of(stages / "records")
    assert len(files) == len(records) == 10
    where = {name: row for row, name in enumerate(records.names)}
    for row, name in enumerate(files.names):
        assert np.array_equal(files.pictures[row], records.pictures[where[name]])
        np.testing.assert_allclose(files.boxes[row], records.boxes[where[name]], atol=1e-5)


def test_the_tutorials_own_aug_data_has_one_face_a_picture(stages):
    all_faces = faces_in(pool_of(stages / "files"))
    assert faces_in(pool_of(stages / "tutorial")) == [min(1, count) for count in all_faces]
    assert max(all_faces) > 1


def test_classes_are_numbered_as_wanted(tmp_path):
    draw_photos(tmp_path / "masks", 4, faces=2, masks=True)
    kinds = pool_of(tmp_path / "masks", classes=["without_mask", "with_mask"]).classes
    assert set(kinds[kinds >= 0]) == {0, 1}
    assert set(np.unique(pool_of(tmp_path / "masks").classes)) == {-1, 0}


def test_of_too_many_faces_the_largest_stay(tmp_path):
    boxes = as_boxes([[0, 0, 0.1, 0.1], [0, 0, 0.5, 0.5], [0, 0, 0.3, 0.3]])
    path = write_jpeg(tmp_path / "images" / "a.jpg", np.zeros((50, 50, 3), np.uint8))
    write_labels(tmp_path / "labels/a.json", Example(path, 50, 50, boxes, ("face",) * 3))
    np.testing.assert_allclose(pool_of(tmp_path, most=2).boxes[0], boxes[[1, 2]], atol=1e-6)


def test_photos_come_upright_whatever_their_format(tmp_path):
    """One on its side by EXIF, a PNG and a WebP, beside a plain JPEG."""
    left_dark = np.full((60, 80, 3), 255, np.uint8)
    left_dark[:, :40] = 0
    images = tmp_path / "images"
    images.mkdir()
    jpeg = cv2.imencode(".jpg", left_dark)[1].tobytes()
    exif = b"Exif\x00\x00II*\x00\x08\x00\x00\x00" + struct.pack("<HHHIHHI", 1, 0x0112, 3, 1, 6, 0, 0)
    (images / "exif.jpg").write_bytes(jpeg[:2] + b"\xff\xe1" + struct.pack(">H", len(exif) + 2) + exif + jpeg[2:])
    (images / "plain.jpg").write_bytes(jpeg)
    cv2.imwrite(str(images / "png.png"), left_dark)
    cv2.imwrite(str(images / "webp.webp"), left_dark)
    for photo in images.iterdir():
        width, height = (60, 80) if photo.stem == "exif" else (80, 60)
        example = Example(photo, width, height, as_boxes([[0.25, 0.25, 0.75, 0.75]]), ("face",))
        write_labels(tmp_path / "labels" / f"{photo.stem}.json", example)
    photos = Collection.open(tmp_path)
    assert not photos.rejects
    turned, *upright = read_pool(photos, ["face"], 80, 1).pictures
    assert turned[10, 40].max() < 30  # what was left is now at the top
    assert turned[70, 40].min() > 225
    for picture in upright:
        assert picture[40, 10].max() < 30
        assert picture[40, 70].min() > 225
        assert (picture[2, 40] == geometry.GREY).all()
    for example in photos:  # and as a JPEG that any decoder turns out upright
        plain = cv2.imdecode(
            np.frombuffer(example.as_jpeg(), np.uint8), cv2.IMREAD_COLOR | cv2.IMREAD_IGNORE_ORIENTATION
        )
        assert plain.shape[:2] == (example.height, example.width)


def test_a_picture_damaged_in_its_middle_is_left_out_and_named(stages, tmp_path):
    shutil.copytree(stages / "files", tmp_path / "files")
    victim = sorted((tmp_path / "files/train/images").iterdir())[3]
    data = bytearray(victim.read_bytes())
    at = data.index(b"\xff\xda")
    del data[at : len(data) - 2]  # headers and the end marker, no picture
    victim.write_bytes(data)
    photos = Collection.open(tmp_path / "files")
    pool = read_pool(photos, ["face"], 32, 1)
    assert len(photos) == 10
    assert len(pool) == 9
    assert victim.stem not in pool.names
    assert [path for path, _ in photos.rejects] == [str(victim)]


def test_what_does_not_fit_into_memory_lies_in_a_file(stages, monkeypatch):
    kept = pool_of(stages / "data")
    assert not isinstance(kept.pictures, np.memmap)
    monkeypatch.setattr("facetracker.data.pool.free_memory", lambda: 1000)
    filed = pool_of(stages / "data")
    assert isinstance(filed.pictures, np.memmap)
    assert np.array_equal(filed.pictures, kept.pictures)
