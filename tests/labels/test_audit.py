"""The audit: every kind of fault is found, nothing sound is accused, the report can be read."""

from __future__ import annotations

import json
from pathlib import Path

import cv2
import numpy as np
import pytest
from photo_set import PhotoSet, draw, rectangle

from facetracker.cluster.tasks import WorkerDied
from facetracker.core.errors import FaceTrackerError
from facetracker.core.photo import read_picture
from facetracker.core.sheet import GREEN
from facetracker.labels.audit import audit as audit_module
from facetracker.labels.audit.audit import audit
from facetracker.labels.audit.checks import KINDS, Audit
from facetracker.labels.audit.contact_sheet import PER_KIND
from facetracker.labels.audit.report import WIDTH, as_text

FACE = rectangle(20, 20, 80, 90)


def kinds(result: Audit, photo: str) -> set[str]:
    return {finding.kind for finding in result.findings if Path(finding.photo).stem == photo}


def test_a_sound_set_has_no_faults(photos: PhotoSet):
    photos.add("a", [FACE])
    photos.add("b", [rectangle(0, 0, 160, 120), rectangle(10, 10, 40, 40, label="mask")])
    photos.add("c", [], flags={"no_face": True})
    photos.add("d")
    result = audit(photos.folder, out=None)
    assert result.faulty == set()
    assert result.exit_code == 0
    assert result.counts == {"not labelled": 1, "no face": 1}
    part = result.parts[""]
    assert (part.photos, part.labelled, part.no_face, part.faces) == (4, 3, 1, 3)
    assert result.classes == {"face": 2, "mask": 1}
    assert "No faults" in as_text(result)


LABEL_FAULTS = {
    "wrong corner order": [rectangle(80, 20, 20, 90)],
    "outside the picture": [rectangle(-4, 20, 80, 90)],
    "far outside the picture": [rectangle(20, 20, 80, 9e9)],
    "degenerate": [FACE, rectangle(50, 50, 50, 90)],
    "broken shape": [{"label": "face", "points": [[1, 2]], "shape_type": "rectangle"}],
    "same face twice": [FACE, rectangle(20, 20, 80.5, 90)],
    "shape left out": [{"label": "nose", "points": [[1, 2]], "shape_type": "point"}, FACE],
}


@pytest.mark.parametrize(("kind", "shapes"), LABEL_FAULTS.items(), ids=LABEL_FAULTS)
def test_faults_of_a_label_file(photos: PhotoSet, kind, shapes):
    photos.add("good", [FACE])
    photos.add("bad", shapes)
    result = audit(photos.folder, out=None)
    assert kinds(result, "bad") == {kind}
    assert kinds(result, "good") == set()


def test_sizes_flags_and_unreadable_labels(photos: PhotoSet):
    photos.add("larger", [FACE], imageWidth=640, imageHeight=480)
    photos.add("nosize", [FACE], imageWidth=None)
    photos.add("flag", [FACE], flags={"no_face": True})
    photos.add("text", []).touch()
    photos.label("text").write_text("{")
    photos.add("augmented")
    photos.label("augmented").write_text('{"image": "a.jpg", "bbox": [0, 0, 1, 1], "class": 1}')
    result = audit(photos.folder, out=None)
    assert kinds(result, "larger") == kinds(result, "nosize") == {"size differs"}
    assert kinds(result, "flag") == {"no_face with faces"}
    assert kinds(result, "text") == kinds(result, "augmented") == {"unreadable label"}
    assert result.exit_code == 3
    details = {Path(finding.photo).stem: finding.detail for finding in result.of("size differs")}
    assert details["larger"] == "says 640x480, the picture has 160x120"


def test_the_label_of_another_photo_that_is_here_too(photos: PhotoSet):
    photos.add("mine", [FACE])
    photos.add("copied", [FACE], imagePath="..\\images\\mine.jpg")
    photos.add("renamed", [FACE], imagePath="../images/what it was called before.jpg")
    result = audit(photos.folder, out=None)
    assert kinds(result, "copied") == {"label of another photo"}
    assert kinds(result, "mine") == kinds(result, "renamed") == set()


