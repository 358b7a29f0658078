"""How it is known that training pictures are crops, and of how much of a frame."""

from __future__ import annotations

import json
import shutil

import numpy as np
import pytest
from drawn_photos import draw_photos

from facetracker.core.photo import write_jpeg
from facetracker.data.augment.augment import augment
from facetracker.data.pool import read_pool
from facetracker.data.scale import crop_of
from facetracker.labels.collection import Collection


def crop_in(folder):
    return crop_of(Collection.open(folder, "train"), Collection.open(folder, "val"))


@pytest.fixture
def frames(tmp_path):
    """Photos of 640x480, split."""
    for seed, part in enumerate(("train", "val")):
        draw_photos(tmp_path / "data" / part, 2, seed=seed, width=640, height=480, faces=1)
    return tmp_path / "data"


@pytest.mark.parametrize(
    ("pipeline", "options", "crop"),
    [
        ("standard", {}, None),
        ("tutorial", {}, 0.9375),  # 450 of 480 pixels
        ("tutorial", {"format": "tfrecord"}, 0.9375),
        ("tutorial", {"size": 96}, 450),
        ("full", {"size": 96}, None),
    ],
)
def test_our_own_pictures(frames, tmp_path, pipeline, options, crop):
    augment(frames, tmp_path / "aug", pipeline=pipeline, variants=3, workers=1, **options)
    assert crop_in(tmp_path / "aug") == crop


def write_set(folder, sizes):
    """An augmented set as the tutorial's scripts write it: three keys, no augment.json."""
    for number, (width, height) in enumerate(sizes):
        write_jpeg(folder / "images" / f"{number}.jpg", np.zeros((height, width, 3), np.uint8))
        content = {"image": "a.jpg", "bbox": [0.2, 0.2, 0.5, 0.6], "class": 1}
        (folder / "labels").mkdir(parents=True, exist_ok=True)
        (folder / "labels" / f"{number}.json").write_text(json.dumps(content))


@pytest.mark.parametrize(
    ("train", "val", "crop"),
    [
        ([(450, 450)] * 4, [(450, 450)] * 2, 450),
        ([(450, 450)] * 4, [(1280, 720)] * 2, 0.625),
        ([(640, 480)] * 4, [(640, 480)] * 2, None),
        ([(450, 450), (300, 300)], [(450, 450)], None),
    ],
)
def test_pictures_of_the_tutorials_own_loop(tmp_path, train, val, crop):
    write_set(tmp_path / "train", train)
    write_set(tmp_path / "val", val)
    assert crop_in(tmp_path) == crop


def test_plain_photos_are_whole_whatever_their_shape(tmp_path):
    for part in ("train", "val"):
        draw_photos(tmp_path / part, 2, width=240, height=240)
    assert crop_in(tmp_path) is None


def test_val_photos_are_cut_around_the_face(frames):
    photos = Collection.open(frames, "val")
    whole, cut = (read_pool(photos, ["face"], 96, 1, crop=crop) for crop in (None, 0.5))
    sides = [pool.boxes[:, 0, 2:] - pool.boxes[:, 0, :2] for pool in (whole, cut)]
    assert cut.pictures.shape == whole.pictures.shape
    np.testing.assert_allclose(sides[1] / sides[0], 640 / 240, rtol=0.25)  # a face at an edge may be clipped


def test_a_face_outside_of_the_part_is_none(tmp_path, frames):
    data = shutil.copytree(frames / "val", tmp_path / "two")
    for path in (data / "labels").glob("*.json"):
        content = json.loads(path.read_text())
        corner = {**content["shapes"][0], "points": [[0, 0], [20, 20]]}
        large = {**content["shapes"][0], "points": [[440, 240], [600, 440]]}
        path.write_text(json.dumps({**content, "shapes": [corner, large]}))
    photos = Collection.open(data)
    assert (read_pool(photos, ["face"], 96, 2).classes == 0).all()
    assert read_pool(photos, ["face"], 96, 2, crop=0.5).classes.tolist() == [[0, -1]] * len(photos)
