"""Composing from photos of every kind of file; the pictures follow from their numbers alone."""

import shutil

import cv2
import numpy as np
import pytest
from drawn import write_photos

from facetracker.core.boxes import as_boxes
from facetracker.core.example import Example
from facetracker.data.augment.augment import augment
from facetracker.labels.collection import Collection
from facetracker.labels.labelme import write_labels
from facetracker.training.light import composable, composing


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """Four JPEGs, one of them without a face, and a PNG whose face fills it."""
    folder = write_photos(tmp_path_factory.mktemp("composed"), 4, seed=3)
    full = np.full((48, 64, 3), 180, np.uint8)
    cv2.imwrite(str(folder / "images" / "zfull.png"), full)
    sample = Example(folder / "images" / "zfull.png", 64, 48, as_boxes([[0.1, 0.05, 0.9, 0.95]]), ("mask",))
    write_labels(folder / "labels" / "zfull.json", sample)
    return folder


def composed(photos: Collection, seed: int, epoch: int, step: int, count: int):
    """A batch of so many pictures of 64 pixels with six rows of targets; an epoch has `12 // count` steps."""
    shape = np.zeros((count, 64, 64, 3), np.uint8), np.zeros((count, 6, 4), np.float32), np.zeros((count, 6), np.int32)
    return composing(photos, ["face", "mask"], seed, steps=12 // count)(*shape, [seed, epoch, step])


def test_a_picture_depends_on_its_number_alone(folder):
    found = Collection.open(folder)
    pictures, boxes, kinds = composed(found, 1, 2, 1, 4)
    assert (pictures.shape, boxes.shape, kinds.shape) == ((4, 64, 64, 3), (4, 6, 4), (4, 6))
    assert (pictures.dtype, boxes.dtype, kinds.dtype) == (np.uint8, np.float32, np.int32)
    later = composed(found, 1, 2, 3, 2)
    for whole, part in zip((pictures, boxes, kinds), later, strict=True):
        assert np.array_equal(whole[2:], part)
    assert not np.array_equal(pictures, composed(found, 2, 2, 1, 4)[0])


def test_photos_come_with_their_classes_and_a_face_that_fills_one_may_be_pasted(folder):
    photos = composable(Collection.open(folder), ["face", "mask"])
    assert [photo.classes.tolist() for photo in photos] == [[0], [0], [0], [], [1]]
    assert [photo.pasteable for photo in photos] == [False, False, False, False, True]
    for photo in photos:  # whatever the file was
        assert cv2.imdecode(np.frombuffer(photo.data, np.uint8), cv2.IMREAD_COLOR).shape == (48, 64, 3)


def test_records_are_composed_from_as_well(folder, tmp_path):
    shutil.copytree(folder, tmp_path / "data" / "train")
    augment(tmp_path / "data", tmp_path / "records", variants=1, workers=1, format="tfrecord")
    found = Collection.open(tmp_path / "records", "train")
    assert [photo.data for photo in composable(found, ["face", "mask"])] == [example.jpeg for example in found]


def test_a_photo_that_is_gone_is_left_out(folder, tmp_path):
    shutil.copytree(folder, tmp_path / "photos")
    found = Collection.open(tmp_path / "photos")
    (tmp_path / "photos" / "images" / "zfull.png").unlink()
    assert len(composable(found, ["face", "mask"])) == 4
