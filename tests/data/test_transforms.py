"""albumentations' pipelines: the look-up table, the crops that fit, seeds, and mistakes in the file."""

from __future__ import annotations

import random

import albumentations as A
import numpy as np
import pytest
import yaml

from facetracker.core.boxes import as_boxes, empty
from facetracker.core.errors import FaceTrackerError
from facetracker.data.augment.draft import Draft, DraftPhoto
from facetracker.data.augment.transforms import (
    LookUp,
    Pipeline,
    fitting_crop,
    is_pointwise,
    pipeline_names,
    read_pipeline,
)
from facetracker.scenes import photo

PICTURE = photo(0, 0, width=320, height=240, faces=1)


def compose(*transforms: dict) -> dict:
    return {"transform": {"__class_fullname__": "Compose", "transforms": list(transforms)}}


def colours(p: float = 0.5) -> list[A.BasicTransform]:
    return [A.RandomBrightnessContrast(p=p), A.RandomGamma(p=p), A.RGBShift(p=p)]


@pytest.mark.parametrize("name", pipeline_names())
def test_each_pipeline_draws_a_picture_with_its_faces(name: str):
    picture, boxes, owners = Pipeline(read_pipeline(name)).draw(PICTURE.picture, PICTURE.boxes, 3)
    assert picture.dtype == np.uint8
    assert picture.shape[2] == 3
    assert len(boxes) == len(owners) == 1


def test_the_package_has_the_presets_of_the_issue():
    assert pipeline_names() == ["full", "rough", "standard", "turned", "tutorial"]
    names = [step["__class_fullname__"] for step in read_pipeline("tutorial")["transform"]["transforms"]]
    assert names == [
        "AtLeastOneBBoxRandomCrop",
        "HorizontalFlip",
        "RandomBrightnessContrast",
        "RandomGamma",
        "RGBShift",
    ]


def test_the_look_up_table_gives_albumentations_own_values():
    fused, single = LookUp(colours()), colours()
    worst = changed = 0
    for seed in range(200):
        for transforms in (fused.transforms, single):
            dice, generator = random.Random(seed), np.random.default_rng(seed)
            for transform in transforms:
                transform.set_random_state(generator, dice)
        draft = Draft(DraftPhoto(PICTURE.picture), np.zeros((0, 5), np.float32))
        fused.apply(draft)
        ours = draft.pixels()
        theirs = PICTURE.picture
        for transform in single:
            theirs = transform(image=theirs)["image"]
        worst = max(worst, int(np.abs(ours.astype(int) - theirs).max()))
        changed += bool((ours != PICTURE.picture).any())
    assert worst <= 1
    assert changed > 100


def test_what_depends_on_the_whole_picture_is_not_fused():
    assert is_pointwise(A.RandomGamma())
    assert not is_pointwise(A.RandomBrightnessContrast(brightness_by_max=False))
    assert not is_pointwise(A.GaussianBlur())
    pipeline = Pipeline(read_pipeline("tutorial"))
    assert sum(isinstance(step, LookUp) for step in pipeline.steps) == 1
    assert len(pipeline.steps) == 3


@pytest.mark.parametrize("name", pipeline_names())
def test_the_steps_draw_what_albumentations_alone_would(name: str):
    ours, plain = Pipeline(read_pipeline(name)), Pipeline(read_pipeline(name))
    crops = [crop for crops in plain._crops for crop in crops]
    plain.steps, plain._crops = plain.transforms, [crops for _ in plain.transforms]
    for seed in range(20):
        picture, boxes, owners = ours.draw(PICTURE.picture, PICTURE.boxes, seed)
        other, other_boxes, other_owners = plain.draw(PICTURE.picture, PICTURE.boxes, seed)
        assert picture.shape == other.shape
        assert np.abs(picture.astype(int) - other).max() <= 1
        np.testing.assert_allclose(boxes, other_boxes, atol=1e-6)
        assert owners == other_owners


def test_the_seed_decides():
    pipeline = Pipeline(read_pipeline("full"))
    first, boxes, _ = pipeline.draw(PICTURE.picture, PICTURE.boxes, 1)
    pipeline.draw(PICTURE.picture, PICTURE.boxes, 2)
    again, same_boxes, _ = pipeline.draw(PICTURE.picture, PICTURE.boxes, 1)
    assert (first == again).all()
    assert (boxes == same_boxes).all()
    other, *_ = pipeline.draw(PICTURE.picture, PICTURE.boxes, 3)
    assert first.shape != other.shape or (first != other).any()


