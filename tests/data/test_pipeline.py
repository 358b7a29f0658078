"""Batches: the right pictures with the right boxes, from every stage, in an order that can be had again."""

from __future__ import annotations

import json
import shutil
import struct

import cv2
import numpy as np
import pytest
import tensorflow as tf

from facetracker.core import letterbox as with_opencv
from facetracker.core.boxes import as_boxes
from facetracker.core.errors import FaceTrackerError
from facetracker.core.files import write_json
from facetracker.core.machine import free_memory
from facetracker.core.photo import read_picture, write_jpeg
from facetracker.core.sample import Sample
from facetracker.core.settings import DataSettings
from facetracker.data.augment.augment import augment
from facetracker.data.layout import samples_in
from facetracker.data.pipeline import letterbox, load_dataset, open_pictures
from facetracker.labels.labelme import write_labels

SETTINGS = {"none": DataSettings(batch_size=2, cache="none"), "memory": DataSettings(batch_size=2, cache="memory")}
CACHES = pytest.mark.parametrize("cache", ["none", "memory"])


@pytest.fixture(scope="module")
def stages(tmp_path_factory, draw):
    """One drawn set at every stage; boxes of the same five photos."""
    folder = tmp_path_factory.mktemp("stages")
    draw(folder / "data" / "train", 4)
    draw(folder / "data" / "train", 1, seed=1, faces=0)
    augment(folder / "data", folder / "files", variants=2, workers=1)
    augment(folder / "data", folder / "records", variants=2, workers=1, format="tfrecord")
    augment(folder / "data", folder / "small", variants=2, workers=1, format="tfrecord", size=64)
    shutil.copytree(folder / "files", folder / "tutorial")
    for path in (folder / "tutorial").rglob("labels/*.json"):
        content = json.loads(path.read_text())
        write_json(path, {key: content[key] for key in ("image", "bbox", "class")})
    return folder


def unbatched(batches) -> list[tuple[np.ndarray, np.ndarray]]:
    """(picture, its real boxes) of every row."""
    rows = []
    for pictures, targets in batches:
        assert pictures.dtype == tf.uint8
        assert targets["boxes"].shape[1:] == (64, 4)
        assert targets["classes"].dtype == tf.int32
        for picture, boxes, kinds in zip(
            pictures.numpy(), targets["boxes"].numpy(), targets["classes"].numpy(), strict=True
        ):
            assert (boxes[kinds < 0] == 0).all()
            rows.append((picture, boxes[kinds >= 0]))
    return rows


@pytest.mark.parametrize(
    "shape", [(480, 640), (640, 480), (450, 450), (120, 120), (64, 48), (333, 777), (1, 500), (240, 240)]
)
def test_the_letterbox_is_the_runtimes_to_one_grey_level(shape):
    picture = np.random.default_rng(0).integers(0, 255, (*shape, 3), np.uint8)
    picture = cv2.GaussianBlur(picture, (5, 5), 0)
    expected, _ = with_opencv.letterbox(picture, 120, 120)
    ours = letterbox(tf.constant(picture), 120).numpy()
    assert np.abs(ours.astype(int) - expected).max() <= 1


@CACHES
def test_straight_from_labelme_folders(stages, cache):
    samples = list(samples_in(stages / "data", "train"))
    rows = unbatched(load_dataset(stages / "data", "train", image_size=96, data=SETTINGS[cache]))
    assert len(rows) == 5
    for (picture, boxes), sample in zip(rows, samples, strict=True):
        expected, place = with_opencv.letterbox(read_picture(sample.photo), 96, 96)
        assert np.abs(picture[:, :, ::-1].astype(int) - expected).mean() < 1
        order = np.lexsort(place.to_input(sample.boxes).T)
        np.testing.assert_allclose(boxes[np.lexsort(boxes.T)], place.to_input(sample.boxes)[order], atol=1e-6)


@CACHES
def test_records_and_files_hold_the_same(stages, cache):
    key = lambda row: row[0].tobytes()  # noqa: E731
    files = sorted(unbatched(load_dataset(stages / "files", "train", image_size=96, data=SETTINGS[cache])), key=key)
    records = sorted(unbatched(load_dataset(stages / "records", "train", image_size=96, data=SETTINGS[cache])), key=key)
    assert len(files) == len(records) == 10
    for (picture, boxes), (other, other_boxes) in zip(files, records, strict=True):
        assert (picture == other).all()
        np.testing.assert_allclose(boxes, other_boxes, atol=1e-5)


@CACHES
def test_records_at_the_training_size_are_taken_as_they_are(stages, cache):
    pictures = open_pictures(stages / "small", "train", image_size=64, data=SETTINGS[cache])
    rows = unbatched(pictures.batches())
    for (picture, boxes), jpeg, expected in zip(rows, pictures.table.jpegs, pictures.table.boxes, strict=True):
        decoded = cv2.imdecode(np.frombuffer(jpeg, np.uint8), cv2.IMREAD_COLOR)
        assert np.abs(picture[:, :, ::-1].astype(int) - decoded).max() <= 2
        assert len(boxes) == len(expected)


def test_the_tutorials_own_aug_data_has_one_face_a_picture(stages):
    rows = unbatched(load_dataset(stages / "tutorial", "train", image_size=96))
    full = unbatched(load_dataset(stages / "files", "train", image_size=96))
    assert [len(boxes) for _, boxes in rows] == [min(1, len(boxes)) for _, boxes in full]
    assert max(len(boxes) for _, boxes in full) > 1


