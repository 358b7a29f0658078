"""Where photos and labels are looked for, and that whatever has no partner is named."""

from __future__ import annotations

import shutil

import cv2
import numpy as np
import pytest

from facetracker.core.errors import BadFile, FaceTrackerError
from facetracker.core.files import write_json
from facetracker.core.photo import encode_jpeg, read_picture
from facetracker.data.layout import lay_out, parts_of, samples_in, unsplit_images
from facetracker.data.summary import summarise
from facetracker.data.table import kind_of, look_at, read_table


def test_all_parts_or_one(data):
    assert parts_of(data) == ["train", "val", "test"]
    assert len(samples_in(data)) == 7
    found = samples_in(data, "val")
    assert [sample.stem for sample in found] == ["01-000", "01-001"]
    assert found.parts == ["val", "val"]
    assert found[0].width == 160


def test_a_missing_part_says_what_there_is(data):
    shutil.rmtree(data / "test")
    with pytest.raises(FaceTrackerError, match="only train, val"):
        lay_out(data, "test")
    with pytest.raises(FaceTrackerError, match="no part is called tests"):
        lay_out(data, "tests")
    with pytest.raises(FaceTrackerError, match="not split yet"):
        lay_out(data / "train", "train")


def test_folders_not_split(data, tmp_path, draw):
    assert len(samples_in(data / "train")) == 4
    assert unsplit_images(data / "train") == data / "train/images"
    flat = tmp_path / "flat"
    flat.mkdir()
    for path in (*(data / "train/images").iterdir(), *(data / "train/labels").iterdir()):
        shutil.copy(path, flat)
    assert len(samples_in(flat)) == 4
    with pytest.raises(FaceTrackerError, match="holds no photos"):
        lay_out(tmp_path / "data" / "train" / "labels")


def test_labels_that_the_tutorial_has_not_moved_yet(data):
    shutil.move(data / "train/labels", data / "labels")
    layout = lay_out(data, "train")
    assert {pair.label.parent for pair in layout.pairs} == {data / "labels"}
    assert len(samples_in(data, "train")) == 4


def test_orphans_doubles_and_damaged_files_are_named(data):
    write_json(data / "train/labels/ghost.json", {"shapes": []})
    (data / "train/labels/00-000.json").write_text("{")
    (data / "train/labels/00-001.json").unlink()
    cv2.imwrite(str(data / "train/images/00-002.png"), np.zeros((9, 9, 3), np.uint8))
    for found in (samples_in(data, "train"), read_table(data, "train")):
        assert [path.name for path in found.orphans] == ["ghost.json"]
        assert [path.name for path in found.unlabelled] == ["00-001.jpg"]
        assert len(found) == 2
        assert sorted(path.rsplit("/", 1)[1] for path, _ in found.rejects) == ["00-000.json", "00-002.png"]
    assert len(samples_in(data, "train", unlabelled="no-face")) == 3
    table = read_table(data, "train", unlabelled="no-face")
    assert table.boxes[table.names.index("00-001")].shape == (0, 4)
    assert not table.unlabelled or table.unlabelled == []


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
        table = read_table(tmp_path / kind, "train")
        assert len(table) == count
        assert table.picture(0).shape[2] == 3
    with pytest.raises(FaceTrackerError, match="no part"):
        read_table(tmp_path / "records", "tests")
    with pytest.raises(FaceTrackerError, match="no such folder"):
        read_table(tmp_path / "nothing")
    monkeypatch.setattr("facetracker.data.table.free_memory", lambda: 1000)
    with pytest.raises(FaceTrackerError, match="GB of memory are free"):
        read_table(tmp_path / "records", "train")
    assert len(read_table(tmp_path / "records", "train", pictures=False)) == 4


def test_the_size_of_a_picture_from_its_first_bytes(tmp_path):
    picture = np.zeros((50, 70, 3), np.uint8)
    path = tmp_path / "a.jpg"
    path.write_bytes(encode_jpeg(picture))
    assert look_at(path) == ((70, 50), True)
    cv2.imwrite(str(tmp_path / "a.png"), picture)
    assert look_at(tmp_path / "a.png") == ((70, 50), False)
    cv2.imwrite(str(tmp_path / "p.jpg"), picture, [cv2.IMWRITE_JPEG_PROGRESSIVE, 1])
    assert look_at(tmp_path / "p.jpg") == ((70, 50), True)


@pytest.mark.parametrize(
    ("content", "why"), [(b"", "empty"), (b"\xff\xd8\xff\xe0 cut", "truncated"), (b"text", "picture")]
)
def test_damaged_pictures_are_refused(tmp_path, content, why):
    path = tmp_path / "a.jpg"
    path.write_bytes(content)
    with pytest.raises(BadFile, match=why):
        look_at(path)
    with pytest.raises(BadFile, match="cannot be read"):
        look_at(tmp_path / "gone.jpg")


def test_the_summary_counts(data):
    table = read_table(data)
    summary = summarise(table)
    assert summary.pictures == 7
    assert summary.faces == sum(len(sample) for sample in samples_in(data))
    assert summary.without_face == sum(not len(sample) for sample in samples_in(data)) > 0
    assert summary.parts == {"train": 4, "val": 2, "test": 1}
    assert summary.labels == {"face": summary.faces}
    assert summary.as_dict()["most_faces"] == summary.most_faces
    text = "\n".join(summary.lines())
    assert f"7 pictures, {summary.faces} faces" in text
    assert "everywhere" not in text


def test_the_summary_warns_where_every_picture_has_a_face(data, draw, tmp_path):
    draw(tmp_path / "faces", 3, faces=1)
    assert any("everywhere" in line for line in summarise(read_table(tmp_path / "faces")).lines())


def test_classes(data, tmp_path, draw):
    table = read_table(data)
    assert table.class_names() == ["face"]
    assert table.class_names(["person"]) == ["person"]
    draw(tmp_path / "masks", 6, masks=True, faces=2)
    masks = read_table(tmp_path / "masks")
    assert masks.class_names() == ["with_mask", "without_mask"]
    assert masks.class_names(["face"]) == ["face"]
    assert masks.class_names(["without_mask", "with_mask", "x"]) == ["without_mask", "with_mask", "x"]
    with pytest.raises(FaceTrackerError, match="Did you mean with_masks"):
        masks.class_names(["with_masks", "without_mask"])


def test_pictures_are_upright(tmp_path, data):
    table = read_table(data, "val")
    assert (table.picture(0) == read_picture(data / "val/images/01-000.jpg")).all()