def test_sideways_photo_counts_upright(photos: PhotoSet):
    """Pixels lie sideways, EXIF says turn: labelme and we see 120x160."""
    from PIL import Image

    photo = photos.add("phone", [FACE], imageWidth=120, imageHeight=160)
    turned = Image.Exif()
    turned[0x0112] = 6
    Image.fromarray(draw(5)).save(photo, exif=turned)
    assert audit(photos.folder, out=None).faulty == set()


def test_pictures_that_cannot_be_used(photos: PhotoSet):
    sharp = draw(3)
    whole = cv2.imencode(".jpg", sharp)[1].tobytes()
    photos.add("cut", [FACE], whole[: len(whole) // 2])
    photos.add("empty", [FACE], b"")
    photos.add("text", [FACE], b"not a picture")
    photos.add("black", [FACE], np.full((120, 160, 3), 4, np.uint8))
    photos.add("flat", [FACE], np.full((120, 160, 3), 150, np.uint8))
    photos.add("blurred", [FACE], cv2.GaussianBlur(sharp, (0, 0), 12))
    photos.add("large and sharp", [FACE], cv2.resize(draw(4), (1600, 1200), interpolation=cv2.INTER_NEAREST))
    result = audit(photos.folder, out=None)
    for name in ("cut", "empty", "text"):
        assert kinds(result, name) == {"unreadable picture"}
    assert kinds(result, "black") == kinds(result, "flat") == {"black or empty"}
    assert kinds(result, "blurred") == {"blurred"}
    assert kinds(result, "large and sharp") == {"size differs"}
    assert "truncated" in result.of("unreadable picture")[0].detail


def test_a_jpeg_that_lost_its_middle(photos: PhotoSet, capfd):
    """It decodes without an error, its lower part is made up; only libjpeg's mutter on stderr tells."""
    whole = cv2.imencode(".jpg", draw(3))[1].tobytes()
    photos.add("lost", [FACE], whole[:2500] + whole[-200:])
    photos.add("whole", [FACE], whole)
    result = audit(photos.folder, out=None)
    assert kinds(result, "lost") == {"damaged picture"}
    assert kinds(result, "whole") == set()
    assert "Corrupt" not in capfd.readouterr().err


def test_wrong_classes_with_the_nearest_known(photos: PhotoSet):
    photos.add("a", [rectangle(20, 20, 80, 90, label="fase")])
    photos.add("b", [FACE])
    wrong = audit(photos.folder, classes=["face", "mask"], out=None).of("wrong class")
    assert [(finding.photo, finding.detail) for finding in wrong] == [("images/a.jpg", "fase, face?")]
    (photos.folder / "labels.txt").write_text("__ignore__\nfase\n")
    assert [finding.photo for finding in audit(photos.folder, out=None).of("wrong class")] == ["images/b.jpg"]


def test_without_a_list_a_rare_misspelling_is_suspected(photos: PhotoSet):
    photos.add("many", [rectangle(5 * n, 5, 5 * n + 4, 100) for n in range(20)])
    photos.add("a", [rectangle(20, 20, 80, 90, label="Face ")])
    photos.add("b", [rectangle(20, 20, 80, 90, label="bicycle")])
    wrong = audit(photos.folder, out=None).of("wrong class")
    assert [finding.photo for finding in wrong] == ["images/a.jpg"]


def test_copies_and_near_duplicates_also_across_the_split(photos: PhotoSet):
    one, two = draw(1), draw(2)
    nudged = np.clip(one.astype(int) + 3, 0, 255).astype(np.uint8)
    photos.add("a", [FACE], one, "train")
    photos.add("copy", [FACE], one, "train")
    photos.add("nudged", [FACE], nudged, "val")
    photos.add("other", [FACE], two, "train")
    photos.add("other copy", [FACE], two, "test")
    result = audit(photos.folder, out=None)
    assert {name: kinds(result, name) for name in ("a", "other")} == {"a": set(), "other": set()}
    assert kinds(result, "copy") == {"duplicate"}
    assert kinds(result, "nudged") == {"near-duplicate across the split"}
    assert kinds(result, "other copy") == {"duplicate across the split"}
    assert result.of("near-duplicate across the split")[0].other == "train/images/a.jpg"
    assert set(result.parts) == {"train", "val", "test"}


def test_like_fingerprints_alone_accuse_nobody(photos: PhotoSet):
    """Bright to the left, dark to the right: the same 64 bits, different pictures."""
    slope = np.linspace(230, 30, 160)[None, :, None] * np.ones((120, 1, 3))
    step = np.where(np.arange(160) < 20, 250, np.linspace(40, 30, 160))[None, :, None] * np.ones((120, 1, 3))
    noise = np.random.default_rng(0).normal(0, 6, (120, 160, 1))
    photos.add("slope", [FACE], np.clip(slope + noise, 0, 255).astype(np.uint8))
    photos.add("step", [FACE], np.clip(step + noise, 0, 255).astype(np.uint8))
    assert audit(photos.folder, out=None).findings == []


def test_orphans_and_shared_names(photos: PhotoSet):
    photos.add("gone", [FACE]).unlink()
    photos.add("twin", [FACE])
    photos.add("twin", suffix=".png")
    result = audit(photos.folder, out=None)
    assert [finding.photo for finding in result.of("label without a photo")] == ["labels/gone.json"]
    assert [finding.photo for finding in result.of("two photos, one label")] == ["images/twin.png"]


def test_labels_left_behind_by_a_split_by_hand(photos: PhotoSet, tmp_path):
    """The tutorial moves the pictures first; their labels still lie in data/labels."""
    photos.add("a", part="train")
    photos.add("b", [rectangle(80, 20, 20, 90)]).rename(photos.folder / "train" / "images" / "b.jpg")
    photos.add("lost", []).unlink()
    result = audit(photos.folder, out=tmp_path / "out")
    assert kinds(result, "a") == {"not labelled"}
    assert kinds(result, "b") == {"wrong corner order"}
    assert [finding.photo for finding in result.of("label without a photo")] == ["labels/lost.json"]
    assert (read_picture(tmp_path / "out" / "contact_sheet.png") == GREEN).all(axis=2).any()


def test_the_photos_that_a_split_copied_are_no_duplicates(photos: PhotoSet):
    for part in ("", "train"):
        photos.add("a", [FACE], draw(1), part)
        photos.add("gone", [FACE], draw(2), part)
    (photos.folder / "images" / "gone.jpg").unlink()  # split by moving some
    photos.add("new", [FACE], draw(3))
    photos.add("new copy", [FACE], draw(1))
    result = audit(photos.folder, out=None)
    assert result.photos == 4
    assert kinds(result, "a") == set()
    assert result.counts == {"duplicate": 1}


def test_pictures_and_json_in_one_folder(photos: PhotoSet):
    photo = photos.add("a", [FACE])
    photos.label("a").rename(photo.with_suffix(".json"))
    result = audit(photo.parent, out=None)
    assert result.findings == []
    assert result.parts[""].faces == 1


def test_missing_and_empty_folders_are_a_persons_mistake(tmp_path):
    with pytest.raises(FaceTrackerError, match="no such folder"):
        audit(tmp_path / "nowhere", out=None)
    with pytest.raises(FaceTrackerError, match="holds no photos"):
        audit(tmp_path, out=None)


def everything_wrong(photos: PhotoSet) -> PhotoSet:
    for number, shapes in enumerate(LABEL_FAULTS.values()):
        photos.add(f"a very long name of a photo that fills the line {number} 중문", shapes, part="train")
    photos.add("cut", [FACE], b"\xff\xd8\xff")
    photos.add("val", [FACE], draw(1), "val")
    for number in range(PER_KIND + 3):
        photos.add(f"copy{number}", [FACE], draw(1), "train")
    return photos


def test_reports_for_the_terminal_and_for_programs(photos: PhotoSet, tmp_path):
    everything_wrong(photos)
    out = tmp_path / "report"
    result = audit(photos.folder, out=out)
    text = as_text(result)
    assert max(map(len, text.splitlines())) <= WIDTH
    for kind in result.counts:
        assert kind in text
    assert "more in audit.json" in text
    assert f"faults in {len(result.faulty)} photos" in text
    data = json.loads((out / "audit.json").read_text())
    assert data["counts"] == result.counts
    assert len(data["findings"]) == len(result.findings)
    assert set(data["findings"][0]) >= {"photo", "kind", "level", "detail", "fix"}
    assert all(len(fix) <= 39 for _, fix in KINDS.values())


def test_contact_sheet_shows_the_offenders_with_their_boxes(photos: PhotoSet, tmp_path):
    photos.add("bad", [rectangle(-30, 20, 80, 90)])
    audit(photos.folder, out=tmp_path / "one")
    sheet = read_picture(tmp_path / "one" / "contact_sheet.png")
    red = (sheet[..., 2] > 200) & (sheet[..., 0] < 90) & (sheet[..., 1] < 90)
    assert red.sum() > 200
    photos.add("cut", [FACE], b"")
    photos.add("two", [rectangle(90, 10, 30, 60)])
    audit(photos.folder, out=tmp_path / "one")
    beside = read_picture(tmp_path / "one" / "contact_sheet.png")
    assert beside.shape[0] == sheet.shape[0]  # three kinds with a photo each fit into one row
    assert beside.shape[1] == 3 * sheet.shape[1]
    for number in range(8):
        photos.add(f"more{number}", [rectangle(90, 10, 30, 60)])
    audit(photos.folder, out=tmp_path / "one")
    assert read_picture(tmp_path / "one" / "contact_sheet.png").shape[0] > 2.5 * sheet.shape[0]


def test_sheet_of_a_set_that_became_sound_goes_away(photos: PhotoSet, tmp_path):
    photos.add("bad", [rectangle(80, 20, 20, 90)])
    audit(photos.folder, out=tmp_path / "out")
    assert (tmp_path / "out" / "contact_sheet.png").exists()
    photos.add("bad", [FACE])
    audit(photos.folder, out=tmp_path / "out")
    assert not (tmp_path / "out" / "contact_sheet.png").exists()


def test_a_folder_with_something_else_is_not_written_into(photos: PhotoSet, tmp_path):
    photos.add("a", [FACE])
    with pytest.raises(FaceTrackerError, match="no folder of an audit"):
        audit(photos.folder, out=photos.folder)


def test_worker_processes_find_the_same(photos: PhotoSet, monkeypatch):
    everything_wrong(photos)
    alone = audit(photos.folder, out=None, workers=1)
    monkeypatch.setattr(audit_module, "POOL_FROM", 1)
    monkeypatch.setattr(audit_module, "CHUNK", 5)
    assert audit(photos.folder, out=None, workers=2).findings == alone.findings


def test_a_group_that_no_worker_survives_is_looked_at_here(photos: PhotoSet, monkeypatch):
    everything_wrong(photos)
    alone = audit(photos.folder, out=None, workers=1)
    monkeypatch.setattr(audit_module, "CHUNK", 5)
    usual = audit_module.run_tasks

    def deadly(function, chunks, *others):
        for number, result in usual(function, chunks, *others):
            yield number, WorkerDied("killed") if number == 1 else result

    monkeypatch.setattr(audit_module, "run_tasks", deadly)
    assert audit(photos.folder, out=None).findings == alone.findings


@pytest.mark.shared
def test_the_tutorial_users_own_folder(shared, tmp_path):
    result = audit(shared / "data" / "webcam", out=tmp_path / "out")
    assert result.photos == 90
    assert result.counts["not labelled"] == 18
    assert result.classes == {"face": 72}
    assert set(result.counts) <= {"near-duplicate across the split", "near-duplicate", "not labelled"}
