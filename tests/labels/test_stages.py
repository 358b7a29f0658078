"""What only a machine has labelled is reported by every stage, and trained or judged on by none."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest

from facetracker.core.errors import FaceTrackerError
from facetracker.core.settings import load_settings
from facetracker.data.augment.augment import augment
from facetracker.data.split import split
from facetracker.labels.audit.audit import audit
from facetracker.labels.audit.report import as_text
from facetracker.labels.collection import Collection
from facetracker.labels.formats.convert import convert
from facetracker.labels.labelme import read_content, write_content
from facetracker.labels.program import standing
from facetracker.labels.provenance import accepted, state_of
from facetracker.reports.evaluation.photos import labelled_photos


def accept(path: Path) -> None:
    """A person has looked and found it right."""
    write_content(path, accepted(read_content(path)))


@pytest.fixture
def half(prelabelled: Path) -> Path:
    """Six prelabelled photos, of which a person has looked at three."""
    for number in range(3):
        accept(prelabelled / "labels" / f"p{number}.json")
    return prelabelled


def test_the_audit_names_them(half, tmp_path):
    report = audit(half, out=None, workers=1)
    assert report.counts["only prelabelled"] == 3
    assert report.parts[""].labelled == 3
    assert report.parts[""].no_face == 1
    assert "only prelabelled" in as_text(report)
    assert report.exit_code == 0


def test_audits_repairs_are_no_review(half, tmp_path):
    done = audit(half, rename={"face": "anna"}, out=tmp_path / "audit", workers=1)
    assert len(done.fixed) == 5  # the empty wall has no shape to rename
    content = read_content(half / "labels" / "p5.json")
    assert content["shapes"][0]["label"] == "anna"
    assert state_of(content) == "prelabelled"


def test_how_far_the_labelling_is(half):
    labelling = standing(half / "images", half / "labels")
    assert (labelling.photos, labelling.labelled, labelling.no_face, labelling.prelabelled) == (6, 3, 1, 3)
    assert str(labelling).endswith("3 to go (3 of them prelabelled)")


def test_split_brings_them_along_and_takes_the_reviewed_label_later(half):
    first = split(half, ratios=(1, 0, 0), by="photo")
    assert first.prelabelled == 3
    assert any("only prelabelled" in line for line in first.lines())
    accept(half / "labels" / "p4.json")
    second = split(half, ratios=(1, 0, 0), by="photo")
    assert (second.prelabelled, second.differing) == (2, 0)
    assert state_of(read_content(half / "train" / "labels" / "p4.json")) == "reviewed"
    # Another folder depth makes the split write imagePath again; that is no review.
    apart = split(half, half / "deeper" / "set", ratios=(1, 0, 0), by="photo")
    assert apart.prelabelled == 2
    assert state_of(read_content(half / "deeper" / "set" / "train" / "labels" / "p5.json")) == "prelabelled"


def test_readers_leave_them_out_unless_asked(half):
    found = Collection.open(half)
    assert [example.stem for example in found] == ["p0", "p1", "p2"]
    assert len(found.prelabelled) == 3
    assert next((path.name, why) for path, why in found.skipped) == ("p3.jpg", "only prelabelled")
    assert len(Collection.open(half, prelabelled=True)) == 6
    photos = labelled_photos(half)
    assert (len(photos.examples), photos.prelabelled) == (3, 3)


def test_augment_leaves_them_out_unless_asked(half, tmp_path):
    split(half, ratios=(1, 0, 0), by="photo")
    report = augment(half, tmp_path / "aug", variants=1, workers=1)
    assert (report.made, report.prelabelled) == (3, 3)
    assert any("--prelabelled" in line for line in report.lines())
    report = augment(half, tmp_path / "all", variants=1, workers=1, prelabelled=True)
    assert (report.made, report.prelabelled) == (6, 0)


@pytest.mark.slow
def test_training_leaves_them_out_unless_asked(half, capsys):
    from facetracker.training.photos import read_photos

    few = read_photos(half, load_settings("nano", ["model.image_size=32"]))
    assert len(few.train) == 3
    assert "3 photos left out: prelabelled" in capsys.readouterr().err
    asked = load_settings("nano", ["model.image_size=32", "data.prelabelled=true"])
    assert len(read_photos(half, asked).train) == 6


def test_nothing_but_prelabelled_photos_says_what_to_do(prelabelled):
    from facetracker.training.photos import read_photos

    with pytest.raises(FaceTrackerError, match=r"6 photos with a model's boxes.*review"):
        read_photos(prelabelled, load_settings("nano"))
    with pytest.raises(FaceTrackerError, match="facetracker review"):
        labelled_photos(prelabelled)


def test_other_formats_get_only_what_a_person_saw(half, tmp_path):
    done = convert(half, tmp_path / "coco", "coco")
    assert (done.photos, done.unlabelled) == (3, 3)
    found = next((tmp_path / "coco").rglob("*.json"))
    assert len(json.loads(found.read_text())["images"]) == 3
    shutil.rmtree(tmp_path / "coco")
