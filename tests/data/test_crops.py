"""Cutting faces out: the geometry, the folders, the split, and what cannot be cut."""

from __future__ import annotations

import csv
import shutil

import numpy as np
import pytest

from facetracker.core.crop import cut_face, fit_square
from facetracker.core.errors import FaceTrackerError
from facetracker.core.hashing import fingerprint
from facetracker.core.photo import read_picture, write_jpeg
from facetracker.data.crops import crops
from facetracker.data.folders import read_folder


def test_the_middle_is_the_share_of_the_shorter_side_that_was_asked_for():
    picture = np.zeros((80, 120, 3), np.uint8)
    picture[10:70, 30:90] = 255  # 60 of 80 in the middle
    assert (fit_square(picture, 60, 0.75) == 255).all()
    assert (fit_square(picture, 40, 1.0)[0] == 0).all()
    assert fit_square(picture, 40, 1.0)[20, 20, 0] == 255


def test_a_crop_is_a_square_with_its_margin():
    picture = np.arange(100 * 200 * 3, dtype=np.uint32).reshape(100, 200, 3)
    crop = cut_face(picture, (50, 30, 70, 60), margin=0.1)
    # 30 pixels high, 3 more on each side; its middle is that of the box
    np.testing.assert_array_equal(crop, picture[27:63, 42:78])
    np.testing.assert_array_equal(cut_face(picture, (50, 30, 80, 60), 0.0), picture[30:60, 50:80])


def test_what_lies_beside_the_photo_repeats_its_edge():
    picture = np.arange(16, dtype=np.uint8).reshape(4, 4, 1).repeat(3, axis=2)
    crop = cut_face(picture, (-2, -2, 2, 2), 0.0)
    np.testing.assert_array_equal(crop[..., 0], [[0, 0, 0, 1], [0, 0, 0, 1], [0, 0, 0, 1], [4, 4, 4, 5]])


def test_shrinking_averages_and_bars_fill_up():
    stripes = np.zeros((64, 64, 3), np.uint8)
    stripes[:, ::2] = 255
    assert np.abs(fit_square(stripes, 16).astype(int) - 127).max() <= 1
    wide = fit_square(np.full((20, 40, 3), 255, np.uint8), 32)
    assert (wide[:8] == 114).all()
    assert (wide[8:24] == 255).all()
    assert (wide[24:] == 114).all()


def test_the_parts_and_classes_become_folders(masks, faces):
    folder = read_folder(faces)
    assert folder.classes == ["with_mask", "without_mask"]
    assert folder.margin == 0.15
    with (faces / "crops.csv").open() as file:
        rows = list(csv.DictReader(file))
    assert {row["file"] for row in rows} == {path.relative_to(faces).as_posix() for path in faces.rglob("*.jpg")}
    for row in rows[:10]:
        assert (masks / row["part"] / "images" / row["photo"]).is_file()
        crop = read_picture(faces / row["file"])
        longer = max(float(row["width"]), float(row["height"]))
        assert crop.shape[0] == crop.shape[1] == pytest.approx(longer * 1.3, abs=1.1)
    assert all(face.size >= 16 for face in folder.faces)


def test_photos_that_are_not_split_are_split_by_likeness(masks, tmp_path):
    flat = tmp_path / "flat"
    shutil.copytree(masks / "train" / "images", flat / "images")
    shutil.copytree(masks / "train" / "labels", flat / "labels")
    twin = flat / "images" / "07-000.jpg"
    for number in range(8):  # nearly the same picture again and again
        write_jpeg(flat / "images" / f"twin-{number}.jpg", np.clip(read_picture(twin).astype(int) + number, 0, 255))
        label = (flat / "labels" / "07-000.json").read_text().replace("07-000", f"twin-{number}")
        (flat / "labels" / f"twin-{number}.json").write_text(label)
    report = crops(flat, tmp_path / "out")
    assert set(report.counts) == {"train", "val", "test"}
    twins = {path.parent.parent.name for path in (tmp_path / "out").rglob("twin-*.jpg")}
    assert len(twins) == 1
    shares = [sum(report.counts[name].values()) for name in ("train", "val", "test")]
    assert shares[0] > 2 * shares[2] > 2 * shares[1]


