"""Photos and shards in an object store: the same bytes as in a folder of this machine."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from facetracker.core.errors import FaceTrackerError
from facetracker.core.places import as_path, is_remote
from facetracker.core.settings import load_settings
from facetracker.data.augment.augment import augment
from facetracker.data.records import shards_in
from facetracker.data.share import Share
from facetracker.data.table import read_table
from tests.data.conftest import fingerprint_of


@pytest.fixture
def store():
    """An empty object store in the memory of this process."""
    fsspec = pytest.importorskip("fsspec")
    files = fsspec.filesystem("memory")
    files.store.clear()
    files.pseudo_dirs[:] = [""]  # a folder left over would take in what is put in its place
    yield files
    files.store.clear()


@pytest.fixture
def remote_photos(store, photos) -> str:
    store.put(str(photos), "/bucket/photos", recursive=True)
    return "memory://bucket/photos"


def made_in(folder: Path) -> dict[str, str]:
    """Everything in a folder but the files that name rejects with the folder they lie in."""
    found = fingerprint_of(folder)
    return {name: digest for name, digest in found.items() if name != "rejects.txt" and not name.startswith(".done")}


@pytest.mark.parametrize("format", ["jpeg", "tfrecord"])
def test_augment_from_store_to_store(store, remote_photos, photos, tmp_path, format):
    how = {"variants": 2, "size": 64, "format": format, "workers": 1}
    here = augment(photos, tmp_path / "here", **how)
    there = augment(remote_photos, "memory://bucket/out", **how)
    store.get("/bucket/out", str(tmp_path / "there"), recursive=True)
    assert made_in(tmp_path / "here") == made_in(tmp_path / "there")
    assert [Path(path).name for path, _ in here.rejects] == [Path(path).name for path, _ in there.rejects]
    assert len(there.rejects) == 2
    again = augment(remote_photos, "memory://bucket/out", **how)
    assert again.made == 0
    with pytest.raises(FaceTrackerError, match="another seed"):
        augment(remote_photos, "memory://bucket/out", seed=1, **how)
    augment(remote_photos, "memory://bucket/out", seed=1, force=True, **how)
    augment(photos, tmp_path / "anew", seed=1, **how)
    store.get("/bucket/out", str(tmp_path / "changed"), recursive=True)
    assert made_in(tmp_path / "anew") == made_in(tmp_path / "changed")


def test_the_loader_reads_shards_from_a_store(store, photos, tmp_path):
    from facetracker.training.photos import read_photos

    augment(photos, tmp_path / "aug", variants=2, size=64, format="tfrecord", shard_photos=3, workers=1)
    store.put(str(tmp_path / "aug"), "/bucket/aug", recursive=True)
    here, there = (read_table(place, "train") for place in (tmp_path / "aug", "memory://bucket/aug"))
    assert here.names == there.names
    assert here.jpegs == there.jpegs
    settings = load_settings("nano", ["model.image_size=64"])
    ours, theirs = (read_photos(place, settings) for place in (tmp_path / "aug", "memory://bucket/aug"))
    np.testing.assert_array_equal(ours.train.pictures, theirs.train.pictures)
    np.testing.assert_array_equal(ours.val.boxes, theirs.val.boxes)


def test_the_pipeline_reads_photos_from_a_store(remote_photos, photos):
    from facetracker.data.pipeline import load_dataset

    for ours, theirs in zip(
        *(load_dataset(place, "val", image_size=64) for place in (photos, remote_photos)), strict=True
    ):
        np.testing.assert_array_equal(ours[0], theirs[0])
        np.testing.assert_array_equal(ours[1]["boxes"], theirs[1]["boxes"])


def test_each_worker_opens_its_own_shards(photos, tmp_path):
    augment(photos, tmp_path / "aug", variants=2, size=64, format="tfrecord", shard_photos=3, workers=1)
    shards = shards_in(tmp_path / "aug", "train")
    assert len(shards) == 4
    whole = read_table(tmp_path / "aug", "train").names
    parts = [read_table(tmp_path / "aug", "train", share=Share(number, 2)).names for number in range(2)]
    assert sorted(parts[0] + parts[1]) == sorted(whole)
    assert not set(parts[0]) & set(parts[1])
    shards[1].write_bytes(b"damaged")
    assert read_table(tmp_path / "aug", "train", share=Share(0, 2)).names == parts[0]
    many = [read_table(tmp_path / "aug", "val", share=Share(number, 3)).names for number in range(3)]
    assert sorted(name for names in many for name in names) == sorted(read_table(tmp_path / "aug", "val").names)


@pytest.mark.parametrize(
    ("place", "expected", "remote"),
    [
        ("data", "data", False),
        ("file:///tmp/data", "/tmp/data", False),
        ("memory://bucket/data", "memory://bucket/data", True),
        (Path("memory://bucket/data"), "memory://bucket/data", True),  # what a command line makes of it
        ("C:/data", "C:/data", False),
    ],
)
def test_addresses_and_folders(place, expected, remote):
    path = as_path(place)
    assert str(path) == expected
    assert is_remote(path) == remote
    assert as_path(path) == path


def test_an_address_that_cannot_be_opened_is_one_line():
    with pytest.raises(FaceTrackerError, match=r"^nosuch:// cannot be opened .*docs/scale\.md\.$"):
        as_path("nosuch://bucket/data")


@pytest.mark.cluster
def test_a_ray_task_reads_and_writes_by_address(ray, photos, tmp_path):
    how = {"variants": 2, "size": 64, "format": "tfrecord", "shard_photos": 4}
    augment(photos, tmp_path / "here", workers=1, **how)
    augment(f"file://{photos}", f"file://{tmp_path}/there", on="ray", **how)
    assert fingerprint_of(tmp_path / "here") == fingerprint_of(tmp_path / "there")
