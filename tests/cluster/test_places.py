"""Photos and shards in an object store: the same bytes as in a folder of this machine."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from facetracker.cluster.tasks import Share
from facetracker.core.errors import FaceTrackerError
from facetracker.core.places import as_path, is_remote
from facetracker.core.settings import load_settings
from facetracker.data.augment.augment import augment
from facetracker.labels.collection import Collection
from facetracker.labels.records import shards_in
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
    augment(photos, tmp_path / "other", seed=1, **how)
    store.get("/bucket/out", str(tmp_path / "changed"), recursive=True)
    assert made_in(tmp_path / "other") == made_in(tmp_path / "changed")


def test_the_loader_reads_shards_from_a_store(store, photos, tmp_path):
    from facetracker.training.photos import read_photos

    augment(photos, tmp_path / "aug", variants=2, size=64, format="tfrecord", shard_photos=3, workers=1)
    store.put(str(tmp_path / "aug"), "/bucket/aug", recursive=True)
    here, there = (Collection.open(place, "train") for place in (tmp_path / "aug", "memory://bucket/aug"))
    assert [(one.stem, one.jpeg) for one in here] == [(one.stem, one.jpeg) for one in there]
    settings = load_settings("nano", ["model.image_size=64"])
    ours, theirs = (read_photos(place, settings) for place in (tmp_path / "aug", "memory://bucket/aug"))
    np.testing.assert_array_equal(ours.train.pictures, theirs.train.pictures)
    np.testing.assert_array_equal(ours.val.boxes, theirs.val.boxes)


def test_photos_are_read_from_a_store(remote_photos, photos):
    from facetracker.data.pool import read_pool

    ours, theirs = (read_pool(Collection.open(place, "val"), ["face"], 64, most=4) for place in (photos, remote_photos))
    np.testing.assert_array_equal(ours.pictures, theirs.pictures)
    np.testing.assert_array_equal(ours.boxes, theirs.boxes)


def test_each_worker_opens_its_own_shards(photos, tmp_path):
    augment(photos, tmp_path / "aug", variants=2, size=64, format="tfrecord", shard_photos=3, workers=1)
    shards = shards_in(tmp_path / "aug", "train")
    assert len(shards) == 4
    whole = names_of(tmp_path, "train", Share())
    parts = [names_of(tmp_path, "train", Share(number, 2)) for number in range(2)]
    assert sorted(parts[0] + parts[1]) == sorted(whole)
    assert not set(parts[0]) & set(parts[1])
    shards[1].write_bytes(b"damaged")
    assert names_of(tmp_path, "train", Share(0, 2)) == parts[0]
    many = [names_of(tmp_path, "val", Share(number, 3)) for number in range(3)]
    assert sorted(name for names in many for name in names) == sorted(names_of(tmp_path, "val", Share()))


def names_of(place: Path, part: str, share: Share) -> list[str]:
    return [example.stem for example in Collection.open(place / "aug", part, share=share)]


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