def test_parts_may_be_called_as_others_call_them(faces, tmp_path):
    for part, name in (("train", "Train"), ("val", "Validation"), ("test", "Test")):
        shutil.copytree(faces / part, tmp_path / name)
    ours, theirs = read_folder(faces), read_folder(tmp_path)
    assert [theirs.line(part) for part in ("train", "val", "test")] == ours.lines()
    assert theirs.how == "as in the folder"


def test_class_folders_without_parts_are_split_without_near_twins_on_two_sides(tmp_path, faces):
    folder = tmp_path / "flat"
    for path in faces.rglob("*.jpg"):
        (folder / path.parent.name).mkdir(parents=True, exist_ok=True)
        shutil.copy(path, folder / path.parent.name / path.name)
    found = read_folder(folder)
    assert found.how.startswith("split 7:1:2")
    prints = {name: [fingerprint(read_picture(face.path)) for face in found.of(name)] for name in ("train", "test")}
    assert min((a ^ b).bit_count() for a in prints["test"] for b in prints["train"]) > 5
    assert len(found.of("train")) == pytest.approx(0.7 * len(found.faces), abs=3)


def test_small_faces_and_other_classes_are_left_out(masks, tmp_path):
    report = crops(masks, tmp_path / "large", smallest=60)
    assert report.too_small > 0
    assert all(face.size >= 60 for face in read_folder(tmp_path / "large").faces)
    report = crops(masks, tmp_path / "one", classes=["with_mask"])
    assert {name for counts in report.counts.values() for name in counts} == {"with_mask"}
    with pytest.raises(FaceTrackerError, match=r"no face is labelled mask\. There are: with_mask, without_mask"):
        crops(masks, tmp_path / "none", classes=["mask"])


def test_a_second_time_only_replaces_its_own_files(masks, tmp_path):
    crops(masks, tmp_path / "out")
    with pytest.raises(FaceTrackerError, match="is there already"):
        crops(masks, tmp_path / "out")
    (tmp_path / "out" / "train" / "with_mask" / "mine.jpg").write_bytes(b"not theirs")
    crops(masks, tmp_path / "out", smallest=60, force=True)
    names = [path.name for path in (tmp_path / "out").rglob("*.jpg")]
    assert "mine.jpg" in names
    with (tmp_path / "out" / "crops.csv").open() as file:
        assert len(names) == len(list(csv.DictReader(file))) + 1
    (tmp_path / "photos").mkdir()
    (tmp_path / "photos" / "a.txt").write_text("mine")
    with pytest.raises(FaceTrackerError, match="is there already"):
        crops(masks, tmp_path / "photos", force=True)


def test_a_damaged_photo_is_counted_and_the_rest_is_cut(masks, tmp_path):
    broken = tmp_path / "broken"
    shutil.copytree(masks / "test", broken)
    (broken / "images" / "07-080.jpg").write_bytes((broken / "images" / "07-080.jpg").read_bytes()[:900])
    report = crops(broken, tmp_path / "out")
    assert report.rejects.exit_code == 3
    assert report.counts
    # Photos that are not split are looked at before, for their likeness: still it is counted once.
    shutil.move(broken, tmp_path / "flat")
    again = crops(tmp_path / "flat", tmp_path / "again")
    assert [path for path, _ in again.rejects] == [str(tmp_path / "flat" / "images" / "07-080.jpg")]


@pytest.mark.parametrize("make", ["empty", "one class", "no photos"])
def test_a_folder_without_classes_says_what_is_expected(make, tmp_path):
    if make == "one class":
        write_jpeg(tmp_path / "with_mask" / "a.jpg", np.zeros((9, 9, 3), np.uint8))
    elif make == "no photos":
        (tmp_path / "with_mask").mkdir()
    with pytest.raises(FaceTrackerError, match="two classes or more"):
        read_folder(tmp_path)
