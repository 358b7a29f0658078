"""The stage `augment`: what lies on disk afterwards, what a second run does, and what it refuses."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import cv2
import numpy as np
import pytest
from drawn_photos import draw_photos

from facetracker.core.errors import BadFile, FaceTrackerError
from facetracker.core.example import Example
from facetracker.core.files import write_json
from facetracker.core.photo import read_picture
from facetracker.data.augment.augment import augment
from facetracker.labels.augmented import augmented_json
from facetracker.labels.collection import read_example
from facetracker.labels.labelme import read_labels
from facetracker.labels.pairing import Pair
from facetracker.labels.records import records_in, shards_in
from tests.data.conftest import fingerprint_of


def faces_of(label: Path) -> Example:
    """What stands in the label file of an augmented picture."""
    return read_example(Pair(label.with_suffix(".jpg"), label), size=(100, 100))


def test_train_gets_variants_and_the_others_their_photo(data, tmp_path):
    out = tmp_path / "aug"
    report = augment(data, out, variants=3, workers=1)
    assert len(list((out / "train/images").glob("*.jpg"))) == 12
    assert sorted(path.name for path in (out / "val/images").iterdir()) == ["01-000.0.jpg", "01-001.0.jpg"]
    assert (out / "val/images/01-000.0.jpg").read_bytes() == (data / "val/images/01-000.jpg").read_bytes()
    assert report.made == 7
    assert report.total("pictures") == 15
    assert not report.rejects
    assert read_picture(out / "preview.png").size > 0
    for part in ("train", "val", "test"):
        for image in (out / part / "images").iterdir():
            labels = faces_of(out / part / "labels" / f"{image.stem}.json")
            assert labels.made_from == f"{image.stem.rsplit('.', 1)[0]}.jpg"
            assert ((labels.boxes >= 0) & (labels.boxes <= 1)).all()
    source = read_labels(data / "val/labels/01-001.json")
    clean = faces_of(out / "val/labels/01-001.0.json")
    np.testing.assert_allclose(clean.boxes, source.boxes, atol=1e-5)


def test_the_json_is_the_tutorials_with_our_keys(data, tmp_path):
    augment(data, tmp_path / "aug", variants=2, workers=1, all_parts=True)
    contents = [json.loads(path.read_text()) for path in (tmp_path / "aug").rglob("labels/*.json")]
    assert len(contents) == 14
    for content in contents:
        assert list(content) == ["image", "bbox", "class", "boxes", "labels"]
        assert content["class"] == (1 if content["boxes"] else 0)
        areas = [(x2 - x1) * (y2 - y1) for x1, y1, x2, y2 in content["boxes"]]
        expected = content["boxes"][int(np.argmax(areas))] if areas else [0, 0, 0, 0]
        assert content["bbox"] == expected
    assert any(len(content["boxes"]) > 1 for content in contents)
    assert any(not content["boxes"] for content in contents)


@pytest.mark.parametrize("format", ["jpeg", "tfrecord"])
def test_the_number_of_workers_changes_nothing(data, tmp_path, format):
    one, two = tmp_path / "one", tmp_path / "two"
    augment(data, one, variants=3, workers=1, format=format, pipeline="full")
    augment(data, two, variants=3, workers=2, format=format, pipeline="full")
    assert fingerprint_of(one) == fingerprint_of(two)


@pytest.mark.parametrize("format", ["jpeg", "tfrecord"])
def test_a_second_run_has_nothing_to_do_and_repairs_what_is_missing(data, tmp_path, format):
    out = tmp_path / "aug"
    augment(data, out, variants=2, workers=1, format=format)
    before = fingerprint_of(out)
    again = augment(data, out, variants=2, workers=1, format=format)
    assert (again.made, again.kept) == (0, 7)
    lost = next(iter(sorted((out / "train").rglob("*.jpg" if format == "jpeg" else "*.tfrecord"))))
    lost.unlink()
    (out / "train" / f".part-99999999-{lost.name}").write_bytes(b"half")
    assert augment(data, out, variants=2, workers=1, format=format).made > 0
    assert fingerprint_of(out) == before


def test_records_hold_what_the_files_hold(data, tmp_path):
    augment(data, tmp_path / "files", variants=2, workers=1)
    augment(data, tmp_path / "records", variants=2, workers=1, format="tfrecord")
    (shard,) = shards_in(tmp_path / "records", "train")
    records = {record.name: record for record in records_in(shard)}
    names = sorted(path.name for path in (tmp_path / "files/train/images").iterdir())
    assert sorted(records) == names
    for name in names:
        assert records[name].jpeg == (tmp_path / "files/train/images" / name).read_bytes()
        labels = faces_of((tmp_path / "files/train/labels" / name).with_suffix(".json"))
        np.testing.assert_allclose(records[name].boxes, labels.boxes, atol=1e-6)
        assert records[name].labels == labels.labels
    index = json.loads((tmp_path / "records/train/index.json").read_text())
    assert [entry["pictures"] for entry in index["shards"]] == [8]


def test_many_records_are_dealt_to_several_shards(data, tmp_path, monkeypatch):
    monkeypatch.setattr("facetracker.data.augment.plan.SMALL_SHARD", 4)
    augment(data, tmp_path / "records", variants=2, workers=1, format="tfrecord", size=64)
    shards = shards_in(tmp_path / "records", "train")
    assert [path.name for path in shards] == ["train-00000-of-00002.tfrecord", "train-00001-of-00002.tfrecord"]
    names = [record.name for shard in shards for record in records_in(shard)]
    assert len(set(names)) == 8
    assert {(r.width, r.height) for shard in shards for r in records_in(shard)} == {(64, 64)}


def test_photos_without_a_label_file(data, tmp_path):
    (data / "train/labels/00-001.json").unlink()
    report = augment(data, tmp_path / "a", variants=2, workers=1)
    assert report.unlabelled == 1
    assert not (tmp_path / "a/train/images/00-001.0.jpg").exists()
    assert any("not labelled" in line for line in report.lines())
    augment(data, tmp_path / "b", variants=2, workers=1, unlabelled="no-face")
    assert faces_of(tmp_path / "b/train/labels/00-001.0.json").boxes.shape == (0, 4)


def test_a_bad_photo_stops_nothing(data, tmp_path):
    photo = data / "train/images/00-002.jpg"
    photo.write_bytes(photo.read_bytes()[:500])
    cv2.imwrite(str(data / "train/images/00-001.jpg"), np.zeros((50, 60, 3), np.uint8))
    (data / "val/labels/01-000.json").write_text("{")
    for format in ("jpeg", "tfrecord"):
        out = tmp_path / format
        for _ in range(2):
            report = augment(data, out, variants=2, workers=1, format=format)
            why = dict(report.rejects)
            assert len(why) == 3
            assert "truncated" in why[str(photo)]
            assert "60x50" in why[str(data / "train/images/00-001.jpg")]
            assert report.rejects.exit_code == 3
            assert (out / "rejects.txt").read_text() == report.rejects.as_text()


def test_a_rejects_file_goes_when_all_is_well(data, tmp_path):
    label = data / "val/labels/01-000.json"
    content = label.read_bytes()
    label.write_text("{")
    augment(data, tmp_path / "aug", variants=1, workers=1)
    label.write_bytes(content)
    assert augment(data, tmp_path / "aug", variants=1, workers=1).made == 1
    assert not (tmp_path / "aug/rejects.txt").exists()


def test_other_settings_need_force(data, tmp_path):
    out = tmp_path / "aug"
    augment(data, out, variants=3, workers=1)
    with pytest.raises(FaceTrackerError, match="made with another seed, variants"):
        augment(data, out, variants=2, seed=1, workers=1)
    augment(data, out, variants=2, seed=1, workers=1, force=True)
    augment(data, tmp_path / "fresh", variants=2, seed=1, workers=1)
    assert fingerprint_of(out) == fingerprint_of(tmp_path / "fresh")


def test_a_label_that_changed_needs_force(data, tmp_path):
    out = tmp_path / "aug"
    augment(data, out, variants=2, workers=1)
    label = data / "train/labels/00-001.json"
    write_json(label, {**json.loads(label.read_text()), "shapes": []})
    with pytest.raises(FaceTrackerError, match=r"changed since.*--force"):
        augment(data, out, variants=2, workers=1)
    assert augment(data, out, variants=2, workers=1, force=True).made == 1
    assert faces_of(out / "train/labels/00-001.1.json").boxes.shape == (0, 4)


def test_new_photos_are_added_and_lost_ones_reported(data, tmp_path):
    out = tmp_path / "aug"
    augment(data, out, variants=2, workers=1)
    draw_photos(data / "train", 1, seed=9)
    (data / "train/images/00-000.jpg").unlink()
    (data / "train/labels/00-000.json").unlink()
    report = augment(data, out, variants=2, workers=1)
    assert (report.made, report.kept, report.stale) == (1, 6, 1)
    assert (out / "train/images/00-000.0.jpg").exists()
    augment(data, out, variants=2, workers=1, force=True)
    assert not (out / "train/images/00-000.0.jpg").exists()


def test_shards_of_other_photos_need_force(data, tmp_path, monkeypatch):
    monkeypatch.setattr("facetracker.data.augment.plan.SMALL_SHARD", 4)
    out = tmp_path / "aug"
    augment(data, out, variants=2, workers=1, format="tfrecord")
    draw_photos(data / "train", 3, seed=9)
    with pytest.raises(FaceTrackerError, match="--force"):
        augment(data, out, variants=2, workers=1, format="tfrecord")
    augment(data, out, variants=2, workers=1, format="tfrecord", force=True)
    assert len(shards_in(out, "train")) == len(list((out / "train").glob("*.tfrecord"))) == 4


def test_what_it_refuses(data, tmp_path):
    with pytest.raises(FaceTrackerError, match="photos themselves"):
        augment(data, data)
    with pytest.raises(FaceTrackerError, match="facetracker split"):
        augment(data / "train", tmp_path / "aug")
    with pytest.raises(FaceTrackerError, match="no such folder"):
        augment(tmp_path / "nothing", tmp_path / "aug")
    with pytest.raises(FaceTrackerError, match="between 0 and 1"):
        augment(data, tmp_path / "aug", min_visibility=0)
    shutil.copytree(data, tmp_path / "theirs")
    with pytest.raises(FaceTrackerError, match="did not make"):
        augment(data, tmp_path / "theirs")


def test_a_photo_with_exif_loses_it(data, tmp_path):
    import struct

    photo = data / "val/images/01-000.jpg"
    jpeg = photo.read_bytes()
    tiff = b"II*\x00\x08\x00\x00\x00" + struct.pack("<HHHIHHI", 1, 0x0112, 3, 1, 1, 0, 0)
    exif = b"Exif\x00\x00" + tiff
    photo.write_bytes(jpeg[:2] + b"\xff\xe1" + struct.pack(">H", len(exif) + 2) + exif + jpeg[2:])
    augment(data, tmp_path / "aug", variants=1, workers=1)
    assert b"Exif" not in (tmp_path / "aug/val/images/01-000.0.jpg").read_bytes()


@pytest.mark.parametrize(
    ("content", "boxes", "labels"),
    [
        ({"image": "a.jpg", "bbox": [0.1, 0.2, 0.3, 0.4], "class": 1}, 1, ("face",)),
        ({"image": "a.jpg", "bbox": [0, 0, 0, 0], "class": 0}, 0, ()),
        ({"image": "a.jpg", "bbox": [-0.0001, 0.2, 0.3, 1.0001], "class": 1}, 1, ("face",)),
        (
            {"image": "a.jpg", "class": 1, "bbox": [0, 0, 1, 1], "boxes": [[0, 0, 1, 1], [0, 0, 0.5, 0.5]]},
            2,
            ("face",) * 2,
        ),
    ],
)
def test_the_tutorials_own_label_files_are_read(tmp_path, content, boxes, labels):
    read = faces_of(write_json(tmp_path / "a.0.json", content))
    assert len(read.boxes) == boxes
    assert read.labels == labels
    assert ((read.boxes >= 0) & (read.boxes <= 1)).all()


@pytest.mark.parametrize(
    "content",
    [
        [],
        {"class": 1},
        {"class": 1, "bbox": [0, 0, 1]},
        {"class": 1, "bbox": [0, 0, 0, 0]},
        {"class": 1, "bbox": [0.5, 0, 0.2, 1]},
        {"class": 1, "bbox": [0, 0, 2, 1]},
        {"class": 1, "boxes": 3},
        {"class": 1, "boxes": [[0, 0, 1, 1]], "labels": []},
        {"class": 1, "boxes": [[0, 0, 1, 1]], "labels": [7]},
        {"class": 1, "bbox": [None, 0, 1, 1]},
    ],
)
def test_label_files_that_are_wrong_are_named(tmp_path, content):
    path = write_json(tmp_path / "a.0.json", content)
    with pytest.raises(BadFile, match=r"a\.0\.json"):
        faces_of(path)


def test_the_label_text_is_short_and_exact():
    text = augmented_json("a.jpg", np.array([[0.1, 0.2, 1 / 3, 0.4]], np.float32), ("face",))
    assert text == (
        '{"image": "a.jpg", "bbox": [0.1, 0.2, 0.333333, 0.4], "class": 1, '
        '"boxes": [[0.1, 0.2, 0.333333, 0.4]], "labels": ["face"]}'
    )
