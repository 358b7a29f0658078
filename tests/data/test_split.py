"""The stage `split`: who stays together, who goes where, and that nothing is lost or done twice."""

from __future__ import annotations

import json
import shutil
from collections import Counter
from pathlib import Path

import cv2
import numpy as np
import pytest

from facetracker.core.errors import FaceTrackerError
from facetracker.core.files import read_json, write_json
from facetracker.core.photo import write_jpeg
from facetracker.data.grouping import assign
from facetracker.data.split import split
from facetracker.labels.labelme import read_labels
from facetracker.labels.pairing import Pairs, pairs_in, places_in
from tests.data.conftest import fingerprint_of

RNG = np.random.default_rng(0)


def noise(shape=(40, 50)) -> np.ndarray:
    """A picture like no other."""
    return cv2.resize(RNG.integers(0, 255, (9, 10, 3), np.uint8), shape[::-1], interpolation=cv2.INTER_NEAREST)


def label_text(name: str) -> dict:
    shape = {"label": "face", "points": [[5, 5], [20, 25]], "shape_type": "rectangle", "mine": 1}
    return {"shapes": [shape], "imagePath": f"..\\images\\{name}", "imageHeight": 40, "imageWidth": 50, "kept": [1]}


@pytest.fixture
def photos(tmp_path):
    """20 photos of 5 sessions, all different; 18 labelled."""
    folder = tmp_path / "data"
    for number in range(20):
        name = f"20260101-00000{number // 4}-abcd_{number:05d}.jpg"
        write_jpeg(folder / "images" / name, noise())
        if number < 18:
            write_json(folder / "labels" / f"{name[:-4]}.json", label_text(name))
    return folder


def placed(folder: Path) -> Pairs:
    return pairs_in(*places_in(folder).parts.values())


def places(folder) -> dict[str, str]:
    return {pair.stem: pair.part for pair in placed(folder).pairs}


def test_the_ratios_hold_and_each_label_goes_with_its_photo(photos):
    report = split(photos, by="photo", ratios=(0.7, 0.15, 0.15))
    assert report.counts == {"train": 14, "val": 3, "test": 3}
    assert report.added == 20
    assert report.unlabelled == 2
    layout = placed(photos)
    assert len(layout.pairs) == 20
    assert not layout.orphans
    for pair in layout.pairs:
        assert pair.photo.stat().st_ino == (photos / "images" / pair.photo.name).stat().st_ino
        if pair.label is not None:
            assert pair.label.parent.parent == pair.photo.parent.parent
            assert pair.label.read_bytes() == (photos / "labels" / pair.label.name).read_bytes()
    assert sum(pair.label is None for pair in layout.pairs) == 2


def test_sessions_stay_together(photos):
    report = split(photos, by="session")
    assert report.by == "session"
    by_session: dict[str, set] = {}
    for stem, part in places(photos).items():
        by_session.setdefault(stem[:15], set()).add(part)
    assert len(by_session) == 5
    assert all(len(parts) == 1 for parts in by_session.values())
    assert set(report.counts) == {"train", "val", "test"}


def test_near_duplicates_never_cross_even_between_sessions(photos):
    picture = noise()
    twins = ["20260101-000000-abcd_00900", "20260101-000004-abcd_00901", "other"]
    for brightness, stem in enumerate(twins):
        write_jpeg(photos / "images" / f"{stem}.jpg", cv2.add(picture, (brightness, brightness, brightness, 0)))
    for by in ("session", "near-duplicate"):
        shutil.rmtree(photos / "train", ignore_errors=True)
        out = photos.parent / by
        split(photos, out, by=by)
        assert len({places(out)[stem] for stem in twins}) == 1, by


def test_one_session_alone_is_split_by_near_duplicates_with_a_warning(photos):
    for path in list(photos.rglob("*.jpg")) + list(photos.rglob("*.json")):
        path.rename(path.with_name(path.name.replace(path.name[:15], "20260101-000000")))
    report = split(photos)
    assert report.by == "near-duplicate"
    assert any("look too good" in line for line in report.lines())
    assert report.counts["train"] == 14


def test_a_set_that_is_nearly_one_picture_is_said(tmp_path):
    for number in range(6):
        write_jpeg(tmp_path / "images" / f"{number}.jpg", np.full((40, 50, 3), 100 + number, np.uint8))
    report = split(tmp_path, by="near-duplicate")
    assert any("belong together" in line for line in report.lines())


@pytest.mark.parametrize("move", [False, True])
def test_again_with_the_same_arguments_nothing_changes(photos, move):
    split(photos, by="near-duplicate", move=move)
    before = fingerprint_of(photos)
    report = split(photos, by="near-duplicate", move=move)
    assert report.added == 0
    assert fingerprint_of(photos) == before
    assert any("nothing to do" in line for line in report.lines())


def test_moving_leaves_nothing_behind(photos):
    split(photos, move=True)
    assert not list((photos / "images").iterdir())
    assert not list((photos / "labels").iterdir())
    assert len(places(photos)) == 20


def test_photos_that_come_later_are_added_and_none_moves(photos):
    split(photos, by="session")
    before = places(photos)
    session = "20260101-000000"
    write_jpeg(photos / "images" / f"{session}-abcd_00999.jpg", noise())
    for number in range(8):
        write_jpeg(photos / "images" / f"20260202-00000{number}-abcd_00001.jpg", noise())
    report = split(photos, by="session")
    after = places(photos)
    assert report.added == 9
    assert {stem: after[stem] for stem in before} == before
    assert after[f"{session}-abcd_00999"] == before[f"{session}-abcd_00000"]