def test_a_drawing_leaves_the_photo_alone():
    before = PICTURE.picture.copy()
    pipeline = Pipeline(read_pipeline("standard"))
    for seed in range(10):
        pipeline.draw(PICTURE.picture, PICTURE.boxes, seed)
    assert (PICTURE.picture == before).all()


def test_boxes_follow_the_picture_through_flip_and_crop():
    canvas = np.zeros((240, 320, 3), np.uint8)
    canvas[60:120, 80:180] = 255
    box = as_boxes([[80 / 320, 60 / 240, 180 / 320, 120 / 240]])
    spec = compose(
        {"__class_fullname__": "RandomCrop", "width": 200, "height": 200, "p": 1.0},
        {"__class_fullname__": "HorizontalFlip", "p": 0.5},
        {"__class_fullname__": "VerticalFlip", "p": 0.5},
    )
    pipeline = Pipeline(spec)
    for seed in range(30):
        picture, boxes, _ = pipeline.draw(canvas, box, seed)
        rows, columns = np.nonzero(picture[:, :, 0])
        seen = [columns.min(), rows.min(), columns.max() + 1, rows.max() + 1]
        np.testing.assert_allclose(np.clip(boxes[0], 0, 1) * 200, seen, atol=1e-3)


@pytest.mark.parametrize(
    ("size", "boxes", "expected"),
    [
        ((640, 480), empty(), (450, 450)),
        ((1280, 720), empty(), (450, 450)),
        ((400, 300), empty(), (281, 281)),  # too small: by the tutorial's share of 450 to 480
        ((300, 400), empty(), (281, 281)),
        ((1280, 720), as_boxes([[0.1, 0.1, 0.5, 0.9]]), (662, 662)),  # grows to hold a face of 576 pixels
        ((640, 480), as_boxes([[0.1, 0.0, 0.9, 1.0]]), (480, 480)),  # as large as fits
    ],
)
def test_the_crop_fits_the_picture_and_the_face(size, boxes, expected):
    assert fitting_crop(450, 450, *size, boxes) == expected


def test_a_crop_larger_than_the_picture_is_no_error():
    spec = compose({"__class_fullname__": "RandomCrop", "width": 450, "height": 450, "p": 1.0})
    picture, *_ = Pipeline(spec).draw(PICTURE.picture, PICTURE.boxes, 0)
    assert picture.shape == (225, 225, 3)
    padded = compose({"__class_fullname__": "RandomCrop", "width": 450, "height": 450, "pad_if_needed": True, "p": 1.0})
    picture, *_ = Pipeline(padded).draw(PICTURE.picture, empty(), 0)
    assert picture.shape == (450, 450, 3)


def test_crops_inside_one_of_fit_too():
    crop = {"__class_fullname__": "RandomCrop", "width": 450, "height": 450, "p": 1.0}
    spec = compose({"__class_fullname__": "OneOf", "p": 1.0, "transforms": [crop, crop]})
    picture, *_ = Pipeline(spec).draw(PICTURE.picture, PICTURE.boxes, 0)
    assert picture.shape == (225, 225, 3)


def test_a_users_own_file(tmp_path):
    path = tmp_path / "mine.yaml"
    A.save(A.Compose([A.HorizontalFlip(p=1.0)]), path, data_format="yaml")
    picture, *_ = Pipeline(read_pipeline(path)).draw(PICTURE.picture, PICTURE.boxes, 0)
    assert (picture == PICTURE.picture[:, ::-1]).all()


def test_a_mistyped_name_gets_the_nearest():
    with pytest.raises(FaceTrackerError, match="Did you mean standard"):
        read_pipeline("standart")


@pytest.mark.parametrize(
    "content", [{"transform": {"__class_fullname__": "NoSuchThing"}}, {"transforms": []}, {"a": 1}, {}]
)
def test_a_file_that_is_no_pipeline(tmp_path, content):
    path = tmp_path / "bad.yaml"
    path.write_text(yaml.safe_dump(content))
    with pytest.raises(FaceTrackerError, match="no albumentations pipeline"):
        read_pipeline(path)


def test_a_single_transform_is_no_pipeline(tmp_path):
    path = tmp_path / "one.yaml"
    A.save(A.HorizontalFlip(), path, data_format="yaml")
    with pytest.raises(FaceTrackerError, match="not a pipeline"):
        read_pipeline(path)


def test_an_argument_that_albumentations_ignores_is_said(tmp_path, capsys):
    path = tmp_path / "typo.yaml"
    path.write_text(yaml.safe_dump(compose({"__class_fullname__": "HorizontalFlip", "p": 0.5, "propability": 1.0})))
    read_pipeline(path)
    assert "propability" in capsys.readouterr().err
