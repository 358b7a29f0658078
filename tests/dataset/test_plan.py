"""The plan of `augment`: every photo in one job, made when it is asked for, and nothing held for each photo."""

from __future__ import annotations

import json
import os
import tracemalloc
from pathlib import Path

import pytest

from facetracker.dataset.augment import Report, augment, fill
from facetracker.dataset.layout import Pair
from facetracker.dataset.plan import Chosen, Plan
from facetracker.dataset.transforms import read_pipeline
from facetracker.dataset.variants import Recipe
from facetracker.dataset.writing import Job, Outcome

RECIPE = Recipe(read_pipeline("standard"), 0, 2)
FEW, MANY = 500, 5000  # photos
MOST = 30  # bytes a photo that the driver may hold; as a list of samples it was 1,900


def planned(format: str, folder: Path = Path("aug"), **how) -> Plan:
    """Five photos in train and two in val, of which the last has no label file."""
    plan = Plan(folder, RECIPE, format, **how)
    for partition, stems in (("train", "abcde"), ("val", "fg")):
        images, labels = Path("data", partition, "images"), Path("data", partition, "labels")
        pairs = [Pair(images / f"{s}.jpg", None if s == "g" else labels / f"{s}.json", partition) for s in stems]
        plan.add(partition, images, pairs)
    plan.add("test", Path("data/test/images"), [])
    return plan


def test_files_are_a_job_a_photo():
    plan = planned("jpeg")
    assert [(job.partition, job.name, job.clean) for job in map(plan.__getitem__, range(len(plan)))] == [
        *(("train", stem, False) for stem in "abcde"),
        *(("val", stem, True) for stem in "fg"),
    ]
    labels = [pair.label for number in range(7) for pair in plan[number].pairs]
    assert labels[0] == Path("data/train/labels/a.json")
    assert labels[5:] == [Path("data/val/labels/f.json"), None]
    assert plan.done_file(6) == plan[6].done_file == Path("aug/.done/val/g.json")
    with pytest.raises(IndexError):
        plan[7]


def test_photos_are_dealt_to_shards_as_cards():
    plan = planned("tfrecord", shard_photos=2)
    dealt = ["".join(pair.stem for pair in plan[number].pairs) for number in range(len(plan))]
    assert dealt == ["ad", "be", "c", "fg"]
    assert list(plan.names("train")) == [f"train-0000{number}-of-00003.tfrecord" for number in range(3)]
    assert list(plan.names("test")) == []
    assert plan.photo(1) == Path("data/train/images/b.jpg")
    chosen = Chosen(plan)
    for number in (0, 2):
        chosen.add(number)
    assert (len(chosen), chosen.photos, chosen.number(1), chosen[1]) == (2, 3, 2, plan[2])


def test_a_label_that_breaks_on_the_way_is_a_reject(data, tmp_path):
    plan = Plan(tmp_path / "aug", RECIPE, "tfrecord")
    fill(plan, data, Report(tmp_path / "aug"))
    broken = data / "train/labels/00-001.json"
    broken.write_text("{")
    outcome = plan[0].run()
    assert [path for path, _ in outcome.rejects] == [str(broken)]
    assert outcome.pictures == 6


@pytest.mark.parametrize("done", [True, False])
def test_the_index_is_what_json_writes(data, tmp_path, monkeypatch, done):
    for folder, suffix in (("images", "jpg"), ("labels", "json")):
        (data / f"train/{folder}/00-001.{suffix}").rename(data / f"train/{folder}/ä\u2028b.{suffix}")
    if not done:
        monkeypatch.setattr("facetracker.dataset.augment.run_job", Job.digest)  # leaves nothing behind
    augment(data, tmp_path / "aug", variants=1, workers=1, format="tfrecord", shard_photos=3)
    text = (tmp_path / "aug/train/index.json").read_text()
    assert text == json.dumps(json.loads(text), indent=2, ensure_ascii=False) + "\n"
    assert len(json.loads(text)["shards"]) == (2 if done else 0)


def nothing_made(job: Job) -> Outcome:
    """Stands for a worker, whose memory is its own."""
    return Outcome(pictures=len(job.pairs), photos={pair.stem: 1 for pair in job.pairs})


@pytest.mark.parametrize("format", ["jpeg", "tfrecord"])
def test_the_memory_of_the_driver_does_not_grow_with_the_photos(data, tmp_path, monkeypatch, format):
    monkeypatch.setattr("facetracker.dataset.augment.run_job", nothing_made)
    monkeypatch.setattr("facetracker.dataset.augment.preview_of", lambda plan, undone: None)
    peaks = {count: peak(replicated(data, tmp_path / str(count), count), format) for count in (MANY, FEW)}
    assert (peaks[MANY] - peaks[FEW]) / (MANY - FEW) < MOST


def replicated(data: Path, folder: Path, count: int) -> Path:
    """A photo and its label file under so many names."""
    for place, suffix in (("images", "jpg"), ("labels", "json")):
        (folder / "train" / place).mkdir(parents=True)
        for number in range(count):
            os.link(data / f"train/{place}/00-000.{suffix}", folder / f"train/{place}/photo-{number:06d}.{suffix}")
    return folder


def peak(photos: Path, format: str) -> int:
    """Bytes of Python's objects at the worst moment of a second run: in the first its own tables grow."""
    augment(photos, photos / "first", variants=1, workers=1, format=format)
    tracemalloc.start()
    augment(photos, photos / "second", variants=1, workers=1, format=format)
    most = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    return most
