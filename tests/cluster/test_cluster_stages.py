"""The stages on Ray give what they give on one machine: the same bytes, the same findings, the same rejects."""

from __future__ import annotations

import shutil

import pytest

from facetracker.core.errors import FaceTrackerError
from facetracker.data.augment.augment import augment
from facetracker.labels.audit.audit import audit
from facetracker.labels.prelabel import prelabel
from facetracker.reports.evaluation import evaluate
from tests.data.conftest import fingerprint_of


@pytest.mark.cluster
@pytest.mark.parametrize("format", ["jpeg", "tfrecord"])
def test_augment_writes_the_same_bytes(ray, photos, tmp_path, format):
    here, there = (
        augment(photos, tmp_path / on, variants=3, size=64, format=format, workers=1, on=on) for on in ("local", "ray")
    )
    assert fingerprint_of(tmp_path / "local") == fingerprint_of(tmp_path / "ray")
    assert sorted(here.rejects) == sorted(there.rejects)
    assert len(there.rejects) == 2
    assert (here.made, here.total("pictures")) == (there.made, there.total("pictures"))
    assert augment(photos, tmp_path / "ray", variants=3, size=64, format=format, on="ray").made == 0


@pytest.mark.cluster
def test_audit_finds_the_same(ray, photos):
    here, there = (audit(photos, out=None, on=on) for on in ("local", "ray"))
    assert here.findings == there.findings
    assert len(there.faulty) == 2
    assert here.parts == there.parts


@pytest.mark.cluster
def test_evaluate_measures_the_same(ray, photos):
    here, there = (evaluate("starter", photos, "train", threads=1, on=on) for on in ("local", "ray"))
    assert here.models[0].scores.as_dict() == there.models[0].scores.as_dict()
    assert [one.name for one in here.models[0].answers] == [one.name for one in there.models[0].answers]
    assert list(here.rejects) == list(there.rejects)
    assert len(there.rejects) == 2


@pytest.mark.cluster
def test_prelabel_writes_the_same_labels(ray, photos, tmp_path):
    done = {}
    for on in ("local", "ray"):
        shutil.copytree(photos / "train/images", tmp_path / on / "images")
        done[on] = prelabel(tmp_path / on, threads=1, on=on)
    assert fingerprint_of(tmp_path / "local") == fingerprint_of(tmp_path / "ray")
    here, there = done["local"], done["ray"]
    assert len(there.written) == 11
    assert (here.faces, here.no_face, len(here.rejects)) == (there.faces, there.no_face, len(there.rejects))
    assert len(there.rejects) == 1


def test_the_options_are_checked():
    from facetracker.cli.cluster import where

    assert where("local", None) == {"on": "local", "address": None}
    with pytest.raises(FaceTrackerError, match="--on spark: not known"):
        where("spark", None)
    with pytest.raises(FaceTrackerError, match="Pass --on ray"):
        where("local", "auto")
