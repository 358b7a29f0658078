"""Composing from photos of every kind of file; the pictures follow from their numbers alone."""

import shutil

import cv2
import numpy as np
import pytest
from drawn import write_photos

from facetracker.core.boxes import as_boxes
from facetracker.core.sample import Sample
from facetracker.data.augment.augment import augment
from facetracker.data.table import read_table
from facetracker.labels.labelme import write_labels
from facetracker.training.composed import composable, composing


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """Four JPEGs, one of them without a face, and a PNG whose face fills it."""
    folder = write_photos(tmp_path_factory.mktemp("composed"), 4, seed=3)
    full = np.full((48, 64, 3), 180, np.uint8)
    cv2.imwrite(str(folder / "images" / "zfull.png"), full)
    sample = Sample(folder / "images" / "zfull.png", 64, 48, as_boxes([[0.1, 0.05, 0.9, 0.95]]), ("mask",))
    write_labels(folder / "labels" / "zfull.json", sample)
    return folder


def test_a_picture_depends_on_its_number_alone(folder):
    table = read_table(folder)
    pictures, boxes, kinds = composing(table, ["face", "mask"], 64, 6, seed=1)(10, 4)
    assert (pictures.shape, boxes.shape, kinds.shape) == ((4, 64, 64, 3), (4, 6, 4), (4, 6))
    assert (pictures.dtype, boxes.dtype, kinds.dtype) == (np.uint8, np.float32, np.int32)
    later = composing(table, ["face", "mask"], 64, 6, seed=1)(12, 2)
    for whole, part in zip((pictures, boxes, kinds), later, strict=True):
        assert np.array_equal(whole[2:], part)
    assert not np.array_equal(pictures, composing(table, ["face", "mask"], 64, 6, seed=2)(10, 4)[0])


def test_photos_come_with_their_classes_and_a_face_that_fills_one_may_be_pasted(folder):
    photos = composable(read_table(folder), ["face", "mask"])
    assert [photo.classes.tolist() for photo in photos] == [[0], [0], [0], [], [1]]
    assert [photo.pasteable for photo in photos] == [False, False, False, False, True]
    for photo in photos:  # whatever the file was
        assert cv2.imdecode(np.frombuffer(photo.data, np.uint8), cv2.IMREAD_COLOR).shape == (48, 64, 3)


def test_records_are_composed_from_as_well(folder, tmp_path):
    shutil.copytree(folder, tmp_path / "data" / "train")
    augment(tmp_path / "data", tmp_path / "records", variants=1, workers=1, format="tfrecord")
    table = read_table(tmp_path / "records", "train")
    assert [photo.data for photo in composable(table, ["face", "mask"])] == table.jpegs


def test_a_photo_that_is_gone_is_left_out(folder, tmp_path):
    shutil.copytree(folder, tmp_path / "photos")
    table = read_table(tmp_path / "photos")
    (tmp_path / "photos" / "images" / "zfull.png").unlink()
    assert len(composable(table, ["face", "mask"])) == 4