@CACHES
def test_shuffling_reaches_every_row_and_changes_each_time(stages, cache):
    batches = load_dataset(stages / "files", "train", image_size=32, data=SETTINGS[cache], shuffle=True, seed=1)
    first, second = ([picture.tobytes() for picture, _ in unbatched(batches)] for _ in range(2))
    assert sorted(first) == sorted(second)
    assert first != second
    plain = load_dataset(stages / "files", "train", image_size=32, data=SETTINGS[cache])
    assert sorted(picture.tobytes() for picture, _ in unbatched(plain)) == sorted(first)


def test_classes_are_numbered_as_wanted(tmp_path, draw):
    draw(tmp_path / "masks", 4, faces=2, masks=True)
    table = open_pictures(tmp_path / "masks", None, classes=["without_mask", "with_mask"])
    for _, targets in table.batches():
        kinds = targets["classes"].numpy()
        assert set(kinds[kinds >= 0]) == {0, 1}
    single = open_pictures(tmp_path / "masks", None, classes=["face"])
    assert set(np.unique(np.concatenate([t["classes"].numpy().ravel() for _, t in single.batches()]))) == {-1, 0}


def test_of_too_many_faces_the_largest_stay(tmp_path):
    boxes = as_boxes([[0, 0, 0.1, 0.1], [0, 0, 0.5, 0.5], [0, 0, 0.3, 0.3]])
    path = write_jpeg(tmp_path / "images" / "a.jpg", np.zeros((50, 50, 3), np.uint8))
    (tmp_path / "labels").mkdir()
    write_labels(tmp_path / "labels/a.json", Sample(path, 50, 50, boxes, ("face",) * 3))
    ((_, targets),) = load_dataset(tmp_path, None, data=DataSettings(max_faces=2))
    np.testing.assert_allclose(targets["boxes"][0], boxes[[1, 2]], atol=1e-6)


@CACHES
def test_pictures_that_tensorflow_would_read_wrongly(tmp_path, cache):
    """One on its side by EXIF, a PNG and a WebP, among plain JPEGs of other sizes."""
    left_dark = np.full((60, 80, 3), 255, np.uint8)
    left_dark[:, :40] = 0
    images = tmp_path / "images"
    images.mkdir()
    (tmp_path / "labels").mkdir()
    jpeg = cv2.imencode(".jpg", left_dark)[1].tobytes()
    exif = b"Exif\x00\x00II*\x00\x08\x00\x00\x00" + struct.pack("<HHHIHHI", 1, 0x0112, 3, 1, 6, 0, 0)
    (images / "exif.jpg").write_bytes(jpeg[:2] + b"\xff\xe1" + struct.pack(">H", len(exif) + 2) + exif + jpeg[2:])
    (images / "plain.jpg").write_bytes(jpeg)
    cv2.imwrite(str(images / "png.png"), left_dark)
    cv2.imwrite(str(images / "webp.webp"), left_dark)
    for name, width, height in (
        ("exif.jpg", 60, 80),
        ("plain.jpg", 80, 60),
        ("png.png", 80, 60),
        ("webp.webp", 80, 60),
    ):
        sample = Sample(images / name, width, height, as_boxes([[0.25, 0.25, 0.75, 0.75]]), ("face",))
        write_labels(tmp_path / "labels" / f"{sample.stem}.json", sample)
    rows = unbatched(load_dataset(tmp_path, None, image_size=80, data=SETTINGS[cache]))
    turned, *upright = [picture for picture, _ in rows]
    assert turned[10, 40].max() < 30  # what was left is now at the top
    assert turned[70, 40].min() > 225
    for picture in upright:
        assert picture[40, 10].max() < 30
        assert picture[40, 70].min() > 225
        assert (picture[2, 40] == with_opencv.GREY).all()


@CACHES
def test_a_picture_damaged_in_its_middle_is_left_out_and_named(stages, tmp_path, cache):
    shutil.copytree(stages / "files", tmp_path / "files")
    victim = sorted((tmp_path / "files/train/images").iterdir())[3]
    data = bytearray(victim.read_bytes())
    at = data.index(b"\xff\xda")
    del data[at : len(data) - 2]  # headers and the end marker, no picture
    victim.write_bytes(data)
    pictures = open_pictures(tmp_path / "files", "train", image_size=32, data=SETTINGS[cache])
    for _ in range(2):
        assert len(unbatched(pictures.batches(shuffle=True))) == 9
        assert [path for path, _ in pictures.table.rejects] == [str(victim)]
    assert pictures.summary.rejects == 1


def test_nothing_to_load(tmp_path, stages):
    write_jpeg(tmp_path / "images" / "a.jpg", np.zeros((9, 9, 3), np.uint8))
    with pytest.raises(FaceTrackerError, match="no labelled picture"):
        load_dataset(tmp_path, None)
    with pytest.raises(FaceTrackerError, match="has no part"):
        load_dataset(stages / "data", "val")


def test_what_does_not_fit_into_memory_is_not_kept(stages, monkeypatch):
    pictures = open_pictures(stages / "data", "train", image_size=32)
    assert pictures.in_memory
    monkeypatch.setattr("facetracker.data.pool.free_memory", lambda: 1000)
    assert not pictures.in_memory
    assert free_memory() > 1 << 20
    assert pictures.summary.pictures == len(pictures) == 5
