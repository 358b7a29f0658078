import json
import shutil

import numpy as np
import pytest
from drawn import HEIGHT, WIDTH, write_photos

from facetracker.core.boxes import IGNORED
from facetracker.core.errors import FaceTrackerError
from facetracker.core.letterbox import Letterbox
from facetracker.core.photo import read_picture
from facetracker.core.settings import load_settings
from facetracker.data.pool import class_number
from facetracker.training.photos import read_photos


def settings(preset, *changes):
    return load_settings(preset, changes)


def test_split_labelme_photos_become_two_pools(photos_folder, tiny_preset):
    photos = read_photos(photos_folder, settings(tiny_preset))
    assert (len(photos.train), len(photos.val), photos.classes) == (24, 8, ["face"])
    assert photos.train.pictures.shape == (24, 64, 64, 3)
    assert photos.train.boxes.shape == (24, 1, 4)
    assert int((photos.train.classes >= 0).sum()) == 18
    assert not photos.rejects


def test_pictures_and_boxes_are_letterboxed_as_in_the_runtime(photos_folder, tiny_preset):
    photos = read_photos(photos_folder, settings(tiny_preset))
    name = photos.train.names[0]
    content = json.loads((photos_folder / "train" / "labels" / f"{name}.json").read_text())
    (a, b), (c, d) = content["shapes"][0]["points"]
    box = np.array([[min(a, c) / WIDTH, min(b, d) / HEIGHT, max(a, c) / WIDTH, max(b, d) / HEIGHT]])
    assert photos.train.boxes[0] == pytest.approx(Letterbox(WIDTH, HEIGHT, 64, 64).to_input(box), abs=1e-4)
    picture = read_picture(photos_folder / "train" / "images" / f"{name}.jpg")
    assert np.array_equal(photos.train.pictures[0, 8:56], picture[..., ::-1])
    assert (photos.train.pictures[0, :8] == 114).all()


def test_the_tutorials_augmented_folder_is_read(tmp_path, tiny_preset):
    write_photos(tmp_path / "train", 4, seed=5, empty_every=2)
    for path in (tmp_path / "train" / "labels").glob("*.json"):
        shapes = json.loads(path.read_text())["shapes"]
        content = {"image": f"{path.stem}.jpg", "bbox": [0, 0, 0, 0], "class": 0}
        if shapes:
            content |= {"bbox": [0.25, 0.25, 0.5, 0.75], "class": 1}
        path.write_text(json.dumps(content))
    photos = read_photos(tmp_path, settings(tiny_preset))
    assert photos.val is None
    assert photos.train.classes[:, 0].tolist() == [0, -1, 0, -1]
    # x stays, y is squeezed to the letterbox's three quarters
    assert photos.train.boxes[0, 0] == pytest.approx([0.25, 0.3125, 0.5, 0.6875])


def test_a_folder_that_is_not_split_is_trained_on_whole(tmp_path, tiny_preset):
    write_photos(tmp_path, 5, seed=6)
    photos = read_photos(tmp_path, settings(tiny_preset))
    assert len(photos.train) == 5
    assert photos.val is None


def test_a_bad_photo_is_left_out_and_named(photos_folder, tmp_path, tiny_preset):
    data = shutil.copytree(photos_folder, tmp_path / "photos")
    bad = sorted((data / "train" / "images").iterdir())[3]
    bad.write_bytes(bad.read_bytes()[:400])
    photos = read_photos(data, settings(tiny_preset))
    assert len(photos.train) == 23
    assert bad.stem in photos.rejects.as_text()
    assert "truncated" in photos.rejects.as_text()
    whole = read_photos(photos_folder, settings(tiny_preset)).train
    for row, name in enumerate(photos.train.names):
        assert np.array_equal(photos.train.pictures[row], whole.pictures[whole.names.index(name)])


def test_a_picture_that_breaks_only_when_decoded_is_left_out_too(photos_folder, tmp_path, tiny_preset):
    data = shutil.copytree(photos_folder, tmp_path / "photos")
    bad = sorted((data / "train" / "images").iterdir())[0]
    content = bad.read_bytes()
    bad.write_bytes(content[:2] + bytes(200) + content[-2:])
    photos = read_photos(data, settings(tiny_preset))
    whole = read_photos(photos_folder, settings(tiny_preset)).train
    assert photos.train.names == whole.names[1:]
    assert np.array_equal(photos.train.pictures, whole.pictures[1:])
    assert np.array_equal(photos.train.boxes, whole.boxes[1:])
    assert bad.stem in photos.rejects.as_text()


def test_val_can_be_thinned_out(photos_folder, tiny_preset):
    photos = read_photos(photos_folder, settings(tiny_preset, "training.val_pictures=3"))
    whole = read_photos(photos_folder, settings(tiny_preset)).val
    assert photos.val.names == [whole.names[row] for row in (0, 4, 7)]


def test_only_the_largest_faces_stay(photos_folder, tmp_path, tiny_preset):
    data = shutil.copytree(photos_folder, tmp_path / "photos")
    label = sorted((data / "train" / "labels").iterdir())[0]
    content = json.loads(label.read_text())
    content["shapes"].append({**content["shapes"][0], "points": [[0, 0], [5, 5]]})
    label.write_text(json.dumps(content))
    both = read_photos(data, settings(tiny_preset)).train
    largest = read_photos(data, settings(tiny_preset, "data.max_faces=1")).train
    assert both.boxes.shape[1] == 2
    assert largest.boxes.shape[1] == 1
    assert (largest.boxes[0, 0, 2:] - largest.boxes[0, 0, :2]).min() > 0.2


def test_an_empty_folder_is_a_mistake(tmp_path, tiny_preset):
    (tmp_path / "train" / "images").mkdir(parents=True)
    with pytest.raises(FaceTrackerError, match="no labelled photo"):
        read_photos(tmp_path, settings(tiny_preset))
    with pytest.raises(FaceTrackerError, match="no such folder"):
        read_photos(tmp_path / "nowhere", settings(tiny_preset))
    (tmp_path / "only" / "val" / "images").mkdir(parents=True)
    with pytest.raises(FaceTrackerError, match="no part train"):
        read_photos(tmp_path / "only", settings(tiny_preset))


def test_a_val_label_that_training_does_not_know_is_a_mistake(tmp_path, tiny_preset):
    write_photos(tmp_path / "train", 4, seed=1, label="cat")
    write_photos(tmp_path / "val", 4, seed=2, label="dog")
    with pytest.raises(FaceTrackerError, match="dog"):
        read_photos(tmp_path, settings(tiny_preset, "model.classes=[cat, bird]"))


def test_class_numbers():
    assert class_number("anything", ["face"]) == 0
    assert class_number("b", ["a", "b"]) == 1
    assert class_number("c", ["a", "b"]) == IGNORED


def test_what_does_not_fit_into_memory_lies_in_a_file(photos_folder, tiny_preset, monkeypatch):
    usual = read_photos(photos_folder, settings(tiny_preset)).train
    monkeypatch.setattr("facetracker.data.pool.MEMORY_SHARE", 0.0)
    mapped = read_photos(photos_folder, settings(tiny_preset)).train
    assert isinstance(mapped.pictures, np.memmap)
    assert np.array_equal(mapped.pictures, usual.pictures)


def test_pictures_can_be_kept_out_of_memory_when_asked(photos_folder, tiny_preset):
    assert isinstance(read_photos(photos_folder, settings(tiny_preset, "data.cache=none")).val.pictures, np.memmap)