@pytest.mark.parametrize("move", [False, True])
def test_other_arguments_need_force_and_then_move_files_between_parts(photos, move):
    split(photos, by="photo", seed=0, move=move)
    old = places(photos)
    with pytest.raises(FaceTrackerError, match=r"split already, with --seed 0.*--force"):
        split(photos, by="photo", seed=1, move=move)
    split(photos, by="photo", seed=1, move=move, force=True)
    new = places(photos)
    assert old != new
    assert sorted(old) == sorted(new)
    assert not placed(photos).orphans
    fresh = photos.parent / "fresh"
    if not move:
        split(photos, fresh, by="photo", seed=1)
        assert places(fresh) == new


def test_a_label_made_after_the_split_follows_and_one_that_differs_is_said(photos):
    split(photos, by="photo")
    stem = "20260101-000004-abcd_00019"
    write_json(photos / "labels" / f"{stem}.json", label_text(f"{stem}.jpg"))
    other = photos / "labels" / "20260101-000000-abcd_00000.json"
    write_json(other, {**label_text("20260101-000000-abcd_00000.jpg"), "shapes": []})
    report = split(photos, by="photo")
    assert report.differing == 1
    part = places(photos)
    assert (photos / part[stem] / "labels" / f"{stem}.json").is_file()
    there = photos / part[other.stem] / "labels" / other.name
    assert len(json.loads(there.read_text())["shapes"]) == 1
    split(photos, by="photo", force=True)
    assert there.read_bytes() == other.read_bytes()


def test_labelmes_own_layout_gets_paths_that_lead_somewhere(tmp_path):
    for number in range(3):
        write_jpeg(tmp_path / f"{number}.jpg", noise())
        write_json(tmp_path / f"{number}.json", {**label_text(""), "imagePath": f"{number}.jpg"})
    (tmp_path / "2.json").write_text("{")
    split(tmp_path, tmp_path / "out", by="photo")
    for pair in placed(tmp_path / "out").pairs:
        assert pair.label is not None
        if pair.stem == "2":
            assert pair.label.read_text() == "{"
            continue
        content = json.loads(pair.label.read_text())
        assert content["kept"] == [1]
        assert (pair.label.parent / content["imagePath"]).resolve() == pair.photo.resolve()
        assert len(read_labels(pair.label)) == 1


def test_a_split_folder_can_be_split_again_elsewhere(photos):
    split(photos, photos.parent / "first", by="photo")
    with pytest.raises(FaceTrackerError, match="split already, though not by this command"):
        split(_without_plan(photos.parent / "first"))
    report = split(photos.parent / "first", photos.parent / "second", by="photo", seed=5)
    assert report.added == 20


def _without_plan(folder):
    (folder / "split.json").unlink()
    return folder


def test_two_parts_with_one_name(photos):
    split(photos, photos.parent / "first", by="photo")
    first = photos.parent / "first"
    name = next((first / "train/images").iterdir()).name
    shutil.copy(first / "train/images" / name, first / "val/images" / name)
    report = split(first, photos.parent / "second", by="photo")
    assert len(report.rejects) == 1
    assert len(places(photos.parent / "second")) == 20


def test_an_unreadable_photo_is_named_and_still_placed(photos):
    (photos / "images" / "broken.jpg").write_bytes(b"\xff\xd8 no picture")
    (photos / "images" / "20260101-000000-abcd_00000.png").write_bytes(b"a double")
    report = split(photos)
    assert len(report.rejects) == 2
    assert "broken" in places(photos)


@pytest.mark.parametrize("ratios", [(0.5, 0.5), (0, 0.5, 0.5), (-1, 1, 1)])
def test_ratios_that_are_none(photos, ratios):
    with pytest.raises(FaceTrackerError, match="three shares"):
        split(photos, ratios=ratios)


def test_folders_without_photos(tmp_path):
    with pytest.raises(FaceTrackerError, match="no such folder"):
        split(tmp_path / "nothing")
    with pytest.raises(FaceTrackerError, match="holds no photos"):
        split(tmp_path)
    write_json(tmp_path / "split.json", [1])
    with pytest.raises(FaceTrackerError, match="no plan"):
        split(tmp_path)


@pytest.mark.parametrize(
    "change",
    [
        {"kept_together_by": None},
        {"groups": "many"},
        {"photos": []},
        {"photos": {"a": "../../elsewhere"}},
        {"photos": {"a": ["train"]}},
    ],
)
def test_a_plan_that_somebody_has_changed_is_refused_whole(photos, change):
    split(photos)
    path = photos / "split.json"
    write_json(path, {**read_json(path), **change})
    before = sorted(photos.rglob("*"))
    with pytest.raises(FaceTrackerError, match="no plan of a split"):
        split(photos)
    assert sorted(photos.rglob("*")) == before


def test_assign_fills_what_lacks_most_and_keeps_groups_whole():
    groups = {f"{group}{member}": group for group in "abcdefghij" for member in range(10)}
    chosen = assign(groups, (0.7, 0.2, 0.1), seed=0)
    assert Counter(chosen.values()) == {"train": 70, "val": 20, "test": 10}
    assert all(len({chosen[f"{group}{member}"] for member in range(10)}) == 1 for group in "abcdefghij")
    assert assign(groups, (0.7, 0.2, 0.1), seed=1) != chosen
    assert set(assign(groups, (1.0, 0.0, 0.0), seed=0).values()) == {"train"}
